"""Personal links: short, derivable, without personal data, and useless for any other purpose than their own.

A token is base64url(version 1 B | key 1 B | purpose 1 B | id 16 B | HMAC-SHA-256 cut to 16 B), 47 characters. The id is that of
an invitation; of a test, the response's.
Whether it may still be used is decided by the rows it points to, never by the token.
"""

import base64
import binascii
import enum
import hashlib
import hmac
import re
import uuid
from functools import cache

from django.conf import settings
from django.urls import reverse

VERSION = 1
_SHAPE = re.compile(r"[A-Za-z0-9_-]{47}")


class Purpose(enum.IntEnum):
    """What a link opens; an unsubscribe link in a forwarded header opens no answers."""

    ANSWER = 1
    UNSUBSCRIBE = 2
    PREFERENCES = 3
    VIEW = 4
    TEST = 5


def token(*, purpose: Purpose, invitation_id: uuid.UUID) -> str:
    """Return the token of an invitation; the same one every time while the key stays."""
    key = _keys((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))[0]
    body = bytes([VERSION, _key_id(key), purpose]) + invitation_id.bytes
    return base64.urlsafe_b64encode(body + _seal(key, body)).rstrip(b"=").decode()


def read(token: str, *, purpose: Purpose) -> uuid.UUID | None:
    """Return the invitation that a token was made for, or None when it is not one of ours for this purpose.

    Takes the same time for every wrong token of the right length. Keys of SECRET_KEY_FALLBACKS are still honoured:
    unsubscribe links never expire.
    """
    if not _SHAPE.fullmatch(token):
        return None
    try:
        raw = base64.urlsafe_b64decode(token + "=")
    except (binascii.Error, ValueError):
        return None
    body, seal = raw[:-16], raw[-16:]
    genuine = False
    for key in _keys((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)):
        genuine |= hmac.compare_digest(_seal(key, body), seal)
    # The last character carries spare bits, so four spellings decode alike; only ours is accepted.
    genuine &= base64.urlsafe_b64encode(raw).rstrip(b"=") == token.encode()
    if not genuine or body[0] != VERSION or body[2] != purpose:
        return None
    return uuid.UUID(bytes=body[3:])


def answer_url(invitation_id: uuid.UUID) -> str:
    """Return the address at which an invitation is answered."""
    return _address("survey_answer", settings.SITE_URL).format(
        token(purpose=Purpose.ANSWER, invitation_id=invitation_id)
    )


def unsubscribe_url(invitation_id: uuid.UUID) -> str:
    """Return the address that ends survey mails, by one click."""
    return _address("survey_unsubscribe", settings.SITE_URL).format(unsubscribe_token(invitation_id))


def unsubscribe_token(invitation_id: uuid.UUID) -> str:
    """Return what stands in the unsubscribe link, for the address that takes the same wish by mail."""
    return token(purpose=Purpose.UNSUBSCRIBE, invitation_id=invitation_id)


@cache
def _address(view: str, site_url: str) -> str:
    """Return where a view lives, with a place for the token; mails are written by the thousand."""
    return site_url + reverse(view, args=["TOKEN"]).replace("TOKEN", "{}")


def preferences_url(invitation_id: uuid.UUID) -> str:
    """Return the address at which somebody says how they wish to be asked."""
    return settings.SITE_URL + reverse(
        "survey_preferences", args=[token(purpose=Purpose.PREFERENCES, invitation_id=invitation_id)]
    )


def view_url(invitation_id: uuid.UUID) -> str:
    """Return the address at which a mail is read in the browser."""
    return settings.SITE_URL + reverse("survey_mail", args=[token(purpose=Purpose.VIEW, invitation_id=invitation_id)])


def test_url(response_id: uuid.UUID) -> str:
    """Return the address at which staff try a survey; nothing there counts."""
    return settings.SITE_URL + reverse("survey_test", args=[token(purpose=Purpose.TEST, invitation_id=response_id)])


@cache
def _keys(secrets: tuple[str, ...]) -> list[bytes]:
    """Derive the keys of links, so that no other use of the secret can make or read one."""
    return [hmac.digest(secret.encode(), b"surveys.links v1", hashlib.sha256) for secret in secrets]


def _key_id(key: bytes) -> int:
    return hashlib.sha256(key).digest()[0]


def _seal(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, hashlib.sha256)[:16]
