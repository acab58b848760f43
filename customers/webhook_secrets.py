"""Secrets and signatures of webhooks, after the Standard Webhooks specification (standardwebhooks.com).

A secret reads `whsec_` and base64 of 32 random bytes. It is shown once and stored sealed: signing needs the secret itself,
so a digest would not do, but a copy of the database alone signs nothing.
"""

import base64
import hashlib
import hmac
import secrets
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PREFIX = "whsec_"
BYTES = 32


class SecretUnreadable(Exception):
    """The secret was sealed with another COUPON_KEY; the endpoint needs a new one."""


def generate() -> bytes:
    """Return a new secret."""
    return secrets.token_bytes(BYTES)


def display(secret: bytes) -> str:
    """Write a secret as its receiver keeps it."""
    return PREFIX + base64.b64encode(secret).decode()


def seal(secret: bytes) -> bytes:
    """Encrypt a secret for the database: AES-SIV (RFC 5297) under a key of its own, derived from COUPON_KEY."""
    return _cipher(settings.COUPON_KEY).encrypt(secret, None)


def unseal(sealed: bytes) -> bytes:
    """Decrypt a secret. Raises SecretUnreadable."""
    try:
        return _cipher(settings.COUPON_KEY).decrypt(bytes(sealed), None)
    except InvalidTag as error:
        raise SecretUnreadable from error


def sign(*, message_id: str, timestamp: int, body: bytes, keys: list[bytes]) -> str:
    """Return the header `webhook-signature`: one signature for each secret, the newest first."""
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


@cache
def _cipher(secret: str) -> AESSIV:
    key = HKDF(algorithm=SHA512(), length=64, salt=None, info=b"loyalty webhook secrets 1").derive(secret.encode())
    return AESSIV(key)
