"""Figures that stand for some minutes: one visitor counts them anew, the others see the last ones meanwhile."""

import datetime as dt
from collections.abc import Callable
from contextlib import suppress

from django.core.cache import cache
from redis.exceptions import RedisError

FRESH = dt.timedelta(minutes=10)
KEPT_SECONDS, COUNTING_SECONDS = 24 * 3600, 60


def kept[T](name: str, count: Callable[[], T], *, now: dt.datetime) -> T:
    """Return what was counted in the last ten minutes, or count it. Without a cache it is counted for every visitor."""
    key = f"insights:{name}"
    with suppress(RedisError, OSError):
        found = cache.get(key)
        is_fresh = found is not None and now - found[0] < FRESH
        if is_fresh or (found is not None and not cache.add(f"{key}:counting", value=True, timeout=COUNTING_SECONDS)):
            return found[1]
    counted = count()
    with suppress(RedisError, OSError):
        cache.set(key, (now, counted), KEPT_SECONDS)
        cache.delete(f"{key}:counting")
    return counted
