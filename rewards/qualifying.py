"""What counts towards a tier: net eligible spend, points earned or visits in twelve months, never the spendable balance.

Reads only. A purchase counts on the day it was made, less what came back of it since. What was paid for goods that never
earn counts in none of the three. docs/points.md#tiers
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator

from django.db.models import Aggregate, Count, F, Q, QuerySet, Sum

from customers.models import Purchase, PurchaseLine, ReturnLine
from customers.timezones import programme_date, start_of_day
from rewards.dates import add_months
from rewards.models import PointTransaction, Tier
from rewards.models.points import Kind

MONTHS = 12
Metric = Tier.Metric
_ELIGIBLE = F("total") - F("discount") - F("paid_by_points") - F("excluded")


def window_start(moment: dt.datetime) -> dt.datetime:
    """Return when the twelve months begin whose last day is the programme's day of an instant."""
    return start_of_day(add_months(programme_date(moment), -MONTHS) + dt.timedelta(days=1))


def gross(
    *, metric: str, customer_ids: Collection[int], since: dt.datetime, until: dt.datetime | None = None
) -> dict[int, int]:
    """Return what counts for each customer from `since` through `until`, by key, as if nothing had come back.

    Spend is in the minor unit: what was paid in money for goods that earn. Who has nothing is left out. One query, however many customers.
    """
    within = _within(since, until) & Q(customer_id__in=customer_ids)
    if metric == Metric.POINTS:
        rows = _sums(PointTransaction.objects.filter(within, kind=Kind.EARN), Sum("points"))
    elif metric == Metric.SPEND:
        rows = _sums(Purchase.objects.filter(within), Sum(_ELIGIBLE))
    else:
        paid = Q(total__gt=F("discount") + F("paid_by_points") + F("excluded"))
        rows = _sums(Purchase.objects.filter(within & paid), Count("pk"))
    return {customer_id: int(value) for customer_id, value in rows}


def net(
    *, metric: str, customer_ids: Collection[int], since: dt.datetime, until: dt.datetime | None = None
) -> dict[int, int]:
    """Return what counts, less what came back of it until then. Two queries, however many customers."""
    found = defaultdict(int, gross(metric=metric, customer_ids=customer_ids, since=since, until=until))
    lost = _points_back if metric == Metric.POINTS else _purchases_back
    for customer_id, value in lost(metric, customer_ids, since, until):
        found[customer_id] -= value
    return dict(found)


def _purchases_back(
    metric: str, customer_ids: Collection[int], since: dt.datetime, until: dt.datetime | None
) -> Iterator[tuple[int, int]]:
    """Give what came back of each purchase: the money, or a visit of which nothing is left."""
    back = Purchase.objects.filter(_within(since, until), customer_id__in=customer_ids, returns__isnull=False)
    if until is not None:
        back = back.filter(returns__occurred_at__lte=until)
    rows = back.order_by().annotate(back=Sum("returns__total"))
    columns = ("pk", "customer_id", "total", "discount", "paid_by_points", "excluded", "back")
    found = list(rows.values_list(*columns))
    left_out = _left_out([pk for pk, *__, excluded, ___ in found if excluded], until)
    for pk, customer_id, total, discount, paid, excluded, returned in found:
        goods, goods_back = left_out.get(pk, (0, 0))
        eligible, counted = total - discount - paid - excluded, total - goods
        lost = eligible * (int(returned) - goods_back) // counted if counted else 0
        yield customer_id, lost if metric == Metric.SPEND else int(0 < eligible <= lost)


def _left_out(purchase_ids: Collection[int], until: dt.datetime | None) -> dict[int, tuple[int, int]]:
    """Return what the lines that never earn of some purchases cost, and how much of that came back until then."""
    if not purchase_ids:
        return {}
    lines = PurchaseLine.objects.filter(purchase_id__in=purchase_ids, is_excluded=True).order_by()
    cost = lines.values_list("purchase_id").annotate(value=Sum("total"))
    came = ReturnLine.objects.filter(line__in=lines)
    if until is not None:
        came = came.filter(return_of__occurred_at__lte=until)
    back = dict(came.order_by().values_list("line__purchase_id").annotate(value=Sum("total")))
    return {pk: (int(value), int(back.get(pk, 0))) for pk, value in cost}


def _points_back(
    metric: str, customer_ids: Collection[int], since: dt.datetime, until: dt.datetime | None
) -> Iterator[tuple[int, int]]:
    """Give the earned points, waiting ones as well, that were taken back."""
    back = PointTransaction.objects.filter(
        customer_id__in=customer_ids, kind=Kind.REVERSE, reverses__kind=Kind.EARN, reverses__occurred_at__gte=since
    )
    if until is not None:
        back = back.filter(occurred_at__lte=until, reverses__occurred_at__lte=until)
    for customer_id, points in _sums(back, Sum("points")):
        yield customer_id, int(points)


def _within(since: dt.datetime, until: dt.datetime | None) -> Q:
    return Q(occurred_at__gte=since) & (Q(occurred_at__lte=until) if until else Q())


def _sums(rows: QuerySet, value: Aggregate) -> QuerySet:
    return rows.order_by().values_list("customer_id").annotate(value=value)
