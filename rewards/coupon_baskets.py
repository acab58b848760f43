"""What of a basket coupons look at, which of them go together, and what they take off.

Coupons go together when each names a stacking category and no two name the same; a coupon without one stands alone. They
take off in one order, whatever the order of asking: percentages, then free products, then amounts, each from what the ones
before it have left. So the sum lies between nothing and the basket, and a percentage is never of less than the full price.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from rewards import earning
from rewards.coupons import CouponRefused, Reason
from rewards.models import Coupon, CouponBatch
from rewards.redemption import ONE_BASIS, discount_of

Value = CouponBatch.Value
ORDER = {Value.PERCENT: 0, Value.PRODUCT: 1, Value.AMOUNT: 2}
TRIED = 3  # the best of each stacking category, when the best combination is looked for

type Discounts = list[tuple[Coupon, int]]
"""Coupons with what each takes off, in the currency's minor unit."""


def discount(*, coupon: Coupon, lines: Sequence[Any], off: int) -> int:
    """Return what a coupon takes off a basket of sold lines, in the currency's minor unit, rounded down.

    `off` was taken off the whole receipt before. Only products and categories of the batch count, each line with its share
    of what came off; a free product is worth the cheapest piece in the basket. Raises CouponRefused when nothing fits.
    """
    ((__, taken),) = discounts(coupons=[coupon], lines=lines, off=off)
    return taken


def discounts(*, coupons: Sequence[Coupon], lines: Sequence[Any], off: int) -> Discounts:
    """Return what each of several coupons takes off one basket, all of them or none.

    Raises CouponRefused when they do not go together, or when one finds nothing that fits.
    """
    refuse_clash(coupons)
    shares = earning.basis_shares([line.total for line in lines], off)
    taken = []
    for coupon in sorted(coupons, key=_place):
        fits = _fitting(coupon.batch)
        places = [place for place, line in enumerate(lines) if fits(line.product)]
        if not places:
            raise CouponRefused(Reason.NOTHING_FITS, coupon=coupon)
        if coupon.batch.value_kind == Value.PRODUCT:
            amount = min(shares[place] // lines[place].quantity for place in places)
        else:
            amount = discount_of(coupon.batch, sum(shares[place] for place in places))
        left = earning.basis_shares([shares[place] for place in places], amount)
        for place, share in zip(places, left, strict=True):
            shares[place] = share
        taken.append((coupon, amount))
    return taken


def best(*, coupons: Sequence[Coupon], lines: Sequence[Any], off: int) -> Discounts:
    """Return the combination that takes most off, of the fewest coupons that do; empty when none takes anything off.

    Whether a till accepts them is asked apart: redemption.refusal. Of a stacking category the three best are tried.
    """
    alone: list[Discounts] = []
    groups: dict[str, list[tuple[int, Coupon]]] = defaultdict(list)
    for coupon in coupons:
        try:
            found = discounts(coupons=[coupon], lines=lines, off=off)
        except CouponRefused:
            continue
        alone.append(found)
        if coupon.batch.stacking and found[0][1]:
            groups[coupon.batch.stacking].append((found[0][1], coupon))
    few = [[None, *(c for __, c in sorted(g, key=lambda it: (-it[0], it[1].pk))[:TRIED])] for g in groups.values()]
    together = ([coupon for coupon in choice if coupon] for choice in itertools.product(*few))
    tried = [*alone, *(discounts(coupons=chosen, lines=lines, off=off) for chosen in together if len(chosen) > 1)]
    worth = [found for found in tried if sum(amount for __, amount in found)]
    return min(worth, key=_preference, default=[])


def refuse_clash(coupons: Sequence[Coupon]) -> None:
    """Raise CouponRefused unless the coupons may be used together."""
    categories = [coupon.batch.stacking for coupon in coupons]
    if len(coupons) > 1 and ("" in categories or len(set(categories)) < len(categories)):
        raise CouponRefused(Reason.NOT_COMBINABLE, coupon=coupons[-1])


def multiplier(coupons: Sequence[Coupon]) -> int:
    """Return by how much coupons multiply the points of a purchase, in basis points, rounded down."""
    whole = earning.ONCE
    for coupon in sorted(coupons, key=_place):
        if coupon.batch.value_kind == Value.MULTIPLIER:
            whole = whole * coupon.batch.value // ONE_BASIS
    return whole


def _place(coupon: Coupon) -> tuple[int, int, int, int]:
    batch = coupon.batch
    return ORDER.get(batch.value_kind, len(ORDER)), -batch.value, batch.pk, coupon.pk


def _preference(found: Discounts) -> tuple[int, int, list[int]]:
    return -sum(amount for __, amount in found), len(found), [coupon.pk for coupon, __ in found]


def _fitting(batch: CouponBatch) -> Callable[[Any], bool]:
    """Return whether a product is one that the batch speaks of."""
    if batch.value_kind == Value.PRODUCT:
        return lambda product: product.pk == batch.product_id
    products = set(batch.products.values_list("pk", flat=True))
    categories = set(batch.categories.values_list("pk", flat=True))
    if not products and not categories:
        return lambda product: True
    return lambda product: product.pk in products or product.category_id in categories
