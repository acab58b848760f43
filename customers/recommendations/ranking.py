"""One ranked list per customer: what is likely to be bought again, and then what may be discovered, each with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import sparse

from customers.recommendations import discoveries, repeats
from customers.recommendations.history import History
from customers.recommendations.knowledge import Signals

LENGTH = 60
MOST_REPEATS = 40
AT_ONCE = 200  # customers


class Method(StrEnum):
    """How repeats are scored; the shop's own figures decide which is used."""

    MODEL = "model"
    FREQUENCY = "frequency"
    POPULARITY = "popularity"


class Kind(StrEnum):
    """Why a product is in the list."""

    REPEAT = "repeat"
    DISCOVERY = "discovery"
    POPULAR = "popular"


@dataclass(frozen=True, slots=True)
class Item:
    """One product of a list. `because` is the product of the history that speaks most for a discovery; of a repeat, `times`
    is how many receipts hold it, `gap` the days that usually lie between them (0 when unknown), `age` the days since the last.
    """

    product: int
    kind: Kind
    because: int = 0
    times: int = 0
    gap: int = 0
    age: int = 0


def ranked(
    history: History, signals: Signals, *, method: Method = Method.MODEL, hidden: np.ndarray | None = None
) -> Iterator[tuple[int, list[Item]]]:
    """Yield each customer's key and list, in the order of the keys. `hidden` are keys of products that are not to be shown."""
    if method is Method.POPULARITY:
        same = popular(signals, hidden=hidden)
        yield from ((customer, same) for customer in history.customers.tolist())
        return
    for start in range(0, len(history.customers), AT_ONCE):
        places = np.arange(start, min(start + AT_ONCE, len(history.customers)))
        yield from _lists(history.of(places), signals, method, hidden)


def popular(signals: Signals, *, length: int = LENGTH, hidden: np.ndarray | None = None) -> list[Item]:
    """Return what most customers buy these weeks, for those of whom nothing is known or used."""
    order = np.argsort(-signals.popularity, kind="stable")
    keys = signals.products[order[signals.popularity[order] > 0]]
    if hidden is not None:
        keys = keys[~np.isin(keys, hidden)]
    return [Item(int(key), Kind.POPULAR) for key in keys[:length]]


def _lists(
    history: History, signals: Signals, method: Method, hidden: np.ndarray | None
) -> Iterator[tuple[int, list[Item]]]:
    where = signals.places(history.products)
    known = np.where(where < 0, 0, where)
    found = (where >= 0) & bool(len(signals.products))
    promise = np.where(found, signals.promise[known] if len(signals.promise) else 0, repeats.UNKNOWN_PROMISE)
    share = np.where(found, signals.popularity[known] if len(signals.popularity) else 0, 0)
    if method is Method.MODEL:
        again = repeats.scores(history.fresh_times, promise=promise.astype(np.float32), popularity=share)
    else:
        ones = np.ones(len(share), np.float32)
        again = repeats.scores(history.times, promise=ones, popularity=share * np.float32(0.5))
    own = _on_signals(history, where, signals)
    new = discoveries.scores(own, links=signals.links, targets=signals.targets, popularity=signals.popularity)
    last, gap = _rhythm(history)
    hide = np.isin(history.products, hidden) if hidden is not None else None
    if hidden is not None:
        new[:, np.isin(signals.products[signals.targets], hidden)] = -np.inf
    for n, customer in enumerate(history.customers.tolist()):
        items = _again(history, again, n, hide, last, gap)
        items += _new(own, new, n, signals, LENGTH - len(items))
        yield customer, items


def _again(
    history: History,
    again: sparse.csr_matrix,
    n: int,
    hide: np.ndarray | None,
    last: sparse.csr_matrix,
    gap: sparse.csr_matrix,
) -> list[Item]:
    a, b = again.indptr[n], again.indptr[n + 1]
    columns, values = again.indices[a:b], again.data[a:b]
    order = np.argsort(-values, kind="stable")
    if hide is not None:
        order = order[~hide[columns[order]]]
    return [
        Item(
            int(history.products[columns[k]]),
            Kind.REPEAT,
            times=int(history.times.data[a + k]),
            gap=int(gap.data[a + k]),
            age=int(last.data[a + k]),
        )
        for k in order[:MOST_REPEATS]
    ]


def _new(own: sparse.csr_matrix, new: np.ndarray, n: int, signals: Signals, wanted: int) -> list[Item]:
    wanted = min(wanted, new.shape[1])
    if wanted <= 0:
        return []
    row = new[n]
    best = np.argpartition(-row, wanted - 1)[:wanted]
    best = best[np.lexsort((best, -row[best]))]
    best = best[row[best] > 0]
    because = _because(own.indices[own.indptr[n] : own.indptr[n + 1]], best, signals)
    return [
        Item(
            int(signals.products[signals.targets[place]]),
            Kind.DISCOVERY if source >= 0 else Kind.POPULAR,
            because=int(signals.products[source]) if source >= 0 else 0,
        )
        for place, source in zip(best.tolist(), because.tolist(), strict=True)
    ]


def _because(sources: np.ndarray, chosen: np.ndarray, signals: Signals) -> np.ndarray:
    """Return for each chosen candidate the product of the history that is nearest to it, -1 for none."""
    near = signals.links[sources][:, chosen].tocoo()
    found = np.full(len(chosen), -1, np.int64)
    order = np.argsort(near.data, kind="stable")  # the largest is written last
    found[near.col[order]] = sources[near.row[order]]
    return found


def _on_signals(history: History, where: np.ndarray, signals: Signals) -> sparse.csr_matrix:
    """Return who bought what, in the columns of the signals."""
    place = where[history.product]
    keep = place >= 0
    ones = np.ones(int(keep.sum()), np.float32)
    return sparse.csr_matrix(
        (ones, (history.customer[keep], place[keep])), shape=(len(history.customers), len(signals.products))
    )


def _rhythm(history: History) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return days since the last and usual days between receipts with a product, in the shape of `history.times`."""
    times = history.times
    key = history.customer.astype(np.int64) * max(1, times.shape[1]) + history.product
    order = np.lexsort((history.age, key))
    starts = np.flatnonzero(np.r_[True, np.diff(key[order]) > 0]) if len(order) else np.zeros(0, np.int64)
    ends = np.r_[starts[1:], len(order)] - 1 if len(starts) else starts
    youngest, oldest = history.age[order][starts], history.age[order][ends]
    apart = np.where(times.data > 1, (oldest - youngest) / np.maximum(1, times.data - 1), 0)
    shape = (times.indices, times.indptr)
    return (
        sparse.csr_matrix((youngest, *shape), shape=times.shape),
        sparse.csr_matrix((np.rint(apart), *shape), shape=times.shape),
    )
