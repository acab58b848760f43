"""Campaigns: drafted, released and stopped by people, planned into runs by the clock."""

import datetime as dt
import logging

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from customers import segments
from customers.models import Customer, User
from surveys import channels, comparing, occasions, recurrence, runs, stalls, triggers, versions, wordings
from surveys.models import Campaign, Occasion, Run

logger = logging.getLogger(__name__)
State = Campaign.State
# Later than this a slot is not made up for: a mail for the morning must not leave at night.
LATEST = dt.timedelta(hours=6)
# Above so many recipients a manager releases what a marketer has drafted.
RELEASE_ABOVE = 500
MAY_RELEASE = "surveys.release_campaign"
UNDERWAY = (State.REQUESTED, State.SCHEDULED, State.PAUSED)


class CampaignNotReady(Exception):
    """Something is missing before this campaign can be scheduled."""

    def __init__(self, *, campaign: Campaign, sentence: str) -> None:
        self.campaign = campaign
        super().__init__(sentence)


class CampaignNotScheduled(Exception):
    """There is nothing to cancel."""

    def __init__(self, *, campaign: Campaign) -> None:
        self.campaign = campaign
        super().__init__(_("This campaign is not scheduled, so there is nothing to cancel."))


class CampaignNotInState(Exception):
    """The campaign cannot do this now."""

    def __init__(self, *, campaign: Campaign) -> None:
        self.campaign = campaign
        state = campaign.get_state_display()
        super().__init__(_("This is not possible: the campaign is %(state)s.") % {"state": state})


class CampaignNeedsAnother(Exception):
    """Nobody releases what they drafted or requested themselves."""

    def __init__(self, *, campaign: Campaign) -> None:
        self.campaign = campaign
        super().__init__(_("You drafted or requested this yourself: another person has to release it."))


def schedule(*, campaign: Campaign, by: User | None, now: dt.datetime) -> Campaign:
    """Let the campaign leave at its time. Raises CampaignNotReady with the sentence that says what is missing.

    When it may reach more than 500 people and `by` may not release that alone, it is requested instead and waits for a manager;
    look at the state of what comes back. Scheduling a scheduled campaign again changes nothing.
    """
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign.pk)
        if campaign.state in (State.SCHEDULED, State.REQUESTED):
            return campaign
        if missing := missing_for(campaign=campaign, now=now):
            raise CampaignNotReady(campaign=campaign, sentence=missing)
        campaign.requested_by = by
        campaign.state = State.REQUESTED if needs_release(campaign=campaign, by=by, now=now) else State.SCHEDULED
        campaign.save(update_fields=["state", "requested_by"])
    return campaign


def needs_release(*, campaign: Campaign, by: User | None, now: dt.datetime) -> bool:
    """Return whether somebody else has to release the campaign: it may reach many, and `by` may not do that alone."""
    if by is None or audience(campaign=campaign, now=now)[1] <= RELEASE_ABOVE:
        return False
    return not by.has_perm(MAY_RELEASE) or (settings.FOUR_EYES and by.pk == campaign.by_id)


def missing_for(*, campaign: Campaign, now: dt.datetime) -> str:
    """Return the sentence that says what is missing before the campaign can be scheduled, or an empty string."""
    if campaign.state in (State.CANCELLED, State.ARCHIVED):
        return _("A cancelled campaign stays cancelled; copy it to use it again.")
    if campaign.state not in (State.DRAFT, State.REQUESTED):
        return _("This campaign is under way already.")
    if campaign.scheduled_at is None:
        return _("Say when the mails shall leave.")
    if not campaign.is_triggered and campaign.scheduled_at < now - LATEST:
        return _("The time to send is long past; choose a later one.")
    if campaign.ends_at and campaign.ends_at <= max(now, campaign.scheduled_at):
        return _("It would end before it begins; choose a later end.")
    if segments.find(campaign.segment) is None:
        return _("Choose an audience that exists.")
    if campaign.gateway is not None and not campaign.gateway.is_active:
        return _("Choose a message gateway that is in use.")
    if versions.latest(survey=campaign.survey) is None:
        return _("Publish the survey before scheduling a campaign with it.")
    return ""


