"""What last month's purchases would have earned under the rules in force, and under a draft. Reads only.

Tiers and coupons are those of the purchase, categories those of today; returns are left out, and caps begin empty. The draft
is taken to hold for the whole month, whatever its start and end. A busy month is sampled evenly.
"""

import copy
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import nlargest
from itertools import batched
from typing import NamedTuple

from django.db.models import F

from customers.models import Purchase, PurchaseLine
from customers.timezones import programme_date, start_of_day
from rewards import earning, stamps, tiers
from rewards.caps import Moment, Rooms, caps_among
from rewards.earning import Basket, BasketLine, Earned
from rewards.models import CouponBatch, CouponUse, EarningRule

MOST = 5_000  # purchases computed; a page must not take longer than a few seconds
AT_ONCE = 1_000
SHOWN = 10


class Row(NamedTuple):
    """One purchase and what it would earn."""

    purchase_id: int
    reference: str
    total: int
    now: int
    draft: int

    @property
    def change(self) -> int:
        """What the draft gives more."""
        return self.draft - self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """A purchase as the rules look at it."""

    purchase_id: int
    reference: str
    total: int
    customer_id: int
    basket: Basket
    tier_multiplier: int
    coupon_multiplier: int


@dataclass(slots=True, kw_only=True)
class Preview:
    """The month before and after, over the purchases that were computed."""

    month_date: dt.date
    purchases: int
    computed: int = 0
    now: int = 0
    draft: int = 0
    more: int = 0
    less: int = 0
    rows: list[Row] = field(default_factory=list)

    @property
    def is_sample(self) -> bool:
        """Whether the month had more purchases than were computed."""
        return self.computed < self.purchases

    @property
    def change(self) -> int:
        """What the draft would have given more."""
        return self.draft - self.now


def preview(*, draft: EarningRule, now: dt.datetime) -> Preview:
    """Return what the customers' purchases of the programme's last month would have earned now and with a draft.

    At most MOST purchases are computed, evenly spread over the month; then the sums are those of the sample.
    """
    live = _beside(draft)
    changed = [rule for rule in live if rule.key != draft.key] + [_always(draft)]
    live = [_always(rule) if rule.key == draft.key else rule for rule in live]
    first = (programme_date(now).replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    since, until = start_of_day(first), start_of_day(programme_date(now).replace(day=1))
    bought = Purchase.objects.filter(occurred_at__gte=since, occurred_at__lt=until, customer__isnull=False)
    found = Preview(month_date=first, purchases=bought.count())
    step = -(-found.purchases // MOST)
    if step > 1:
        bought = bought.annotate(place=F("pk") % step).filter(place=0)
    keys = list(bought.order_by("occurred_at", "pk").values_list("pk", flat=True)[:MOST])
    before, after = Rooms(caps_among(live)), Rooms(caps_among(changed))
    for sold in _sold(keys):
        if draft.stamp_card_id:
            # Neither tier nor coupon multiplies stamps.
            sold = replace(sold, tier_multiplier=earning.ONCE, coupon_multiplier=earning.ONCE)
        row = Row(
            sold.purchase_id, sold.reference, sold.total, _points(sold, live, before), _points(sold, changed, after)
        )
        found.computed += 1
        found.now, found.draft = found.now + row.now, found.draft + row.draft
        found.more, found.less = found.more + (row.change > 0), found.less + (row.change < 0)
        if row.change:
            found.rows = nlargest(SHOWN, [*found.rows, row], key=lambda each: abs(each.change))
    return found


def _beside(draft: EarningRule) -> list[EarningRule]:
    """Return the rules in force that decide together with a draft: those of points, or those of its stamp card."""
    plain, of_cards = stamps.split(EarningRule.objects.live().order_by("key", "version"))
    if draft.stamp_card_id is None:
        return plain
    exclusions = [rule for rule in plain if rule.kind == EarningRule.Kind.EXCLUSION]
    return list(of_cards.get(draft.stamp_card_id, exclusions))


def _always(rule: EarningRule) -> EarningRule:
    rule = copy.copy(rule)
    rule.starts_at = rule.ends_at = None
    return rule


def _points(sold: Sold, rules: Sequence[EarningRule], rooms: Rooms) -> int:
    moment = Moment(sold.customer_id, sold.basket.occurred_at)
    earned: Earned = earning.earn(
        basket=sold.basket, rules=rules, tier_multiplier=sold.tier_multiplier, coupon_multiplier=sold.coupon_multiplier,
        rooms=rooms.left(moment),
    )  # fmt: skip
    rooms.take(moment, earned)
    return earned.points


def _sold(keys: Sequence[int]) -> Iterator[Sold]:
    """Load purchases group by group, with a handful of queries each, in the order of the keys."""
    for some in batched(keys, AT_ONCE, strict=False):
        lines: dict[int, list[BasketLine]] = {}
        columns = ("purchase_id", "product_id", "product__category_id", "quantity", "total", "product__earns_points")
        for pk, *line in PurchaseLine.objects.filter(purchase_id__in=some).order_by("pk").values_list(*columns):
            lines.setdefault(pk, []).append(BasketLine(*line))
        multipliers = dict(
            CouponUse.objects.filter(
                purchase_id__in=some, coupon__batch__value_kind=CouponBatch.Value.MULTIPLIER
            ).values_list("purchase_id", "coupon__batch__value")
        )
        purchases = list(Purchase.objects.filter(pk__in=some).select_related("store").order_by("occurred_at", "pk"))
        customer_ids = {row.customer_id for row in purchases}
        standings = tiers.standings(customer_ids=customer_ids, since=purchases[0].occurred_at)
        for row in purchases:
            yield Sold(
                purchase_id=row.pk, reference=row.reference, total=row.total, customer_id=row.customer_id,
                tier_multiplier=standings.multiplier(row.customer_id, row.occurred_at),
                coupon_multiplier=multipliers.get(row.pk, earning.ONCE),
                basket=Basket(
                    store_id=row.store_id, time_zone=row.store.time_zone, occurred_at=row.occurred_at,
                    lines=lines.get(row.pk, []), off=row.discount + row.paid_by_points,
                ),
            )  # fmt: skip
