"""How many wrong codes are looked at: by account and by network address, in two counters that know nothing of each other.

A guesser with many addresses is stopped by the account, one with many accounts by the address; right codes count nothing. The
owner of an account that somebody guesses at still comes in with a passkey.
"""

import datetime as dt
import hashlib
import hmac
import math
from collections.abc import Callable

from django.conf import settings
from django.utils.translation import ngettext

from customers import doors, limits
from customers.identifiers import normalise
from customers.limits import Limit

MISSES, SECONDS = 30, 3600
TRIES = 1200  # of one address in an hour, the right ones included: a shop's own network has many customers


class TooManyTries(Exception):
    """So many codes were wrong that none is looked at for a while; the text is for whoever typed one."""

    def __init__(self, *, seconds: int) -> None:
        self.seconds = seconds
        minutes = max(1, math.ceil(seconds / 60))
        super().__init__(
            ngettext(
                "Too many wrong codes. Please wait %(minutes)d minute, or sign in with a passkey.",
                "Too many wrong codes. Please wait %(minutes)d minutes, or sign in with a passkey.",
                minutes,
            )
            % {"minutes": minutes}
        )


def look_at(*, account: str, address: str, is_right: Callable[[], bool], now: dt.datetime) -> bool:
    """Return whether a code is right, after both counters have let it be looked at. Raises TooManyTries.

    `account` is the e-mail address (or another name of what is guessed at), known or not, and `address` where the try comes
    from. Neither is kept in clear.
    """
    tries = Limit(f"sign-in:tries:{_digest(address)}", TRIES, SECONDS)
    by_account = Limit(f"sign-in:account:{_digest(normalise(kind='email', value=account))}", MISSES, SECONDS)
    by_address = Limit(f"sign-in:address:{_digest(address)}", MISSES, SECONDS)
    _reserve(tries, by_account)
    try:
        _reserve(tries, by_address)
    except TooManyTries:
        limits.settle(by_account, is_miss=False)
        raise
    is_fine = False
    try:
        is_fine = is_right()
    finally:
        for limit in (by_account, by_address):
            limits.settle(limit, is_miss=not is_fine)
        if not is_fine:
            doors.turned_away(account=account, method="code", address=address, now=now)
    return is_fine


def _reserve(tries: Limit, limit: Limit) -> None:
    try:
        wait = limits.take(tries, reserve=limit)
    except limits.LimitReached as reached:
        raise TooManyTries(seconds=reached.seconds) from reached
    if wait:
        raise TooManyTries(seconds=wait)


def _digest(text: str) -> str:
    return hmac.digest(
        b"customers.sign_in_limits:1" + settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256
    ).hex()[:32]
