"""What became of a batch of coupons: issued, seen, redeemed, in which baskets, and what it cost. Reads only.

Money is in the currency's minor unit; uses that were taken back are counted apart and in nothing else.
"""

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Avg, Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncWeek

from customers.models import Store
from customers.timezones import zone
from rewards.models import Coupon, CouponBatch, CouponUse

MOST_STORES = 50
WEEKS = 26


class Share(NamedTuple):
    """A part of the uses: in a store, or in the week that begins on a day."""

    name: str | dt.date
    uses: int
    discount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of a batch; rates are in basis points of what was issued."""

    issued: int
    seen: int
    voided: int
    expired: int
    redeemed: int
    returned: int
    customers: int
    discount: int
    goods: int
    baskets: int
    basket: int
    stores: list[Share]
    weeks: list[Share]

    @property
    def cost(self) -> int:
        """Discounts, and the cost price of what was handed over."""
        return self.discount + self.goods

    @property
    def rate(self) -> int:
        """How many in 10,000 were redeemed."""
        return self.redeemed * 10_000 // self.issued if self.issued else 0


def report(*, batch: CouponBatch, now: dt.datetime) -> Report:
    """Return what became of a batch until now, in a handful of queries however large it is."""
    ended = Q(state__in=["active", "reserved", "hidden"], expires_at__lte=now)
    coupons = Coupon.objects.filter(batch=batch).aggregate(
        issued=Count("pk"),
        seen=Count("pk", filter=Q(seen_at__isnull=False)),
        voided=Count("pk", filter=Q(state=Coupon.State.VOIDED)),
        expired=Count("pk", filter=ended),
    )
    uses = CouponUse.objects.filter(coupon__batch=batch)
    kept = uses.filter(returned_at=None)
    sums = kept.aggregate(
        redeemed=Count("pk"), customers=Count("customer", distinct=True), discount=Sum("discount", default=0),
        baskets=Count("purchase"), basket=Avg(F("purchase__total") - F("purchase__discount")),
    )  # fmt: skip
    return Report(
        **coupons, **sums | {"basket": int(sums["basket"] or 0)}, goods=sums["redeemed"] * batch.cost_price,
        returned=uses.exclude(returned_at=None).count(), stores=_by_store(kept), weeks=_by_week(kept),
    )  # fmt: skip


def _by_store(uses: QuerySet[CouponUse]) -> list[Share]:
    rows = uses.values("store").annotate(uses=Count("pk"), discounts=Sum("discount")).order_by("-uses", "store")
    rows = list(rows[:MOST_STORES])
    names = {store.pk: store.name for store in Store.objects.filter(pk__in=[row["store"] for row in rows])}
    return [Share(names.get(row["store"], "—"), row["uses"], row["discounts"]) for row in rows]


def _by_week(uses: QuerySet[CouponUse]) -> list[Share]:
    """Return the newest weeks that had a use, the oldest first."""
    week = TruncWeek("redeemed_at", tzinfo=zone(""))
    rows = (
        uses.annotate(week=week).values("week").annotate(uses=Count("pk"), discounts=Sum("discount")).order_by("-week")
    )
    return [Share(row["week"].date(), row["uses"], row["discounts"]) for row in reversed(rows[:WEEKS])]
