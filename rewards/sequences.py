"""Intervals that hold while they are watched: asymptotic confidence sequences for the difference of two means.

An ordinary interval is right for one look at a size fixed beforehand; whoever looks every day and stops at the first good
news is fooled far more often than it says. A confidence sequence is right at all sizes at once. The formula is that of
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences"
(Annals of Statistics 2024), Theorem 2.2, tuned to be tightest at the planned size by their equation for rho.

Every function takes single numbers or numpy arrays alike. Outcomes are whatever the caller measures, in its own unit.
"""

from dataclasses import dataclass
from math import log, sqrt
from typing import Any, NamedTuple

import numpy as np

ALPHA = 0.05
FEWEST_EACH = 20  # customers in an arm, before the asymptotics say anything
FEWEST_EVENTS = 5  # of each outcome of a proportion, in both arms together

type Number = Any  # a float or a numpy array of them


class Sums(NamedTuple):
    """What has to be known of one arm: how many customers, the sum of their outcomes, and of the squares."""

    customers: Number
    total: Number
    squares: Number

    @property
    def mean(self) -> Number:
        """The average outcome; 0 of nobody."""
        return self.total / np.maximum(self.customers, 1)

    @property
    def variance(self) -> Number:
        """The unbiased variance of one outcome."""
        spread = self.squares - self.customers * self.mean**2
        return np.maximum(spread, 0) / np.maximum(np.asarray(self.customers) - 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate and the two ends between which it may lie."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether it says that there is a difference."""
        return self.low > 0 or self.high < 0

    @property
    def is_benefit(self) -> bool:
        """Whether it says that it works."""
        return self.low > 0

    @property
    def excludes_benefit(self) -> bool:
        """Whether it says that it does harm: no value of it is a benefit."""
        return self.high < 0


def tuning(planned: float, alpha: float = ALPHA) -> float:
    """Return the rho with which the sequence is tightest at a planned number of customers in both arms."""
    wide = -2 * log(alpha)
    return sqrt((wide + log(wide + 1)) / max(planned, 1))


def half_width(customers: Number, variance: Number, *, planned: float, alpha: float = ALPHA) -> Number:
    """Return half the width of the sequence after so many customers; `variance` is that of one customer's term."""
    rho2 = tuning(planned, alpha) ** 2
    grown = customers * rho2 + 1
    return np.sqrt(variance) * np.sqrt(2 * grown / (customers**2 * rho2) * np.log(np.sqrt(grown) / alpha))


def difference(gift: Sums, control: Sums, *, planned: float, alpha: float = ALPHA) -> tuple[Number, Number]:
    """Return the difference of the means, gift less control, and half the width of its sequence.

    The width uses the variance of the difference, so unequal arms and unequal variances are as they are.
    """
    one = gift.customers + control.customers
    spread = gift.variance / np.maximum(gift.customers, 1) + control.variance / np.maximum(control.customers, 1)
    return gift.mean - control.mean, half_width(one, one * spread, planned=planned, alpha=alpha)


def proportions(gift: Sums, control: Sums, *, planned: float, alpha: float = ALPHA) -> tuple[Number, Number]:
    """Return the same for shares of customers, whose outcomes are 0 or 1.

    One success and one failure are added to each arm for its variance, so that a first row of equal outcomes never looks certain.
    """
    smooth = [Sums(arm.customers + 2, arm.total + 1, arm.total + 1) for arm in (gift, control)]
    __, width = difference(*smooth, planned=planned, alpha=alpha)
    return gift.mean - control.mean, width


def is_enough(gift: Sums, control: Sums, *, are_shares: bool) -> Number:
    """Return whether there are enough customers, and for shares enough of both outcomes, to show an interval at all."""
    enough = (gift.customers >= FEWEST_EACH) & (control.customers >= FEWEST_EACH)
    if are_shares:
        hits = gift.total + control.total
        misses = gift.customers + control.customers - hits
        enough = enough & (hits >= FEWEST_EVENTS) & (misses >= FEWEST_EVENTS)
    return enough


def watched(gift: Sums, control: Sums, *, planned: float, are_shares: bool, alpha: float = ALPHA) -> Interval | None:
    """Return the interval of today, which may be looked at every day; None while there are too few customers."""
    if not is_enough(gift, control, are_shares=are_shares):
        return None
    kind = proportions if are_shares else difference
    estimate, width = kind(gift, control, planned=planned, alpha=alpha)
    return Interval(estimate=float(estimate), low=float(estimate - width), high=float(estimate + width))
