"""Points that end only when a customer stays away: so many months after the last activity, then to the end of that month.

A lot of such a rule has no `expires_at`; it has the months and `lapses_at`, the end as far as it is known. A purchase, an
award or a redemption moves that on, never back, and touches no other lot. What the daily run finds past its end without
activity gets `expires_at` and expires like any other lot: until that is booked, whoever comes back keeps the points.
docs/points.md#expiry works through the numbers.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from django.db import transaction
from django.db.models import Max, QuerySet

from customers import bulk
from customers.models import Purchase
from rewards import ledger
from rewards.dates import end_of_month_after
from rewards.ledger import Award
from rewards.models import PointLot, PointTransaction
from rewards.models.points import Kind

CUSTOMERS_AT_ONCE = 500
AHEAD = dt.timedelta(days=32)  # the notice of 30 days must speak of an end that holds


def mark(awards: Iterable[Award]) -> None:
    """Let the lots of some awards, just booked, end with absence where they say so. Part of the caller's transaction."""
    months = {award.source: award.inactive_months for award in awards if award.inactive_months}
    if not months:
        return
    lots = PointLot.objects.filter(transaction__source__in=months, transaction__kind=Kind.EARN)
    changed = [
        [pk, months[source], end_of_month_after(max(occurred_at, activates_at), months[source])]
        for pk, source, occurred_at, activates_at in lots.values_list(
            "pk", "transaction__source", "transaction__occurred_at", "activates_at"
        )
    ]
    bulk.update_rows(PointLot, ("inactive_months", "lapses_at"), sorted(changed))


def pass_on(arrivals: Iterable[tuple[str, int]]) -> None:
    """Give the lots that a transfer opened, by source, the months and the end of the lots they were drawn from."""
    drawn = dict(arrivals)
    if not drawn:
        return
    origins = PointLot.objects.filter(pk__in=drawn.values(), expires_at=None, inactive_months__isnull=False)
    ends = {
        pk: (months, lapses_at) for pk, months, lapses_at in origins.values_list("pk", "inactive_months", "lapses_at")
    }
    if not ends:
        return
    lots = PointLot.objects.filter(transaction__source__in=drawn, transaction__kind=Kind.TRANSFER)
    changed = [
        [pk, ends[drawn[source]][0], max(ends[drawn[source]][1], end_of_month_after(activates_at, 0))]
        for pk, source, activates_at in lots.values_list("pk", "transaction__source", "activates_at")
        if drawn[source] in ends
    ]
    bulk.update_rows(PointLot, ("inactive_months", "lapses_at"), sorted(changed))


def seen(*, customer_id: int, at: dt.datetime) -> None:
    """Move the ends of a customer's points on, because of an activity. The caller holds the customer's lock."""
    lots = waiting().filter(customer_id=customer_id)
    for months in lots.order_by().values_list("inactive_months", flat=True).distinct():
        end = end_of_month_after(at, months)
        lots.filter(inactive_months=months, lapses_at__lt=end).update(lapses_at=end)


def follow(*, now: dt.datetime) -> int:
    """Look at the points that would end soon: move on those of customers who came by, end those that are past it.

    Returns how many lots got their end, to be expired by the daily run. In groups of customers, each one transaction;
    restartable, and a second run changes nothing.
    """
    ended, after = 0, 0
    while True:
        due = waiting().filter(lapses_at__lte=now + AHEAD, customer_id__gt=after)
        customer_ids = list(
            due.order_by("customer_id").values_list("customer_id", flat=True).distinct()[:CUSTOMERS_AT_ONCE]
        )
        if not customer_ids:
            return ended
        with transaction.atomic():
            ledger.lock(customer_ids=customer_ids)
            ended += _look_at(customer_ids, now)
        after = customer_ids[-1]


def waiting() -> QuerySet[PointLot]:
    """Return the lots with something left whose end depends on absence."""
    return PointLot.objects.filter(lapses_at__isnull=False, expires_at=None, remaining__gt=0)


def _look_at(customer_ids: Sequence[int], now: dt.datetime) -> int:
    active_at = _last_activity(customer_ids, now)
    later, over = [], []
    lots = waiting().filter(customer_id__in=customer_ids, lapses_at__lte=now + AHEAD).order_by("pk")
    for pk, customer_id, months, lapses_at in lots.values_list("pk", "customer_id", "inactive_months", "lapses_at"):
        last = active_at.get(customer_id)
        end = end_of_month_after(last, months) if last else lapses_at
        if end > lapses_at:
            later.append([pk, end])
        elif lapses_at <= now:
            over.append([pk, lapses_at])
    bulk.update_rows(PointLot, ("lapses_at",), later)
    bulk.update_rows(PointLot, ("expires_at",), over)
    return len(over)


def _last_activity(customer_ids: Collection[int], now: dt.datetime) -> dict[int, dt.datetime]:
    """Return when some customers last bought, earned or redeemed; two queries, however many there are."""
    moves = PointTransaction.objects.filter(customer_id__in=customer_ids, kind__in=[Kind.EARN, Kind.REDEEM])
    bought = Purchase.objects.filter(customer_id__in=customer_ids)
    found: defaultdict[int, list[dt.datetime]] = defaultdict(list)
    for rows in (moves, bought):
        for customer_id, last in (
            rows.filter(occurred_at__lte=now).order_by().values_list("customer_id").annotate(last=Max("occurred_at"))
        ):
            found[customer_id].append(last)
    return {customer_id: max(moments) for customer_id, moments in found.items()}
