"""Points by vintage, the month in which their lot becomes spendable, and what each later month did to them.

Counted from the lots and their allocations, one month of movements at a time, each in a transaction of its own, and only
when the books have grown in it: a night that was cut short goes on where it stopped. Every vintage adds up to what its lots
have left; a test replays random histories.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable

from django.db import transaction
from django.db.models import Max, Min

from customers import months
from rewards.models import CountedMonth, LotAllocation, PointLot, PointTransaction, VintageMonth
from rewards.models.points import POINTS, Account

# Counted anew every night: a long transaction may show its rows after later ones.
ALWAYS = 2
AT_ONCE = 5_000
OPENED, REDEEMED, EXPIRED, OTHER = "opened", "redeemed", "expired", "other"

type Clock = Callable[[], dt.datetime]
type Sums = dict[dt.date, dict[str, int]]


def count_due(*, clock: Clock) -> int:
    """Count the months in which something was booked since, the oldest first, and return how many; again is nearly free."""
    known = PointTransaction.objects.aggregate(first=Min("occurred_at"), newest=Max("pk"))
    if known["first"] is None:
        return 0
    this_month = months.month_of(clock())
    rows = {row.month_date: row for row in CountedMonth.objects.all()}
    counted = 0
    for month in months.through(months.month_of(known["first"]), this_month):
        row = rows.get(month)
        if row is None or months.between(month, this_month) < ALWAYS or _has_grown(row, known["newest"]):
            _count(month, known["newest"], clock())
            counted += 1
        elif row.newest_transaction != known["newest"]:
            CountedMonth.objects.filter(pk=row.pk).update(newest_transaction=known["newest"])
    return counted


def _has_grown(row: CountedMonth, newest: int) -> bool:
    if row.newest_transaction == newest:
        return False
    start, end = months.bounds(row.month_date)
    fresh = PointTransaction.objects.filter(pk__gt=row.newest_transaction)
    return fresh.filter(occurred_at__gte=start, occurred_at__lt=end).exists()


def _count(month: dt.date, newest: int, now: dt.datetime) -> None:
    with transaction.atomic():
        sums = _sums(*months.bounds(month))
        # The month's own row first: it is the lock of the others.
        CountedMonth.objects.update_or_create(
            month_date=month, defaults={"newest_transaction": newest, "counted_at": now}
        )
        VintageMonth.objects.filter(month_date=month).delete()
        VintageMonth.objects.bulk_create(
            VintageMonth(vintage_date=vintage, month_date=month, **values) for vintage, values in sums.items()
        )


def _sums(start: dt.datetime, end: dt.datetime) -> Sums:
    """Return what the movements of a stretch of time opened and took, by vintage."""
    found: Sums = defaultdict(lambda: dict.fromkeys((OPENED, REDEEMED, EXPIRED, OTHER), 0))
    within = {"transaction__occurred_at__gte": start, "transaction__occurred_at__lt": end}
    opened = PointLot.objects.filter(**within).order_by()
    for activates_at, points in opened.values_list("activates_at", "points").iterator(chunk_size=AT_ONCE):
        found[months.month_of(activates_at)][OPENED] += points
    moved = LotAllocation.objects.filter(**within, transaction__currency=POINTS).order_by()
    rows = moved.values_list("lot__activates_at", "transaction__from_account", "transaction__to_account", "points")
    for activates_at, origin, target, points in rows.iterator(chunk_size=AT_ONCE):
        found[months.month_of(activates_at)][_column({origin, target})] -= points
    return found


def _column(accounts: set[str]) -> str:
    """Return what becomes of points between two accounts. What is on hold counts as spent: it nearly always is, soon."""
    if accounts & {Account.REDEEMED, Account.HELD}:
        return REDEEMED
    return EXPIRED if Account.EXPIRED in accounts else OTHER
