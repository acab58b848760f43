"""What the shop's forecasts were worth, in a sentence: what they said some weeks ago, and what happened."""

from collections.abc import Sequence
from typing import Any

from babel.numbers import format_decimal
from django.utils.translation import gettext as _

from customers.templatetags.loyalty import babel_locale

type Tenths = Sequence[tuple[float, float, float]]  # customers, forecast, what happened


def held_against(kept: dict[str, Any]) -> str:
    """Say how many purchases were forecast for each customer and how many there were; empty while nobody knows.

    `kept` is what a night keeps of its forecasts, see customers/looking_back.py.
    """
    if not kept.get("error"):
        return ""
    forecast, real = (mean(kept["error"], column) for column in (1, 2))
    values = {"weeks": kept.get("weeks", 26), "forecast": figure(forecast), "real": figure(real)}
    text = (
        _("%(weeks)s weeks ago the forecast was %(forecast)s purchases for each customer; there were %(real)s.")
        % values
    )
    if real and abs(share := forecast / real - 1) >= 0.005:
        wrong = {"share": f"{abs(share) * 100:.0f}"}
        text += (
            " " + (_("That was %(share)s %% too many.") if share > 0 else _("That was %(share)s %% too few.")) % wrong
        )
    return text


def mean(tenths: Tenths, column: int) -> float:
    """Return the mean of a column over all customers."""
    return sum(row[0] * row[column] for row in tenths) / sum(row[0] for row in tenths)


def figure(value: float) -> str:
    """Write a number of purchases with at most two decimals."""
    return format_decimal(round(value, 2), format="#,##0.##", locale=babel_locale())
