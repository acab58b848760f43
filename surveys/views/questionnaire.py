"""The questions, page by page: with script alive, without it in steps, and the same for every way that leads here.

Two kinds of visits: where answers are kept, each page ends in a redirect, so that the way back and other devices work;
where nothing may be kept before the end, the pages carry the earlier answers along.
"""

import time
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from customers.personal import other_language
from surveys import branching, responses
from surveys.forms import AnswerForm, initial, names, preselected
from surveys.models import Question, RewardGrant
from surveys.views.neutral import not_here
from surveys.visits import Visit

_CLOCK = {"salt": "surveys.questionnaire"}
LONGEST_VISIT = 24 * 3600  # seconds; a page left open over night says nothing about how long somebody took
Values = Mapping[Question, Any]


class SeeOther(HttpResponseRedirect):
    """Answer a POST with the address of the next page."""

    status_code = HTTPStatus.SEE_OTHER


class Sheet:
    """One request's view of a questionnaire."""

    def __init__(self, request: HttpRequest, visit: Visit) -> None:
        self.request, self.visit = request, visit
        self.questions = list(visit.version.questions.order_by("position"))
        self.pages = branching.pages(self.questions) or [[]]
        self.chosen = preselected(self.questions, request.GET.get("a", ""))

    @cached_property
    def page(self) -> int:
        """Which page this is, from 0: the one that was sent, or asked for, or the first unfinished one."""
        if self.request.method == "POST":
            return self._number(self.request.POST.get("page", ""), len(self.pages) - 1)
        furthest = min(self.visit.finished_pages, len(self.pages) - 1)
        wanted = self._number(self.request.GET.get("p", ""), furthest + 1) - 1
        return wanted if wanted >= 0 else self._on_the_way(furthest)

    @staticmethod
    def _number(text: str, highest: int) -> int:
        return min(int(text), highest) if text.isascii() and text.isdecimal() and len(text) < 4 else 0

    def _on_the_way(self, page: int) -> int:
        return page if self._is_asked(page, self.earlier_of(page)) else (self.previous(page, self.visit.stored) or 0)

    @cached_property
    def form(self) -> AnswerForm:
        """What was sent of this page."""
        return AnswerForm(self.request.POST, questions=self.pages[self.page])

    @cached_property
    def carried(self) -> AnswerForm:
        """What was sent of the other pages, where they are carried along."""
        others = [question for page in self.pages for question in page if question not in self.pages[self.page]]
        return AnswerForm(self.request.POST, questions=[] if self.visit.is_kept else others)

    @cached_property
    def elsewhere(self) -> dict[Question, Any]:
        """The answers of all other pages."""
        if self.visit.is_kept:
            return {q: value for q, value in self.visit.stored.items() if q not in self.pages[self.page]}
        return {q: value for q, value in self.carried.values.items() if value not in (None, "", [])}

    def earlier_of(self, page: int) -> dict[Question, Any]:
        """Return the stored answers of the pages before one."""
        before = {question for earlier in self.pages[:page] for question in earlier}
        return {question: value for question, value in self.visit.stored.items() if question in before}

    @cached_property
    def values(self) -> dict[Question, Any]:
        """Everything answered by now, in the order of the questions."""
        known = {**self.elsewhere, **self.form.values}
        return {question: known[question] for question in self.questions if question in known}

    @cached_property
    def shown(self) -> list[Question]:
        """The questions that are asked, given everything answered by now."""
        return branching.shown(self.questions, self.values)

    @property
    def seen(self) -> list[Question]:
        """The questions of this page that were in sight when it was sent."""
        sent = set(self.request.POST.getlist("asked"))
        return [question for question in self.pages[self.page] if question in self.shown and str(question.pk) in sent]

    @property
    def unseen(self) -> list[Question]:
        """Those of this page that come up only by what was answered on it."""
        here = [question for question in self.pages[self.page] if question in self.shown]
        return [question for question in here if question not in self.seen]

    def _is_asked(self, page: int, values: Values) -> bool:
        return bool({*self.pages[page]} & {*branching.shown(self.questions, values)})

    def next(self, page: int) -> int | None:
        """Return the next page that has a question to ask."""
        return next((n for n in range(page + 1, len(self.pages)) if self._is_asked(n, self.values)), None)

    def previous(self, page: int, values: Values) -> int | None:
        """Return the page before that asks something."""
        return next((n for n in range(page - 1, -1, -1) if self._is_asked(n, values)), None)

    @property
    def missing(self) -> int | None:
        """Return the page with a question that must be answered and is not: somebody has jumped."""
        gaps = {q for q in self.shown if q.is_required and self.values.get(q) in (None, "", [])}
        return next((number for number, page in enumerate(self.pages) if gaps & {*page}), None)

    @property
    def seconds(self) -> int:
        """How long the page was open; no time for a form that did not come from our page."""
        try:
            opened = signing.loads(self.request.POST.get("t", ""), **_CLOCK)
        except signing.BadSignature:
            return 0
        return max(0, min(int(time.time()) - opened, LONGEST_VISIT))


