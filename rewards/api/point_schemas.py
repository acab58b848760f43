"""What goes into and comes out of the operations on points."""

import datetime as dt
from typing import Annotated, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from customers.api.fields import Input, MemberNumber, Output, Points, StoreCode, text


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
