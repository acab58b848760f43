"""What the whole shop teaches about its products: which are bought again, which are in season, which go together."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from customers.recommendations import discoveries, repeats
from customers.recommendations.history import History


@dataclass(frozen=True)
class Signals:
    """For each product (`products` are the keys, ascending): how much a purchase promises another, the share of
    customers who bought it in the last four weeks, and how near it is to each of those that may be discovered (`targets`
    are their places in `products`, ascending, and the columns of `links`).
    """

    products: np.ndarray
    promise: np.ndarray
    popularity: np.ndarray
    targets: np.ndarray
    links: sparse.csr_matrix

    def places(self, products: np.ndarray) -> np.ndarray:
        """Return where products stand, -1 for those that nobody knew yet."""
        if not len(self.products):
            return np.full(len(products), -1)
        place = np.minimum(np.searchsorted(self.products, products), len(self.products) - 1)
        return np.where(self.products[place] == products, place, -1)


def learn(history: History) -> Signals:
    """Learn from everybody's history."""
    targets, links = discoveries.links(history)
    return Signals(
        products=history.products,
        promise=repeats.promise(history),
        popularity=repeats.popularity(history),
        targets=targets,
        links=links,
    )
