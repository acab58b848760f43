"""What is compared when two spellings may mean the same customer: e-mail in lower case, phones as +49301234567."""

import unicodedata

import phonenumbers
from babel.core import get_global
from django.conf import settings

from customers.models import Identifier


def normalise(*, kind: str, value: str) -> str:
    """Return the form of a value that is stored and compared, empty when nothing can be made of it.

    A phone number without a country is one of the country of the programme's time zone.
    """
    value = unicodedata.normalize("NFKC", value).strip()
    if kind == Identifier.Kind.EMAIL:
        return value.lower()
    if kind == Identifier.Kind.PHONE:
        return normalise_phone(value)
    return value


def normalise_phone(value: str) -> str:
    """Return a phone number as +49301234567, empty when it is none."""
    try:
        number = phonenumbers.parse(value, home_country())
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def home_country() -> str | None:
    """Return the country of the programme's time zone such as DE, or None where a zone has none (UTC)."""
    return get_global("zone_territories").get(settings.TIME_ZONE)
