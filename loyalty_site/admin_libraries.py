"""What libraries register in the admin and nobody should edit there."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.utils.translation import gettext_noop

# The shop keeps addresses with the customer; a second factor's secret is for nobody's eyes, and is reset on the user's record.
for model in (EmailAddress, Authenticator):
    admin.site.unregister(model)

# Django's own words that its Chinese catalogue does not have yet.
SAID_BY_DJANGO = [gettext_noop("- Select an option -")]
