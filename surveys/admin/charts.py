"""Charts as drawings on the server: their geometry here, their lines in a template, the same numbers as a table beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from customers.templatetags.loyalty import month, short_day
from surveys import scores
from surveys.dashboards import Period
from surveys.models import Question

BAR_WIDTH, BAR_HEIGHT, ROW, COUNT = 230, 18, 26, 50
# The room for words: for a few digits, and for answers in words.
NARROW, WIDE = 36, 165
# The chart of a trend, and where its plot lies in it.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 360, 150, 34, 8, 8, 22
# The line of an interval in a table.
LINE_WIDTH, LINE_MIDDLE = 160, 8


@dataclass(frozen=True)
class Bar:
    """One row of a chart, in the units of its drawing."""

    label: str
    number: int
    y: int
    end: float
    width: float
    share: str

    @property
    def middle(self) -> int:
        """Where its words stand."""
        return self.y + 13


@dataclass(frozen=True)
class Bars:
    """A chart of bars; empty when there is nothing to count."""

    rows: list[Bar]
    left: int

    @property
    def width(self) -> int:
        """The width of the drawing."""
        return self.left + BAR_WIDTH + COUNT

    @property
    def height(self) -> int:
        """The height of the drawing."""
        return len(self.rows) * ROW

    @property
    def words_end(self) -> int:
        """Where the words end, before the bars."""
        return self.left - 8

    @property
    def thickness(self) -> int:
        """The height of a bar."""
        return BAR_HEIGHT


def bars(*, labels: Mapping[int, str], spread: Mapping[int, int], total: int) -> Bars:
    """Return a bar for each number; the longest fills the width."""
    highest = max([1, *spread.values()])
    left = WIDE if labels else NARROW
    rows = []
    for row, (number, times) in enumerate(spread.items()):
        width = round(times * BAR_WIDTH / highest, 1)
        label = labels.get(number, str(number))
        short = label if len(label) <= 26 else f"{label[:25]}…"
        share = percent(100 * times / total) if total else ""
        rows.append(Bar(short, times, row * ROW, left + width, width, share))
    return Bars(rows, left)


@dataclass(frozen=True)
class Point:
    """One period of a trend: where its score and the ends of its interval stand."""

    x: float
    y: float
    low: float
    high: float
    is_grey: bool


@dataclass(frozen=True)
class Trend:
    """The chart of a trend and its table."""

    points: list[Point]
    ticks: list[tuple[float, str]]
    rows: list[tuple[str, str, str, int]]
    first: str
    last: str

    @property
    def line(self) -> str:
        """The line through the points."""
        return " ".join(f"{point.x},{point.y}" for point in self.points)


def trend(*, question: Question, periods: Sequence[Period]) -> Trend:
    """Draw the periods that have a score to show."""
    is_nps = question.kind == Question.Kind.NPS
    floor, ceiling = (-100, 100) if is_nps else (0, 100)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(periods) - 1)

    def height(value: float) -> float:
        return round(TOP + (ceiling - value) / (ceiling - floor) * (HEIGHT - TOP - BOTTOM), 1)

    points = [
        Point(round(LEFT + n * step, 1), height(s.value), height(s.low), height(s.high), s.is_grey)
        for n, period in enumerate(periods)
        if (s := period.score) and s.is_shown
    ]
    is_monthly = all(period.starts_date.day == 1 for period in periods)
    words = [month(period.starts_date) if is_monthly else short_day(period.starts_date) for period in periods]
    ticks = [
        (height(value), f"{value:+d}" if is_nps and value else str(value))
        for value in (floor, (floor + ceiling) // 2, ceiling)
    ]
    rows = [
        (word, words_of(period.score, question), interval(period.score), period.score.n if period.score else 0)
        for word, period in zip(words, periods, strict=True)
    ]
    return Trend(points, ticks, rows, words[0], words[-1])


@dataclass(frozen=True)
class Line:
    """An interval as a line with a dot, between the ends of its scale."""

    low: float
    high: float
    dot: float
    zero: float


def line(*, score: scores.Score | None, question: Question) -> Line | None:
    """Draw the interval of a score that is shown."""
    if score is None or not score.is_shown:
        return None
    floor = -100 if question.kind == Question.Kind.NPS else 0

    def place(value: float) -> float:
        return round(4 + (value - floor) / (100 - floor) * (LINE_WIDTH - 8), 1)

    return Line(place(score.low), place(score.high), place(score.value), place(0))


def words_of(score: scores.Score | None, question: Question) -> str:
    """Write a score as people do, or nothing when it must not be shown."""
    if score is None or not score.is_shown:
        return ""
    return signed(score.value) if question.kind == Question.Kind.NPS else f"{score.value:.0f}%"


def interval(score: scores.Score | None) -> str:
    """Write an interval, or nothing when the score must not be shown."""
    return f"{minus(score.low)} – {minus(score.high)}" if score and score.is_shown else ""


def percent(share: float | None) -> str:
    """Write a rate, or nothing when there is none."""
    return "" if share is None else f"{share:.1f}%"


def signed(value: float) -> str:
    """Write a number with its sign, a real minus."""
    return f"{value:+.0f}".replace("-", "−") if round(value) else "0"


def minus(value: float) -> str:
    """Write a number with one decimal and a real minus."""
    return f"{value:.1f}".replace("-", "−")
