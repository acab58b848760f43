"""What Django tells of signing in and out."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest
from django.utils import timezone

from customers import devices
from customers.models import User


def connect() -> None:
    """Listen; called once, when the app is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="customers.devices")
    user_logged_out.connect(_signed_out, dispatch_uid="customers.devices")


def _signed_in(*, request: HttpRequest, user: User, **kwargs: Any) -> None:
    agent = request.META.get("HTTP_USER_AGENT", "")
    devices.note_sign_in(user=user, session=request.session, user_agent=agent, now=timezone.now())


def _signed_out(*, request: HttpRequest | None, **kwargs: Any) -> None:
    if request is not None:
        devices.forget(session_key=request.session.session_key)
