"""Staff show again who they are before what is worth stealing a session for: approvals, API keys, roles.

Within five minutes it is asked once. Where a second factor is required only that one counts, else whatever the person has.
"""

import datetime as dt

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from customers.models import User

LATELY = dt.timedelta(minutes=5)


def confirmed_lately(request: HttpRequest, *, now: dt.datetime) -> bool:
    """Return whether whoever is signed in has shown within the last five minutes who they are."""
    user = request.user
    needs_second = needs_second_factor(user)
    if not needs_second and not user.has_usable_password():
        # Only a mailed code opens the door, and only where the shop requires no second factor: there is nothing to ask for.
        return True
    records = get_authentication_records(request, user)
    counted = [each["at"] for each in records if each["method"] == "mfa" or not needs_second]
    return any(0 <= now.timestamp() - at < LATELY.total_seconds() for at in counted)


def needs_second_factor(user: User) -> bool:
    """Return whether a password is not enough for this person."""
    return settings.STAFF_MFA_REQUIRED or is_mfa_enabled(user)


def ask(request: HttpRequest, *, back: str = "") -> HttpResponse:
    """Lead to the page that asks, and from there back to the page that was wanted. What was posted is not done."""
    if request.method == "POST":
        messages.warning(request, _("Nothing was done yet: please confirm who you are, then press the button again."))
    page = "mfa_reauthenticate" if needs_second_factor(request.user) else "account_reauthenticate"
    return redirect(reverse(page, query={"next": back or request.path}))
