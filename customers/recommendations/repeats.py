"""What a customer buys again: how often and how lately it was bought, and what such a purchase promises in this shop."""

import numpy as np
from scipy import sparse

from customers.recommendations.history import History

RECENT = 28  # days
AGAIN_POWER = 0.25
SEASON_POWER = 0.15
SEASON_PRIOR = 20  # receipts
POPULARITY_WEIGHT = 1.0
UNKNOWN_PROMISE = (2 / 20) ** AGAIN_POWER


def promise(history: History) -> np.ndarray:
    """Return for each product what one purchase promises: the re-buy rate, a little, and the season, a little.

    The re-buy rate is (customers who bought it twice + 2) / (customers + 20), so that few purchases say little. The season is
    the receipts of the last four weeks over those that an even year would have brought.
    """
    times = history.times
    buyers = np.bincount(times.indices, minlength=times.shape[1])
    twice = np.bincount(times.indices[times.data >= 2], minlength=times.shape[1])
    again = (twice + 2) / (buyers + 20)
    receipts = np.bincount(history.product, minlength=times.shape[1])
    lately = np.bincount(history.within(RECENT).product, minlength=times.shape[1])
    expected = receipts * min(1.0, RECENT / max(history.days, 1.0))
    season = (lately + SEASON_PRIOR) / (expected + SEASON_PRIOR)
    return (again**AGAIN_POWER * season**SEASON_POWER).astype(np.float32)


def popularity(history: History) -> np.ndarray:
    """Return for each product the share of customers who bought it in the last four weeks."""
    lately = history.within(RECENT).times
    return (np.bincount(lately.indices, minlength=lately.shape[1]) / max(1, lately.shape[0])).astype(np.float32)


def scores(taste: sparse.csr_matrix, *, promise: np.ndarray, popularity: np.ndarray) -> sparse.csr_matrix:
    """Return how likely each customer buys each product of the own history again, as numbers that only rank."""
    scored = taste.copy()
    scored.data = taste.data * promise[taste.indices] + np.float32(POPULARITY_WEIGHT) * popularity[taste.indices]
    return scored
