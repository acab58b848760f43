"""The pages of results of a survey: scores and splits, who answered, and the report to print."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin_panels import may_view
from surveys import dashboards, funnels, scores, splits
from surveys.admin import charts
from surveys.admin.scope_forms import ScopeForm
from surveys.dashboards import CHOSEN, Figures
from surveys.models import Question, Response, Survey
from surveys.scopes import Scope

ON_RECORD = [ActionLocation.CHANGE_FORM]


@dataclass(frozen=True)
class Result:
    """What is shown about one question."""

    figures: Figures
    chart: charts.Bars
    rows: list[tuple[str, list[tuple[str, int]]]]
    trend: charts.Trend | None = None

    @property
    def question(self) -> Question:
        """The question."""
        return self.figures.question

    @property
    def score(self) -> scores.Score | None:
        """Its score."""
        return self.figures.score

    @property
    def score_words(self) -> str:
        """The score as people write it."""
        return charts.words_of(self.score, self.question)

    @property
    def interval_words(self) -> str:
        """The interval as people write it."""
        if self.score is None:
            return ""
        low, high = charts.minus(self.score.low), charts.minus(self.score.high)
        return _("between %(low)s and %(high)s with 95%% certainty") % {"low": low, "high": high}

    @property
    def change_words(self) -> str:
        """What has changed since the stretch of time before, only when it is clear."""
        change = self.figures.change
        if change is None:
            return ""
        if not change.is_clear:
            return _("no clear change since the period before")
        words = {
            "by": charts.signed(change.value),
            "low": charts.minus(change.low),
            "high": charts.minus(change.high),
        }
        return _("%(by)s points since the period before (between %(low)s and %(high)s)") % words


@dataclass(frozen=True)
class SplitRow:
    """One line of a split."""

    group: splits.Group
    score: str
    interval: str
    line: charts.Line | None


class ResultsOfSurvey:
    """Extend the admin of surveys by the pages of results."""

    def has_results_permission(self, request: HttpRequest) -> bool:
        return may_view(request.user, Response)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/dashboard/", wrap(self.dashboard_view), name="surveys_survey_dashboard"),
            path("<int:pk>/reach/", wrap(self.reach_view), name="surveys_survey_reach"),
            path("<int:pk>/report/", wrap(self.report_view), name="surveys_survey_report"),
            *super().get_urls(),
        ]

    @admin.action(location=ON_RECORD, description=gettext_lazy("Results"), permissions=["results"])
    def results(self, request: HttpRequest, queryset: QuerySet[Survey]) -> HttpResponse:
        """Lead to the dashboard."""
        return redirect(reverse("admin:surveys_survey_dashboard", args=[queryset.get().pk]))

    def dashboard_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show scores, how they went and by what they differ."""
        page = self.results_page(request, pk, _("Results"))
        page |= shown(page["scope"], request, page["now"], is_hidden=page["is_hidden"])
        return TemplateResponse(request, "admin/surveys/dashboard.html", page)

    def reach_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how many were asked, how many answered, and whether the answers speak for the others."""
        page = self.results_page(request, pk, _("Who answered"))
        page |= reach(page["scope"], is_hidden=page["is_hidden"])
        return TemplateResponse(request, "admin/surveys/reach.html", page)

    def report_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show everything on one page, to print."""
        page = self.results_page(request, pk, _("Report"))
        page |= shown(page["scope"], request, page["now"], is_hidden=page["is_hidden"])
        page |= reach(page["scope"], is_hidden=page["is_hidden"])
        return TemplateResponse(request, "admin/surveys/report.html", page)

    def results_page(self, request: HttpRequest, pk: int, title: str) -> dict[str, Any]:
        """Return what all pages of results share, with the scope that was asked for. Raises PermissionDenied."""
        if not self.has_results_permission(request):
            raise PermissionDenied
        survey, now = get_object_or_404(Survey, pk=pk), timezone.now()
        form = ScopeForm(request.GET, survey=survey)
        scope = form.scope(now=now)
        answered = scope.responses().count()
        request.current_app = self.admin_site.name
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": survey,
            "title": title,
            "subtitle": str(survey),
            "scope": scope,
            "scope_form": form,
            "now": now,
            "query": request.GET.urlencode(),
            "answered": answered,
            "is_hidden": scope.is_hidden(answered=answered),
            "hidden_below": scores.HIDDEN_BELOW,
            "tabs": self.result_tabs(request, survey),
        }

    def result_tabs(self, request: HttpRequest, survey: Survey) -> list[tuple[str, str, bool]]:
        """Return the pages of results as (words, address, whether it is this one); the question asked for goes along."""
        query = request.GET.copy()
        query.pop("p", None)
        tail = f"?{query.urlencode()}" if query else ""
        pages = [
            (reverse(f"admin:surveys_survey_{name}", args=[survey.pk]), words)
            for name, words in RESULT_PAGES.items()
            if name != "export" or request.user.has_perm("surveys.export_response")
        ]
        return [(str(words), address + tail, address == request.path) for address, words in pages]


