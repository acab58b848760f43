"""The code on a customer's phone: 48 digits that say who shows them and when they were made, and that nobody else can make.

The static code is the member number: it identifies and collects. A fresh code is made anew for every look at the card, spends
within 60 seconds, and once (customers.spending_proof remembers it). Digits alone, since a scanner types like a keyboard and
keyboards differ in where letters are; 48 of them fit a QR code of 25 modules. Nothing is kept when a code is made.

The customer's clock plays no part: the portal's servers make and read the codes, and may differ by TOLERANCE.
"""

import datetime as dt
import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from django.conf import settings

from customers.models import Customer

VALID = dt.timedelta(seconds=60)
TOLERANCE = dt.timedelta(seconds=5)
ID_DIGITS, TIME_DIGITS, NONCE_DIGITS, MAC_DIGITS = 10, 10, 8, 20  # the last are 66 bits
LENGTH = ID_DIGITS + TIME_DIGITS + NONCE_DIGITS + MAC_DIGITS
SALT = b"customers.member_codes:1"


@dataclass(frozen=True, slots=True)
class FreshCode:
    """What a genuine code says; `digest` names it without being of use to whoever reads it."""

    customer_id: int
    made_at: dt.datetime
    digest: str

    def is_fresh(self, now: dt.datetime) -> bool:
        """Whether it may still spend."""
        return self.made_at - TOLERANCE <= now < self.made_at + VALID


def make(*, customer: Customer, now: dt.datetime) -> str:
    """Return a fresh code of a customer."""
    nonce = secrets.randbelow(10**NONCE_DIGITS)
    body = f"{customer.pk:0{ID_DIGITS}}{int(now.timestamp()):0{TIME_DIGITS}}{nonce:0{NONCE_DIGITS}}"
    return body + _mac(body, settings.SECRET_KEY)


def looks_fresh(text: str) -> bool:
    """Return whether a text has the shape of a fresh code, genuine or not; a member number never has."""
    return len(text) == LENGTH and text.isascii() and text.isdecimal()


def read(text: str) -> FreshCode | None:
    """Return what a genuine code says, however old it is; None for everything else."""
    if not looks_fresh(text):
        return None
    body, mac = text[:-MAC_DIGITS], text[-MAC_DIGITS:]
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if not any(hmac.compare_digest(mac, _mac(body, key)) for key in keys):
        return None
    made_at = dt.datetime.fromtimestamp(int(body[ID_DIGITS : ID_DIGITS + TIME_DIGITS]), tz=dt.UTC)
    return FreshCode(int(body[:ID_DIGITS]), made_at, sha256(text.encode()).hexdigest())


def _mac(body: str, key: str) -> str:
    digest = hmac.digest(SALT + key.encode(), body.encode(), "sha256")
    return f"{int.from_bytes(digest) % 10**MAC_DIGITS:0{MAC_DIGITS}}"
