"""What goes into and comes out of the operations on baskets, purchases and returns."""

import datetime as dt
from typing import Annotated

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import Field, field_validator, model_validator

from customers.api.fields import Amount, Input, MemberNumber, Moment, Output, Reference, StoreCode, Till, text
from customers.csv_values import LARGEST_AMOUNT, BadValue
from rewards.api.coupon_schemas import CouponVerdict
from rewards.api.fields import (
    MOST_CARDS,
    MOST_COUPONS,
    MOST_LINES,
    Code,
    Currency,
    Id,
    Position,
    Quantity,
)


class LineIn(Input):
    """One line. A product that the portal lacks is made, with this name and category."""

    sku: text(64, "TEA-100")
    name: Annotated[
        text(200, "Green tea 100 g") | None, Field(description=gettext_noop("For a new product; by default the SKU."))
    ] = None
    category: Annotated[text(100, "tea") | None, Field(description=gettext_noop("Its code, for a new product."))] = None
    quantity: Quantity
    unit_price: Amount
    discount: Amount = 0

    @property
    def total(self) -> int:
        """What the line costs."""
        return self.quantity * self.unit_price - self.discount

    @model_validator(mode="after")
    def cost_something(self) -> "LineIn":
        """Refuse a discount above the price, and an amount that no column holds."""
        if not 0 <= self.total <= LARGEST_AMOUNT:
            raise BadValue(
                _("Quantity times unit price less the discount must lie between 0 and %(most)d.")
                % {"most": LARGEST_AMOUNT}
            )
        return self


class BasketIn(Input):
    """What is in the basket."""

    store: Annotated[StoreCode | None, Field(description=gettext_noop("By default the key's own."))] = None
    till: Till | None = None
    member_number: Annotated[MemberNumber | None, Field(description=gettext_noop("None for a guest."))] = None
    occurred_at: Moment
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=MOST_LINES)]
    discount: Annotated[Amount, Field(description=gettext_noop("Taken off the whole receipt, in the minor unit."))] = 0
    points: Annotated[
        int,
        Field(
            ge=0, le=LARGEST_AMOUNT, examples=[100],
            description=gettext_noop("That pay for a part of it; needs the scope points:hold."),
        ),
    ] = 0  # fmt: skip
    coupons: Annotated[
        list[Code],
        Field(
            max_length=MOST_COUPONS,
            description=gettext_noop("Codes, taken all or none; the portal reckons the discount. Needs the scope coupons:redeem."),
        ),
    ] = []  # fmt: skip

    @model_validator(mode="after")
    def stay_positive(self) -> "BasketIn":
        """Refuse a discount above the basket, and a sum that no column holds."""
        total = sum(line.total for line in self.lines)
        if not self.discount <= total <= LARGEST_AMOUNT:
            raise BadValue(_("The discount is larger than the basket, or the basket too large."))
        return self


class CardPayment(Input):
    """How much one gift card, or the member's store credit, pays."""

    code: Annotated[
        Code | None, Field(description=gettext_noop("Of the gift card; none for the member's store credit."))
    ] = None
    amount: Annotated[
        int, Field(ge=1, le=LARGEST_AMOUNT, description=gettext_noop("In the currency's minor unit."), examples=[500])
    ]


class PurchaseIn(BasketIn):
    """A receipt, unique per store and till."""

    reference: Reference
    hold: Annotated[
        Id | None,
        Field(
            description=gettext_noop("Takes the points out of this hold of the member, all of them unless `points` says fewer; the rest goes back.")
        ),
    ] = None  # fmt: skip
    value: Annotated[
        list[CardPayment],
        Field(
            max_length=MOST_CARDS,
            description=gettext_noop("Gift cards and store credit that pay for a part of it; needs the scope value:spend."),
        ),
    ] = []  # fmt: skip


class PointsEarned(Output):
    """What a basket earns and why."""

    earned: int
    because: Annotated[
        list[str], Field(description=gettext_noop("One sentence for each rule, in the language asked for."))
    ]


