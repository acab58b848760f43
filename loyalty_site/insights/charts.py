"""Bar charts as drawings, each with the table that says the same."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, GAP, TOP, FOOT = 480, 140, 6, 16, 16


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in the units of the drawing; `is_open` for a period that is not over, no height where nothing is known."""

    x: float
    middle: float
    y: float
    width: float
    height: float
    label: str
    words: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One series. A value of None is a gap; bars of negative values hang from the zero line."""

    key: str
    title: str
    column: str
    labels: Sequence[str]
    short_labels: Sequence[str]
    values: Sequence[float | None]
    words: Sequence[str]
    notes: Sequence[str] = ()
    note_column: str = ""
    open_from: int = 1_000
    highest: float | None = None
    width: int = WIDTH
    height: int = TOP + HEIGHT + FOOT

    @property
    def is_empty(self) -> bool:
        """Whether every value is a gap, so that there would be nothing but an axis."""
        return all(value is None for value in self.values)

    @property
    def zero(self) -> float:
        """Where the bars stand."""
        return TOP + HEIGHT * self._top / (self._top - self._bottom)

    @property
    def foot(self) -> float:
        """Where the names of the periods stand."""
        return self.height - 3

    @property
    def bars(self) -> list[Bar]:
        """The drawing."""
        width = (WIDTH + GAP) / max(len(self.values), 1) - GAP
        scale = HEIGHT / (self._top - self._bottom)
        found = []
        for place, value in enumerate(self.values):
            height = abs(value or 0) * scale
            y = self.zero - height if (value or 0) >= 0 else self.zero
            x = place * (width + GAP)
            found.append(
                Bar(
                    round(x, 1), round(x + width / 2, 1), round(y, 1), round(width, 1), round(height, 1),
                    self.short_labels[place], "" if value is None else self.words[place], place >= self.open_from,
                )
            )  # fmt: skip
        return found

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """The table."""
        notes = self.notes or [""] * len(self.values)
        return [
            (label, "–" if value is None else words, note)
            for label, value, words, note in zip(self.labels, self.values, self.words, notes, strict=True)
        ]

    @property
    def _top(self) -> float:
        known = [value for value in self.values if value is not None]
        return max([*known, self.highest or 0, 0]) or 1

    @property
    def _bottom(self) -> float:
        return min([*(value for value in self.values if value is not None), 0])
