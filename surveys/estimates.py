"""What sending a campaign would mean: how many mails, how fast, and until when."""

import datetime as dt
from dataclasses import dataclass

from customers.timezones import zone
from surveys import pace, windows
from surveys.models import Campaign
from surveys.rehearsals import Rehearsal, rehearse

# What one worker hands over to an ordinary mail server in a second, where nothing sets a pace; benchmarks/ measures it.
ORDINARY = 100.0


@dataclass(frozen=True)
class Estimate:
    """Who would get a mail and who not, mails a second, and the days."""

    rehearsal: Rehearsal
    per_second: float
    is_paced: bool
    begins_at: dt.datetime | None
    done_at: dt.datetime | None


def estimate(*, campaign: Campaign, now: dt.datetime) -> Estimate:
    """Estimate a campaign as if it left at its time with the audience of now.

    A triggered campaign has no moment, so its mails are at most those of the whole audience, over the months.
    """
    found = rehearse(campaign=campaign, now=now)
    paced = pace.per_second(now=now)
    rate = paced or ORDINARY
    begins_at = done_at = None
    if campaign.scheduled_at is not None and not campaign.is_triggered:
        begins_at = _opening(campaign, max(now, campaign.scheduled_at))
        done_at = _done(campaign, begins_at, found.mails, rate)
    return Estimate(found, rate, paced is not None, begins_at, done_at)


def _opening(campaign: Campaign, moment: dt.datetime) -> dt.datetime:
    hours = {"hour_from": campaign.hour_from, "hour_until": campaign.hour_until}
    return windows.next_opening(moment=moment, time_zone="", **hours)


def _done(campaign: Campaign, begins_at: dt.datetime, mails: int, rate: float) -> dt.datetime:
    """Return when the last mail leaves: so many seconds of open window, day after day, and not before the last day of the spread."""
    seconds, moment = mails / campaign.spread_days / rate, begins_at + dt.timedelta(days=campaign.spread_days - 1)
    open_for = (campaign.hour_until - campaign.hour_from) * 3600
    for _day in range(366):
        moment = _opening(campaign, moment)
        left = min(open_for, _seconds_until_close(campaign, moment))
        if seconds <= left:
            break
        seconds -= left
        moment += dt.timedelta(seconds=left)
    return moment + dt.timedelta(seconds=seconds)


def _seconds_until_close(campaign: Campaign, moment: dt.datetime) -> float:
    local = moment.astimezone(zone(""))
    closes = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) + dt.timedelta(
        hours=campaign.hour_until
    )
    return max(1.0, (closes - local.replace(tzinfo=None)).total_seconds())
