"""What a batch of coupons would cost, before it is issued: at face value, and as the shop's own history makes it likely.

Figures are for planning and rounded down; money is in the currency's minor unit. They read a bounded number of rows, so that
the page can ask at every change of the form.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Sum

from customers.models import Purchase
from rewards.models import CouponBatch, PointTransaction
from rewards.models.points import Kind
from rewards.redemption import ONE_BASIS, discount_of
from rewards.sale import value_of

SAMPLE = 2_000  # the newest purchases and awards
FEWEST_ISSUED = 50  # of one kind, before their redemption rate says anything
NEWEST_BATCHES = 20
ASSUMED_RATE = 1_000  # basis points: one in ten, until the shop has a history of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What so many coupons cost if all are used, and if as many are used as usual; `rate` in basis points."""

    coupons: int
    basket: int
    face_value: int
    rate: int
    is_assumed: bool
    uses: int
    discounts: int
    goods: int

    @property
    def cost(self) -> int:
        """What the shop is likely to pay: discounts, and the cost price of what is handed over."""
        return self.discounts + self.goods


def estimate(*, batch: CouponBatch, coupons: int) -> Estimate:
    """Return what `coupons` coupons of a batch, saved or not, would cost."""
    basket = typical_basket(at_least=batch.minimum_basket)
    worth = _worth_of_one(batch, basket)
    rate, is_assumed = usual_rate(value_kind=batch.value_kind)
    most = coupons * batch.uses_per_coupon
    uses = most * rate // ONE_BASIS
    limits = [batch.budget] if batch.budget is not None else []
    return Estimate(
        coupons=coupons, basket=basket, rate=rate, is_assumed=is_assumed, uses=uses,
        face_value=min([most * worth, *limits]), discounts=min([uses * worth, *limits]), goods=uses * batch.cost_price,
    )  # fmt: skip


def typical_basket(*, at_least: int = 0) -> int:
    """Return the average paid for one of the newest purchases of at least an amount; that amount when there is none."""
    newest = Purchase.objects.order_by("-pk").values_list("total", "discount")[:SAMPLE]
    return _average((total - discount for total, discount in newest if total - discount >= at_least), at_least)


def usual_rate(*, value_kind: str) -> tuple[int, bool]:
    """Return how many in 10,000 coupons of one kind were used so far, and whether that is only assumed."""
    earlier = CouponBatch.objects.filter(value_kind=value_kind, issued__gt=0).order_by("-pk")
    newest = CouponBatch.objects.filter(pk__in=list(earlier.values_list("pk", flat=True)[:NEWEST_BATCHES]))
    sums = newest.aggregate(issued=Sum("issued"), redeemed=Sum("redeemed"))
    if (sums["issued"] or 0) < FEWEST_ISSUED:
        return ASSUMED_RATE, True
    return min(sums["redeemed"] * ONE_BASIS // sums["issued"], ONE_BASIS), False


def _worth_of_one(batch: CouponBatch, basket: int) -> int:
    """Return what one use takes off a typical basket; more points count as what they pay for later."""
    if batch.value_kind == CouponBatch.Value.MULTIPLIER:
        newest = PointTransaction.objects.filter(kind=Kind.EARN).order_by("-pk").values_list("points", flat=True)
        return value_of(_average(newest[:SAMPLE]) * max(batch.value - ONE_BASIS, 0) // ONE_BASIS)
    if batch.value_kind == CouponBatch.Value.PRODUCT:
        return (batch.product.price or 0) if batch.product else 0
    return discount_of(batch, basket)


def _average(amounts: Iterable[int], otherwise: int = 0) -> int:
    found = list(amounts)
    return sum(found) // len(found) if found else otherwise
