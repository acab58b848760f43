"""A code mailed to an address that somebody says is theirs, before it belongs to anybody: joining, and another address.

What was typed waits in the session of the browser that asked; nothing about a stranger is stored elsewhere until the code
comes back. Of the code the session holds a keyed digest. Ten minutes, three tries, and the counters of sign_in_limits.
"""

import datetime as dt
import hmac
import secrets
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from customers import sign_in_limits

VALID = dt.timedelta(minutes=10)
MOST_TRIES = 3
MOST_MAILS = 3  # for one form; then it is to be filled in again


class CodeWrong(Exception):
    """This is not the code that was mailed; there are tries left."""

    def __init__(self) -> None:
        super().__init__(_("This is not the code that we mailed. Please look again."))


class CodeGone(Exception):
    """No code is waiting: it was used, is too old or was guessed at too often."""

    def __init__(self) -> None:
        super().__init__(_("This code is no longer valid. Please ask for a new one."))


def ask(session: SessionBase, *, purpose: str, email: str, data: dict[str, Any], now: dt.datetime) -> str:
    """Keep what was typed until the code comes back, and return the code to be mailed; it ends the one before."""
    session[_key(purpose)] = {"email": email, "data": data, "mails": 0}
    return renew(session, purpose=purpose, now=now)


def renew(session: SessionBase, *, purpose: str, now: dt.datetime) -> str:
    """Return another code for what is waiting. Raises CodeGone when nothing is, or after three mails."""
    asked = session.get(_key(purpose))
    if asked is None or asked["mails"] >= MOST_MAILS:
        raise CodeGone
    code, salt = get_adapter().generate_login_code(), secrets.token_hex(8)
    asked |= {"salt": salt, "digest": _digest(salt, code), "until": (now + VALID).timestamp(), "tries": 0}
    session[_key(purpose)] = asked | {"mails": asked["mails"] + 1}
    return code


def waiting(session: SessionBase, *, purpose: str) -> str:
    """Return the address whose code is waited for, empty when none is."""
    return (session.get(_key(purpose)) or {}).get("email", "")


def may_renew(session: SessionBase, *, purpose: str) -> bool:
    """Return whether another mail may be asked for."""
    return (session.get(_key(purpose)) or {}).get("mails", MOST_MAILS) < MOST_MAILS


def check(
    session: SessionBase, *, purpose: str, code: str, address: str, now: dt.datetime
) -> tuple[str, dict[str, Any]]:
    """Use the code up and return the e-mail address and what was typed. Raises CodeWrong, CodeGone or TooManyTries.

    `address` is the network address of whoever types.
    """
    asked = session.get(_key(purpose))
    if asked is None or asked["until"] < now.timestamp() or asked["tries"] >= MOST_TRIES:
        raise CodeGone

    def is_right() -> bool:
        return constant_time_compare(asked["digest"], _digest(asked["salt"], code))

    session[_key(purpose)] = asked | {"tries": asked["tries"] + 1}
    if not sign_in_limits.look_at(account=asked["email"], address=address, is_right=is_right, now=now):
        raise CodeGone if asked["tries"] + 1 >= MOST_TRIES else CodeWrong
    del session[_key(purpose)]
    return asked["email"], asked["data"]


def forget(session: SessionBase, *, purpose: str) -> None:
    """Drop what waits."""
    session.pop(_key(purpose), None)


def _key(purpose: str) -> str:
    return f"mailbox:{purpose}"


def _digest(salt: str, code: str) -> str:
    """Blanks, dashes and small letters make no difference."""
    plain = "".join(code.split()).replace("-", "").upper()
    key = b"customers.mailbox_proofs:1" + settings.SECRET_KEY.encode()
    return hmac.digest(key, f"{salt}:{plain}".encode(), "sha256").hex()
