"""Taking answers: once per invitation, with the thanks in the same transaction. Nothing here trusts a link being opened."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from customers.models import Customer, User
from rewards import surprises
from rewards.models import Surprise
from rewards.trials import Occasion
from surveys import cases, channels, oddities, thanks
from surveys.models import Answer, Campaign, Invitation, Question, Response, Run, Survey, SurveyVersion
from surveys.models.response import random_key

# An anonymous answer names its run only where so many were asked that the run says nothing about a person.
ENOUGH = 10
Values = Mapping[Question, Any]


class InvitationClosed(Exception):
    """The time to answer is over."""

    def __init__(self, *, invitation: Invitation) -> None:
        self.invitation = invitation
        super().__init__(_("This survey can no longer be answered."))


def is_open(*, invitation: Invitation, now: dt.datetime) -> bool:
    """Return whether an invitation can be answered: it was sent out, and the run is neither closed nor past its time.

    A cancelled run only stops sending; what has left can still be answered.
    """
    run = invitation.run
    return not invitation.skip and run.phase != Run.Phase.CLOSED and now < run.closes_at


def is_anonymous(survey: Survey) -> bool:
    """Return whether answers must not lead back to anybody."""
    return survey.anonymity == Survey.Anonymity.ANONYMOUS


def view(*, invitation: Invitation, now: dt.datetime) -> None:
    """Note when somebody first looked at the questions: called by the page's script, which no fetch of a link runs."""
    Invitation.objects.filter(pk=invitation.pk, viewed_at=None).update(viewed_at=now)


def save(
    *,
    invitation: Invitation,
    values: Values,
    language: str,
    now: dt.datetime,
    page: int = 0,
    seconds: int | None = None,
) -> Response | None:
    """Keep the answers of one page, so that they can be gone on with on any device, and return the response.

    `page` is how many pages are finished, `seconds` how long this one was open. Of an anonymous survey nothing can be kept
    before the end: returns None. Raises InvitationClosed.
    """
    with transaction.atomic():
        invitation = _lock(invitation, now)
        if is_anonymous(invitation.run.version.survey):
            return None
        response = _begin(invitation, language, now)
        if response.completed_at is None:
            write(response, values)
            response.page = max(response.page, page)
            response.seconds = _sum(response.seconds, seconds)
            response.language, response.declined_at = language, None
            response.save(update_fields=["page", "seconds", "language", "declined_at"])
    return response


def complete(
    *,
    invitation: Invitation,
    values: Values,
    language: str,
    now: dt.datetime,
    seconds: int | None = None,
    has_script: bool = True,
    mode: str = Response.Mode.WEB,
    channel: str = "",
    by: User | None = None,
) -> Response | None:
    """Record the answers of one person, once, and return the response; pressing the button twice changes nothing.

    `channel` is the campaign's own unless given. `values` holds all answers; what was saved for other questions before is dropped. In the same transaction the thanks are
    given or held, whatever the answers, and an unhappy answer opens a case, where the survey says who answered. Returns
    None for an anonymous survey that was answered before: nobody knows with what. Raises InvitationClosed.
    """
    with transaction.atomic():
        invitation = _lock(invitation, now)
        survey, shortest = invitation.run.version.survey, invitation.run.campaign.quick_seconds
        channel = channel or channels.way_of(invitation.run.campaign).channel
        if is_anonymous(survey):
            if invitation.has_answered:
                return None
            response = _anonymous(invitation, language, mode=mode, channel=channel)
            # Whether the answers are all alike is said neither here nor there: it would tell what somebody answered.
            remarks = oddities.of_haste(seconds, shortest=shortest)
        else:
            response = _begin(invitation, language, now)
            if response.completed_at is not None:
                return response
            response.seconds = _sum(response.seconds, seconds)
            response.mode, response.channel, response.by = mode, channel, by
            response.completed_at, response.language, response.declined_at = now, language, None
            remarks = oddities.of_haste(response.seconds, shortest=shortest) + oddities.of_answers(values)
            response.flags = remarks + oddities.of_visits(invitation=invitation, has_script=has_script)
            response.save()
        answers = write(response, values, is_all=True)
        Invitation.objects.filter(pk=invitation.pk).update(has_answered=True)
        thanks.give(invitation=invitation, doubts=[] if by else remarks, now=now)
        _care(response, answers, now)
    return response