def respond(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show a page of the questions, or take one."""
    sheet = Sheet(request, visit)
    if request.method != "POST":
        return _show(sheet)
    try:
        return _take(sheet)
    except responses.InvitationClosed:
        return not_here(request)


def _take(sheet: Sheet) -> HttpResponse:
    visit, sent = sheet.visit, sheet.request.POST
    match sent.get("do"):
        case "look":
            visit.look()
            return HttpResponse(status=HTTPStatus.NO_CONTENT)
        case "keep":
            return _keep(sheet)
        case "decline":
            visit.decline()
            return thank(sheet.request, visit, has_declined=True)
        case "back":
            before = sheet.previous(sheet.page, sheet.values) or 0
            _save(sheet, page=0)
            return _lead(sheet, before)
    sheet.form.check(sheet.seen)
    if sheet.form.errors or sheet.unseen:
        _save(sheet, page=0)
        return _page(sheet, sheet.page, sheet.form, is_more=not sheet.form.errors)
    if (following := sheet.next(sheet.page)) is not None:
        _save(sheet, page=following)
        return _lead(sheet, following)
    if (missing := sheet.missing) is not None:
        return _lead(sheet, missing)
    grant = visit.finish(
        values={question: sheet.values[question] for question in sheet.shown if question in sheet.values},
        seconds=sheet.seconds, has_script="js" in sent,
    )  # fmt: skip
    return thank(sheet.request, visit, grant=grant, is_new=True)


def _keep(sheet: Sheet) -> HttpResponse:
    """Keep the rating that somebody chose in the mail, now that the page was in front of them for a while."""
    given = {question: value for question, value in sheet.form.values.items() if value not in (None, "", [])}
    if sheet.visit.is_kept and given:
        sheet.visit.keep(values=given, page=0, seconds=None)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _save(sheet: Sheet, *, page: int) -> None:
    if sheet.visit.is_kept:
        sheet.visit.keep(values=sheet.form.values, page=page, seconds=sheet.seconds)


def _lead(sheet: Sheet, page: int) -> HttpResponse:
    """Lead to another page: by its address where answers are kept, else at once, with the answers in it."""
    if sheet.visit.is_kept:
        query = {"p": page + 1} | ({"lang": sheet.request.GET["lang"]} if "lang" in sheet.request.GET else {})
        return SeeOther(f"{sheet.request.path}?{urlencode(query)}")
    here = {question: value for question, value in sheet.values.items() if question in sheet.pages[page]}
    return _page(sheet, page, AnswerForm(questions=sheet.pages[page], initial=initial(here)))


def _show(sheet: Sheet) -> HttpResponse:
    """Show a page with what is known already; a rating chosen in the mail is only marked, until its page was sent."""
    page, stored, request = sheet.page, sheet.visit.stored, sheet.request
    if sheet.visit.is_kept and len(sheet.pages) > 1 and "p" not in request.GET:
        # Every page gets an address of its own, so that the browser's way back leads to it.
        return lead_in(request, page)
    first = initial({question: value for question, value in stored.items() if question in sheet.pages[page]})
    is_fresh = page == sheet.visit.finished_pages == 0
    chosen = sheet.chosen if is_fresh else {}
    form = AnswerForm(questions=sheet.pages[page], initial=first | chosen)
    return _page(sheet, page, form, is_chosen=bool(chosen))


def lead_in(request: HttpRequest, page: int) -> HttpResponse:
    """Lead from a mail's link to a page, with all that the link says."""
    return HttpResponseRedirect(f"{request.path}?{urlencode({**request.GET.dict(), 'p': page + 1})}")


def first_context(sheet: Sheet) -> dict[str, Any]:
    """Return what the first page shows to whoever has answered nothing yet."""
    form = AnswerForm(questions=sheet.pages[0], initial=sheet.chosen)
    return _context(sheet, 0, form, is_chosen=bool(sheet.chosen))


def _page(sheet: Sheet, page: int, form: AnswerForm, *, is_more: bool = False, is_chosen: bool = False) -> HttpResponse:
    context = _context(sheet, page, form, is_more=is_more, is_chosen=is_chosen)
    return render(sheet.request, "surveys/answer.html", context | other_language(sheet.request))


def _context(sheet: Sheet, page: int, form: AnswerForm, *, is_more: bool = False, is_chosen: bool) -> dict[str, Any]:
    visit, request = sheet.visit, sheet.request
    is_sent = request.method == "POST"
    others = {**sheet.elsewhere, **sheet.form.values} if is_sent else visit.stored
    earlier = {question: value for question, value in others.items() if question not in sheet.pages[page]}
    questions = form.asked({q: earlier[q] for q in sheet.questions if q in earlier})
    return {
        "form": form,
        "questions": questions,
        "mistaken": [asked for asked in questions if asked.errors],
        "visit": visit,
        "survey": visit.survey,
        "page": page,
        "page_number": page + 1,
        "page_count": len(sheet.pages),
        "is_last": page == len(sheet.pages) - 1,
        "has_back": sheet.previous(page, earlier) is not None,
        "is_more": is_more,
        "is_chosen": is_chosen,
        "first_unseen": sheet.unseen[0].pk if is_more and sheet.unseen else None,
        "carried": [] if visit.is_kept or not is_sent else _carried(sheet, page),
        "clock": _clock(sheet),
        "stop_url": visit.stop_url,
    }


def _carried(sheet: Sheet, page: int) -> list[tuple[str, str]]:
    """Return the valid answers to the questions of all other pages, as they were sent."""
    form_of = dict.fromkeys(sheet.carried.questions, sheet.carried) | dict.fromkeys(sheet.form.questions, sheet.form)
    others = [q for q in form_of if q not in sheet.pages[page] and not form_of[q].errors_of(q)]
    keys = [key for question in others for key in names(question)]
    return [(key, value) for key in keys for value in sheet.request.POST.getlist(key)]


def clock() -> str:
    """Return the moment, sealed, so that a form can tell how long it was open."""
    return signing.dumps(int(time.time()), **_CLOCK)


def _clock(sheet: Sheet) -> str:
    """Return the moment this page was made, or, where pages are carried along, the first of them."""
    if sheet.request.method == "POST" and not sheet.visit.is_kept:
        try:
            sent = sheet.request.POST.get("t", "")
            signing.loads(sent, **_CLOCK)
            return sent
        except signing.BadSignature:
            pass
    return clock()


def thank(
    request: HttpRequest,
    visit: Visit,
    *,
    grant: RewardGrant | None = None,
    is_new: bool = False,
    has_declined: bool = False,
) -> HttpResponse:
    """Say thank you, and what for."""
    words = branching.fill(visit.survey.thanks, {})
    context = {
        "visit": visit, "survey": visit.survey, "words": words, "grant": grant, "is_new": is_new,
        "has_declined": has_declined,
    }  # fmt: skip
    return render(request, "surveys/thanks.html", context | other_language(request))
