"""The answer page behind a mail's link, and the one behind a test."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation

from customers.personal import language_of, other_language, personal
from surveys import first_looks, letters, links, responses, trials, visits
from surveys.forms import preselected
from surveys.models import Invitation, Response
from surveys.views import first_page, questionnaire
from surveys.views.neutral import not_here

_NOBODY = uuid.UUID(int=0)


@personal
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Show the questions; a POST answers them, once."""
    now, is_sent = timezone.now(), request.method == "POST"
    pk = links.read(token, purpose=links.Purpose.ANSWER) or _NOBODY
    if not is_sent and (facts := first_looks.facts(invitation_id=pk, now=now)):
        return first_page.show(request, facts, invitation_id=pk, now=now)
    invitation = invited(token, links.Purpose.ANSWER)
    if invitation is None:
        return not_here(request)
    with translation.override(language_of(request, invitation.language)):
        visit = visits.InvitationVisit(invitation=invitation, now=now)
        if invitation.has_answered:
            return questionnaire.thank(request, visit)
        if not responses.is_open(invitation=invitation, now=now):
            return not_here(request)
        if not is_sent:
            _note_intent(request, visit)
        return questionnaire.respond(request, visit)


def _note_intent(request: HttpRequest, visit: visits.InvitationVisit) -> None:
    """Remember which rating link was opened; of an anonymous survey nothing, since it would name the answer."""
    if not visit.is_kept:
        return
    questions = visit.version.questions.order_by("position")[:1]
    first_page.note(
        request,
        chosen=next(iter(preselected(questions, request.GET.get("a", "")).values()), None),
        invitation_id=visit.invitation.pk,
        now=visit.now,
    )


@personal
def answer_test(request: HttpRequest, token: str) -> HttpResponse:
    """Show the questions to whoever sent themselves a test; the answers are marked and never counted."""
    now = timezone.now()
    pk = links.read(token, purpose=links.Purpose.TEST) or _NOBODY
    tests = Response.objects.filter(is_test=True).select_related("version__survey", "campaign__coupon_batch")
    response = tests.filter(pk=pk).first()
    if response is None or not trials.is_open(response=response, now=now):
        return not_here(request)
    with translation.override(language_of(request, response.language)):
        return questionnaire.respond(request, visits.TestVisit(response=response, now=now))


def invited(token: str, purpose: links.Purpose) -> Invitation | None:
    """Return the invitation of a token. A forged token costs the same look into the database as a genuine one."""
    known = Invitation.objects.select_related("run__version__survey", "run__campaign__coupon_batch", "customer")
    return known.filter(pk=links.read(token, purpose=purpose) or _NOBODY).first()


@personal
def read_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the mail says to somebody whose mail program cannot; without the name, for links are passed on."""
    invitation = invited(token, links.Purpose.VIEW)
    if invitation is None or not responses.is_open(invitation=invitation, now=timezone.now()):
        return not_here(request)
    run, language = invitation.run, language_of(request, invitation.language)
    letter = letters.compose(campaign=run.campaign, version=run.version, language=language, closes_at=run.closes_at)
    subject, text, _html = letter.fill(
        name="", answer_url=links.answer_url(invitation.pk), unsubscribe_url=links.unsubscribe_url(invitation.pk)
    )
    with translation.override(language):
        return render(request, "surveys/mail.html", {"subject": subject, "text": text} | other_language(request))