class StampsOut(Output):
    """What a basket gives on one stamp card."""

    card: Annotated[str, Field(description=gettext_noop("The code of the stamp card."), examples=["coffee"])]
    earned: int
    needed: Annotated[int, Field(description=gettext_noop("Stamps on a full card."))]
    on_card: Annotated[
        int | None, Field(description=gettext_noop("Stamps on the card now; none for a quote, which changes nothing."))
    ] = None
    coupons: Annotated[int, Field(description=gettext_noop("That full cards became by this purchase."))] = 0


class StampCardOut(Output):
    """A stamp card of a customer."""

    card: Annotated[str, Field(description=gettext_noop("The code of the stamp card."), examples=["coffee"])]
    name: str
    on_card: int
    needed: Annotated[int, Field(description=gettext_noop("Stamps on a full card."))]
    debt: Annotated[int, Field(description=gettext_noop("Stamps open from returns; the next ones make up for them."))]
    is_open: Annotated[bool, Field(description=gettext_noop("Whether purchases give stamps at the moment."))]


class StampCardsOut(Output):
    """The stamp cards of a customer."""

    member_number: str
    items: list[StampCardOut]


class QuoteOut(Output):
    """What a basket would cost and earn."""

    currency: Currency = settings.PROGRAMME_CURRENCY
    total: int
    discount: Annotated[int, Field(description=gettext_noop("Off the whole receipt, coupons included."))]
    paid_by_points: Annotated[int, Field(description=gettext_noop("What the points are worth."))]
    to_pay: int
    points: PointsEarned
    stamps: list[StampsOut] = []
    coupons: Annotated[
        list[CouponVerdict],
        Field(
            description=gettext_noop("What each coupon of the member would take off by itself, the best first; needs the scope coupons:read.")
        ),
    ]  # fmt: skip


class LineOut(Output):
    """One line of a receipt."""

    position: int
    sku: str
    quantity: int
    returned: int
    unit_price: int
    discount: int
    total: int


class PurchaseOut(Output):
    """A recorded receipt."""

    id: int
    store: str
    till: str
    reference: str
    member_number: str | None
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    currency: Currency = settings.PROGRAMME_CURRENCY
    total: int
    discount: int
    paid_by_points: int
    paid_by_value: Annotated[int, Field(description=gettext_noop("By gift cards and store credit."))]
    to_pay: int
    points: PointsEarned
    stamps: Annotated[
        list[StampsOut], Field(description=gettext_noop("What became of stamp cards, one entry each."))
    ] = []
    lines: list[LineOut]


class ReturnLineIn(Input):
    """How many of one line come back."""

    position: Position
    quantity: Quantity


class RefundIn(Input):
    """Goods that come back; `reference` is the return's own number, unique per purchase."""

    store: Annotated[
        StoreCode | None, Field(description=gettext_noop("Where it was bought; by default the key's own."))
    ] = None
    till: Till | None = None
    purchase: Annotated[Reference, Field(description=gettext_noop("The receipt."))]
    reference: Annotated[Reference, Field(description=gettext_noop("The return."))]
    occurred_at: Moment
    lines: Annotated[list[ReturnLineIn], Field(min_length=1, max_length=MOST_LINES)]
    reason: text(200, "wrong size") | None = None
    returns_coupon: Annotated[
        bool | None,
        Field(description=gettext_noop("Whether the coupon comes back, where what is kept falls below its minimum.")),
    ] = None

    @field_validator("lines")
    @classmethod
    def name_a_line_once(cls, lines: list[ReturnLineIn]) -> list[ReturnLineIn]:
        """Refuse a position that stands twice."""
        if len({line.position for line in lines}) != len(lines):
            raise BadValue(_("Each line may stand only once."))
        return lines


class RefundOut(Output):
    """A recorded return and what it did to the customer's points."""

    id: int
    store: str
    till: str
    purchase: str
    reference: str
    member_number: str | None
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    currency: Currency = settings.PROGRAMME_CURRENCY
    total: int
    money: Annotated[int, Field(description=gettext_noop("What the customer gets back in money."))]
    points_taken_back: int
    points_given_back: int
    coupons_returned: int
