"""What of the points still owed will never be spent, by the chain ladder, and how far that may be off.

A row is a vintage, a column its age in months, a cell the points spent until then. How much a vintage of one age grows to the
next is read off the older vintages. The error is Mack's (Distribution-free calculation of the standard error of chain
ladder reserve estimates, ASTIN Bulletin 23, 1993); the tests hold his worked example.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

type Triangle = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Ladder:
    """What each row grows to in the end, with standard errors; a row that cannot be carried on has nan."""

    factors: list[float]
    ultimates: list[float]
    errors: list[float]
    total_error: float


def ladder(triangle: Triangle) -> Ladder:
    """Return what the rows of a triangle grow to. Row i has cumulative sums, each row at most as long as the one before.

    Rows without anything spent say nothing about growth and have none themselves.
    """
    ages = len(triangle[0])
    cells = np.full((len(triangle), ages), np.nan)
    for row, values in enumerate(triangle):
        cells[row, : len(values)] = values
    factors, variances, bases = _growth(cells)
    ultimates, errors = [], []
    for row, values in enumerate(triangle):
        ultimate, error = _carry(values, row_cells=cells[row], factors=factors, variances=variances, bases=bases)
        ultimates.append(ultimate)
        errors.append(error)
    total = _total_error(triangle, ultimates, errors, factors, variances, bases)
    return Ladder(factors.tolist(), ultimates, errors, total)


def _growth(cells: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return per age the factor to the next, its variance (Mack's sigma squared) and what it rests on."""
    ages = cells.shape[1]
    factors, variances, bases = np.ones(ages - 1), np.full(ages - 1, np.nan), np.zeros(ages - 1)
    for age in range(ages - 1):
        known = (cells[:, age] > 0) & ~np.isnan(cells[:, age + 1])
        before, after = cells[known, age], cells[known, age + 1]
        bases[age] = before.sum()
        if not known.any():
            variances[age] = 0
            continue
        factors[age] = after.sum() / before.sum()
        if known.sum() > 1:
            variances[age] = (before * (after / before - factors[age]) ** 2).sum() / (known.sum() - 1)
    for age in np.flatnonzero(np.isnan(variances)):
        # The last factor rests on one row: Mack's own way on from the two before it.
        if age >= 2 and variances[age - 2] > 0:
            one, two = variances[age - 1], variances[age - 2]
            variances[age] = min(one**2 / two, one, two)
        else:
            variances[age] = variances[age - 1] if age else 0
    return factors, variances, bases


def _carry(
    values: Sequence[float], *, row_cells: NDArray, factors: NDArray, variances: NDArray, bases: NDArray
) -> tuple[float, float]:
    latest = values[-1]
    if latest <= 0:
        return float("nan"), float("nan")
    sizes, total = latest, 0.0
    for age in range(len(values) - 1, len(factors)):
        if bases[age] > 0:
            total += variances[age] / factors[age] ** 2 * (1 / sizes + 1 / bases[age])
        sizes *= factors[age]
    return float(sizes), float(sizes * sqrt(total))


def _total_error(
    triangle: Triangle,
    ultimates: list[float],
    errors: list[float],
    factors: NDArray,
    variances: NDArray,
    bases: NDArray,
) -> float:
    """Return the error of the sum: the rows share their factors, so their errors do not cancel out."""
    total = 0.0
    usable = [row for row in range(len(triangle)) if not np.isnan(ultimates[row])]
    for place, row in enumerate(usable):
        shared = sum(
            2 * variances[age] / factors[age] ** 2 / bases[age]
            for age in range(len(triangle[row]) - 1, len(factors))
            if bases[age] > 0
        )
        total += errors[row] ** 2 + ultimates[row] * sum(ultimates[later] for later in usable[place + 1 :]) * shared
    return sqrt(total)
