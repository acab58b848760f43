"""What the page about points owed shows, and the file for the accountant."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from customers import months
from customers.csv_out import Cell
from customers.templatetags.loyalty import month, points, short_month
from loyalty_site.insights.charts import Chart
from rewards.liability import Statement, Vintage
from rewards.models import CountedMonth

CHART_MONTHS, CURVE_MONTHS = 12, 18
AGES = 13


def closed_months(*, now: dt.datetime) -> list[dt.date]:
    """Return the months that are over and counted since, the newest first."""
    rows = CountedMonth.objects.filter(month_date__lt=months.month_of(now)).order_by("-month_date")
    return [row.month_date for row in rows if row.counted_at >= months.bounds(row.month_date)[1]]


def owed_chart(statement: Statement) -> Chart:
    """Draw what is owed of each vintage."""
    rows = statement.vintages[-CHART_MONTHS:]
    return Chart(
        key="owed", title=_("Points owed, by the month in which they became spendable"), column=_("Points owed"),
        labels=[month(row.month_date) for row in rows], short_labels=[short_month(row.month_date) for row in rows],
        values=[row.owed for row in rows], words=[points(row.owed) for row in rows],
    )  # fmt: skip


def curve_chart(statement: Statement) -> Chart | None:
    """Draw the share spent by age, over all vintages old enough."""
    values, notes = [], []
    for age in range(AGES):
        old = [row for row in statement.vintages if len(row.spent_by_age) > age and row.issued > 0]
        issued = sum(row.issued for row in old)
        if not issued:
            break
        values.append(sum(row.spent_by_age[age] for row in old) / issued)
        notes.append(f"{sum(row.expired_by_age[age] for row in old) / issued:.0%}")
    if not values:
        return None
    return Chart(
        key="curve", title=_("Share spent, by months since the points became spendable"), column=_("Spent"),
        labels=[str(age) for age in range(len(values))], short_labels=[str(age) for age in range(len(values))],
        values=values, words=[f"{value:.0%}" for value in values], notes=notes, note_column=_("Expired"), highest=1,
    )  # fmt: skip


def curve_rows(statement: Statement) -> list[tuple[dt.date, list[tuple[str, int]]]]:
    """Return per vintage the share spent at each age, with how dark its field is."""
    found = []
    for row in statement.vintages[-CURVE_MONTHS:]:
        if row.spent_by_age and row.issued > 0:
            shares = [max(0.0, spent / row.issued) for spent in row.spent_by_age[:AGES]]
            found.append((row.month_date, [(f"{share:.0%}", min(10, round(share * 10))) for share in shares]))
    return found


def vintage_rows(statement: Statement) -> list[dict[str, Any]]:
    """Return the vintages that anything is left of, or that this month moved, as words."""
    return [
        {
            "month": row.month_date, "issued": points(row.issued), "redeemed": points(row.redeemed),
            "expired": points(row.expired), "owed": points(row.owed),
            "expected": rounded(row.expected), "breakage": rounded(row.breakage), "error": rounded(row.error),
        }
        for row in statement.vintages if row.owed or any(row.flows.values())
    ]  # fmt: skip


def rounded(value: float | None) -> str:
    """Write a number of points that was calculated."""
    return "" if value is None else points(round(value))


def close_heading() -> list[str]:
    """Name the columns of the file."""
    return [
        _("month"), _("spendable from"), _("owed before"), _("issued"), _("spent"), _("expired"), _("other"), _("owed"),
        _("will be spent"), _("error"), _("breakage"), _("cost of what will be spent"), _("currency"),
    ]  # fmt: skip


def close_rows(statement: Statement) -> Iterator[list[Cell]]:
    """Give a row per vintage and one for all; the movements are those of the month alone."""
    for row in statement.vintages:
        if row.owed or any(row.flows.values()):
            yield _close_row(statement, row.month_date.isoformat()[:7], row)
    yield [
        statement.month_date.isoformat()[:7], _("all"), statement.opening, statement.opened, statement.redeemed,
        statement.expired, statement.other, statement.owed, *_forecast(statement, statement),
    ]  # fmt: skip


def _close_row(statement: Statement, name: str, row: Vintage) -> list[Cell]:
    flows = [row.flows[column] for column in ("opened", "redeemed", "expired", "other")]
    return [statement.month_date.isoformat()[:7], name, row.opening, *flows, row.owed, *_forecast(statement, row)]


def _forecast(statement: Statement, row: Statement | Vintage) -> list[Cell]:
    cost = statement.cost.of(row.owed if row.expected is None else row.expected)
    amount = None if cost is None else str(Decimal(cost).scaleb(-settings.PROGRAMME_CURRENCY_DIGITS))
    numbers = [None if value is None else round(value) for value in (row.expected, row.error, row.breakage)]
    return [*numbers, amount, settings.PROGRAMME_CURRENCY]
