"""What the answers to a survey say: scores, how they are spread, and how they went. Every figure is one grouped question."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When

from customers.timezones import programme_date, start_of_day
from surveys import scores
from surveys.models import Answer, Question
from surveys.scopes import Scope

Kind = Question.Kind
WEEKS, MONTHS = 13, 12
# Up to so long a stretch is drawn by week.
SHORT = dt.timedelta(days=92)
type Key = tuple[str, str]
type Spread = dict[int, int]


@dataclass(frozen=True)
class Figures:
    """One question: how often each number or choice was given, and the score of it."""

    question: Question
    answered: int
    spread: Spread
    score: scores.Score | None = None
    mean: float | None = None
    change: scores.Difference | None = None
    # Of a matrix how often each choice was given per row; of a ranking how often each choice stood at each place.
    rows: dict[int, Spread] = field(default_factory=dict)

    @property
    def is_rated(self) -> bool:
        """Whether there is a score to compare and to follow."""
        return self.question.kind in Question.SCALES


@dataclass(frozen=True)
class Period:
    """A week or a month of a trend."""

    starts_date: dt.date
    score: scores.Score | None


def figures(*, scope: Scope) -> list[Figures]:
    """Return the figures of every question, and of ratings what has changed since the stretch of time before."""
    questions = scope.questions()
    now, earlier = scope.answers(), scope.before()
    numbers, chosen = _numbers(now), _chosen(now, questions)
    before = _numbers(earlier.answers()) if earlier else {}
    written = _written(now)
    return [_figures(question, numbers, chosen, before, written) for question in questions]


def trend(*, scope: Scope, question: Question, now: dt.datetime) -> list[Period]:
    """Return the score per week of a short scope, else per month of the last twelve; None where nobody answered.

    Of a promised survey a period with fewer than ten answers has no score, as it has none anywhere.
    """
    days = period_starts(scope=scope, now=now)
    starts = [start_of_day(day) for day in days]
    # Plain comparisons, the newest first: SQLite would ask Python for the month of every row.
    number = Case(
        *(When(response__completed_at__gte=start, then=Value(n)) for n, start in reversed(list(enumerate(starts)))),
        output_field=IntegerField(),
    )
    rows = scope.answers().filter(
        question__key=question.key,
        question__kind=question.kind,
        number__isnull=False,
        response__completed_at__gte=starts[0],
    )
    spreads: list[Spread] = [{} for _day in days]
    for period, value, times in rows.order_by().annotate(period=number).values_list("period", "number").annotate(
        Count("pk")
    ):  # fmt: skip
        spreads[period][value] = times
    return [
        Period(day, scores.of_question(kind=question.kind, distribution=spread))
        for day, spread in zip(days, spreads, strict=True)
    ]


def period_starts(*, scope: Scope, now: dt.datetime) -> list[dt.date]:
    """Return the first days of the periods of a trend, in the programme's time zone, the running one last."""
    last = programme_date(now if scope.until is None else scope.until - dt.timedelta(microseconds=1))
    if scope.since is not None and scope.until is not None and scope.until - scope.since <= SHORT:
        monday = last - dt.timedelta(days=last.weekday())
        return [monday - dt.timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]
    months = [last.year * 12 + last.month - 1 - back for back in range(MONTHS - 1, -1, -1)]
    return [dt.date(month // 12, month % 12 + 1, 1) for month in months]


def is_rising(periods: Sequence[Period]) -> bool | None:
    """Return whether the last two whole periods differ clearly, and which way; None when they do not."""
    shown = [period.score for period in periods if period.score and period.score.is_shown]
    for before, now in reversed(list(pairwise(shown))):
        change = scores.difference(now=now, before=before)
        return change.value > 0 if change.is_clear else None
    return None


def _figures(
    question: Question,
    numbers: dict[Key, Spread],
    chosen: dict[Key, list[list[int | None]]],
    before: dict[Key, Spread],
    written: dict[Key, int],
) -> Figures:
    key = (question.key, question.kind)
    if question.kind in CHOSEN:
        return _of_choices(question, chosen.get(key, []))
    given = numbers.get(key, {})
    if question.scale is None:
        answered = sum(given.values()) or written.get(key, 0)
        return Figures(question, answered, {}, mean=_mean(given))
    spread = dict.fromkeys(question.scale, 0) | dict(sorted(given.items()))
    score = scores.of_question(kind=question.kind, distribution=given)
    earlier = scores.of_question(kind=question.kind, distribution=before.get(key, {}))
    is_comparable = score and earlier and score.is_shown and earlier.is_shown
    return Figures(
        question,
        sum(given.values()),
        spread,
        score=score,
        mean=_mean(given),
        change=scores.difference(now=score, before=earlier) if is_comparable else None,
    )


CHOSEN = (Kind.CHOICE, Kind.MULTIPLE, Kind.MATRIX, Kind.RANKING)


def _of_choices(question: Question, answers: list[list[int | None]]) -> Figures:
    empty = dict.fromkeys([number for number, _text in question.choices], 0)
    if question.kind == Kind.MATRIX:
        rows = {row: empty | _count(answer[row : row + 1] for answer in answers) for row, _text in question.rows}
        return Figures(question, len(answers), {}, rows=rows)
    if question.kind == Kind.RANKING:
        # By choice: how often it stood at which place, the first place being 0.
        rows = {
            number: Counter(answer.index(number) for answer in answers if number in answer) for number in empty
        }  # fmt: skip
        return Figures(question, len(answers), empty | _count(answer[:1] for answer in answers), rows=rows)
    return Figures(question, len(answers), empty | _count(answers))


def _count(answers: Iterable[Sequence[int | None]]) -> Spread:
    return dict(Counter(number for answer in answers for number in answer if number is not None))


def _mean(spread: Spread) -> float | None:
    n = sum(spread.values())
    return sum(number * times for number, times in spread.items()) / n if n else None


def _numbers(answers: QuerySet[Answer]) -> dict[Key, Spread]:
    found: dict[Key, Spread] = {}
    rows = answers.filter(number__isnull=False).order_by().values_list("question__key", "question__kind", "number")
    for key, kind, number, times in rows.annotate(Count("pk")):
        found.setdefault((key, kind), {})[number] = times
    return found


def _chosen(answers: QuerySet[Answer], questions: list[Question]) -> dict[Key, list[list[int | None]]]:
    found: dict[Key, list[list[int | None]]] = {}
    if any(question.kind in CHOSEN for question in questions):
        rows = answers.filter(question__kind__in=CHOSEN, chosen__isnull=False).order_by()
        for key, kind, chosen in rows.values_list("question__key", "question__kind", "chosen").iterator():
            found.setdefault((key, kind), []).append(chosen)
    return found


def _written(answers: QuerySet[Answer]) -> dict[Key, int]:
    rows = answers.exclude(text="").order_by().values_list("question__key", "question__kind")
    return {(key, kind): times for key, kind, times in rows.annotate(Count("pk"))}
