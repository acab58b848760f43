"""What sending a campaign would mean: how many mails, how fast, and until when."""

import datetime as dt
import itertools
from dataclasses import dataclass

from django.db.models import Count

from customers.timezones import zone
from surveys import pace, windows
from surveys.models import Campaign, Run
from surveys.rehearsals import Rehearsal, rehearse
from surveys.runs import LEFT

# Where nothing sets a pace, the newest of these runs that sent enough to tell says how fast mails leave.
RUNS, RECENT = 5, dt.timedelta(days=90)
TELLING, ENOUGH = 100, 10_000  # mails, and moments that are looked at: the page stays quick after a run of a million
# Whoever writes down no outcome for so long was not sending: the hours were over, or the run was paused.
BREAK = dt.timedelta(seconds=60)


@dataclass(frozen=True)
class Estimate:
    """Who would get a mail and who not, mails a second (None: nobody knows yet), and the days."""

    rehearsal: Rehearsal
    per_second: float | None
    is_paced: bool
    begins_at: dt.datetime | None
    done_at: dt.datetime | None


def estimate(*, campaign: Campaign, now: dt.datetime) -> Estimate:
    """Estimate a campaign as if it left at its time with the audience of now.

    A triggered campaign has no moment, so its mails are at most those of the whole audience, over the months.
    """
    found = rehearse(campaign=campaign, now=now)
    paced = pace.per_second(now=now, mailer=pace.mailer_of(campaign.gateway_id))
    rate = paced or measured(now=now, gateway_id=campaign.gateway_id)
    begins_at = done_at = None
    if campaign.scheduled_at is not None and not campaign.is_triggered:
        begins_at = _opening(campaign, max(now, campaign.scheduled_at))
        done_at = _done(campaign, begins_at, found.mails, rate) if rate else None
    return Estimate(found, rate, paced is not None, begins_at, done_at)


def measured(*, now: dt.datetime, gateway_id: int | None = None) -> float | None:
    """Return how many mails left in a second in the last run that tells, over all workers; None when none does.

    With a gateway, how many text messages left through it.
    """
    runs = Run.objects.filter(planned_at__gt=now - RECENT, prepared_at__isnull=False, campaign__gateway=gateway_id)
    audiences = runs.filter(campaign__trigger__in=[Campaign.Trigger.ONE_OFF, Campaign.Trigger.RECURRING])
    for run in audiences.order_by("-planned_at", "-pk")[:RUNS]:
        if rate := _rate_of(run):
            return rate
    return None


def _rate_of(run: Run) -> float | None:
    """Return the mails of a run by the seconds of work they took, breaks left out; those that end a break took unknown time."""
    left = run.messages.filter(state__in=LEFT, finished_at__isnull=False)
    moments = left.values_list("finished_at").annotate(Count("pk")).order_by("finished_at")[:ENOUGH]
    mails, work = 0, dt.timedelta()
    for (before, _mails), (moment, number) in itertools.pairwise(moments.iterator()):
        if moment - before < BREAK:
            mails, work = mails + number, work + (moment - before)
    return mails / work.total_seconds() if mails >= TELLING else None


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