def record(
    *,
    version: SurveyVersion,
    values: Values,
    language: str,
    channel: str,
    now: dt.datetime,
    mode: str = Response.Mode.WEB,
    campaign: Campaign | None = None,
    run: Run | None = None,
    customer: Customer | None = None,
    by: User | None = None,
    seconds: int | None = None,
) -> Response:
    """Record the finished answers of somebody whom no mail asked, by telephone or by a link in a channel, and return the response.

    The customer is kept only where the survey says who answered. No thanks are given: nothing holds a person to one answer.
    """
    names = version.survey.anonymity == Survey.Anonymity.IDENTIFIED
    hidden = is_anonymous(version.survey)
    with transaction.atomic():
        response = Response.objects.create(
            version=version, campaign=campaign, run=run, customer=customer if names else None, is_anonymous=hidden,
            channel=channel, mode=mode, language=language, started_at=now, completed_at=now, by=None if hidden else by,
            seconds=seconds, flags=[] if hidden else oddities.of_answers(values),
        )  # fmt: skip
        _care(response, write(response, values, is_all=True), now)
    return response


def decline(*, invitation: Invitation, language: str, now: dt.datetime) -> None:
    """Note that somebody would rather not answer; the link stays open for a change of mind. Raises InvitationClosed."""
    with transaction.atomic():
        invitation = _lock(invitation, now)
        if is_anonymous(invitation.run.version.survey):
            return
        response = _begin(invitation, language, now)
        if response.completed_at is None and response.declined_at is None:
            response.declined_at = now
            response.save(update_fields=["declined_at"])


def _lock(invitation: Invitation, now: dt.datetime) -> Invitation:
    """Return the invitation, locked, so that of two answers at once one waits; whoever has answered may always come back."""
    locked = Invitation.objects.select_for_update(of=("self",), no_key=True)
    invitation = locked.select_related("run__version__survey", "run__campaign", "customer").get(pk=invitation.pk)
    if not invitation.has_answered and not is_open(invitation=invitation, now=now):
        raise InvitationClosed(invitation=invitation)
    return invitation


def _begin(invitation: Invitation, language: str, now: dt.datetime) -> Response:
    run = invitation.run
    if response := Response.objects.filter(invitation=invitation, is_test=False).first():
        return response
    if invitation.has_answered:
        raise InvitationClosed(invitation=invitation)  # so long ago that the answer no longer leads here
    names = run.version.survey.anonymity == Survey.Anonymity.IDENTIFIED
    return Response.objects.create(
        version=run.version, invitation=invitation, customer=invitation.customer if names else None,
        campaign=run.campaign, run=run, language=language, started_at=now,
        channel=channels.way_of(run.campaign).channel,
    )  # fmt: skip


def _anonymous(invitation: Invitation, language: str, *, mode: str, channel: str) -> Response:
    """Begin a response that is nobody's: no invitation, no time, and no run that asked only a few."""
    run = invitation.run
    is_crowd = len(run.invitations.filter(skip="").values_list("pk")[:ENOUGH]) == ENOUGH
    moment = run.planned_at if is_crowd else run.campaign.created_at
    return Response.objects.create(
        version=run.version, campaign=run.campaign, run=run if is_crowd else None, is_anonymous=True, mode=mode,
        channel=channel, language=language, started_at=moment, completed_at=moment,
    )  # fmt: skip


def write(response: Response, values: Values, *, is_all: bool = False) -> list[Answer]:
    """Write the answers, in place of earlier ones to the same questions, or of all."""
    earlier = response.answers.all()
    (earlier if is_all else earlier.filter(question__in=values)).delete()
    answers = [_answer(response, question, value) for question, value in values.items() if value not in _EMPTY]
    if response.is_anonymous:
        for answer in answers:
            answer.pk = random_key()
    return Answer.objects.bulk_create(answers)


_EMPTY: tuple[Any, ...] = (None, "", [], ())


def _answer(response: Response, question: Question, value: Any) -> Answer:
    """Return the row of one answer: numbers, chosen numbers, or text (dates as 2026-11-22)."""
    if question.kind == Question.Kind.CHOICE:
        value = [value]
    match value:
        case bool() | int():
            return Answer(response=response, question=question, number=int(value))
        case list() | tuple():
            chosen = sorted(value) if question.kind == Question.Kind.MULTIPLE else list(value)
            return Answer(response=response, question=question, chosen=chosen)
        case dt.date():
            return Answer(response=response, question=question, text=value.isoformat())
    return Answer(response=response, question=question, text=str(value))


def _sum(earlier: int | None, seconds: int | None) -> int | None:
    return earlier if seconds is None else (earlier or 0) + seconds


def _care(response: Response, answers: list[Answer], now: dt.datetime) -> None:
    """Open a case where a rule says so and we may know who answered; then a surprise for the unhappy may draw."""
    if cases.consider(response=response, answers=answers, now=now) is not None:
        _make_good(response, now)


def _make_good(response: Response, now: dt.datetime) -> None:
    """Let a surprise for unhappy answers draw, once the answer is safe: it must never be lost for a gift's sake."""
    customer_id = response.customer_id
    occasion = Occasion(customer_id, f"unhappy:{customer_id}:{response.pk}", {"response": str(response.pk)})
    transaction.on_commit(
        lambda: surprises.consider(trigger=Surprise.Trigger.UNHAPPY, occasions=[occasion], now=now), robust=True
    )
