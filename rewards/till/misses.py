"""Guesses at a till: codes and numbers that nobody has are counted per person, and soon answered no more."""

import math
from collections.abc import Callable

from django.utils.translation import ngettext

from customers import limits
from customers.limits import Limit
from customers.models import User

LOOKS_A_MINUTE = 240
MISSES = 20
SECONDS = 600


class TooManyMisses(Exception):
    """Somebody has asked for too much that nobody has; nothing was looked up."""

    def __init__(self, *, seconds: int) -> None:
        self.seconds = seconds
        minutes = math.ceil(seconds / 60)
        super().__init__(
            ngettext(
                "Too many tries that found nothing: please wait %(minutes)d minute.",
                "Too many tries that found nothing: please wait %(minutes)d minutes.",
                minutes,
            )
            % {"minutes": minutes}
        )


def look_up[T](find: Callable[[], T], *, by: User) -> T:
    """Look something up that could be guessed, and count when nothing is found. Raises TooManyMisses."""
    missed = Limit(f"till:{by.pk}:misses", MISSES, SECONDS)
    try:
        wait = limits.take(Limit(f"till:{by.pk}:looks", LOOKS_A_MINUTE, 60), reserve=missed)
    except limits.LimitReached as reached:
        raise TooManyMisses(seconds=reached.seconds) from reached
    if wait:
        raise TooManyMisses(seconds=wait)
    found = None
    try:
        found = find()
    finally:
        limits.settle(missed, is_miss=not found)
    return found
