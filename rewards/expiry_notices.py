"""Telling customers in time that points are about to expire."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import Q, Sum

from customers import notices
from customers.timezones import programme_date, start_of_day
from rewards.models import PointLot

DAYS_BEFORE = (30, 7)
AT_ONCE = 1_000


def queue_due(*, now: dt.datetime, days_back: int = 1) -> int:
    """Queue the notices that are due today, 30 and 7 days before the last day, and return how many customers they reach.

    Doing it again the same day queues nothing new. So many days on which the programme slept are made up for, as long as the
    points have not expired.
    """
    today = programme_date(now)
    days = [
        (before, today + dt.timedelta(days=before - back))
        for before in DAYS_BEFORE
        for back in range(min(days_back, before), -1, -1)
    ]
    return sum(notices.queue(_letters(before, last_day), now=now) for before, last_day in days)


def _letters(before: int, last_day: dt.date) -> Iterator[notices.Letter]:
    for customer_id, points in _expiring_after(last_day):
        context = {"amount": points, "last_day": last_day.isoformat()}
        yield notices.Letter(customer_id, "points_expiring", f"{last_day}:{before}", context)


def _expiring_after(last_day: dt.date) -> Iterator[tuple[int, int]]:
    """Give the customers whose spendable points end with this day, and how many these are, in the order of their keys.

    Page by page: a reader that stays open while notices are written would keep SQLite's tills waiting.
    """
    start, end = start_of_day(last_day), start_of_day(last_day + dt.timedelta(days=1))
    ends = Q(expires_at__gt=start, expires_at__lte=end) | Q(expires_at=None, lapses_at__gt=start, lapses_at__lte=end)
    lots = PointLot.objects.filter(ends, activated_at__isnull=False, remaining__gt=0)
    after = 0
    while page := list(
        lots.filter(customer__gt=after)
        .order_by("customer_id")
        .values_list("customer_id")
        .annotate(Sum("remaining"))[:AT_ONCE]
    ):
        yield from page
        after = page[-1][0]
