"""A sale before it is recorded: its lines, its receipt, what a quote says, and why it may be refused.

Money is in the currency's minor unit, tax included. `rewards.checkout` records it.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from customers.models import Product, Purchase, Store
from rewards import earning, lineage
from rewards.earning import Basket, BasketLine, Earned
from rewards.models import PointHold, ValueAccount

type ValuePayments = Sequence[tuple[ValueAccount, int]]


class ReceiptConflict(Exception):
    """The receipt was recorded before with other contents; nothing was changed."""

    def __init__(self, *, purchase: Purchase) -> None:
        self.purchase = purchase
        super().__init__(
            _("Receipt %(reference)s was recorded before with other contents.") % {"reference": purchase.reference}
        )


class PaysTooMuch(Exception):
    """Points and gift cards are worth more than there is to pay; nothing was recorded."""

    def __init__(self, *, points: int, to_pay: int, by_value: int = 0) -> None:
        self.points, self.to_pay, self.by_value = points, to_pay, by_value
        super().__init__(
            _("Gift cards and points would pay more than there is to pay.")
            if by_value
            else _("%(points)d points are worth more than there is to pay.") % {"points": points}
        )


class SoldLine(NamedTuple):
    """One line as it was sold; total = quantity x unit price - discount."""

    product: Product
    quantity: int
    unit_price: int
    discount: int = 0

    @property
    def total(self) -> int:
        """What the line costs."""
        return self.quantity * self.unit_price - self.discount


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A purchase to be recorded; `discount` is taken off the whole receipt, coupons included. A guest has no customer.

    `points` pay for `paid_by_points` of the money, out of the customer's `hold` if there is one; `multiplier` is that of a coupon, in basis points. `value` says how much
    each gift card or store credit pays, which earns like money.
    """

    store: Store
    reference: str
    customer_id: int | None
    occurred_at: dt.datetime
    lines: Sequence[SoldLine]
    till: str = ""
    discount: int = 0
    points: int = 0
    paid_by_points: int = 0
    multiplier: int = earning.ONCE
    by_id: int | None = None
    value: ValuePayments = ()
    hold: PointHold | None = None

    @property
    def paid_by_value(self) -> int:
        """What gift cards and store credit pay together."""
        return sum(amount for __, amount in self.value)

    @property
    def total(self) -> int:
        """Sum of the lines."""
        return sum(quantity * unit_price - discount for __, quantity, unit_price, discount in self.lines)

    @property
    def digest(self) -> str:
        """What tells a repeated receipt from a conflicting one: 32 hexadecimal digits over all it says."""
        lines = sorted([(product.sku, *rest) for product, *rest in self.lines])
        paid = (self.points, self.paid_by_points) if self.points else ()
        paid += tuple(("value", account.pk, amount) for account, amount in self.value)
        text = repr((self.customer_id, self.occurred_at.astimezone(dt.UTC).isoformat(), self.discount, lines, *paid))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def says(self, digest: str) -> bool:
        """Return whether this is the receipt of that digest, whichever of the customer's merged records it names.

        Records that were parted again count as well: what was sold in between stands under the one that was kept.
        """
        if digest == self.digest or self.customer_id is None:
            return digest == self.digest
        family = lineage.family_of(self.customer_id)
        return any(replace(self, customer_id=pk).digest == digest for pk in family)

    def basket(self) -> Basket:
        """Return what the earning rules look at."""
        lines = [
            BasketLine(
                product.pk, product.category_id, quantity, quantity * unit_price - discount, product.earns_points
            )
            for product, quantity, unit_price, discount in self.lines
        ]
        return Basket(
            store_id=self.store.pk,
            time_zone=self.store.time_zone,
            occurred_at=self.occurred_at,
            lines=lines,
            off=self.discount + self.paid_by_points,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a basket would cost and earn."""

    total: int
    to_pay: int
    earned: Earned
    stamps: Mapping[int, Earned]


def value_of(points: int) -> int:
    """Return what points are worth as payment, in the currency's minor unit, rounded down (POINTS_PER_UNIT)."""
    return points * 10**settings.PROGRAMME_CURRENCY_DIGITS // settings.POINTS_PER_UNIT
