"""What staff must not overlook: lines above the figures of the admin's first page, each for whoever can act on it."""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers import heartbeats
from customers.admin_panels import list_url, may_view, record_url
from customers.models import ApiKey, StaffNotice
from customers.templatetags.loyalty import moment, points
from rewards import freezes
from rewards.adjustments import State
from rewards.models import AdjustmentRequest, SpendingFreeze
from surveys import campaigns, cases, mailing
from surveys.models import Case, Message, Run

LATELY = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Alert:
    """One line, and where it leads."""

    text: str
    url: str = ""
    is_urgent: bool = False


def warnings(request: HttpRequest, *, now: dt.datetime) -> list[Alert]:
    """Return the lines for one member of staff, the urgent ones first."""
    return [
        *_frozen(request),
        *_guessed(request, now),
        *_waiting(request, now),
        *_late_cases(request, now),
        *_stalled(request, now),
        *_mails(request, now),
        *_alone(request),
    ]


def _frozen(request: HttpRequest) -> list[Alert]:
    row = freezes.current() if may_view(request.user, SpendingFreeze) else None
    if row is None:
        return []
    sentence = _("Spending is frozen since %(moment)s: %(reason)s") % {
        "moment": moment(row.frozen_at),
        "reason": row.reason,
    }
    return [Alert(sentence, list_url(SpendingFreeze), is_urgent=True)]


def _guessed(request: HttpRequest, now: dt.datetime) -> list[Alert]:
    """Name the keys that were stopped from guessing since yesterday."""
    if not may_view(request.user, ApiKey):
        return []
    told = StaffNotice.objects.filter(kind=StaffNotice.Kind.KEY_STOPPED, queued_at__gt=now - LATELY)
    clients = sorted({context["client"] for context in told.values_list("context", flat=True)})
    if not clients:
        return []
    sentence = _("Stopped from guessing within the last 24 hours: the API keys of %(clients)s.")
    return [Alert(sentence % {"clients": ", ".join(clients)}, list_url(ApiKey), is_urgent=True)]


def _waiting(request: HttpRequest, now: dt.datetime) -> list[Alert]:
    if not request.user.has_perm("rewards.approve_adjustmentrequest"):
        return []
    number = AdjustmentRequest.objects.filter(state=State.PENDING, expires_at__gt=now).exclude(by=request.user).count()
    if not number:
        return []
    sentence = ngettext("%(number)s request waits for approval.", "%(number)s requests wait for approval.", number)
    return [Alert(sentence % {"number": points(number)}, list_url(AdjustmentRequest))]


def _stalled(request: HttpRequest, now: dt.datetime) -> list[Alert]:
    """Say that nobody works in the background, and which campaigns missed their time because of it."""
    if not request.user.has_perm("surveys.change_run"):
        return []
    alerts = []
    if since := heartbeats.silent_since(now=now):
        sentence = _("Nothing was done in the background since %(moment)s: is a worker running?")
        alerts.append(Alert(sentence % {"moment": moment(since)}, is_urgent=True))
    missed = campaigns.missed_lately(now=now)
    alerts += [
        Alert(
            _("“%(campaign)s” missed its time %(moment)s; nothing left then.")
            % {"campaign": run.campaign.name, "moment": moment(run.planned_at)},
            record_url(run),
            is_urgent=True,
        )
        for run in missed[:5]
    ]
    return alerts


def _mails(request: HttpRequest, now: dt.datetime) -> list[Alert]:
    """Name what stops survey mails, and those that somebody has to decide about."""
    if not request.user.has_perm("surveys.change_run"):
        return []
    alerts = []
    if since := mailing.due_since(now=now):
        sentence = _("Survey mails are due since %(moment)s and do not leave: is a sender at work?")
        alerts.append(
            Alert(sentence % {"moment": moment(since)}, list_url(Message, state__exact="queued"), is_urgent=True)
        )
    reasons = [reason for reason in Run.PauseReason.values if reason != Run.PauseReason.MANUAL]
    alerts += [
        Alert(
            _("%(run)s has paused by itself: %(reason)s.") % {"run": run, "reason": run.get_pause_reason_display()},
            record_url(run),
            is_urgent=True,
        )
        for run in Run.objects.filter(phase=Run.Phase.PAUSED, pause_reason__in=reasons).select_related("campaign")[:5]
    ]
    if number := Message.objects.filter(state=Message.State.UNCERTAIN).count():
        sentence = ngettext(
            "Of %(number)s survey mail nobody knows whether it left.",
            "Of %(number)s survey mails nobody knows whether they left.",
            number,
        )
        alerts.append(Alert(sentence % {"number": points(number)}, list_url(Message, state__exact="uncertain")))
    return alerts


def _late_cases(request: HttpRequest, now: dt.datetime) -> list[Alert]:
    """Name the cases of this person that are late, and those that are nobody's."""
    if not request.user.has_perm("surveys.change_case"):
        return []
    late = Case.objects.filter(cases.overdue(now))
    number = late.filter(owner=request.user).count() + late.filter(owner=None).count()
    if not number:
        return []
    sentence = ngettext(
        "%(number)s case of yours or of nobody's is overdue.",
        "%(number)s cases of yours or of nobody's are overdue.",
        number,
    )
    return [Alert(sentence % {"number": points(number)}, list_url(Case, whose="late"))]


def _alone(request: HttpRequest) -> list[Alert]:
    if settings.FOUR_EYES or not may_view(request.user, AdjustmentRequest):
        return []
    return [Alert(_("Four eyes are switched off: nobody approves what managers give or take by hand."))]