def release(*, campaign: Campaign, by: User, now: dt.datetime) -> Campaign:
    """Let a requested campaign leave. Raises CampaignNotReady when its time has passed meanwhile.

    Raises CampaignNotInState unless it waits for release, and CampaignNeedsAnother where `by` drafted or requested it and
    four eyes are on.
    """
    with transaction.atomic():
        campaign = _lock(campaign, State.REQUESTED)
        if settings.FOUR_EYES and by.pk in (campaign.by_id, campaign.requested_by_id):
            raise CampaignNeedsAnother(campaign=campaign)
        if missing := missing_for(campaign=campaign, now=now):
            raise CampaignNotReady(campaign=campaign, sentence=missing)
        campaign.state, campaign.released_by, campaign.released_at = State.SCHEDULED, by, now
        campaign.save(update_fields=["state", "released_by", "released_at"])
    return campaign


def send_back(*, campaign: Campaign, now: dt.datetime) -> Campaign:
    """Make a requested campaign a draft again, so that it can be changed. Raises CampaignNotInState."""
    with transaction.atomic():
        campaign = _lock(campaign, State.REQUESTED)
        campaign.state, campaign.requested_by = State.DRAFT, None
        campaign.save(update_fields=["state", "requested_by"])
    return campaign


def pause(*, campaign: Campaign, now: dt.datetime) -> Campaign:
    """Begin nothing new and stop the runs that are being sent. Raises CampaignNotInState unless it is scheduled."""
    with transaction.atomic():
        campaign = _lock(campaign, State.SCHEDULED)
        campaign.state = State.PAUSED
        campaign.save(update_fields=["state"])
        for run in campaign.runs.filter(phase=Run.Phase.SENDING).order_by("pk"):
            runs.pause(run=run, reason=Run.PauseReason.MANUAL)
    return campaign


def resume(*, campaign: Campaign, now: dt.datetime) -> Campaign:
    """Go on; what was paused by hand is sent again. Raises CampaignNotInState unless it is paused."""
    with transaction.atomic():
        campaign = _lock(campaign, State.PAUSED)
        campaign.state = State.SCHEDULED
        campaign.save(update_fields=["state"])
        by_hand = campaign.runs.filter(phase=Run.Phase.PAUSED, pause_reason=Run.PauseReason.MANUAL)
        for run in by_hand.order_by("pk"):
            runs.resume(run=run)
    return campaign


def cancel(*, campaign: Campaign, now: dt.datetime) -> Campaign:
    """Stop the campaign: before its time no mail leaves, later none of the mails still queued.

    Links that have already left can still be answered. Raises CampaignNotScheduled for a draft.
    """
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign.pk)
        if campaign.state in (State.DRAFT, State.ARCHIVED):
            raise CampaignNotScheduled(campaign=campaign)
        campaign.state = State.CANCELLED
        campaign.save(update_fields=["state"])
        campaign.occasions.filter(state=Occasion.State.WAITING).update(state=Occasion.State.CANCELLED)
        for run in campaign.runs.filter(phase__in=runs.LIVE_PHASES).order_by("pk"):
            runs.cancel(run=run, now=now)
        comparing.close(campaign=campaign, now=now, is_cut_short=True)
    return campaign


def archive(*, campaign: Campaign, now: dt.datetime) -> Campaign:
    """Put a campaign away whose runs are all over. Raises CampaignNotInState while anything is or may still be under way."""
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign.pk)
        if not is_over(campaign=campaign, now=now):
            raise CampaignNotInState(campaign=campaign)
        campaign.state = State.ARCHIVED
        campaign.save(update_fields=["state"])
        comparing.close(campaign=campaign, now=now, is_cut_short=False)
    return campaign


def is_over(*, campaign: Campaign, now: dt.datetime) -> bool:
    """Return whether nothing of the campaign is or may still be under way, so that it can be archived."""
    if campaign.runs.filter(phase__in=runs.LIVE_PHASES).exists():
        return False
    if campaign.state == State.CANCELLED:
        return True
    has_ended = campaign.ends_at is not None and campaign.ends_at <= now
    is_done = campaign.runs.exists() if campaign.trigger == Campaign.Trigger.ONE_OFF else has_ended
    return campaign.state == State.SCHEDULED and is_done


def state_word(*, campaign: Campaign) -> str:
    """Return the campaign's state in words; once it has left, that of its run, which follows from its messages."""
    if campaign.trigger == Campaign.Trigger.ONE_OFF and campaign.state in (State.SCHEDULED, State.PAUSED):
        run = campaign.runs.order_by("pk").first()
        if run is not None:
            return runs.state(run=run, is_unfinished=run.messages.unfinished().exists())
    return campaign.get_state_display()


def _lock(campaign: Campaign, state: Campaign.State) -> Campaign:
    campaign = Campaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign.pk)
    if campaign.state != state:
        raise CampaignNotInState(campaign=campaign)
    return campaign


