"""What goes into and comes out of the operations on gift cards, store credit and rewards."""

import datetime as dt
from typing import Annotated, Literal

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import Field, model_validator

from customers.api.fields import Amount, Input, MemberNumber, Output, StoreCode, text
from customers.csv_values import LARGEST_AMOUNT, BadValue
from rewards import codes
from rewards.api.fields import Currency, Id
from rewards.models import RewardOrder, ValueAccount, ValueMovement
from rewards.showcase import Reason

CardCode = Annotated[
    text(4 * codes.LONGEST, "7K3M-9Q2X-4TBD"),
    Field(description=gettext_noop("As typed or scanned: case, blanks and dashes do not matter.")),
]
Positive = Annotated[
    int, Field(ge=1, le=LARGEST_AMOUNT, description=gettext_noop("In the currency's minor unit."), examples=[2000])
]
OwnStore = Annotated[StoreCode | None, Field(description=gettext_noop("By default the key's own."))]


class CardSale(Input):
    """A gift card to be sold."""

    amount: Annotated[Positive, Field(description=gettext_noop("What is paid for it, in the minor unit."))]
    promotional: Annotated[Amount, Field(description=gettext_noop("What the shop puts on top."))] = 0
    member_number: Annotated[
        MemberNumber | None, Field(description=gettext_noop("Whose it is alone; none for whoever shows it."))
    ] = None
    store: OwnStore = None


class Purse(Input):
    """A gift card by its code, or the store credit of a customer by the member number."""

    code: CardCode | None = None
    member_number: Annotated[
        MemberNumber | None,
        Field(description=gettext_noop("Who pays; needed for store credit and for a claimed card.")),
    ] = None

    @model_validator(mode="after")
    def name_one(self) -> "Purse":
        """Refuse a request that names nothing."""
        if self.code is None and self.member_number is None:
            raise BadValue(_("Give the code of a gift card, or a member number for store credit."))
        return self


class TopUpIn(Purse):
    """Money to be put on."""

    amount: Positive
    promotional: Annotated[Amount, Field(description=gettext_noop("What the shop puts on top."))] = 0
    store: OwnStore = None


class SpendIn(Purse):
    """A payment."""

    amount: Positive
    store: OwnStore = None


class GiveBackIn(Input):
    """A payment of which something comes back."""

    movement: Annotated[Id, Field(description=gettext_noop("Of the payment."))]
    amount: Annotated[Positive | None, Field(description=gettext_noop("By default all that has not come back."))] = None


class ValueOut(Output):
    """A gift card or store credit, without its code."""

    id: int
    kind: Literal[tuple(ValueAccount.Kind.values)]
    ends_in: Annotated[
        str, Field(description=gettext_noop("The last four symbols of the code, empty for store credit."))
    ]
    member_number: str | None
    currency: Currency = settings.PROGRAMME_CURRENCY
    balance: int
    paid: Annotated[int, Field(description=gettext_noop("What of it was paid in."))]
    promotional: Annotated[int, Field(description=gettext_noop("What of it the shop gave; it is spent first."))]
    state: Literal["active", "blocked", "expired"]
    expires_at: dt.datetime | None


class PursesOut(Output):
    """What a customer has."""

    member_number: str
    items: list[ValueOut]


class ValueMovementOut(Output):
    """What moved, and what is on the account afterwards."""

    id: int
    kind: Literal[tuple(ValueMovement.Kind.values)]
    amount: Annotated[int, Field(description=gettext_noop("Above 0 what came onto it, below what left it."))]
    paid: int
    promotional: int
    occurred_at: dt.datetime
    account: ValueOut


class CodeOut(Output):
    """A code for its holder. It is not kept with the answers, so ask once and print it."""

    code: str


class RewardOut(Output):
    """One reward as the customer sees it."""

    reward: Annotated[str, Field(examples=["mug"])]
    name: str
    description: str
    points: int
    price: Annotated[int, Field(description=gettext_noop("To be paid in money on top, in the minor unit."))]
    currency: Currency = settings.PROGRAMME_CURRENCY
    hands_out: Literal["coupon", "pick_up"]
    left: Annotated[int | None, Field(description=gettext_noop("None without limit."))]
    missing: Annotated[int, Field(description=gettext_noop("Points that the customer lacks."))]
    refusal: Annotated[
        Literal[tuple(Reason.values)] | None, Field(description=gettext_noop("None when it can be taken now."))
    ]
    minimum_tier: str | None
    ends_at: dt.datetime | None


class RewardsOut(Output):
    """The rewards of a customer, those in reach first."""

    member_number: str
    items: list[RewardOut]


class TakeIn(Input):
    """A reward to be taken for a customer."""

    member_number: MemberNumber
    reward: Annotated[text(60, "mug"), Field(description=gettext_noop("As listed."))]


class HandOverIn(Input):
    """Where it is handed over."""

    store: OwnStore = None


class CancelIn(Input):
    """Who cancels."""

    is_customer: Annotated[
        bool, Field(description=gettext_noop("Whether the customer asked for it; else the shop cancels, and writes."))
    ] = True


class OrderOut(Output):
    """A reward that was taken, without its code."""

    id: int
    member_number: str
    reward: str
    name: str
    state: Literal[tuple(RewardOrder.State.values)]
    points: int
    price: int
    currency: Currency = settings.PROGRAMME_CURRENCY
    ordered_at: dt.datetime
    pick_up_until: dt.datetime | None
    handed_over_at: dt.datetime | None
    cancelled_at: dt.datetime | None
    coupon_ends_in: str | None
