"""The code that a member gets at the till, to make the card their own on the web without a receipt.

Made from the record by a key outside the database, so nothing is stored; it dies with the first address that is verified, and after
ninety days. Forty bits, five wrong ones a day for one card (customers.claiming): a guesser needs half a million years.
"""

import datetime as dt
import hmac
import secrets
from hashlib import sha256

from django.conf import settings

from customers.models import Customer, Identifier

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that is taken for something else
LENGTH = 8
VALID = dt.timedelta(days=90)
SALT = b"customers.claim_codes:1"
_MEANT = str.maketrans("OILU", "011V", " -–—.")


def of(customer: Customer, *, now: dt.datetime) -> str:
    """Return a member's code as it is written down, such as 7K3M-9QX2; empty when there is nothing to claim any more."""
    if not is_open(customer, now=now):
        return ""
    code = _code(customer, settings.SECRET_KEY)
    return f"{code[:4]}-{code[4:]}"


def is_open(customer: Customer, *, now: dt.datetime) -> bool:
    """Return whether a card may still be claimed by its code: lately made, without a log-in or a verified address."""
    if customer.user_id is not None or customer.enrolled_at < now - VALID:
        return False
    return not customer.identifiers.filter(kind=Identifier.Kind.EMAIL, verified_at__isnull=False).exists()


def is_right(customer: Customer, typed: str, *, now: dt.datetime) -> bool:
    """Return whether a code is this customer's; small letters, blanks and dashes are forgiven."""
    code = typed.upper().translate(_MEANT).encode()
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    is_same = [secrets.compare_digest(code, _code(customer, key).encode()) for key in keys]
    return any(is_same) and is_open(customer, now=now)


def _code(customer: Customer, key: str) -> str:
    said = f"{customer.pk}:{customer.member_number}:{customer.recorded_at.timestamp():.0f}"
    number = int.from_bytes(hmac.digest(SALT + key.encode(), said.encode(), sha256)[:5])
    return "".join(LETTERS[number >> 5 * place & 31] for place in range(LENGTH))