RESULT_PAGES = {
    "dashboard": gettext_lazy("Scores"),
    "reach": gettext_lazy("Who answered"),
    "comments": gettext_lazy("Comments"),
    "report": gettext_lazy("Report"),
    "export": gettext_lazy("Export"),
}


def shown(scope: Scope, request: HttpRequest, now: dt.datetime, *, is_hidden: bool) -> dict[str, Any]:
    """Return scores, trend and splits for a template; nothing of what is hidden is even counted."""
    if is_hidden:
        return {"results": [], "splits": [], "headline": None, "ratings": []}
    figures = dashboards.figures(scope=scope)
    rated = [one.question for one in figures if one.is_rated and one.answered]
    headline = next((q for q in rated if q.key == request.GET.get("question")), rated[0] if rated else None)
    results = [_result(one, _trend(scope, one, headline, now)) for one in figures]
    found = splits.splits(scope=scope, question=headline, now=now) if headline else []
    return {
        "results": results,
        "headline": headline,
        "ratings": rated,
        "splits": [(split, [_row(group, headline) for group in split.groups]) for split in found],
        "line_width": charts.LINE_WIDTH,
        "line_middle": charts.LINE_MIDDLE,
    }


def reach(scope: Scope, *, is_hidden: bool) -> dict[str, Any]:
    """Return the funnel and the mixes for a template."""
    funnel = funnels.funnel(scope=scope)
    found = {
        "funnel": funnel,
        "steps": _steps(funnel),
        "rates": {
            "response": charts.percent(funnel.response),
            "with_partial": charts.percent(funnel.response_with_partial),
            "completion": charts.percent(funnel.completion),
            "considered": charts.percent(funnel.per_considered),
        },
        "mixes": [(mix, [_mix_row(row) for row in mix.rows]) for mix in funnels.mixes(scope=scope)],
    }
    headline = next((q for q in scope.questions() if q.kind in Question.SCALES), None)
    if headline is None or is_hidden:
        return found
    first, reminded = funnels.waves(scope=scope, question=headline)
    found |= {"wave_question": headline, "first": _wave(first, headline), "reminded": _wave(reminded, headline)}
    if first and reminded and first.is_shown and reminded.is_shown:
        found["wave_is_clear"] = scores.difference(now=reminded, before=first).is_clear
    if scope.has_persons and (value := funnels.weighted(scope=scope, question=headline)) is not None:
        found["weighted"] = charts.signed(value) if headline.kind == Question.Kind.NPS else f"{value:.0f}%"
    return found


def _wave(score: scores.Score | None, question: Question) -> dict[str, Any] | None:
    return score and {"n": score.n, "words": charts.words_of(score, question), "interval": charts.interval(score)}


def _steps(funnel: funnels.Funnel) -> charts.Bars:
    words = {
        "considered": _("considered"), "invited": _("invited"), "accepted": _("accepted by the provider"),
        "delivered": _("delivered") if funnel.reports_delivery else _("not bounced"), "viewed": _("looked at the page"),
        "started": _("began"), "completed": _("finished"),
    }  # fmt: skip
    numbered = dict(enumerate(words.items()))
    return charts.bars(
        labels={number: word for number, (_name, word) in numbered.items()},
        spread={number: getattr(funnel, name) for number, (name, _word) in numbered.items()},
        total=funnel.invited,
    )


def _mix_row(row: funnels.MixRow) -> dict[str, Any]:
    difference = row.difference
    clear = difference is not None and difference.is_clear
    return {
        "row": row,
        "invited": charts.percent(row.invited_share.value if row.invited_share else None),
        "answered": charts.percent(row.answered_share.value if row.answered_share else None),
        "verdict": (_("answers more") if difference.value > 0 else _("answers less")) if clear else "",
    }


def _row(group: splits.Group, question: Question) -> SplitRow:
    return SplitRow(
        group=group,
        score=charts.words_of(group.score, question),
        interval=charts.interval(group.score),
        line=charts.line(score=group.score, question=question),
    )


def _trend(scope: Scope, one: Figures, headline: Question | None, now: dt.datetime) -> charts.Trend | None:
    if one.question != headline:
        return None
    return charts.trend(question=one.question, periods=dashboards.trend(scope=scope, question=one.question, now=now))


def _result(one: Figures, trend: charts.Trend | None) -> Result:
    question = one.question
    labels = dict(question.choices) if question.kind in CHOSEN else {}
    rows: list[tuple[str, list[tuple[str, int]]]] = []
    if question.kind == Question.Kind.MATRIX:
        names = dict(question.rows)
        rows = [
            (
                names.get(row, str(row + 1)),
                [(labels.get(number, str(number)), times) for number, times in spread.items()],
            )
            for row, spread in one.rows.items()
        ]
    elif question.kind == Question.Kind.RANKING:
        places = range(len(labels))
        rows = [
            (labels.get(number, str(number)), [(str(place + 1), spread.get(place, 0)) for place in places])
            for number, spread in one.rows.items()
        ]
    return Result(one, charts.bars(labels=labels, spread=one.spread, total=one.answered), rows, trend)
