"""What a basket at the till comes to before anything is recorded: to pay, points earned, points that could pay. Writes nothing."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from customers.models import Customer, Store
from rewards import checkout, coupon_baskets, sale
from rewards.models import Coupon, PointBalance, ValueAccount
from rewards.sale import Receipt, SoldLine, ValuePayments


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A basket in figures; money in the minor unit. `most_points` is how many points could pay for it."""

    total: int
    off: int
    points: int
    paid_by_points: int
    paid_by_value: int
    earned: int
    most_points: int

    @property
    def to_pay(self) -> int:
        """What remains to be paid in money."""
        return self.total - self.off - self.paid_by_points - self.paid_by_value


def bill(
    *,
    store: Store,
    customer: Customer | None,
    lines: Sequence[SoldLine],
    now: dt.datetime,
    coupons: Sequence[Coupon] = (),
    points: int = 0,
    accounts: Sequence[ValueAccount] = (),
) -> Bill:
    """Return what a basket comes to with the chosen coupons and points. Raises CouponRefused when a coupon fits nothing."""
    total = sum(line.total for line in lines)
    off = sum(taken for __, taken in coupon_baskets.discounts(coupons=coupons, lines=lines, off=0)) if coupons else 0
    paid = min(sale.value_of(points), total - off)
    receipt = Receipt(
        store=store, reference="quote", customer_id=customer and customer.pk, occurred_at=now, lines=lines, discount=off,
        points=points, paid_by_points=paid, multiplier=coupon_baskets.multiplier(coupons),
    )  # fmt: skip
    earned = checkout.quote(receipt=receipt).earned.points if customer is not None and lines else 0
    most = most_points(customer=customer, amount=total - off)
    by_value = sum(amount for __, amount in payments(accounts=accounts, amount=total - off - paid))
    return Bill(
        total=total,
        off=off,
        points=points,
        paid_by_points=paid,
        paid_by_value=by_value,
        earned=earned,
        most_points=most,
    )


def payments(*, accounts: Sequence[ValueAccount], amount: int) -> ValuePayments:
    """Return how much each gift card or store credit pays of an amount, one after the other; those that pay nothing are left out."""
    found = []
    for account in accounts:
        pays = min(account.balance, amount)
        if pays > 0:
            found.append((account, pays))
            amount -= pays
    return found


def most_points(*, customer: Customer | None, amount: int) -> int:
    """Return how many points of a customer an amount takes at most: never more than they have, or than it costs."""
    if customer is None or amount <= 0:
        return 0
    balance = PointBalance.objects.filter(customer=customer).first()
    worth = 10**settings.PROGRAMME_CURRENCY_DIGITS
    points = -(-amount * settings.POINTS_PER_UNIT // worth)
    if sale.value_of(points) > amount:
        points -= 1
    return min(balance.active if balance else 0, points)
