"""Read the rows of a customers file: every value checked, every fault named."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from customers.csv_rows import shown
from customers.csv_values import BadValue, read_day, read_text, read_yes_no
from customers.identifiers import normalise
from customers.timezones import programme_date, start_of_day

COLUMNS = ("member_number", "name", "email", "phone", "language", "birthday", "enrolled_on", "email_consent")
LANGUAGES = {"": "", "en": "en", "zh": "zh-hans", "zh-hans": "zh-hans", "zh-cn": "zh-hans"}


@dataclass(slots=True)
class CustomerRow:
    """One customer of a file."""

    line: int
    member_number: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    birthday: dt.date | None = None
    enrolled_at: dt.datetime | None = None
    email_consent: bool | None = None

    @property
    def unique_keys(self) -> list[tuple[str, str]]:
        """What may stand only once in a file."""
        return [
            ("member_number", self.member_number),
            *((kind, normalised) for kind, __, normalised in self.contacts()),
        ]

    def contacts(self) -> Iterator[tuple[str, str, str]]:
        """Give kind, value and compared form of the e-mail address and the phone number, as far as there are any."""
        for kind, value in (("email", self.email), ("phone", self.phone)):
            if value:
                yield kind, value, normalise(kind=kind, value=value)


def read_customer(line: int, fields: list[str], *, now: dt.datetime) -> tuple[CustomerRow, list[tuple[str, str]]]:
    """Return the row of a line and what is wrong with it."""
    row, faults = CustomerRow(line), []
    today = programme_date(now)
    readers = {
        "member_number": lambda text: read_text(text, longest=32),
        "name": lambda text: read_text(text, longest=150, required=False),
        "email": read_email,
        "phone": read_phone,
        "language": read_language,
        "birthday": lambda text: read_day(text, latest=today) if text else None,
        "enrolled_on": lambda text: start_of_day(read_day(text, latest=today)) if text else now,
        "email_consent": read_yes_no,
    }
    for (column, read), text in zip(readers.items(), fields, strict=True):
        try:
            setattr(row, "enrolled_at" if column == "enrolled_on" else column, read(text))
        except BadValue as error:
            faults.append((column, str(error)))
    return row, faults


def read_language(text: str) -> str:
    """Return the portal's code of a language."""
    if text.lower() not in LANGUAGES:
        raise BadValue(_("“%(value)s” is not a language of the portal; write en or zh-hans.") % {"value": shown(text)})
    return LANGUAGES[text.lower()]


def read_email(text: str) -> str:
    """Return an e-mail address as it was written."""
    if not text:
        return ""
    try:
        validate_email(read_text(text, longest=254))
    except ValidationError as error:
        raise BadValue(_("“%(value)s” is not an e-mail address.") % {"value": shown(text)}) from error
    return text


def read_phone(text: str) -> str:
    """Return a phone number as it was written; without a country it is one of the programme's."""
    if text and not (text.isascii() and normalise(kind="phone", value=read_text(text, longest=40))):
        raise BadValue(
            _("“%(value)s” is not a phone number such as %(example)s.")
            % {"value": shown(text), "example": "+49 30 1234567"}
        )
    return text
