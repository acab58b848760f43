"""What libraries register in the admin and nobody should edit there."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.utils.translation import gettext_noop, ngettext_lazy

# The shop keeps addresses with the customer; a second factor's secret is for nobody's eyes, and is reset on the user's record.
for model in (EmailAddress, Authenticator):
    admin.site.unregister(model)

# Django's own words that its Chinese catalogue does not have yet.
SAID_BY_DJANGO = [gettext_noop("- Select an option -"), gettext_noop("Filter by %(field_name)s")]
# And what it has with another word for "you" than ours.
SAID_BY_DJANGO += [
    gettext_noop("Your password can’t be too similar to your other personal information."),
    gettext_noop("Your password can’t be a commonly used password."),
    ngettext_lazy(
        "Your password must contain at least %(min_length)d character.",
        "Your password must contain at least %(min_length)d characters.",
        1,
    ),
]
# What the log-in library says in forms and messages, in words that its Chinese catalogue does not have or has otherwise than we.
SAID_BY_ALLAUTH = [
    gettext_noop("Code"),
    gettext_noop("Authenticator code"),
    gettext_noop("New Password (again)"),
    gettext_noop("A new set of recovery codes has been generated."),
    gettext_noop("Authenticator app activated."),
    gettext_noop("Authenticator app deactivated."),
]
