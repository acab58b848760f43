"""Several small surprises looked at together: each borrows from the others as far as they are alike (random effects).

How far they differ is not known from a few, so every possible spread counts by how well it fits (a grid over a half-Cauchy
prior whose scale is the typical error; Gelman, "Prior distributions for variance parameters in hierarchical models", 2006).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

from rewards.sequences import ALPHA, Interval

_NORMAL = NormalDist()

GRID = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """One of them after borrowing; `borrowed` is the share of its estimate, 0 to 1, that comes from the others."""

    interval: Interval
    borrowed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The effect of all together, how far they differ (a standard deviation), and each of them, in the order given."""

    together: Interval
    spread: float
    each: Sequence[Pooled]


def pool(effects: Sequence[tuple[float, float]], *, alpha: float = ALPHA) -> Pool | None:
    """Return what several effects with their standard errors say together; None for fewer than two."""
    if len(effects) < 2:
        return None
    seen, errors = np.array(effects, float).T
    spreads, weights, common, common_variance = _spreads(seen, errors)
    borrowed = errors**2 / (errors**2 + spreads[:, None] ** 2)
    means = (1 - borrowed) * seen + borrowed * common[:, None]
    variances = (1 - borrowed) * errors**2 + borrowed**2 * common_variance[:, None]
    z = _NORMAL.inv_cdf(1 - alpha / 2)
    each = [
        Pooled(interval=_mixed(weights, means[:, n], variances[:, n], z), borrowed=float(weights @ borrowed[:, n]))
        for n in range(len(seen))
    ]
    together = _mixed(weights, common, common_variance, z)
    return Pool(together=together, spread=float(weights @ spreads), each=each)


def _spreads(seen: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return possible spreads with their weights, and for each the common effect with its variance."""
    scale = float(np.median(errors))
    spreads = scale * np.tan(np.pi / 2 * (np.arange(GRID) + 0.5) / GRID)  # equally likely steps of the prior
    variances = errors**2 + spreads[:, None] ** 2
    precision = (1 / variances).sum(axis=1)
    common = (seen / variances).sum(axis=1) / precision
    fit = -0.5 * (np.log(variances) + (seen - common[:, None]) ** 2 / variances).sum(axis=1) - 0.5 * np.log(precision)
    weights = np.exp(fit - fit.max())
    return spreads, weights / weights.sum(), common, 1 / precision


def _mixed(weights: np.ndarray, means: np.ndarray, variances: np.ndarray, z: float) -> Interval:
    mean = float(weights @ means)
    width = z * sqrt(float(weights @ (variances + (means - mean) ** 2)))
    return Interval(estimate=mean, low=mean - width, high=mean + width)
