"""Counting in Redis, so that a limit holds over all processes: a counter's window begins with its first count.

Every count is one script on the server, outside the request's transaction: it holds at the same moment everywhere, and a
rolled-back request takes no count back. Selling must not need Redis: when it cannot be reached requests are let through,
quickly and with one line in the log, and each process counts misses in its own memory.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

PAUSE = 5.0  # seconds before Redis is asked again after it failed
TIMEOUT = 0.25
SOON = 1  # seconds until a try that somebody else holds is decided
LEAK = 60  # seconds after which the tries of a process that died are forgotten
# One round trip and no gap between the steps: count under the first name. If a try of another limit is wanted, reserve it:
# what was missed and what is still being looked up never pass that limit together.
TAKE = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if count > tonumber(ARGV[1]) then return {redis.call('PTTL', KEYS[1]), 0} end
if not KEYS[2] then return {0, 0} end
local missed = tonumber(redis.call('GET', KEYS[2]) or 0)
if missed >= tonumber(ARGV[3]) then return {0, redis.call('PTTL', KEYS[2])} end
local open = redis.call('INCR', KEYS[3])
if open == 1 then redis.call('PEXPIRE', KEYS[3], ARGV[4]) end
if missed + open <= tonumber(ARGV[3]) then return {0, 0} end
redis.call('DECR', KEYS[3])
return {0, ARGV[5]}
"""
# Give a reserved try back, or turn it into a miss; return how many misses there are.
SETTLE = """
if tonumber(redis.call('GET', KEYS[2]) or 0) > 0 then redis.call('DECR', KEYS[2]) end
if ARGV[1] == '0' then return 0 end
local missed = redis.call('INCR', KEYS[1])
if missed == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return missed
"""


class Limit(NamedTuple):
    """How often something may happen within some seconds."""

    name: str
    most: int
    seconds: int


class LimitReached(Exception):
    """It happened as often as allowed; `seconds` is how long to wait."""

    def __init__(self, *, limit: Limit, seconds: int) -> None:
        self.limit, self.seconds = limit, seconds
        super().__init__(limit.name)


def take(limit: Limit, *, reserve: Limit | None = None) -> int:
    """Count once, and reserve a try of another limit; return for how many seconds it has none: 0 when one is reserved.

    Whoever reserved calls `settle`. Raises LimitReached when the limit is passed; what was counted stays counted.
    """
    keys, bounds = [f"limit:{limit.name}"], [limit.most, limit.seconds * 1000]
    if reserve is not None:
        keys += _keys(reserve)
        bounds += [reserve.most, int(LEAK * 1000), SOON * 1000]
    try:
        wait, full = _run(TAKE, keys, bounds)
    except RedisError:
        return _own.reserve(reserve) if reserve is not None else 0
    if wait:
        raise LimitReached(limit=limit, seconds=_seconds(int(wait)))
    return _seconds(int(full)) if full else 0


def settle(limit: Limit, *, is_miss: bool) -> bool:
    """Give a reserved try back, or use it up; return whether it was the last one of its window."""
    try:
        return _run(SETTLE, _keys(limit), [int(is_miss), limit.seconds * 1000]) == limit.most
    except RedisError:
        return _own.settle(limit, is_miss=is_miss)


def _keys(limit: Limit) -> list[str]:
    return [f"limit:{limit.name}", f"limit:{limit.name}:open"]


def _seconds(milliseconds: int) -> int:
    return max(1, -(-milliseconds // 1000))


def reconnect() -> None:
    """Forget the connection and that it failed, and what was counted here meanwhile; the next count makes a new one."""
    _client.cache_clear()
    _script.cache_clear()
    _Outage.until = 0.0
    _own.clear()


class _Outage:
    """Until when Redis is left alone."""

    until = 0.0


class _OwnMemory:
    """The tries of this process, counted here while Redis does not answer."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        self.missed: dict[str, tuple[int, float]] = {}
        self.open: dict[str, int] = {}

    def reserve(self, limit: Limit) -> int:
        with self.lock:
            missed, until = self._missed(limit)
            if missed >= limit.most:
                return _seconds(int((until - time.monotonic()) * 1000))
            if missed + self.open.get(limit.name, 0) >= limit.most:
                return SOON
            self.open[limit.name] = self.open.get(limit.name, 0) + 1
            return 0

    def settle(self, limit: Limit, *, is_miss: bool) -> bool:
        with self.lock:
            self.open[limit.name] = max(0, self.open.get(limit.name, 0) - 1)
            if not is_miss:
                return False
            missed, until = self._missed(limit)
            self.missed[limit.name] = (missed + 1, until)
            return missed + 1 == limit.most

    def _missed(self, limit: Limit) -> tuple[int, float]:
        found = self.missed.get(limit.name)
        now = time.monotonic()
        return found if found and found[1] > now else (0, now + limit.seconds)


_own = _OwnMemory()


@cache
def _client() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)


@cache
def _script(text: str) -> Callable[..., Any]:
    return _client().register_script(text)


def _run(text: str, keys: list[str], arguments: list[int]) -> Any:
    """Run a script. Raises RedisError, and for some seconds after that without asking again."""
    if time.monotonic() < _Outage.until:
        raise RedisError("left alone after it failed")
    try:
        answer = _script(text)(keys=keys, args=arguments)
    except RedisError:
        if not _Outage.until:
            logger.exception("Redis does not answer: every process counts for itself until it does")
        _Outage.until = time.monotonic() + PAUSE
        raise
    _Outage.until = 0.0
    return answer
