"""What the calendar decides: points become spendable, tiers change, points expire. Restartable; a second run changes nothing."""

import datetime as dt
from array import array
from collections.abc import Callable, Iterator
from itertools import batched

from django.db.models import QuerySet

from customers import bulk
from rewards import absence, ledger, stamps, tier_calendar
from rewards.models import PointLot

CUSTOMERS_AT_ONCE = 2_000


def run(*, now: dt.datetime, progress: Callable[[int], None] | None = None) -> int:
    """Activate, look at the tiers, expire, look at them again; return how many transactions and memberships changed.

    What ends with absence gets its end before the points expire. First tiers go up, in the end they are kept anew or go down. Each group of customers is one transaction of a moment, so
    tills are never kept waiting; days of silence are caught up with. `progress` counts customers.
    """
    with bulk.large_sets():
        changed = _settle(PointLot.objects.due_to_activate(now), ledger.activate_many, now, progress)
        changed += tier_calendar.raise_due(now=now)
        absence.follow(now=now)
        changed += _settle(PointLot.objects.due_to_expire(now), ledger.expire_many, now, progress)
        changed += stamps.settle_due(now=now)
        return changed + tier_calendar.lower_due(now=now)


def settle_due(*, now: dt.datetime, progress: Callable[[int], None] | None = None) -> int:
    """Activate and expire what is due, looking only at that, and return how many transactions it took."""
    activated = _settle(PointLot.objects.due_to_activate(now), ledger.activate_many, now, progress)
    return activated + _settle(PointLot.objects.due_to_expire(now), ledger.expire_many, now, progress)


def _settle(
    due: QuerySet[PointLot], book: Callable[..., int], now: dt.datetime, progress: Callable[[int], None] | None
) -> int:
    posted = 0
    for customer_ids in batched(_customers(due), CUSTOMERS_AT_ONCE, strict=False):
        with bulk.uncollected():
            posted += book(customer_ids=customer_ids, now=now)
        if progress:
            progress(len(customer_ids))
    return posted


def _customers(due: QuerySet[PointLot]) -> Iterator[int]:
    """Return the customers with a lot that is due, each once, in the order of their keys.

    Read at once, eight bytes each: asked for in pieces, every piece would go through all that is due again.
    """
    lots = due.filter(remaining__gt=0).order_by("customer_id").values_list("customer_id", flat=True).distinct()
    yield from array("q", lots.iterator(chunk_size=10_000))
