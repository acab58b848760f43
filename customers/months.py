"""Months of the programme's calendar, each named by its first day."""

import datetime as dt
from collections.abc import Iterator
from itertools import takewhile

from customers.timezones import programme_date, start_of_day


def month_of(moment: dt.datetime) -> dt.date:
    """Return the programme's month of an instant."""
    return programme_date(moment).replace(day=1)


def plus(month: dt.date, months: int) -> dt.date:
    """Return the month that lies so many months later, or earlier for a negative number."""
    number = month.year * 12 + month.month - 1 + months
    return dt.date(number // 12, number % 12 + 1, 1)


def between(first: dt.date, last: dt.date) -> int:
    """Return how many months later `last` is than `first`."""
    return (last.year - first.year) * 12 + last.month - first.month


def through(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Give the months from one to another, both included."""
    return takewhile(lambda month: month <= last, (plus(first, n) for n in range(between(first, last) + 1)))


def bounds(month: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the instants at which a month begins and is over."""
    return start_of_day(month), start_of_day(plus(month, 1))
