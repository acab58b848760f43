"""The results of a run: scores with their intervals, how the answers spread, and what people wrote."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from customers.admin_panels import may_view, record_url
from customers.models import Customer
from surveys import runs, scores
from surveys.models import Answer, Question, Response, Run, Survey

SHOWN_VERBATIMS = 100
BAR_WIDTH, BAR_HEIGHT, ROW = 320, 18, 26
LABEL, COUNT = 190, 60


@dataclass(frozen=True)
class Bar:
    """One row of a chart, in the units of its drawing."""

    label: str
    number: int
    y: int
    width: float
    share: str

    @property
    def end(self) -> float:
        """Where the bar ends and its number begins."""
        return LABEL + self.width

    @property
    def middle(self) -> int:
        """Where its words stand."""
        return self.y + 13


@dataclass(frozen=True)
class QuestionResult:
    """What is shown about one question."""

    question: Question
    score: scores.Score | None
    answers: int
    bars: list[Bar]
    texts: list[dict[str, Any]]

    @property
    def chart_height(self) -> int:
        """The height of the drawing."""
        return len(self.bars) * ROW

    @property
    def score_words(self) -> str:
        """The score as people write it."""
        if self.score is None:
            return ""
        return f"{self.score.value:+.0f}" if self.question.kind == Question.Kind.NPS else f"{self.score.value:.0f}%"

    @property
    def interval_words(self) -> str:
        """The interval as people write it."""
        if self.score is None:
            return ""
        low, high = f"{self.score.low:.1f}", f"{self.score.high:.1f}"
        return _("between %(low)s and %(high)s with 95%% certainty") % {"low": low, "high": high}


def percent(share: float | None) -> str:
    """Write a rate, or nothing when there is none."""
    return "" if share is None else f"{share:.1f}%"


def results_page(model_admin: ModelAdmin, request: HttpRequest, run: Run) -> TemplateResponse:
    """Show the results. Of a confidential survey nothing is shown below ten answers, and never who wrote what."""
    counts = runs.counts(run=run)
    rates = scores.rates(run=run, counts=counts)
    is_confidential = run.version.survey.anonymity != Survey.Anonymity.IDENTIFIED
    is_hidden = is_confidential and rates.completed < scores.HIDDEN_BELOW
    names = not is_confidential and may_view(request.user, Customer)
    questions = run.version.questions.order_by("position")
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": run,
        "title": _("Results"),
        "subtitle": str(run),
        "counts": counts,
        "rates": rates,
        "rate_words": {
            "response": percent(rates.response),
            "completion": percent(rates.completion),
            "considered": percent(rates.per_considered),
        },
        "is_hidden": is_hidden,
        "hidden_below": scores.HIDDEN_BELOW,
        "results": [] if is_hidden else [_result(run, question, names=names) for question in questions],
        "drawing": {"width": LABEL + BAR_WIDTH + COUNT, "label": LABEL - 8, "bar": LABEL, "height": BAR_HEIGHT},
        "csv_url": ""
        if is_hidden or not request.user.has_perm("surveys.export_response")
        else reverse("admin:surveys_run_answers", args=[run.pk]),
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "admin/surveys/results.html", context)


def _result(run: Run, question: Question, *, names: bool) -> QuestionResult:
    answers = _answers(run).filter(question=question)
    spread = scores.distribution(run=run, question=question) if _is_counted(question) else {}
    return QuestionResult(
        question=question,
        score=scores.of_question(kind=question.kind, distribution=spread),
        answers=answers.count(),
        bars=_bars(question, spread, total=answers.count()),
        texts=[] if _is_counted(question) else _texts(answers, names=names),
    )


def _is_counted(question: Question) -> bool:
    return question.scale is not None or question.kind in (Question.Kind.CHOICE, Question.Kind.MULTIPLE)


def _answers(run: Run) -> Any:
    return Answer.objects.filter(response__run=run, response__completed_at__isnull=False, response__is_test=False)


def _bars(question: Question, spread: dict[int, int], *, total: int) -> list[Bar]:
    words = dict(question.choices) if question.scale is None else {}
    highest = max([1, *spread.values()])
    return [
        Bar(
            label=words.get(number, str(number))[:28],
            number=times,
            y=row * ROW,
            width=round(times * BAR_WIDTH / highest, 1),
            share=percent(100 * times / total) if total else "",
        )
        for row, (number, times) in enumerate(spread.items())
    ]


def _texts(answers: Any, *, names: bool) -> list[dict[str, Any]]:
    """Return the newest things written; with a link to the customer only where the survey and the reader allow it."""
    rows = answers.select_related("response__customer").order_by("-response__completed_at", "-pk")[:SHOWN_VERBATIMS]
    return [
        {
            "text": row.text or row.number,
            "language": row.response.language,
            "customer": row.response.customer if names else None,
            "url": record_url(row.response.customer) if names and row.response.customer else "",
        }
        for row in rows
    ]


def answers_csv(run: Run) -> HttpResponse:
    """Return the answers as a table for spreadsheets: a column per question, no name and no address.

    Of a confidential survey neither with a time, which would tell who it was; below ten answers only the heading.
    """
    is_confidential = run.version.survey.anonymity != Survey.Anonymity.IDENTIFIED
    file = io.StringIO()
    writer = csv.writer(file)
    questions = list(run.version.questions.order_by("position"))
    writer.writerow(
        ["language", *([] if is_confidential else ["completed_at"]), *(question.key for question in questions)]
    )
    writer.writerows(_rows(run, questions, is_confidential=is_confidential))
    response = HttpResponse("\ufeff" + file.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="answers-{run.pk}.csv"'
    return response


def _rows(run: Run, questions: list[Question], *, is_confidential: bool) -> Iterator[list[Any]]:
    # The keys are random, so that their order says nothing either.
    responses = Response.objects.completed().filter(run=run).prefetch_related("answers").order_by("pk")
    if is_confidential and responses.count() < scores.HIDDEN_BELOW:
        return
    for response in responses:
        answers = {answer.question_id: answer for answer in response.answers.all()}
        start = [response.language, *([] if is_confidential else [response.completed_at.isoformat(timespec="seconds")])]
        yield [*start, *(_cell(question, answers.get(question.pk)) for question in questions)]


def _cell(question: Question, answer: Answer | None) -> str | int:
    if answer is None:
        return ""
    if answer.number is not None:
        return answer.number
    if answer.chosen is not None:
        words = dict(question.choices)
        return harmless("; ".join(words.get(number, str(number)) for number in answer.chosen))
    return harmless(answer.text)


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    begins_formula = text.lstrip()[:1] in tuple("=+-@|%＝＋－＠") or text[:1] in ("\t", "\r", "\n")
    return f"'{text}" if text and begins_formula else text
