"""Whether the lists are any good in this shop: what they would have said four weeks ago, against what was bought since.

NDCG at 10: a hit at place k counts 1/log2(k+1), over the best that was possible; averaged over the customers who had
something to find. 1 is perfect; supermarkets reach about 0.4.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from customers.recommendations import ranking
from customers.recommendations.history import History
from customers.recommendations.knowledge import Signals, learn
from customers.recommendations.ranking import Item, Method

DEPTH = 10
HELD_OUT = dt.timedelta(weeks=4)
FEWEST_CUSTOMERS = 50  # who bought before and again; below, a figure says nothing
SAMPLE = 1_000  # customers
GAINS = 1 / np.log2(np.arange(2, DEPTH + 2))
BEST = np.r_[0, np.cumsum(GAINS)]

type Lists = Iterable[tuple[int, list[int]]]


@dataclass(frozen=True, slots=True)
class Figures:
    """NDCG at 10: of the list's first ten; of its first ten that the customer had bought before, against what was bought
    again; of its first ten that were new to the customer, against first-time buys; of its first ten categories.
    """

    overall: float
    repeat: float
    explore: float
    category: float
    customers: int

    def as_words(self) -> dict[str, float]:
        """Return the figures for keeping."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Trial:
    """What was known at a moment, what was bought in the weeks after it, and the signals of that moment."""

    before: History
    bought: Mapping[int, set[int]]
    signals: Signals


def trial(history: History, *, cut: dt.datetime, customers: int | None = SAMPLE) -> Trial:
    """Divide a history at a moment, and learn from what came before. A sample is an even one over the keys, the same each time."""
    before = history.before(cut)
    since = history.within((history.until - cut).total_seconds() / 86_400)
    bought: dict[int, set[int]] = {}
    for customer, product in zip(since.customer.tolist(), since.product.tolist(), strict=True):
        bought.setdefault(customer, set()).add(int(history.products[product]))
    places = np.array(sorted(bought), np.int64)
    if customers is not None and len(places) > customers:
        places = places[np.linspace(0, len(places) - 1, customers).astype(np.int64)]
    signals = learn(before)
    chosen = before.of(places)
    return Trial(chosen, {int(history.customers[place]): bought[int(place)] for place in places}, signals)


def compare(
    trial: Trial, *, category_of: Callable[[int], int], preferred: Mapping[int, set[int]] | None = None
) -> dict[str, Figures]:
    """Return the figures of the model and of the three ways it has to beat, over the same customers.

    `seed` is the simplest: by frequency, what lies in the categories that the customer says to like (everything, when nothing is said).
    """
    wishes = preferred or {}
    frequent = list(ranking.ranked(trial.before, trial.signals, method=Method.FREQUENCY))
    top = [item.product for item in ranking.popular(trial.signals)]
    ways: dict[str, Lists] = {
        "model": _keys(ranking.ranked(trial.before, trial.signals)),
        "frequency": _keys(frequent),
        "popularity": [(customer, top) for customer, __ in frequent],
        "seed": [
            (
                customer,
                [
                    item.product
                    for item in items
                    if item.kind is ranking.Kind.REPEAT
                    and (customer not in wishes or category_of(item.product) in wishes[customer])
                ],
            )
            for customer, items in frequent
        ],
    }
    return {name: measure(lists, trial, category_of=category_of) for name, lists in ways.items()}


def measure(lists: Lists, trial: Trial, *, category_of: Callable[[int], int]) -> Figures:
    """Return the figures of some lists."""
    before = trial.before
    own_of = {
        int(customer): set(before.products[before.times.indices[a:b]].tolist())
        for customer, a, b in zip(before.customers, before.times.indptr[:-1], before.times.indptr[1:], strict=True)
    }
    gained: list[list[float]] = [[], [], [], []]
    for customer, products in lists:
        bought, own = trial.bought[customer], own_of.get(customer, set())
        questions = (
            (products, bought),
            ([one for one in products if one in own], bought & own),
            ([one for one in products if one not in own], bought - own),
            (list(dict.fromkeys(map(category_of, products))), set(map(category_of, bought))),
        )
        for found, (guesses, truth) in zip(gained, questions, strict=True):
            if truth:
                found.append(_ndcg(guesses, truth))
    overall, repeat, explore, category = (float(np.mean(found)) if found else 0.0 for found in gained)
    return Figures(overall, repeat, explore, category, len(gained[0]))


def _ndcg(guesses: list[int], truth: set[int]) -> float:
    hits = [one in truth for one in guesses[:DEPTH]]
    return float(GAINS[: len(hits)][hits].sum() / BEST[min(DEPTH, len(truth))])


def _keys(lists: Iterable[tuple[int, list[Item]]]) -> Lists:
    return ((customer, [item.product for item in items]) for customer, items in lists)
