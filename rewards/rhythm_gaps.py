"""Who stays away longer than their own rhythm, by the rhythm that the night has worked out for everybody (customers.rhythm)."""

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import Exists, OuterRef

from customers.models import Purchase, Standing
from customers.timezones import programme_date

FEWEST_VISITS = 3  # days with a purchase; below, the rhythm is hardly the customer's own
SHORTEST = dt.timedelta(days=7)  # nobody is missed sooner, however often they usually come
AT_ONCE = 5_000


class StayedAway(NamedTuple):
    """A customer, the usual pause in days, and how long it has been now."""

    customer_id: int
    gap_days: int
    away_days: int
    last_date: dt.date


def stayed_away(*, times: int, now: dt.datetime) -> Iterator[StayedAway]:
    """Give who has stayed away `times` times the own usual pause and did not buy since the last night, by customer."""
    since = Purchase.objects.filter(
        customer=OuterRef("customer"), occurred_at__gt=OuterRef("last_at"), occurred_at__lte=now
    )
    away = Standing.objects.filter(
        ~Exists(since), visits__gte=FEWEST_VISITS, due_at__lte=now, last_at__lt=now - SHORTEST
    )
    rows = away.order_by("customer").values_list("customer", "usual_days", "last_at")
    for customer_id, usual, last_at in rows.iterator(chunk_size=AT_ONCE):
        days = (now - last_at) / dt.timedelta(days=1)
        if days >= times * usual:
            yield StayedAway(customer_id, usual, int(days), programme_date(last_at))