def rewrite(*, campaign: Campaign, texts: dict[str, str]) -> int:
    """Change the texts of a campaign under way and return how many mails now get the new ones.

    What has left keeps the wording it had. A second subject can be reworded, but neither begun nor ended. Raises
    CampaignNotInState for one that is over.
    """
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign.pk)
        if campaign.state not in UNDERWAY:
            raise CampaignNotInState(campaign=campaign)
        for name, text in texts.items():
            setattr(campaign, name, text)
        campaign.save(update_fields=list(texts))
        return wordings.rewrite(campaign=campaign) if campaign.wordings.exists() else 0


def copy(*, campaign: Campaign, by: User | None) -> Campaign:
    """Draft a new campaign like an earlier one, without its time, and return it."""
    kept = {
        field.name: getattr(campaign, field.name)
        for field in Campaign._meta.concrete_fields
        if field.name
        not in (
            "id",
            "state",
            "scheduled_at",
            "created_at",
            "by",
            "requested_by",
            "released_by",
            "released_at",
            "trial",
        )
    }
    return Campaign.objects.create(by=by, **kept)


def plan_due_runs(*, now: dt.datetime) -> list[Run]:
    """Create the runs whose time has come and return the new ones, those of higher priority first.

    Two clocks make one run, by the unique key of its slot. More than six hours late it is only marked as missed.
    """
    due = Campaign.objects.filter(
        state=State.SCHEDULED, scheduled_at__lte=now, trigger__in=[Campaign.Trigger.ONE_OFF, Campaign.Trigger.RECURRING]
    )
    # What has left once is not looked at for ever.
    due = due.exclude(trigger=Campaign.Trigger.ONE_OFF, runs__isnull=False)
    made: list[Run] = []
    for campaign_id in due.order_by("priority", "scheduled_at", "pk").values_list("pk", flat=True):
        made += _plan(campaign_id, now)
    return made


def _plan(campaign_id: int, now: dt.datetime) -> list[Run]:
    made = []
    with transaction.atomic():
        locked = Campaign.objects.select_for_update(of=("self",), no_key=True)
        campaign = locked.select_related("survey").get(pk=campaign_id)
        if campaign.state != State.SCHEDULED:
            return []
        last = campaign.runs.order_by("-planned_at").values_list("planned_at", flat=True).first()
        for slot in recurrence.slots(campaign=campaign, after=last, until=now):
            is_late = slot.moment < now - LATEST
            run, is_new = Run.objects.get_or_create(
                campaign=campaign,
                period_key=slot.key,
                defaults={
                    "version": versions.latest(survey=campaign.survey),
                    "phase": Run.Phase.MISSED if is_late else Run.Phase.PREPARING,
                    "planned_at": slot.moment,
                    "closes_at": slot.moment + dt.timedelta(days=campaign.answer_days),
                },
            )
            if is_new:
                made.append(run)
            if is_new and is_late:
                logger.error("Campaign %s has missed its slot %s", campaign.pk, slot.key)
        stalls.tell_of_missed(runs=[run for run in made if run.phase == Run.Phase.MISSED], now=now)
    return made


def follow_occasions(*, now: dt.datetime, is_thorough: bool = False) -> int:
    """Find what triggered campaigns ask about, consider what is due of it, and return how many occasions were looked at."""
    looked = 0
    triggered = Campaign.objects.filter(
        state=State.SCHEDULED, scheduled_at__lte=now, trigger__in=list(triggers.FINDERS)
    )
    for campaign in triggered.select_related("survey", "store").order_by("priority", "pk"):
        triggers.find(campaign=campaign, now=now, is_thorough=is_thorough)
        looked += occasions.consider_due(campaign=campaign, now=now)
    return looked


def missed_lately(*, now: dt.datetime) -> list[Run]:
    """Return the runs whose slot was missed within the last seven days, newest first."""
    week = now - dt.timedelta(days=7)
    missed = Run.objects.filter(phase=Run.Phase.MISSED, created_at__gt=week)
    return list(missed.select_related("campaign").order_by("-planned_at", "-pk")[:20])


def audience(*, campaign: Campaign, now: dt.datetime) -> tuple[int, int]:
    """Return how many customers the audience holds now, and how many of them agreed to be asked by the campaign's way."""
    if segments.find(campaign.segment) is None:
        return 0, 0
    members = segments.members(campaign.segment, now=now, store=campaign.store)
    pks = members.order_by().values("pk")
    way = channels.way_of(campaign)
    agreed = Customer.objects.filter(pk__in=pks, identifiers__kind=way.identifier).consenting(
        channel=way.consent, purpose="surveys"
    )
    return members.count(), agreed.order_by().values("pk").distinct().count()
