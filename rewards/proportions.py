"""Two shares of customers at a fixed size: Newcombe's interval, and how many customers a difference needs to be seen."""

from math import ceil, sqrt
from statistics import NormalDist
from typing import NamedTuple

from rewards.sequences import ALPHA, Interval

_NORMAL = NormalDist()

POWER = 0.8


class Share(NamedTuple):
    """So many of so many."""

    hits: int
    of: int

    @property
    def rate(self) -> float:
        """The share; 0 of nobody."""
        return self.hits / self.of if self.of else 0.0


def wilson(share: Share, *, alpha: float = ALPHA) -> Interval:
    """Return Wilson's score interval of one share; everything between 0 and 1 when there is nobody."""
    if not share.of:
        return Interval(estimate=0.0, low=0.0, high=1.0)
    z2 = _NORMAL.inv_cdf(1 - alpha / 2) ** 2
    middle = (share.rate + z2 / (2 * share.of)) / (1 + z2 / share.of)
    width = sqrt(z2 * (share.rate * (1 - share.rate) + z2 / (4 * share.of)) / share.of) / (1 + z2 / share.of)
    return Interval(estimate=share.rate, low=middle - width, high=middle + width)


def newcombe(gift: Share, control: Share, *, alpha: float = ALPHA) -> Interval:
    """Return the interval of the difference, gift less control, for one look at the end.

    Newcombe, "Interval estimation for the difference between independent proportions" (1998), method 10.
    """
    one, two = wilson(gift, alpha=alpha), wilson(control, alpha=alpha)
    estimate = one.estimate - two.estimate
    down = sqrt((one.estimate - one.low) ** 2 + (two.high - two.estimate) ** 2)
    up = sqrt((one.high - one.estimate) ** 2 + (two.estimate - two.low) ** 2)
    return Interval(estimate=estimate, low=estimate - down, high=estimate + up)


def needed(*, base: float, effect: float, odds: float = 0.5, power: float = POWER, alpha: float = ALPHA) -> int:
    """Return how many customers in both arms show a difference of `effect` over a share of `base` with this power.

    `odds` is the part that gets the gift. Fleiss, "Statistical Methods for Rates and Proportions", without continuity
    correction; each arm is rounded up. Shares are kept inside 0 and 1.
    """
    high = min(base + effect, 0.999)
    base = min(max(base, 0.001), 0.999)
    if high <= base:
        high, base = base, max(base - effect, 0.0005)
    pooled = odds * high + (1 - odds) * base
    seen = _NORMAL.inv_cdf(1 - alpha / 2) * sqrt(pooled * (1 - pooled) * (1 / odds + 1 / (1 - odds)))
    missed = _NORMAL.inv_cdf(power) * sqrt(high * (1 - high) / odds + base * (1 - base) / (1 - odds))
    return _both_arms(((seen + missed) / (high - base)) ** 2, odds)


def needed_for_mean(
    *, variance: float, effect: float, odds: float = 0.5, power: float = POWER, alpha: float = ALPHA
) -> int:
    """Return how many customers in both arms show a difference of means of `effect`, when one outcome has this variance."""
    z = _NORMAL.inv_cdf(1 - alpha / 2) + _NORMAL.inv_cdf(power)
    return _both_arms(z**2 * variance * (1 / odds + 1 / (1 - odds)) / effect**2, odds)


def _both_arms(customers: float, odds: float) -> int:
    return ceil(customers * odds) + ceil(customers * (1 - odds))
