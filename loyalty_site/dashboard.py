"""The figures of the admin's first page: cheap at a million rows, a few minutes old.

Everything over time is one grouped question over an index, within twelve weeks; the figures are kept in the cache, and
while one visitor counts anew the others see the last ones. Without a cache they are counted for every visitor.
"""

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Case, Count, F, IntegerField, QuerySet, Sum, Value, When
from redis.exceptions import RedisError

from customers.models import Customer
from customers.timezones import programme_date, start_of_day
from rewards.models import Coupon, CouponUse, PointBalance, PointTransaction
from rewards.models.points import Account
from surveys.models import Campaign, Message, Response

WEEKS = 12
FRESH = dt.timedelta(minutes=5)
KEY, COUNTING_KEY = "dashboard", "dashboard:counting"
KEPT_SECONDS, COUNTING_SECONDS = 24 * 3600, 60
OWED = (Account.PENDING, Account.ACTIVE, Account.HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the shop looks like; every list has one number per week, the oldest first and the running week last."""

    counted_at: dt.datetime
    weeks: list[dt.date]
    customers: int
    new_customers: list[int]
    issued: list[int]
    redeemed: list[int]
    owed: int
    owed_by_week: list[int]
    live_coupons: int
    coupons_issued: list[int]
    coupons_redeemed: list[int]
    surveys_due: int
    campaigns_scheduled: int
    surveys_answered: list[int]


def figures(*, now: dt.datetime) -> Figures:
    """Return the figures of the last five minutes, counting them when nobody else is."""
    with suppress(RedisError, OSError):
        kept = cache.get(KEY)
        is_fresh = isinstance(kept, Figures) and now - kept.counted_at < FRESH
        if is_fresh or (kept and not cache.add(COUNTING_KEY, value=True, timeout=COUNTING_SECONDS)):
            return kept
    counted = count(now=now)
    with suppress(RedisError, OSError):
        cache.set(KEY, counted, KEPT_SECONDS)
        cache.delete(COUNTING_KEY)
    return counted


def count(*, now: dt.datetime) -> Figures:
    """Count the figures from the database."""
    days = week_starts(now)
    starts = [start_of_day(day) for day in days]
    owed = PointBalance.objects.aggregate(owed=Sum(F("pending") + F("active") + F("held")))["owed"] or 0
    issued, redeemed, flow = _points(starts)
    return Figures(
        counted_at=now,
        weeks=days,
        customers=Customer.objects.enrolled().count(),
        new_customers=_per_week(Customer.objects.enrolled(), "enrolled_at", starts),
        issued=issued,
        redeemed=redeemed,
        owed=owed,
        owed_by_week=[owed - sum(flow[n + 1 :]) for n in range(WEEKS)],
        live_coupons=Coupon.objects.live(now).count(),
        coupons_issued=_per_week(Coupon.objects.all(), "issued_at", starts),
        coupons_redeemed=_per_week(CouponUse.objects.filter(returned_at=None), "redeemed_at", starts),
        surveys_due=Message.objects.filter(state=Message.State.QUEUED).count(),
        campaigns_scheduled=Campaign.objects.filter(state=Campaign.State.SCHEDULED, scheduled_at__gt=now).count(),
        surveys_answered=_per_week(Response.objects.completed(), "completed_at", starts),
    )


def week_starts(now: dt.datetime) -> list[dt.date]:
    """Return the Mondays of the last twelve weeks in the programme's time zone, the running week last."""
    today = programme_date(now)
    monday = today - dt.timedelta(days=today.weekday())
    return [monday - dt.timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]


def _points(starts: Sequence[dt.datetime]) -> tuple[list[int], list[int], list[int]]:
    """Return points issued, redeemed, and by how much what is owed grew, per week."""
    issued, redeemed, flow = [0] * WEEKS, [0] * WEEKS, [0] * WEEKS
    rows = _by_week(PointTransaction.objects.all(), "occurred_at", starts, "from_account", "to_account")
    for row in rows.annotate(sum=Sum("points")):
        week, origin, target, points = row["week"], row["from_account"], row["to_account"], row["sum"]
        if origin == Account.ISSUED:
            issued[week] += points
        redeemed[week] += points * ((target == Account.REDEEMED) - (origin == Account.REDEEMED))
        flow[week] += points * ((target in OWED) - (origin in OWED))
    return issued, redeemed, flow


def _per_week(rows: QuerySet, moment: str, starts: Sequence[dt.datetime]) -> list[int]:
    numbers = [0] * WEEKS
    for row in _by_week(rows, moment, starts).annotate(number=Count("pk")):
        numbers[row["week"]] = row["number"]
    return numbers


def _by_week(rows: QuerySet, moment: str, starts: Sequence[dt.datetime], *columns: str) -> Any:
    """Group rows by the number of their week. Plain comparisons: SQLite would ask Python for the week of every row."""
    newest_first = reversed(list(enumerate(starts)))
    week = Case(
        *(When(**{f"{moment}__gte": start}, then=Value(n)) for n, start in newest_first), output_field=IntegerField()
    )
    return rows.filter(**{f"{moment}__gte": starts[0]}).order_by().annotate(week=week).values("week", *columns)
