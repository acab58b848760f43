"""What goes into and comes out of the operations on purchases, points and coupons."""

import datetime as dt
from typing import Annotated, Literal

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import Field, field_validator, model_validator

from customers.api.fields import Amount, Input, MemberNumber, Moment, Output, Points, Reference, StoreCode, Till, text
from customers.csv_values import LARGEST_AMOUNT, BadValue

MOST_LINES = 500
MOST_CARDS = 5
MOST_COUPONS = 5
LARGEST_QUANTITY = 9_999
Quantity = Annotated[int, Field(ge=1, le=LARGEST_QUANTITY, examples=[2])]
Position = Annotated[int, Field(ge=1, le=MOST_LINES, description=gettext_noop("Counted from 1."), examples=[1])]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Currency = Annotated[str, Field(description=gettext_noop("ISO 4217; amounts are in its minor unit."), examples=["EUR"])]

Code = Annotated[
    text(40, "ABCD-EFGH-JKMN"),
    Field(description=gettext_noop("As printed or scanned; case, blanks and dashes do not matter.")),
]


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
        list["CouponVerdict"],
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


class BalanceOut(Output):
    """A customer's points. Pending ones become active by themselves; a debt (0 or below) is made up by the next awards."""

    member_number: str
    active: Annotated[int, Field(description=gettext_noop("Can be spent."))]
    pending: int
    held: int
    debt: int
    lifetime: Annotated[int, Field(description=gettext_noop("All points ever earned."))]


class MovementOut(Output):
    """One movement of points."""

    sequence: Annotated[int, Field(description=gettext_noop("1 is the customer's first movement; there are no gaps."))]
    kind: str
    points: Annotated[
        int, Field(description=gettext_noop("Above 0 what comes in, below 0 what goes out; 0 moves within."))
    ]
    moved: Annotated[int, Field(description=gettext_noop("How many points moved, always above 0."))]
    from_account: str
    to_account: str
    source: str
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    active_after: int
    what: Annotated[str, Field(description=gettext_noop("For the customer, in the language asked for."))]
    why: list[str]
    outlook: list[str]


class StatementOut(Output):
    """A page of a statement, newest first."""

    member_number: str
    items: list[MovementOut]
    next: Annotated[
        int | None, Field(description=gettext_noop("Pass it as `before` for the next page; null at the end."))
    ]


class HoldIn(Input):
    """Points to be set aside for a purchase that is not finished."""

    member_number: MemberNumber
    points: Points
    minutes: Annotated[
        int, Field(ge=1, le=7 * 24 * 60, description=gettext_noop("Until they come back by themselves."))
    ] = 15
    store: StoreCode | None = None


class CaptureIn(Input):
    """Spend a hold: all of its points, or fewer."""

    points: Points | None = None


class Nothing(Input):
    """An empty object."""


class HoldOut(Output):
    """Points on hold."""

    id: int
    member_number: str
    state: Literal["open", "captured", "released", "lapsed"]
    points: int
    captured: int
    placed_at: dt.datetime
    expires_at: dt.datetime


class TransferIn(Input):
    """Points from one customer to another; they keep their expiry."""

    from_member: MemberNumber
    to_member: MemberNumber
    points: Points
    note: text(200) | None = None


class TransferOut(Output):
    """A transfer."""

    source: str
    from_member: str
    to_member: str
    points: int
    occurred_at: dt.datetime


HoldKey = Annotated[text(100, "basket-77"), Field(description=gettext_noop("Your name for the basket."))]
BasketDigest = Annotated[
    text(64, "9f86d081884c7d65"),
    Field(
        description=gettext_noop(
            "Stands for what lies in the basket. A reserved coupon is refused for another one; without it nothing is compared."
        )
    ),
]


class CouponCheck(Input):
    """A coupon, and the basket that it would be used for."""

    code: Code
    store: StoreCode | None = None
    member_number: MemberNumber | None = None
    basket: Annotated[Amount, Field(description=gettext_noop("What there is to pay, in the minor unit."))] = 0
    reservation: Annotated[HoldKey | None, Field(description=gettext_noop("If you have reserved it."))] = None


class CouponOut(Output):
    """What a coupon is worth. The code itself is never repeated."""

    ends_in: str
    name: str
    state: Literal["scheduled", "active", "reserved", "redeemed", "voided", "hidden", "expired"]
    value_kind: Literal["percent", "amount", "product", "gift", "multiplier"]
    value: Annotated[
        int, Field(description=gettext_noop("Percent and multiplier in basis points, amount in the minor unit."))
    ]
    product: Annotated[str | None, Field(description=gettext_noop("SKU of a free product."))]
    minimum_basket: int
    expires_at: dt.datetime | None
    reserved_until: dt.datetime | None


class CouponVerdict(Output):
    """Whether the coupon would be taken. `reason` is told only to keys with the scope coupons:reasons."""

    is_valid: bool
    reason: str | None
    detail: str | None
    discount: int
    currency: Currency = settings.PROGRAMME_CURRENCY
    coupon: CouponOut | None


class ReserveIn(Input):
    """Hold a coupon for one basket."""

    code: Code
    reservation: HoldKey
    store: StoreCode | None = None
    member_number: MemberNumber | None = None
    basket: Amount = 0
    basket_digest: BasketDigest | None = None


class ReleaseIn(Input):
    """Let go of a coupon."""

    code: Code
    reservation: HoldKey


class RedeemIn(Input):
    """Use a coupon. The portal reckons the discount from the basket."""

    code: Code
    store: StoreCode | None = None
    till: Till | None = None
    member_number: MemberNumber | None = None
    basket: Amount = 0
    reservation: HoldKey | None = None
    basket_digest: BasketDigest | None = None
    purchase: Annotated[
        Reference | None, Field(description=gettext_noop("The receipt, if it is recorded already."))
    ] = None


class RedemptionOut(Output):
    """One use of a coupon."""

    id: int
    coupon: CouponOut
    member_number: str | None
    store: str | None
    discount: int
    currency: Currency = settings.PROGRAMME_CURRENCY
    redeemed_at: dt.datetime
    returned_at: dt.datetime | None


class TakeBackIn(Input):
    """A use that is undone because its purchase is."""

    redemption: Id
