"""Money, points and dates the way the reader writes them."""

import datetime as dt
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal, format_percent
from django import template
from django.conf import settings
from django.utils.translation import get_language

from customers.texts import local_text
from customers.timezones import programme_date, zone

register = template.Library()


def babel_locale() -> Locale:
    """Return Babel's locale of the active language."""
    return _locale("zh_Hans_CN" if (get_language() or "en").startswith("zh") else "en")


@cache
def _locale(name: str) -> Locale:
    # Babel reads a name again at every call.
    return Locale.parse(name)


@register.filter
def money(minor: int | None) -> str:
    """Write an amount in the currency's minor unit as money, such as €12.50."""
    if minor is None:
        return ""
    amount = Decimal(minor).scaleb(-settings.PROGRAMME_CURRENCY_DIGITS)
    return format_currency(amount, settings.PROGRAMME_CURRENCY, locale=babel_locale())


@register.filter
def points(number: int | None) -> str:
    """Write a number of points with the language's thousands separators."""
    return "" if number is None else format_decimal(number, locale=babel_locale())


@register.filter
def signed(number: int | None) -> str:
    """Write a number of points with its sign: +40 or −40 (a real minus)."""
    if number is None:
        return ""
    return ("+" if number > 0 else "−" if number < 0 else "") + format_decimal(abs(number), locale=babel_locale())


@register.filter
def basis_points(value: int | None) -> str:
    """Write basis points as a percentage, such as 12.5%."""
    return "" if value is None else format_percent(Decimal(value) / 10_000, format="#,##0.#%", locale=babel_locale())


@register.filter
def days_until(moment: dt.datetime, now: dt.datetime) -> int:
    """Return whole days from now to a moment, 0 on the same day."""
    return max(0, (moment - now).days)


# Day, month and year in the order that no reader mistakes; Chinese has one order only.
_DATES = {"en": {"day": "d MMM y", "short_day": "d MMM", "month": "MMMM y", "short_month": "MMM"}}
_DATES["zh_Hans_CN"] = {"day": "y年M月d日", "short_day": "M月d日", "month": "y年M月", "short_month": "M月"}


@register.filter
def day(value: dt.datetime | dt.date | None) -> str:
    """Write the programme's calendar day of an instant, such as 9 Mar 2026."""
    return _date(value, "day")


@register.filter
def short_day(value: dt.datetime | dt.date | None) -> str:
    """Write a day without its year, where the year is clear."""
    return _date(value, "short_day")


@register.filter
def iso_day(value: str) -> str:
    """Write a day that was kept as 2026-11-22."""
    return _date(dt.date.fromisoformat(value), "day")


@register.filter
def iso_month(value: str) -> str:
    """Write the month of a day that was kept as 2026-11-01."""
    return _date(dt.date.fromisoformat(value), "month")


@register.filter
def near_day(value: dt.datetime | None, now: dt.datetime) -> str:
    """Write a day, without its year when it lies within the ten months that leave no doubt."""
    if value is None:
        return ""
    return _date(value, "short_day" if abs(value - now) < dt.timedelta(days=300) else "day")


@register.filter
def month(value: dt.datetime | dt.date | None) -> str:
    """Write a month and its year."""
    return _date(value, "month")


@register.filter
def short_month(value: dt.datetime | dt.date | None) -> str:
    """Write a month without its year, where the year is clear."""
    return _date(value, "short_month")


@register.filter
def last_day(moment: dt.datetime | None) -> str:
    """Write the last whole or begun day before an end: what ends at midnight holds until the day before."""
    return _date(last_moment(moment), "day")


@register.filter
def last_moment(end: dt.datetime | None) -> dt.datetime | None:
    """Return the last instant before an end."""
    return end and end - dt.timedelta(microseconds=1)


@register.filter
def moment(value: dt.datetime | None) -> str:
    """Write day and time of an instant on the programme's clock."""
    if value is None:
        return ""
    local = value.astimezone(zone(""))
    return f"{_date(local, 'day')} {format_time(local, 'HH:mm', locale=babel_locale())}"


@register.filter
def clock(value: dt.datetime | None) -> str:
    """Write the time of an instant on the programme's clock, to the second."""
    return "" if value is None else format_time(value.astimezone(zone("")), "HH:mm:ss", locale=babel_locale())


def _date(value: dt.datetime | dt.date | None, name: str) -> str:
    if value is None:
        return ""
    calendar_day = programme_date(value) if isinstance(value, dt.datetime) else value
    return format_date(calendar_day, _DATES[str(babel_locale())][name], locale=babel_locale())


@register.filter
def in_language(texts: dict[str, str]) -> str:
    """Choose between the two languages of a merchant's text that was kept as {"en": …, "zh": …}."""
    return local_text(texts.get("en", ""), texts.get("zh", ""))
