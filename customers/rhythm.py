"""How often a customer usually comes: the median of the own gaps, drawn towards the shop's while few are known."""

import numpy as np

PRIOR = 3  # gaps of the shop that a customer starts with
SHOP_BEFORE_ANYTHING = 30.0  # days, for a shop in which nobody has come back yet
LAPSING, LAPSED = 2, 4  # times the usual gap; due is once


def own_days(*, customer: np.ndarray, day: np.ndarray, customers: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how many gaps of each customer are known, and their median in days; 0 where there is none.

    Rows are distinct (customer, day), customers numbered from 0. Several purchases of a day are one visit.
    """
    order = np.lexsort((day, customer))
    who, when = customer[order], day[order]
    same = who[1:] == who[:-1]
    gap, owner = (when[1:] - when[:-1])[same].astype(float), who[1:][same]
    order = np.lexsort((gap, owner))
    gap, owner = gap[order], owner[order]
    starts = np.searchsorted(owner, np.arange(customers + 1))
    known = np.diff(starts)
    own = np.zeros(customers)
    some = np.flatnonzero(known)
    low, high = starts[some] + (known[some] - 1) // 2, starts[some] + known[some] // 2
    own[some] = (gap[low] + gap[high]) / 2
    return known, own


def shop_days(*, known: np.ndarray, own: np.ndarray) -> float:
    """Return the shop's usual days: the median of its customers' own."""
    return float(np.median(own[known > 0])) if known.any() else SHOP_BEFORE_ANYTHING


def usual_days(*, known: np.ndarray, own: np.ndarray, shop: float) -> np.ndarray:
    """Return each customer's usual days between purchases, at least 1."""
    return np.maximum(1, np.rint((known * own + PRIOR * shop) / (known + PRIOR))).astype(np.int64)
