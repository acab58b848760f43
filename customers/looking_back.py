"""What the forecasts are worth in this shop: made as of some weeks ago, and held against what happened since."""

import numpy as np

from customers import forecasts
from customers.visits import Visits, histories

LONGEST_WEEKS = 26
CHANCE_WEEKS = 8
PLACES = 3


def look_back(visits: Visits, *, today: int) -> dict[str, object]:
    """Return purchases forecast and made by tenths of customers as of half a year ago (or half the history), and how chances came true.

    Keys: `weeks` and `error` (customers, mean forecast, mean of what happened, the highest tenth first), and the same of the
    chance to buy within eight weeks: `chance_weeks` and `calibration`. Empty lists where too few had bought by then.
    """
    weeks = min(LONGEST_WEEKS, (today - int(visits.day.min())) // 14)
    chance_weeks = min(CHANCE_WEEKS, weeks)
    return {
        "weeks": weeks, "error": _held_against(visits, today=today, weeks=weeks, is_chance=False),
        "chance_weeks": chance_weeks,
        "calibration": _held_against(visits, today=today, weeks=chance_weeks, is_chance=True),
    }  # fmt: skip


def _held_against(visits: Visits, *, today: int, weeks: int, is_chance: bool) -> list[list[float]]:
    cut = today - weeks * 7
    who, x, last, age, __ = histories(visits, cut)
    if (x > 0).sum() < forecasts.FEWEST_CUSTOMERS:
        return []
    rows, place = forecasts.distinct(x=x, last=last, age=age)
    fitted = forecasts.fit(rows)
    foretell = forecasts.chance_to_buy if is_chance else forecasts.expected
    since = np.bincount(visits.customer[visits.day > cut], minlength=len(visits.customers))[who]
    happened = (since > 0).astype(float) if is_chance else since
    tenths = forecasts.deciles(forecast=foretell(fitted, rows, weeks=weeks)[place], happened=happened)
    return [[size, round(mean, PLACES), round(real, PLACES)] for size, mean, real in tenths]
