"""What the surprises of one kind of occasion say together, in words; each borrows from the others as far as they are alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.templatetags.loyalty import points
from rewards.models import Surprise
from rewards.pooling import Pooled
from rewards.sequences import Interval
from rewards.uplift import Family, Report
from rewards.uplift_words import Sentence, of_100


@dataclass(frozen=True, slots=True)
class PooledRow:
    """One surprise alone, with the others, and how much it borrows from them; empty where there is nobody to borrow from."""

    surprise: Surprise
    counted: int
    alone: str
    pooled: str
    borrowed: str


@dataclass(frozen=True, slots=True)
class PooledFamily:
    """A kind of occasion: what all together say, and each of them."""

    label: str
    sentence: Sentence
    together: str
    rows: Sequence[PooledRow]


def describe(families: Sequence[Family]) -> list[PooledFamily]:
    """Write families as words."""
    labels = dict(Surprise.Family.choices)
    return [
        PooledFamily(
            label=str(labels[family.family]), sentence=_sentence(family),
            together=interval(family.pool.together) if family.pool else "",
            rows=[_row(report, pooled) for report, pooled in family.rows],
        )
        for family in families
    ]  # fmt: skip


def interval(found: Interval | None) -> str:
    """Write a difference of shares with its ends."""
    if found is None:
        return ""
    return _("%(estimate)s in 100 (%(low)s to %(high)s)") % {
        "estimate": of_100(found.estimate), "low": of_100(found.low), "high": of_100(found.high)
    }  # fmt: skip


def _row(report: Report, pooled: Pooled | None) -> PooledRow:
    return PooledRow(
        surprise=report.trial.surprise, counted=report.counted, alone=interval(report.came_back),
        pooled=interval(pooled.interval) if pooled else "", borrowed=f"{pooled.borrowed * 100:.0f} %" if pooled else "",
    )  # fmt: skip


def _sentence(family: Family) -> Sentence:
    """Say what all of a kind did together; a pool is right for one look, so it never says more than the page below it."""
    if family.pool is None:
        return Sentence(_only(len(family.reports)))
    found = family.pool.together
    values = {
        "number": points(len(family.reports)), "share": of_100(abs(found.estimate)),
        "low": of_100(found.low), "high": of_100(found.high),
    }  # fmt: skip
    if found.is_benefit:
        text = _(
            "%(number)s together: about %(share)s in 100 more came back because of them (between %(low)s and %(high)s)."
        )
        return Sentence(text % values, "good")
    if found.estimate >= 0:
        text = _(
            "%(number)s together: about %(share)s in 100 more came back (between %(low)s and %(high)s), which may still be chance."
        )
        return Sentence(text % values)
    values |= {"low": of_100(-found.high), "high": of_100(-found.low)}
    if found.excludes_benefit:
        text = _(
            "%(number)s together: about %(share)s in 100 fewer came back because of them (between %(low)s and %(high)s)."
        )
        return Sentence(text % values, "bad")
    text = _(
        "%(number)s together: about %(share)s in 100 fewer came back (between %(low)s and %(high)s), which may still be chance."
    )
    return Sentence(text % values)


def _only(shown: int) -> str:
    if not shown:
        return _("Not enough customers count yet.")
    return ngettext(
        "Only %(number)s of this kind has enough customers: nothing to borrow from.",
        "Only %(number)s of this kind have enough customers: nothing to borrow from.", shown
    ) % {"number": points(shown)}  # fmt: skip
