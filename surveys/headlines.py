"""The one score that stands for what customers say: of the survey most answered in the last twelve months."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count

from surveys.dashboards import Period, trend
from surveys.models import Question, Response, Survey
from surveys.scopes import Scope

YEAR = dt.timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Headline:
    """A rating question and its score per month of the last twelve, the running month last."""

    survey: Survey
    question: Question
    periods: list[Period]


def headline(*, now: dt.datetime) -> Headline | None:
    """Return the score that stands for the shop, None when nothing was rated lately. An NPS comes before other scales."""
    answered = Response.objects.completed().filter(completed_at__gt=now - YEAR)
    ranking = (
        answered.order_by().values("version__survey").annotate(times=Count("pk")).order_by("-times", "version__survey")
    )
    for row in ranking[:3]:
        survey = Survey.objects.get(pk=row["version__survey"])
        scope = Scope(survey=survey)
        rated = [question for question in scope.questions() if question.kind in Question.SCALES]
        if rated:
            question = next((one for one in rated if one.kind == Question.Kind.NPS), rated[0])
            return Headline(survey, question, trend(scope=scope, question=question, now=now))
    return None
