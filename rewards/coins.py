"""The fair coin: who gets a gift and who is compared, by a keyed hash that nobody can steer and everybody can repeat.

The key stands outside the database (COUPON_KEY), so neither a marketer nor somebody with a copy of the database can tell
beforehand, or choose an occasion that falls well. What fell is written down; a new key changes only what comes.
"""

import hmac
from hashlib import sha256
from math import lgamma, log

from django.conf import settings

ALL = 10_000  # odds and chances are in basis points
_SPACE = 2**64
ALARM = 0.001  # how often the watch over the coin may cry wolf, ever, however often it is looked at
_FIRM = 200  # how firmly the watch expects small departures: customers' worth of a prior around the odds


def number(*, purpose: str, key: str) -> int:
    """Return a number below 2^64 that only purpose, key and the secret decide."""
    text = f"{purpose}\0{key}".encode()
    return int.from_bytes(hmac.digest(settings.COUPON_KEY.encode(), text, sha256)[:8], "big")


def falls(*, purpose: str, key: str, odds: int) -> bool:
    """Return how the coin of one key falls; `odds` in 10,000 are heads."""
    return number(purpose=purpose, key=key) * ALL < odds * _SPACE


def is_fair(*, heads: int, tosses: int, odds: int) -> bool:
    """Return whether so many heads may still come from a coin of these odds.

    A mixture martingale: however often it is asked, a fair coin is ever called unfair once in a thousand times (Ville).
    """
    share, tails = odds / ALL, tosses - heads
    if share in (0, 1):
        return heads == tosses * share
    a, b = _FIRM * share, _FIRM * (1 - share)
    evidence = _log_beta(a + heads, b + tails) - _log_beta(a, b) - heads * log(share) - tails * log(1 - share)
    return float(evidence) < -log(ALARM)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
