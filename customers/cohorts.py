"""Who comes back: the share that buys again within 60 days, and what is left of those who first bought in a month.

A customer buys again when another receipt follows the first one of the month within 60 days. Receipts of which nothing was kept
count for nothing, as in the trials of surprises. Every month is counted by itself, in one transaction, and only when
something has changed that it could depend on: a night that was cut short goes on where it stopped, and one that has
nothing to do reads next to nothing.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from customers import months
from customers.models import BuyingMonth, CohortMonth, Customer, CustomerMerge, Erasure, Purchase, Return

WITHIN = dt.timedelta(days=60)
# Counted anew every night: a long transaction may show its rows after later ones.
ALWAYS = 2
AT_ONCE = 5_000

type Clock = Callable[[], dt.datetime]


def count_due(*, clock: Clock) -> int:
    """Count the months that something has changed for, the oldest first, and return how many; again is nearly free."""
    first = Purchase.objects.filter(customer__isnull=False).aggregate(first=Min("occurred_at"))["first"]
    if first is None:
        BuyingMonth.objects.all().delete()
        CohortMonth.objects.all().delete()
        return 0
    known = _known()
    this_month = months.month_of(clock())
    rows = {row.month_date: row for row in BuyingMonth.objects.all()}
    counted = 0
    for month in months.through(months.month_of(first), this_month):
        row = rows.get(month)
        is_new = months.between(month, this_month) < ALWAYS
        if row is None or is_new or _has_changed(row, known):
            _count(month, known, clock())
            counted += 1
        elif (row.newest_purchase, row.newest_return) != (known["newest_purchase"], known["newest_return"]):
            BuyingMonth.objects.filter(pk=row.pk).update(**known)
    return counted


def _known() -> dict[str, int]:
    """Return how far the tables have come, before anything is counted."""
    merges = CustomerMerge.objects.count() + CustomerMerge.objects.exclude(undone_at=None).count()
    return {
        "newest_purchase": Purchase.objects.aggregate(newest=Max("pk"))["newest"] or 0,
        "newest_return": Return.objects.aggregate(newest=Max("pk"))["newest"] or 0,
        "changes": merges + Erasure.objects.filter(state=Erasure.State.DONE).count(),
    }


def _has_changed(row: BuyingMonth, known: dict[str, int]) -> bool:
    """Return whether purchases or returns came that the month depends on: its own, the 60 days after, and all before."""
    until = months.bounds(row.month_date)[1] + WITHIN
    if row.changes != known["changes"]:
        return True
    if row.newest_purchase != known["newest_purchase"]:
        fresh = Purchase.objects.filter(pk__gt=row.newest_purchase, customer__isnull=False, occurred_at__lt=until)
        if fresh.exists():
            return True
    if row.newest_return != known["newest_return"]:
        return Return.objects.filter(pk__gt=row.newest_return, purchase__occurred_at__lt=until).exists()
    return False


def _count(month: dt.date, known: dict[str, int], now: dt.datetime) -> None:
    start, end = months.bounds(month)
    with transaction.atomic():
        buyers, repeaters = _repeats(start, end, now)
        cohorts = _cohorts(start, end, now)
        # The month's own row first: it is the lock of the others.
        BuyingMonth.objects.update_or_create(
            month_date=month, defaults={"buyers": buyers, "repeaters": repeaters, "counted_at": now, **known}
        )
        CohortMonth.objects.filter(month_date=month).delete()
        CohortMonth.objects.bulk_create(
            CohortMonth(cohort_date=cohort, month_date=month, customers=number) for cohort, number in cohorts.items()
        )


def kept(*, until: dt.datetime) -> QuerySet[Purchase]:
    """Return the receipts of customers of which something was kept, up to an instant."""
    back = Return.objects.filter(purchase=OuterRef("pk")).order_by().values("purchase")
    returned = Coalesce(Subquery(back.annotate(sum=Sum("total")).values("sum")), 0)
    bought = Purchase.objects.filter(customer__isnull=False, occurred_at__lte=until)
    return bought.alias(returned=returned).filter(Q(total__gt=F("returned")))


def _repeats(start: dt.datetime, end: dt.datetime, now: dt.datetime) -> tuple[int, int]:
    """Return how many bought in a stretch of time, and how many of them again within 60 days."""
    rows = (
        kept(until=now)
        .filter(occurred_at__gte=start, occurred_at__lt=end + WITHIN)
        .order_by("customer", "occurred_at", "pk")
    )
    buyers = repeaters = 0
    customer, limit, is_open = None, None, False
    for customer_id, occurred_at in rows.values_list("customer_id", "occurred_at").iterator(chunk_size=AT_ONCE):
        if customer_id != customer:
            customer, is_open = customer_id, occurred_at < end
            limit = occurred_at + WITHIN
            buyers += is_open
        elif is_open and limit is not None and occurred_at <= limit:
            repeaters += 1
            is_open = False
    return buyers, repeaters


def _cohorts(start: dt.datetime, end: dt.datetime, now: dt.datetime) -> Counter[dt.date]:
    """Return how many of the buyers of a stretch of time first bought in which month."""
    bought = kept(until=now)
    here = bought.filter(occurred_at__gte=start, occurred_at__lt=end).order_by().values("customer")
    first = bought.filter(customer=OuterRef("pk")).order_by("occurred_at", "pk").values("occurred_at")[:1]
    rows = Customer.objects.filter(pk__in=here).order_by().annotate(first=Subquery(first))
    found: Counter[dt.date] = Counter()
    for moment in rows.values_list("first", flat=True).iterator(chunk_size=AT_ONCE):
        found[months.month_of(moment)] += 1
    return found


@dataclass(frozen=True, slots=True)
class Cohort:
    """Those who first bought in a month: how many, and how many of them bought in each month since, from that one on."""

    month_date: dt.date
    customers: int
    active: list[int]


def retention(*, last: dt.date, cohorts: int = 12) -> list[Cohort]:
    """Return the newest cohorts up to a month, the oldest first, from the nightly table. One query."""
    first = months.plus(last, 1 - cohorts)
    rows = CohortMonth.objects.filter(cohort_date__gte=first, cohort_date__lte=last, month_date__lte=last)
    found: dict[dt.date, dict[dt.date, int]] = {}
    for cohort, month, number in rows.order_by("cohort_date").values_list("cohort_date", "month_date", "customers"):
        found.setdefault(cohort, {})[month] = number
    return [
        Cohort(cohort, active.get(cohort, 0), [active.get(month, 0) for month in months.through(cohort, last)])
        for cohort, active in found.items()
    ]


def is_over(*, month: dt.date, now: dt.datetime) -> bool:
    """Return whether everybody who bought in a month has had their 60 days."""
    return months.bounds(month)[1] + WITHIN <= now
