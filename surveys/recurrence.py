"""When a campaign comes again: slots of the programme's calendar, at the same hour of its clock in summer and winter."""

import calendar
import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from customers.timezones import zone
from surveys import windows
from surveys.models import Campaign

Rhythm = Campaign.Rhythm
_DAYS = {Rhythm.DAILY: 1, Rhythm.WEEKLY: 7}
_MONTHS = {Rhythm.MONTHLY: 1, Rhythm.QUARTERLY: 3, Rhythm.YEARLY: 12}


class Slot(NamedTuple):
    """One planned time: its key is what the programme's clock shows, the moment is in UTC."""

    key: str
    moment: dt.datetime


def slots(*, campaign: Campaign, after: dt.datetime | None, until: dt.datetime) -> Iterator[Slot]:
    """Give the slots later than `after` and not later than `until`, in order; a one-off campaign has one.

    Of the 31st and of 29 February, shorter months get their last day. Where the clocks jump over the hour the slot is the
    next minute that exists; where they show it twice, the first.
    """
    if campaign.scheduled_at is None:
        return
    first = campaign.scheduled_at.astimezone(zone("")).replace(tzinfo=None)
    number = _number_before(campaign, first, after)
    while True:
        wall = _wall(campaign, first, number)
        moment = windows.instant(day=wall.date(), time=wall.time(), time_zone="") if number else campaign.scheduled_at
        if moment > until or (campaign.ends_at and number and moment > campaign.ends_at):
            return
        if after is None or moment > after:
            yield Slot(f"{wall:%Y-%m-%dT%H:%M}", moment)
        if not campaign.rhythm:
            return
        number += 1


def upcoming(*, campaign: Campaign, now: dt.datetime, number: int = 3) -> list[dt.datetime]:
    """Return the next few times, for people."""
    if not campaign.rhythm:
        return [campaign.scheduled_at] if campaign.scheduled_at and campaign.scheduled_at > now else []
    far = now + dt.timedelta(days=366 * (number + 1))
    if campaign.scheduled_at is not None:
        far = max(far, campaign.scheduled_at + dt.timedelta(days=366 * number))
    found = []
    for slot in slots(campaign=campaign, after=now, until=far):
        found.append(slot.moment)
        if len(found) == number:
            break
    return found


def _wall(campaign: Campaign, first: dt.datetime, number: int) -> dt.datetime:
    """Return what the clock shows at the slot of a number, counted from 0."""
    if days := _DAYS.get(campaign.rhythm):
        return first + dt.timedelta(days=days * number)
    if not campaign.rhythm:
        return first
    months = first.year * 12 + first.month - 1 + _MONTHS[Rhythm(campaign.rhythm)] * number
    year, month = months // 12, months % 12 + 1
    return first.replace(year=year, month=month, day=min(first.day, calendar.monthrange(year, month)[1]))


def _number_before(campaign: Campaign, first: dt.datetime, after: dt.datetime | None) -> int:
    """Return the number of a slot that is surely not later than the first one wanted."""
    if after is None or not campaign.rhythm:
        return 0
    passed = (after.astimezone(zone("")).replace(tzinfo=None) - first).days - 1
    length = _DAYS.get(campaign.rhythm) or 31 * _MONTHS[Rhythm(campaign.rhythm)]
    return max(0, passed // length)
