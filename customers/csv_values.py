"""Read single values of an import strictly: ASCII digits, bounded lengths, dates that exist.

Python alone is too kind: `int()` takes `1_000`, full-width digits and 5,000 digits; `fromisoformat` takes week dates.
"""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from customers.csv_rows import shown

LARGEST_AMOUNT = 999_999_999_999  # minor units
EARLIEST_YEAR = 1900
CLOCK_TOLERANCE = dt.timedelta(minutes=10)

WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)(Z|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
LARGEST_OFFSET = dt.timedelta(hours=14)


class BadValue(ValueError):
    """Raised by the readers of this module; its text says what stood there and what was expected."""


def read_text(text: str, *, longest: int, required: bool = True) -> str:
    """Return a text of bounded length."""
    if required and not text:
        raise BadValue(_("Missing."))
    if len(text) > longest:
        raise BadValue(_("“%(value)s” is longer than %(limit)s characters.") % {"value": shown(text), "limit": longest})
    return text


def read_whole(text: str, *, smallest: int, largest: int) -> int:
    """Return a whole number written with the digits 0 to 9 only."""
    if not WHOLE.fullmatch(text) or not smallest <= int(text) <= largest:
        raise BadValue(
            _("“%(value)s” is not a whole number from %(smallest)s to %(largest)s.")
            % {"value": shown(text), "smallest": smallest, "largest": largest}
        )
    return int(text)


def read_money(text: str, *, digits: int) -> int:
    """Return an amount in minor units; `digits` is how many the currency has after the dot."""
    whole, dot, fraction = text.partition(".")
    if not WHOLE.fullmatch(whole) or (dot and not WHOLE.fullmatch(fraction)):
        raise BadValue(
            _("“%(value)s” is not an amount such as %(example)s.")
            % {"value": shown(text), "example": "1234.50" if digits else "1234"}
        )
    if len(fraction) > digits:
        raise BadValue(
            _("“%(value)s” has more than %(digits)s digits after the dot.") % {"value": shown(text), "digits": digits}
        )
    amount = int(whole + fraction.ljust(digits, "0"))
    if amount > LARGEST_AMOUNT:
        raise BadValue(_("“%(value)s” is too large.") % {"value": shown(text)})
    return amount


def read_day(text: str, *, latest: dt.date) -> dt.date:
    """Return a calendar day such as 2026-02-28."""
    if not DAY.fullmatch(text):
        raise BadValue(_("“%(value)s” is not a date such as 2026-02-28.") % {"value": shown(text)})
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise BadValue(_("The day %(value)s does not exist.") % {"value": text}) from error
    if day > latest:
        raise BadValue(_("%(value)s lies in the future.") % {"value": text})
    if day.year < EARLIEST_YEAR:
        raise BadValue(_("%(value)s lies before the year %(year)s.") % {"value": text, "year": EARLIEST_YEAR})
    return day


def read_moment(text: str, *, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    """Return an instant in UTC from ISO 8601; without an offset it is the time of `zone`.

    Of a local hour that comes twice (clocks go back) the first is meant.
    """
    match = MOMENT.fullmatch(text)
    if not match:
        raise BadValue(_("“%(value)s” is not a time such as 2026-02-28T17:45:00+01:00.") % {"value": shown(text)})
    day, clock, offset = match.groups()
    try:
        moment = dt.datetime.fromisoformat(f"{day}T{clock}{offset or ''}")
    except ValueError as error:
        raise BadValue(_("The time %(value)s does not exist.") % {"value": shown(text)}) from error
    if moment.year < EARLIEST_YEAR:
        raise BadValue(_("%(value)s lies before the year %(year)s.") % {"value": text, "year": EARLIEST_YEAR})
    if moment.date() > now.date() + dt.timedelta(days=2):
        raise BadValue(_("%(value)s lies in the future.") % {"value": text})
    if offset is None:
        local = moment.replace(tzinfo=zone)
        moment = local.astimezone(dt.UTC)
        if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
            raise BadValue(
                _("The time %(value)s does not exist in %(zone)s: the clocks go forward.")
                % {"value": text, "zone": zone.key}
            )
    elif abs(moment.utcoffset()) > LARGEST_OFFSET:
        raise BadValue(_("“%(value)s” is not an offset from UTC.") % {"value": offset})
    moment = moment.astimezone(dt.UTC)
    if moment > now + CLOCK_TOLERANCE:
        raise BadValue(_("%(value)s lies in the future.") % {"value": text})
    return moment


def read_yes_no(text: str) -> bool | None:
    """Return True for yes, False for no, None for nothing said."""
    if text.lower() not in ("yes", "no", ""):
        raise BadValue(_("“%(value)s” is neither yes nor no.") % {"value": shown(text)})
    return {"yes": True, "no": False}.get(text.lower())
