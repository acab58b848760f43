"""What the forecasts of purchases are worth in this shop: what they said some weeks ago, and what happened."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from customers import forecasts
from customers.forecast_words import Tenths, figure, held_against, mean
from customers.models import StandingNight
from customers.templatetags.loyalty import points
from loyalty_site.insights.charts import Chart


@dataclass(frozen=True, slots=True)
class Held:
    """A forecast held against what happened: in a sentence, as two charts, and as rows of a table."""

    sentence: str
    forecast: Chart
    happened: Chart
    rows: list[tuple[str, str, str, str]]


def foresight(*, now: dt.datetime) -> dict[str, Any]:
    """Return what the page shows, from the newest night alone."""
    night = StandingNight.objects.order_by("-day_date").first()
    kept = night.forecast if night else {}
    return {
        "night": night,
        "fewest": points(forecasts.FEWEST_REPEATERS), "days": forecasts.FEWEST_DAYS,
        "has_forecast": bool(kept),
        "purchases": _purchases(kept) if kept.get("error") else None,
        "chances": _chances(kept) if kept.get("calibration") else None,
    }  # fmt: skip


def _purchases(kept: dict[str, Any]) -> Held:
    return _held(held_against(kept), kept["error"], figure, _("Purchases"))


def _chances(kept: dict[str, Any]) -> Held:
    tenths = kept["calibration"]
    text = _("%(weeks)s weeks ago %(forecast)s of the customers were expected to buy within that time; %(real)s did.") % {
        "weeks": kept["chance_weeks"], "forecast": _percent(mean(tenths, 1)), "real": _percent(mean(tenths, 2)),
    }  # fmt: skip
    return _held(text, tenths, _percent, _("Chance to buy"), highest=1.0)


def _held(
    sentence: str, tenths: Tenths, write: Callable[[float], str], title: str, *, highest: float | None = None
) -> Held:
    names = [str(number) for number in range(1, len(tenths) + 1)]
    top = highest or max(max(row[1], row[2]) for row in tenths)
    charts = [
        Chart(
            key="", title=f"{title}: {words}", column=words, labels=names, short_labels=names,
            values=[row[column] for row in tenths], words=[write(row[column]) for row in tenths], highest=top,
        )
        for column, words in ((1, _("forecast")), (2, _("what happened")))
    ]  # fmt: skip
    rows = [
        (name, points(round(row[0])), write(row[1]), write(row[2])) for name, row in zip(names, tenths, strict=True)
    ]
    return Held(sentence, charts[0], charts[1], rows)


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
