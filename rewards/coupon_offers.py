"""Which coupons of a customer fit a basket: what each takes off, best first, and of the others why not. Writes nothing."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from customers.models import Customer, Store
from rewards import coupon_baskets, redemption
from rewards.coupons import CouponRefused, Reason
from rewards.models import Coupon, CouponBatch
from rewards.passes import Pass, live_passes
from rewards.redemption import Situation
from rewards.sale import SoldLine

MOST = 30
# Taken without a sale: nothing of a basket decides about them.
WITHOUT_SALE = (CouponBatch.Value.GIFT,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A coupon and what it would do for a basket; `reason` says why a till would refuse it."""

    coupon: Coupon
    ticket: Pass
    discount: int = 0
    reason: Reason | None = None

    @property
    def fits(self) -> bool:
        """Whether the till would take it now."""
        return self.reason is None


def offers(
    *,
    customer: Customer | None,
    store: Store,
    lines: Sequence[SoldLine],
    now: dt.datetime,
    shown: Sequence[Coupon] = (),
) -> list[Offer]:
    """Return the coupons of a customer and those that were shown at the till: those that fit, best first, then the others."""
    found: dict[int, Pass] = {coupon.pk: Pass.of(coupon, now=now) for coupon in shown}
    if customer is not None:
        found |= {it.coupon.pk: it for it in live_passes(customer=customer, now=now, limit=MOST)}
    rows = [_offer(ticket, customer, store, lines, now) for ticket in found.values()]
    return sorted(rows, key=lambda offer: (not offer.fits, -offer.discount))


def _offer(ticket: Pass, customer: Customer | None, store: Store, lines: Sequence[SoldLine], now: dt.datetime) -> Offer:
    coupon, discount, total = ticket.coupon, 0, sum(line.total for line in lines)
    if lines:
        try:
            discount = coupon_baskets.discount(coupon=coupon, lines=lines, off=0)
        except CouponRefused as refused:
            return Offer(coupon=coupon, ticket=ticket, reason=refused.reason)
    situation = Situation(now=now, customer=customer, store=store, basket=total, discount=discount)
    return Offer(coupon=coupon, ticket=ticket, discount=discount, reason=redemption.refusal(coupon, situation))
