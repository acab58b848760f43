"""The forecasts beside the standings: fitted on the week's first night, and used until the next for whoever has changed since."""

from typing import Any, NamedTuple

import numpy as np

from customers import forecasts, looking_back
from customers.visits import Visits, histories

WEEKS, CHANCE_WEEKS = 52, 8
DRAWS = 19
MOST_DRAWN = 20_000  # distinct rows; a larger shop's parameters hardly vary, and its bootstrap is done on a part


class Fitted(NamedTuple):
    """The parameters of a shop, and those of invented shops like it, for the interval."""

    buying: forecasts.Buying
    spending: forecasts.Spending
    draws: list[forecasts.Buying]

    def kept(self) -> dict[str, Any]:
        """Return it as JSON keeps it."""
        return {"buying": list(self.buying), "spending": list(self.spending), "draws": [list(it) for it in self.draws]}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Fitted | None":
        """Return what was kept; None where nothing was."""
        if not kept:
            return None
        draws = [forecasts.Buying(*it) for it in kept["draws"]]
        return cls(forecasts.Buying(*kept["buying"]), forecasts.Spending(*kept["spending"]), draws)


def fit(visits: Visits, today: int) -> Fitted | None:
    """Return the parameters of everybody's visits, or None when the shop is too young or too small for them."""
    if not len(visits.day) or today - int(visits.day.min()) < forecasts.FEWEST_DAYS:
        return None
    __, x, last, age, mean = histories(visits, today)
    if (x > 0).sum() < forecasts.FEWEST_REPEATERS:
        return None
    rows, __place = forecasts.distinct(x=x, last=last, age=age)
    fitted = forecasts.fit(rows)
    part = rows
    if len(rows.x) > MOST_DRAWN:
        ones = rows._replace(count=np.ones(len(rows.x)))
        part = forecasts.Rows(*(column[:: len(rows.x) // MOST_DRAWN + 1] for column in ones))
    draws = forecasts.bootstrapped(fitted, part, draws=DRAWS, chance=np.random.default_rng(today))
    return Fitted(fitted, forecasts.fit_spending(x=x, mean=mean), draws)


def worth(visits: Visits, today: int, fitted: Fitted | None) -> dict[str, Any]:
    """Return what is kept of a night's forecasts: parameters, and what they were worth before; nothing where there are none."""
    if fitted is None:
        return {}
    return {
        "parameters": list(fitted.buying), "spending": list(fitted.spending),
        **looking_back.look_back(visits, today=today),
    }  # fmt: skip


def foretell(visits: Visits, today: int, fitted: Fitted | None) -> list[dict[str, int]]:
    """Return the forecast columns of each customer's standing, in the order of the visits; empty ones where there is no fit."""
    if fitted is None or not len(visits.customers):
        return [{} for __ in visits.customers]
    __, x, last, age, spent = histories(visits, today)
    rows, place = forecasts.distinct(x=x, last=last, age=age)

    def year(at: forecasts.Buying, these: forecasts.Rows) -> np.ndarray:
        return forecasts.expected(at, these, weeks=WEEKS)

    low, high = forecasts.interval(fitted.draws, rows, year)
    each = year(fitted.buying, rows)
    chance = forecasts.chance_to_buy(fitted.buying, rows, weeks=CHANCE_WEEKS)[place]
    mean = np.maximum(0.0, forecasts.mean_spending(fitted.spending, x=x, mean=spent))
    lowest, middle, highest = (column[place] for column in (np.minimum(low, each), each, np.maximum(high, each)))
    return [_columns(*row) for row in zip(chance, lowest, middle, highest, mean, strict=True)]


def _columns(chance: float, low: float, visits: float, high: float, mean: float) -> dict[str, int]:
    value = round(float(visits) * float(mean))
    return {
        "chance_permille": round(float(chance) * 1_000), "visits_permille": round(float(visits) * 1_000), "value": value,
        "value_low": min(round(float(low) * float(mean)), value), "value_high": max(round(float(high) * float(mean)), value),
    }  # fmt: skip
