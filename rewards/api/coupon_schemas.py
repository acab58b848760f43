"""What goes into and comes out of the operations on coupons."""

import datetime as dt
from typing import Annotated, Literal

from django.conf import settings
from django.utils.translation import gettext_noop
from pydantic import Field

from customers.api.fields import Amount, Input, MemberNumber, Output, Reference, StoreCode, Till, text
from rewards.api.fields import Code, Currency, Id

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
