"""What sending a campaign would mean: how many mails, how fast, and until when."""

import datetime as dt
from dataclasses import dataclass

from customers import segments
from customers.timezones import zone
from surveys import campaigns, pace, quarantine, windows
from surveys.models import Campaign, Message
from surveys.runs import MAYBE_SENT

# What one worker hands over to an ordinary mail server in a second, where nothing sets a pace; benchmarks/ measures it.
ORDINARY = 100.0


@dataclass(frozen=True)
class Estimate:
    """Customers in the audience, how many agreed and were not asked lately, the mails, mails a second, and the days."""

    members: int
    agreed: int
    resting: int
    mails: int
    per_second: float
    is_paced: bool
    begins_at: dt.datetime | None
    done_at: dt.datetime | None


def estimate(*, campaign: Campaign, now: dt.datetime) -> Estimate:
    """Estimate a campaign as if it left at its time with the audience of now.

    Sample and hold-out are taken off by their shares; who is resting is counted exactly. A triggered campaign has no moment, so
    its mails are at most those of the whole audience, over the months.
    """
    members, agreed = campaigns.audience(campaign=campaign, now=now)
    resting = min(agreed, _resting(campaign, now))
    mails = (agreed - resting) * campaign.sample * (10_000 - campaign.holdout) // 10_000**2
    paced = pace.per_second(now=now)
    rate = paced or ORDINARY
    begins_at = done_at = None
    if campaign.scheduled_at is not None and not campaign.is_triggered:
        begins_at = _opening(campaign, max(now, campaign.scheduled_at))
        done_at = _done(campaign, begins_at, mails, rate)
    return Estimate(members, agreed, resting, mails, rate, paced is not None, begins_at, done_at)


def _resting(campaign: Campaign, now: dt.datetime) -> int:
    """Count the customers of the audience who were sent a survey within the quarantine."""
    if segments.find(campaign.segment) is None:
        return 0
    at = max(now, campaign.scheduled_at or now)
    members = segments.members(campaign.segment, now=now, store=campaign.store).order_by().values("pk")
    asked = Message.objects.filter(state__in=MAYBE_SENT, finished_at__gt=at - quarantine.length(campaign))
    return asked.filter(invitation__customer__in=members).values("invitation__customer").distinct().count()


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
