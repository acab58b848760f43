"""What Django and the log-in tell of signing in and out, of wrong passwords and of second factors."""

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.internal import ratelimit
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.utils import timezone

from customers import devices, doors
from customers.models import User

FACTORS = (
    (mfa.authenticator_added, "added"), (mfa.authenticator_removed, "removed"), (mfa.authenticator_reset, "reset"),
)  # fmt: skip


def connect() -> None:
    """Listen; called once, when the app is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="customers.devices")
    user_logged_out.connect(_signed_out, dispatch_uid="customers.devices")
    user_login_failed.connect(_wrong_password, dispatch_uid="customers.doors")
    mfa.authentication_failed.connect(_wrong_factor, dispatch_uid="customers.doors")
    for signal, what in FACTORS:
        signal.connect(_FACTOR_CHANGED[what], dispatch_uid="customers.doors")


def _signed_in(*, request: HttpRequest, user: User, **kwargs: Any) -> None:
    agent, now = request.META.get("HTTP_USER_AGENT", ""), timezone.now()
    devices.note_sign_in(user=user, session=request.session, user_agent=agent, now=now)
    records = get_authentication_records(request, user)
    doors.came_in(user=user, method=records[-1]["method"] if records else "", address=_address(request), now=now)


def _signed_out(*, request: HttpRequest | None, **kwargs: Any) -> None:
    if request is not None:
        devices.forget(session_key=request.session.session_key)


def _wrong_password(*, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    account = credentials.get("email") or credentials.get("username") or ""
    doors.turned_away(account=account, method="password", address=_address(request), now=timezone.now())


def _wrong_factor(*, request: HttpRequest, user: User, **kwargs: Any) -> None:
    doors.turned_away(account=user.email, method="mfa", address=_address(request), now=timezone.now())


def _factor_changed(what: str) -> Any:
    def note(*, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
        doors.factor_changed(user=user, what=what, kind=authenticator.type, by=user, now=timezone.now())

    return note


# Kept here: a signal forgets a receiver that nobody else holds.
_FACTOR_CHANGED = {what: _factor_changed(what) for _signal, what in FACTORS}


def _address(request: HttpRequest | None) -> str:
    """Return where a request comes from; a log-in that no request made comes from nowhere."""
    return ratelimit.get_ip(request) if request is not None and request.META.get("REMOTE_ADDR") else ""
