"""The first page: who comes back, what is left of each month's new customers, and what customers say meanwhile."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from customers import cohorts, months, saved_filters, segments
from customers.cohorts import Cohort
from customers.models import BuyingMonth, SavedFilter
from customers.templatetags.loyalty import basis_points, month, points, short_month
from loyalty_site.insights.charts import Chart
from loyalty_site.insights.keeping import kept
from surveys.headlines import Headline, headline
from surveys.models import Question

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """A share of a cohort: in words, and how dark its field is, 0 to 10."""

    words: str
    shade: int
    number: str


@dataclass(frozen=True, slots=True)
class CohortRow:
    """A cohort as a row of the table."""

    month_date: dt.date
    customers: str
    cells: list[Cell]


def overview(*, now: dt.datetime) -> dict[str, Any]:
    """Return what the first page shows, from the nightly tables and what was counted minutes ago."""
    last = months.month_of(now)
    rows = list(BuyingMonth.objects.filter(month_date__gt=months.plus(last, -MONTHS - 2)).order_by("month_date"))
    whole = [row for row in rows if row.buyers and cohorts.is_over(month=row.month_date, now=now)]
    found = kept("headline", lambda: headline(now=now), now=now)
    own = list(SavedFilter.objects.order_by("code"))
    sizes = kept("segments", lambda: _segment_sizes(own, now), now=now)
    return {
        "latest": _rate(whole[-1]) if whole else None,
        "before": _rate(whole[-2]) if len(whole) > 1 else None,
        "repeat_chart": repeat_chart(rows[-MONTHS:], now=now) if rows else None,
        "survey_chart": survey_chart(found) if found else None,
        "headline": found,
        "cohort_rows": cohort_rows(cohorts.retention(last=last, cohorts=MONTHS)),
        "ages": range(MONTHS),
        "segments": [
            (segment.label, segment.description, points(sizes.get(segment.key, 0)))
            for segment in segments.SEGMENTS.values()
        ]
        + [(saved.name, "", points(sizes.get(saved.key)) or "–") for saved in own],
        "counted_at": max((row.counted_at for row in rows), default=None),
    }


def _segment_sizes(own: Sequence[SavedFilter], now: dt.datetime) -> dict[str, int]:
    built_in = {key: segments.members(key, now=now).count() for key in segments.SEGMENTS}
    counts = saved_filters.counts(saved_filters=own, now=now)
    return built_in | {saved.key: counts[saved.pk] for saved in own}


def _rate(row: BuyingMonth) -> dict[str, Any]:
    share = row.repeaters * 10_000 // row.buyers
    return {
        "month": row.month_date, "share": basis_points(share), "buyers": points(row.buyers),
        "repeaters": points(row.repeaters),
    }  # fmt: skip


def repeat_chart(rows: Sequence[BuyingMonth], *, now: dt.datetime) -> Chart:
    """Draw the share that bought again within 60 days, by month; the last months are still going on."""
    values = [row.repeaters / row.buyers if row.buyers else None for row in rows]
    is_open = [not cohorts.is_over(month=row.month_date, now=now) for row in rows]
    return Chart(
        key="repeat", title=_("Bought again within 60 days, by month"), column=_("Bought again"),
        labels=[month(row.month_date) for row in rows], short_labels=[short_month(row.month_date) for row in rows],
        values=values, words=[basis_points(round(10_000 * (value or 0))) for value in values],
        note_column=_("Customers"),
        notes=[
            _("%(again)s of %(all)s") % {"again": points(row.repeaters), "all": points(row.buyers)}
            + (" · " + _("not over yet") if unfinished else "")
            for row, unfinished in zip(rows, is_open, strict=True)
        ],
        open_from=is_open.index(True) if True in is_open else len(rows),
    )  # fmt: skip


def survey_chart(found: Headline, *, is_over: bool = False) -> Chart:
    """Draw the score by month; months with too few answers are a gap, and the last one goes on unless it is over."""
    scores = [period.score if period.score and period.score.is_shown else None for period in found.periods]
    is_nps = found.question.kind == Question.Kind.NPS
    days = [period.starts_date for period in found.periods]
    return Chart(
        key="score", title=found.question.text, column=_("Score"),
        labels=[month(day) for day in days], short_labels=[short_month(day) for day in days],
        values=[score.value if score else None for score in scores],
        words=[(f"{score.value:+.0f}" if is_nps else f"{score.value:.0f} %").replace("-", "−") if score else "" for score in scores],
        note_column=_("Answers"), notes=[points(score.n) if score else "" for score in scores],
        open_from=len(days) - (not is_over), highest=None if is_nps else 100,
    )  # fmt: skip


def cohort_rows(found: Sequence[Cohort]) -> list[CohortRow]:
    """Write each cohort's share of customers who bought in each month since."""
    rows = []
    for cohort in found:
        cells = []
        for number in cohort.active:
            share = number / cohort.customers if cohort.customers else 0
            cells.append(Cell(f"{share:.0%}", min(10, round(share * 10)), points(number)))
        rows.append(CohortRow(cohort.month_date, points(cohort.customers), cells))
    return rows
