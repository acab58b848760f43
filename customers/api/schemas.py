"""What goes into and comes out of the customers' operations."""

import datetime as dt
from typing import Annotated, Literal, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import Field, model_validator

from customers.api.fields import Day, Email, Input, MemberNumber, Output, Phone, StoreCode, text
from customers.csv_values import BadValue
from customers.models import Consent

Language = Literal["en", "zh-hans"]
Channel = Literal[tuple(Consent.Channel.values)]
Purpose = Literal[tuple(Consent.Purpose.values)]


class FindCustomer(Input):
    """Exactly one of the four."""

    member_number: MemberNumber = None
    email: Email = None
    phone: Phone = None
    code: Annotated[
        text(60, "1000047118"),
        Field(
            description=gettext_noop(
                "What a scanner read from a card or a phone: the code of the member card, printed or fresh. It identifies and is not used up."
            )
        ),
    ] = None

    model_config = {
        "json_schema_extra": {"minProperties": 1, "maxProperties": 1, "examples": [{"phone": "+49 30 1234567"}]}
    }

    @model_validator(mode="after")
    def name_one(self) -> Self:
        """Refuse none and several."""
        if len(self.model_fields_set) != 1:
            raise BadValue(_("Give exactly one of member_number, email, phone and code."))
        return self


class ConsentWord(Input):
    """A yes or no, in the words that were shown."""

    channel: Channel
    purpose: Purpose
    is_granted: bool
    wording: Annotated[
        text(60, "till-2026-01"), Field(description=gettext_noop("Key and version of the sentence that was shown."))
    ]


class EnrolCustomer(Input):
    """A new customer; without a member number they get one."""

    name: text(150, "Alice Liddell")
    email: Email | None = None
    phone: Phone | None = None
    language: Language | None = None
    birthday: Day | None = None
    store: Annotated[StoreCode | None, Field(description=gettext_noop("The home store; by default the key's own."))] = (
        None
    )
    member_number: MemberNumber | None = None
    consents: Annotated[list[ConsentWord], Field(max_length=10)] = []


class CustomerOut(Output):
    """A customer without any way to reach them."""

    member_number: str
    name: str
    language: str | None
    home_store: str | None
    enrolled_at: dt.datetime


class RecommendationOut(Output):
    """One product that a customer is likely to buy."""

    sku: str
    name: Annotated[str, Field(description=gettext_noop("In the language of the request."))]
    category: str | None
    price: Annotated[int | None, Field(description=gettext_noop("In the currency's minor unit."))]
    kind: Annotated[
        Literal["repeat", "discovery", "popular"],
        Field(description=gettext_noop("Bought before, new to the customer, or what most customers buy.")),
    ]
    reason: Annotated[str, Field(description=gettext_noop("In words, to be shown beside the product."))]


class Recommendations(Output):
    """Best first: what was bought before, then what is new to the customer."""

    member_number: str
    is_personalised: bool
    recommendations: list[RecommendationOut]


class Enrolled(Output):
    """What a till needs to know of the customer that it enrolled. No personal data: this answer is stored for repetitions."""

    member_number: str
    enrolled_at: dt.datetime


class ConsentOut(Output):
    """The customer's latest word on a channel and purpose."""

    channel: str
    purpose: str
    is_granted: bool
    wording: str
    occurred_at: dt.datetime


class Contacts(Output):
    """How to reach a customer, and what they agreed to."""

    member_number: str
    email: str | None
    phone: str | None
    birthday: dt.date | None
    consents: list[ConsentOut]
