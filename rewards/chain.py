"""The seal on each transaction: a chain per customer and currency, keyed from outside the database.

Each seal covers the one before it, so a row that was changed, removed, added or moved by hand breaks every seal after it.
No personal data goes in: an erasure never breaks the chain.
"""

import datetime as dt
import hmac
from typing import Any

from django.conf import settings

# The columns under the seal, in order; prove_books reads exactly these.
SEALED = (
    "customer_id",
    "sequence",
    "kind",
    "from_account",
    "to_account",
    "points",
    "source",
    "occurred_at",
    "recorded_at",
    "reverses_id",
    "store_id",
    "by_id",
    "pending_after",
    "active_after",
    "held_after",
    "debt_after",
)

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def signing_key_number() -> int:
    """Return the number of the key that signs today."""
    return max(settings.LEDGER_KEYS)


def seal(previous: str, values: tuple[Any, ...], key_number: int, currency: int = 0) -> str:
    """Return the seal of a row, 64 hexadecimal digits.

    `values` are those of SEALED, in its order. The currency is under the seal, too, unless it is that of points (0). Raises KeyError when the key of that number is not configured.
    """
    customer, sequence, kind, source_account, to, points, source, occurred_at, recorded_at, *rest = values
    text = (
        f"{previous}|{customer}|{sequence}|{kind}|{source_account}|{to}|{points}|{len(source)}:{source}|"
        f"{(occurred_at - _EPOCH) // _MICROSECOND}|{(recorded_at - _EPOCH) // _MICROSECOND}|{rest}"
    )
    if currency:
        text += f"|{currency}"
    return hmac.digest(settings.LEDGER_KEYS[key_number], text.encode(), "sha256").hex()
