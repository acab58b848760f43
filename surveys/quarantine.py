"""Who is left in peace: asked or answered not long ago, over all surveys, or wanted by a campaign that goes first."""

import datetime as dt
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q

from surveys.models import Campaign, Invitation, Message, Response, Run, Survey
from surveys.runs import LIVE_PHASES, MAYBE_SENT

Skip = Invitation.Skip
# However short a campaign's quarantine is, nobody gets two surveys on one day.
SHORTEST = dt.timedelta(hours=24)


def length(campaign: Campaign) -> dt.timedelta:
    """Return how long after a survey mail nobody is asked by this campaign."""
    return max(SHORTEST, dt.timedelta(days=campaign.quarantine_days))


def recently_asked(
    *, campaign: Campaign, run: Run, customer_ids: Iterable[int], now: dt.datetime
) -> dict[int, Invitation.Skip]:
    """Return the customers who must be left in peace, with the reason, over all other runs.

    Asked within the quarantine, or about to be asked by a campaign of higher priority, or answered within the days of rest.
    To be relied on it must be called with the customers' rows locked, as claiming does.
    """
    ids = list(customer_ids)
    since = now - length(campaign)
    asked = Message.objects.filter(
        Q(finished_at=None) | Q(finished_at__gt=since), invitation__customer__in=ids, state__in=MAYBE_SENT
    ).exclude(run=run)
    found = dict.fromkeys(asked.values_list("invitation__customer", flat=True), Skip.QUARANTINE)
    if first := going_first(campaign=campaign):
        wanted = Message.objects.filter(
            invitation__customer__in=ids, run__in=first, kind=Message.Kind.INVITE, state=Message.State.QUEUED
        )
        wanted = wanted.filter(not_before__lt=now + length(campaign))
        found |= dict.fromkeys(wanted.values_list("invitation__customer", flat=True), Skip.QUARANTINE)
    return found | dict.fromkeys(_answered(campaign, run, ids, now), Skip.ALREADY_ANSWERED)


def _answered(campaign: Campaign, run: Run, ids: list[int], now: dt.datetime) -> Iterable[int]:
    since = now - dt.timedelta(days=campaign.answered_days)
    answered = Response.objects.completed().filter(invitation__customer__in=ids, completed_at__gt=since)
    yield from answered.exclude(invitation__run=run).values_list("invitation__customer", flat=True)
    quietly = Invitation.objects.filter(
        customer__in=ids, has_answered=True, run__in=anonymous_runs(campaign=campaign, now=now)
    )
    yield from quietly.exclude(run=run).values_list("customer", flat=True)


def anonymous_runs(*, campaign: Campaign, now: dt.datetime) -> list[int]:
    """Return the anonymous runs within the days of rest: when they were answered nobody knows, only when they were sent."""
    since = now - dt.timedelta(days=campaign.answered_days)
    anonymous = Run.objects.filter(planned_at__gt=since, version__survey__anonymity=Survey.Anonymity.ANONYMOUS)
    return list(anonymous.order_by("pk").values_list("pk", flat=True))


def going_first(*, campaign: Campaign) -> list[int]:
    """Return the runs of campaigns of higher priority that still have mails to send."""
    queued = Message.objects.filter(run=OuterRef("pk"), state=Message.State.QUEUED)
    live = Run.objects.filter(Exists(queued), phase__in=LIVE_PHASES, campaign__priority__lt=campaign.priority)
    return list(live.order_by("pk").values_list("pk", flat=True))
