"""The types of the API's fields: strict (no text for a number, no number for a text), bounded, and described in OpenAPI."""

import datetime as dt
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from customers.csv_values import LARGEST_AMOUNT, BadValue, read_day, read_moment
from customers.customer_rows import read_email, read_phone
from customers.timezones import programme_date

# No control characters, and neither begins nor ends with a blank.
PLAIN = r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$"


class Input(BaseModel):
    """What a caller sends: nothing but the fields that are named here."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Output(BaseModel):
    """What a caller gets: exactly the fields that are named here."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


def text(longest: int, example: str = "") -> Any:
    """Return the type of a text of 1 to so many characters."""
    return Annotated[
        str, Field(min_length=1, max_length=longest, pattern=PLAIN, examples=[example] if example else None)
    ]


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        raise BadValue(_("Write a time as a text such as 2026-02-28T17:45:00+01:00."))
    if not value.endswith(("Z", "z")) and value[-6:-5] not in ("+", "-"):
        raise BadValue(_("The time needs an offset from UTC, such as +01:00 or Z."))
    return read_moment(value, zone=ZoneInfo("UTC"), now=timezone.now())


def _day(value: Any) -> Any:
    if not isinstance(value, str):
        raise BadValue(_("Write a day as a text such as 2026-02-28."))
    return read_day(value, latest=programme_date(timezone.now()))


Moment = Annotated[
    dt.datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-02-28T17:45:00+01:00"]}),
]
Day = Annotated[
    dt.date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["1990-05-17"]}),
]
Amount = Annotated[
    int, Field(ge=0, le=LARGEST_AMOUNT, description=gettext_noop("In the currency's minor unit."), examples=[1250])
]
Points = Annotated[int, Field(ge=1, le=LARGEST_AMOUNT, examples=[100])]
Email = Annotated[text(254, "alice@example.com"), AfterValidator(read_email)]
Phone = Annotated[text(40, "+49 30 1234567"), AfterValidator(read_phone)]
MemberNumber = text(32, "100004711829")
StoreCode = text(40, "harbour")
Till = text(40, "1")
Reference = text(64, "R-1042")
