"""Calendar arithmetic in the programme's time zone."""

import calendar
import datetime as dt

from customers.timezones import programme_date, start_of_day


def add_months(day: dt.date, months: int) -> dt.date:
    """Return the same day some months later, clamped to the month: 31 January and 1 month is 28 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def end_of_month(day: dt.date) -> dt.datetime:
    """Return the instant at which the month of a day is over in the programme's time zone."""
    return start_of_day(add_months(day.replace(day=1), 1))


def end_of_month_after(moment: dt.datetime, months: int) -> dt.datetime:
    """Return the instant at which the month is over that lies so many months after a moment: 12 months is the usual expiry."""
    return end_of_month(add_months(programme_date(moment), months))
