"""What a customer has not bought yet: products near those of the own history, by how often the same people buy both."""

from itertools import pairwise

import numpy as np
from scipy import sparse

from customers.recommendations.history import History

RECENT = 56  # days
FEWEST_BUYERS = 5
FEWEST_TOGETHER = 2
PRIOR = 100  # buyers
NEAREST = 200
POPULARITY_WEIGHT = 0.1
ROWS = 500  # products at once


def links(history: History) -> tuple[np.ndarray, sparse.csr_matrix]:
    """Return the places of the candidates, those that enough people have bought lately, and for each product the nearest of them.

    Near is the excess of people who bought the one at any time and the other lately, over what chance would bring, divided by the
    root of (buyers of the one + 100) x (buyers of the other + 100), so that neither rare nor common products crowd the others out.
    """
    ever, lately = _who(history.times), _who(history.within(RECENT).times)
    buyers, recent = _buyers(ever), _buyers(lately)
    targets = np.flatnonzero(recent >= FEWEST_BUYERS)
    sources = np.flatnonzero(buyers >= FEWEST_BUYERS)
    new = lately[:, targets]
    from_source = ever.tocsc()[:, sources].T.tocsr()
    indices, values, sizes = [], [], np.zeros(ever.shape[1], np.int64)
    for start in range(0, len(sources), ROWS):
        some = sources[start : start + ROWS]
        together = (from_source[start : start + ROWS] @ new).tocsr()
        row, column, near = _nearest(together, some, targets, buyers, recent, ever.shape[0])
        indices.append(column.astype(np.int32))
        values.append(near)
        sizes[some] = np.bincount(row, minlength=len(some))
    starts = np.r_[0, np.cumsum(sizes)]
    column = np.concatenate(indices) if indices else np.zeros(0, np.int32)
    value = np.concatenate(values) if values else np.zeros(0, np.float32)
    return targets, sparse.csr_matrix((value, column, starts), shape=(ever.shape[1], len(targets)))


def _nearest(
    together: sparse.csr_matrix,
    sources: np.ndarray,
    targets: np.ndarray,
    buyers: np.ndarray,
    recent: np.ndarray,
    people: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row, column and nearness of the nearest in each row."""
    row = np.repeat(np.arange(len(sources)), np.diff(together.indptr))
    keep = together.data >= FEWEST_TOGETHER
    row, column, both = row[keep], together.indices[keep], together.data[keep]
    of_source, of_target = buyers[sources[row]], recent[targets[column]]
    excess = both - of_source * of_target / np.float32(max(1, people))
    near = (excess / np.sqrt((of_source + PRIOR) * (of_target + PRIOR))).astype(np.float32)
    keep = (near > 0) & (sources[row] != targets[column])
    row, column, near = row[keep], column[keep], near[keep]
    starts = np.searchsorted(row, np.arange(len(sources) + 1))
    best = [_best(near[a:b]) + a for a, b in pairwise(starts)]
    chosen = np.concatenate(best) if best else np.zeros(0, np.int64)
    return row[chosen], column[chosen], near[chosen]


def _best(values: np.ndarray) -> np.ndarray:
    return np.argpartition(-values, NEAREST)[:NEAREST] if len(values) > NEAREST else np.arange(len(values))


def scores(
    own: sparse.csr_matrix, *, links: sparse.csr_matrix, targets: np.ndarray, popularity: np.ndarray
) -> np.ndarray:
    """Return how likely each customer takes to each candidate (a row of numbers that only rank; minus infinity is what was bought).

    Call it for a few hundred customers at once: the answer is dense.
    """
    who = _who(own)
    length = np.sqrt(np.maximum(1, np.diff(who.indptr))).astype(np.float32)
    near = (who @ links).toarray()
    near /= length[:, None]
    near += np.float32(POPULARITY_WEIGHT) * popularity[targets]
    column = np.full(own.shape[1], -1, np.int64)
    column[targets] = np.arange(len(targets))
    row, column = np.repeat(np.arange(who.shape[0]), np.diff(who.indptr)), column[who.indices]
    near[row[column >= 0], column[column >= 0]] = -np.inf
    return near


def _who(times: sparse.csr_matrix) -> sparse.csr_matrix:
    ones = np.ones(times.nnz, np.float32)
    return sparse.csr_matrix((ones, times.indices, times.indptr), shape=times.shape)


def _buyers(who: sparse.csr_matrix) -> np.ndarray:
    return np.bincount(who.indices, minlength=who.shape[1]).astype(np.float32)
