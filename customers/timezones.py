"""Time zones: instants are stored in UTC, calendars belong to a place."""

import datetime as dt
from zoneinfo import ZoneInfo

from django.conf import settings


def zone(name: str) -> ZoneInfo:
    """Return the zone of a name; an empty name is the programme's. ZoneInfo itself remembers what it has read."""
    return ZoneInfo(name or settings.TIME_ZONE)


def is_time_zone(name: str) -> bool:
    """Return whether a clock knows the name."""
    try:
        zone(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def programme_date(moment: dt.datetime) -> dt.date:
    """Return the programme's calendar day of an instant."""
    return moment.astimezone(zone("")).date()


def start_of_day(day: dt.date, name: str = "") -> dt.datetime:
    """Return the instant at which a day begins in a zone (the programme's by default), in UTC."""
    return dt.datetime.combine(day, dt.time(), zone(name)).astimezone(dt.UTC)


def end_of_day(day: dt.date, name: str = "") -> dt.datetime:
    """Return the instant at which a day is over in a zone (the programme's by default), in UTC."""
    return start_of_day(day + dt.timedelta(days=1), name)
