"""When a customer may be written to: hours of their own day."""

import datetime as dt

from customers.timezones import zone


def is_open(*, moment: dt.datetime, time_zone: str, hour_from: int, hour_until: int) -> bool:
    """Return whether a moment lies between two full hours of the local day; the second one is outside."""
    return hour_from <= moment.astimezone(zone(time_zone)).hour < hour_until


def next_opening(*, moment: dt.datetime, time_zone: str, hour_from: int, hour_until: int) -> dt.datetime:
    """Return the first moment from `moment` on, in UTC, at which the window is open.

    Where clocks jump over the opening, the next minute that exists; where they jump over the whole window, the next day.
    """
    if is_open(moment=moment, time_zone=time_zone, hour_from=hour_from, hour_until=hour_until):
        return moment
    day = moment.astimezone(zone(time_zone)).date()
    while True:
        opening = instant(day=day, time=dt.time(hour_from), time_zone=time_zone)
        if opening >= moment and is_open(
            moment=opening, time_zone=time_zone, hour_from=hour_from, hour_until=hour_until
        ):
            return opening
        day += dt.timedelta(days=1)


def instant(*, day: dt.date, time: dt.time, time_zone: str) -> dt.datetime:
    """Return the first instant, in UTC, at which a place's clock shows this time or has jumped past it."""
    wanted = dt.datetime.combine(day, time)
    found = wanted.replace(tzinfo=zone(time_zone)).astimezone(dt.UTC)
    minute = dt.timedelta(minutes=1)
    # Inside a gap Python answers with a moment after it; walk back to its end.
    while (found - minute).astimezone(zone(time_zone)).replace(tzinfo=None) >= wanted:
        found -= minute
    return found
