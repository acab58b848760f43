"""Scores with their intervals, all at 95 percent. Below 10 answers a score is not shown, below 30 it is shown greyed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count

from surveys.models import Answer, Question, Response, Run
from surveys.runs import Counts

HIDDEN_BELOW, GREY_BELOW = 10, 30
Z = 1.96


@dataclass(frozen=True)
class Score:
    """A figure, its interval and how many answers are behind it."""

    value: float
    low: float
    high: float
    n: int
    mean: float | None = None

    @property
    def is_shown(self) -> bool:
        """Too few answers say something about persons, and nothing about the shop."""
        return self.n >= HIDDEN_BELOW

    @property
    def is_grey(self) -> bool:
        """Shown, but too little to build on."""
        return self.n < GREY_BELOW


@dataclass(frozen=True)
class Difference:
    """How far one score lies above another, with its interval; in points."""

    value: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero: only then it is called a change."""
        return self.low > 0 or self.high < 0


def difference(*, now: Score, before: Score) -> Difference:
    """Return the difference of two independent scores of one kind, with the interval that follows from theirs.

    The limits are put together as Newcombe does for shares (1998, method 10) and Zou and Donner for any two (2008), so that
    they fit the intervals shown beside them.
    """
    value = now.value - before.value
    return Difference(
        value=value,
        low=value - math.hypot(now.value - now.low, before.high - before.value),
        high=value + math.hypot(now.high - now.value, before.value - before.low),
    )


def nps(*, promoters: int, detractors: int, n: int) -> Score:
    """Return the Net Promoter Score, −100 to 100, with its adjusted Wald interval (Rocks 2016). Raises ValueError for n = 0."""
    _positive(n)
    wide = n + 3
    p, d = (promoters + 0.75) / wide, (detractors + 0.75) / wide
    centre, half = p - d, Z * math.sqrt((p + d - (p - d) ** 2) / wide)
    return Score(
        value=100 * (promoters - detractors) / n,
        low=max(-100.0, 100 * (centre - half)),
        high=min(100.0, 100 * (centre + half)),
        n=n,
    )


def share(*, hits: int, n: int, mean: float | None = None) -> Score:
    """Return a share in percent with its Wilson interval. Raises ValueError for n = 0."""
    _positive(n)
    p = hits / n
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return Score(value=100 * p, low=100 * max(0.0, centre - half), high=100 * min(1.0, centre + half), n=n, mean=mean)


def of_question(*, kind: str, distribution: Mapping[int, int]) -> Score | None:
    """Return the score of a rating question from how often each number was given; None for no answers or no rating.

    NPS: 9 and 10 promote, 0 to 6 detract. CSAT: 4 and 5 of 5. CES: 5 to 7 of 7. Stars: 4 and 5 of 5.
    """
    n = sum(distribution.values())
    if not n or kind not in Question.SCALES:
        return None
    mean = sum(number * times for number, times in distribution.items()) / n
    count = lambda numbers: sum(distribution.get(number, 0) for number in numbers)  # noqa: E731
    if kind == Question.Kind.NPS:
        score = nps(promoters=count(range(9, 11)), detractors=count(range(7)), n=n)
        return Score(score.value, score.low, score.high, n, mean)
    return share(hits=count(_GOOD[kind]), n=n, mean=mean)


_GOOD = {Question.Kind.CSAT: (4, 5), Question.Kind.CES: (5, 6, 7), Question.Kind.STARS: (4, 5)}


def distribution(*, run: Run, question: Question) -> dict[int, int]:
    """Return how often each number or choice was given in a run; every number of the scale is there, also with 0."""
    answers = Answer.objects.filter(
        question=question, response__run=run, response__completed_at__isnull=False, response__is_test=False
    )
    counted = dict.fromkeys(question.scale or [number for number, _text in question.choices], 0)
    if question.kind in (Question.Kind.CHOICE, Question.Kind.MULTIPLE):
        for chosen in answers.values_list("chosen", flat=True):
            for number in chosen or ():
                counted[number] = counted.get(number, 0) + 1
        return counted
    rows = answers.filter(number__isnull=False).order_by().values_list("number").annotate(Count("pk"))
    return dict(sorted((counted | dict(rows)).items()))


@dataclass(frozen=True)
class Rates:
    """How many of a run answered. Rates are in percent; None where there is nothing to divide by."""

    completed: int
    started: int
    reached: int
    considered: int

    @property
    def response(self) -> float | None:
        """Completed of those reached: delivered, or accepted where the provider reports nothing more."""
        return _percent(self.completed, self.reached)

    @property
    def completion(self) -> float | None:
        """Completed of those who began."""
        return _percent(self.completed, self.started)

    @property
    def per_considered(self) -> float | None:
        """Completed of everybody considered, skipped ones too."""
        return _percent(self.completed, self.considered)


def rates(*, run: Run, counts: Counts) -> Rates:
    """Count a run's responses against its mails; a bounced mail reached nobody."""
    responses = Response.objects.filter(run=run, is_test=False)
    reached = sum(counts.states.get(state, 0) for state in ("accepted", "delivered", "complained"))
    return Rates(
        completed=responses.completed().count(),
        started=responses.count(),
        reached=reached,
        considered=counts.considered,
    )


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def _positive(n: int) -> None:
    if n < 1:
        raise ValueError("A score needs at least one answer.")
