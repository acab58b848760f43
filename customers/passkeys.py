"""Offering a passkey to whoever has just come in by a mailed code: on the page after it, once, and not again when they say later."""

import datetime as dt

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

LATER = "passkey_later"  # a cookie: a passkey belongs to a device, and so does the answer
LATER_FOR = dt.timedelta(days=90)


def is_offered(request: HttpRequest) -> bool:
    """Return whether the page should offer a passkey."""
    records = get_authentication_records(request, request.user)
    if LATER in request.COOKIES or not any(record.get("method") == "code" for record in records):
        return False
    return not Authenticator.objects.filter(user=request.user, type=Authenticator.Type.WEBAUTHN).exists()
