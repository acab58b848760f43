"""The monthly report: what the pages for marketers say at the end of a month, as sections of texts, tables and charts.

The page and the PDF show the same sections. Months are counted anew while purchases of theirs still count, so a report that is
opened again later has what is known then; what trials say is as of the end of the month.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from customers import cohorts, months
from customers.models import BuyingMonth, RecommendationModel
from customers.templatetags.loyalty import basis_points, moment, money, month, points
from loyalty_site.insights import effects, overview, owed, ranking
from loyalty_site.insights.charts import Chart
from rewards import liability
from rewards.liability import Statement
from surveys.headlines import headline


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of words, the first column a heading; `shades` darkens a field, 0 to 10."""

    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    shades: Sequence[Sequence[int]] = ()

    @property
    def cells(self) -> list[tuple[str, list[tuple[str, int]]]]:
        """The rows: heading, and each field with its shade."""
        shades = self.shades or [[0] * len(row) for row in self.rows]
        return [
            (row[0], list(zip(row[1:], dark[1:], strict=True))) for row, dark in zip(self.rows, shades, strict=True)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of: a sentence with its tone or whose it is, a small heading, a chart with the name of its first column, a table."""

    text: str = ""
    about: str = ""
    tone: str = ""
    heading: str = ""
    chart: Chart | None = None
    column: str = ""
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A question, and what can be said to it."""

    title: str
    parts: list[Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One month in the active language."""

    month_date: dt.date
    made_at: dt.datetime
    sections: list[Section] = field(default_factory=list)


def months_to_report(*, now: dt.datetime) -> list[dt.date]:
    """Return the months that are over, had a customer, and were counted since, the newest first."""
    rows = BuyingMonth.objects.filter(month_date__lt=months.month_of(now), buyers__gt=0).order_by("-month_date")
    return [row.month_date for row in rows if row.counted_at >= months.bounds(row.month_date)[1]]


def report(*, month_date: dt.date, now: dt.datetime) -> Report:
    """Return the report of a month in the active language."""
    sections = [_coming_back(month_date, now)]
    if month_date in owed.closed_months(now=now):
        sections.append(_owed(liability.statement(month=month_date)))
    sections += [_gifts(min(now, months.bounds(month_date)[1])), *_recommendations()]
    return Report(month_date=month_date, made_at=now, sections=sections)


def key_figures(*, month_date: dt.date, now: dt.datetime) -> dict[str, int | str]:
    """Return what the mail says: the newest whole share of those who bought again, and what is owed; numbers alone."""
    whole = _whole(_rows(month_date), now)
    found: dict[str, int | str] = {"month": month_date.isoformat(), "query": f"?month={month_date:%Y-%m}"}
    if whole:
        newest = whole[-1]
        found |= {"again": newest.repeaters * 10_000 // newest.buyers, "again_month": newest.month_date.isoformat()}
    if month_date in owed.closed_months(now=now):
        found["owed"] = liability.statement(month=month_date).owed
    return found


def _rows(month_date: dt.date) -> list[BuyingMonth]:
    first = months.plus(month_date, -overview.MONTHS - 2)
    rows = BuyingMonth.objects.filter(month_date__gt=first, month_date__lte=month_date)
    return list(rows.order_by("month_date"))


def _whole(rows: Sequence[BuyingMonth], now: dt.datetime) -> list[BuyingMonth]:
    return [row for row in rows if row.buyers and cohorts.is_over(month=row.month_date, now=now)]


def _coming_back(month_date: dt.date, now: dt.datetime) -> Section:
    rows = _rows(month_date)
    parts = [Part(text=_again(_whole(rows, now)))]
    parts.append(Part(chart=overview.repeat_chart(rows[-overview.MONTHS :], now=now), column=_("Month")))
    found = headline(now=min(now, months.bounds(month_date)[1] - dt.timedelta(seconds=1)))
    if found is not None:
        text = _(
            "The score is of the survey “%(survey)s”; months with fewer than ten answers have none. That both move together does not say that one brings the other."
        )
        parts.append(Part(chart=overview.survey_chart(found, is_over=True), column=_("Month")))
        parts.append(Part(text=text % {"survey": found.survey}))
    cells = overview.cohort_rows(cohorts.retention(last=month_date, cohorts=overview.MONTHS))
    parts.append(Part(heading=_("What is left of each month’s new customers")))
    parts.append(Part(table=_cohort_table(cells)))
    return Section(title=_("Do customers come back?"), parts=parts)


def _again(whole: Sequence[BuyingMonth]) -> str:
    if not whole:
        return _("No month is 60 days over yet: the first whole figure follows.")
    newest = whole[-1]
    text = _("Of those who bought in %(month)s %(share)s bought again within 60 days: %(repeaters)s of %(buyers)s customers.") % {
        "month": month(newest.month_date), "share": basis_points(newest.repeaters * 10_000 // newest.buyers),
        "repeaters": points(newest.repeaters), "buyers": points(newest.buyers),
    }  # fmt: skip
    if len(whole) > 1:
        before = basis_points(whole[-2].repeaters * 10_000 // whole[-2].buyers)
        text += " " + _("The month before: %(share)s.") % {"share": before}
    return text


def _cohort_table(rows: Sequence[overview.CohortRow]) -> Table:
    width = max((len(row.cells) for row in rows), default=0)
    lists = [[month(row.month_date), row.customers, *(cell.words for cell in row.cells)] for row in rows]
    shades = [[0, 0, *(cell.shade for cell in row.cells)] for row in rows]
    return Table(
        heading=[_("First bought in"), _("Customers"), *(str(age) for age in range(width))],
        rows=[[*row, *[""] * (width + 2 - len(row))] for row in lists],
        shades=[[*row, *[0] * (width + 2 - len(row))] for row in shades],
    )


def _owed(statement: Statement) -> Section:
    figures = [
        (_("Owed before"), points(statement.opening)),
        (_("Issued"), points(statement.opened)),
        (_("Spent or on hold, less what was given back"), points(statement.redeemed)),
        (_("Expired"), points(statement.expired)),
        (_("Taken back with goods, written off, adjusted or transferred"), points(statement.other)),
        (_("Owed at the end"), points(statement.owed)),
    ]
    if statement.expected is not None:
        expected = f"{owed.rounded(statement.expected)} ± {owed.rounded(statement.error)}"
        figures += [(_("Will be spent"), expected), (_("Breakage"), owed.rounded(statement.breakage))]
    if statement.value is not None:
        figures.append((_("Costs us"), money(statement.value)))
    parts = [Part(table=Table(heading=[_("The month"), _("Points")], rows=figures))]
    if statement.expected is None:
        parts.append(
            Part(
                text=_(
                    "What will never be spent cannot be foretold yet: that takes six months of points that were spent from, two of which have run their course. Until then all that is owed counts."
                )
            )
        )
    parts.append(Part(chart=owed.owed_chart(statement), column=_("Spendable from")))
    if curve := owed.curve_chart(statement):
        parts.append(Part(chart=curve, column=_("Months later")))
    return Section(title=_("What do we owe in points?"), parts=parts)


def _gifts(until: dt.datetime) -> Section:
    trials = effects.trials(now=until)
    found, best = trials.words(), ranking.proven(trials.all())
    parts = []
    if best:
        rows = [[row.name, row.place, row.net, row.between] for row in best]
        heading = [_("Proven, by net effect"), _("Place"), _("Net per customer"), _("Between")]
        parts.append(Part(table=Table(heading=heading, rows=rows)))
    for heading, verdicts in (
        (_("Surprises"), found["surprises"]),
        (_("Coupons that some were left out of"), found["batches"]),
        (_("Thanks for surveys, by a coin"), found["thanks"]),
    ):
        parts += [Part(heading=heading)] if verdicts else []
        for verdict in verdicts:
            parts.append(Part(about=verdict.name, text=verdict.counted))
            parts += [Part(text=sentence.text, tone=sentence.tone) for sentence in verdict.sentences]
    pooled = [family for family in found["families"] if family.together]
    parts += [Part(heading=_("Surprises of a kind together"))] if pooled else []
    parts += [
        Part(text=f"{family.label[:1].upper()}{family.label[1:]}: {family.sentence.text}", tone=family.sentence.tone)
        for family in pooled
    ]
    if not parts:
        parts.append(
            Part(text=_("No surprise has been given yet. Each one says here whether it brought customers back."))
        )
    return Section(title=_("Do gifts bring customers back?"), parts=parts)


def _recommendations() -> list[Section]:
    night = RecommendationModel.objects.current()
    rows = effects.ways(night)
    if night is None or not rows:
        return []
    text = _(
        "What each way would have said four weeks before, against what was bought since; 1 is perfect. In use: %(used)s. Measured %(moment)s."
    )
    heading = [_("Way"), *(f"{aspect[:1].upper()}{aspect[1:]}" for aspect in map(str, effects.ASPECTS.values()))]
    table = Table(heading=heading, rows=[[str(label), *figures] for label, figures in rows])
    values = {"used": night.get_method_display(), "moment": moment(night.measured_at)}
    return [Section(title=_("Recommendations"), parts=[Part(text=text % values), Part(table=table)])]
