"""News for other systems: written into an outbox in the transaction of what happened, delivered by `customers.webhook_delivery`.

Where nobody listens, announcing costs nothing: a process asks the database every few seconds who does, and keeps the answer.
An endpoint's promise therefore begins some seconds after it was made (`starts_at`). docs/webhooks.md lists the events.
"""

import datetime as dt
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils import timezone

from customers import bulk
from customers.models import WebhookEndpoint, WebhookEvent
from customers.models.webhook import EventType, new_message_id

FRESH_SECONDS = 5
# The seconds for which another process may not know of a new endpoint, and as many for what it was doing then.
HEAD_START = dt.timedelta(seconds=2 * FRESH_SECONDS)
COLUMNS = ("uid", "type", "customer_id", "data", "occurred_at", "recorded_at", "spread_at")


@dataclass(slots=True)
class Ears:
    """Which events somebody listens for, as this process knows it; `fresh_until` is on the monotonic clock."""

    wanted: frozenset[str] = frozenset()
    fresh_until: float = 0


EARS = Ears()
_is_hushed: ContextVar[bool] = ContextVar("is_hushed", default=False)


class News(NamedTuple):
    """One event to be told: whose it is, when it happened, and its keys and numbers."""

    customer_id: int | None
    occurred_at: dt.datetime
    data: dict[str, Any]


def is_wanted(kind: EventType) -> bool:
    """Return whether somebody listens for such events; asks the database at most every few seconds."""
    if _is_hushed.get():
        return False
    if time.monotonic() >= EARS.fresh_until:
        chosen = WebhookEndpoint.objects.listening().values_list("event_types", flat=True)
        EARS.wanted = frozenset(name for names in chosen for name in names)
        EARS.fresh_until = time.monotonic() + FRESH_SECONDS
    return kind in EARS.wanted


def announce(kind: EventType, /, *, occurred_at: dt.datetime, customer_id: int | None = None, **data: Any) -> None:
    """Tell whoever listens what happened, in the transaction in which it did; `data` is keys and whole numbers."""
    announce_many(kind, [News(customer_id, occurred_at, data)])


def announce_many(kind: EventType, news: Iterable[News]) -> None:
    """Tell of many events of one kind by one statement; none when nobody listens, and `news` is not even looked at."""
    if not is_wanted(kind):
        return
    recorded_at = timezone.now()
    rows = [
        (new_message_id(), kind.value, one.customer_id, one.data, one.occurred_at, recorded_at, None) for one in news
    ]
    if rows:
        bulk.copy_in(WebhookEvent, COLUMNS, rows)


@contextmanager
def hushed() -> Iterator[None]:
    """Announce nothing of what happens inside: a file of a million purchases tells of itself once, when it is done."""
    token = _is_hushed.set(True)
    try:
        yield
    finally:
        _is_hushed.reset(token)


def listen_anew() -> None:
    """Ask the database again at the next announcement of this process."""
    EARS.fresh_until = 0
