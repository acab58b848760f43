"""Signals kept in the database: whole for the nightly run, and only what one customer's history needs for one list."""

from array import array
from collections.abc import Iterable, Iterator

import numpy as np
from django.db.models import QuerySet
from scipy import sparse

from customers import bulk
from customers.models import ProductLinks, RecommendationModel
from customers.recommendations.knowledge import Signals

AT_ONCE = 2_000
SAFE = 900  # values of one IN


def keep(model: RecommendationModel, signals: Signals) -> None:
    """Write what was learnt into a model and its links, replacing what was there; call it inside a transaction."""
    model.products = signals.products.astype("<i8").tobytes()
    model.promise = signals.promise.astype("<f4").tobytes()
    model.popularity = signals.popularity.astype("<f4").tobytes()
    model.targets = signals.targets.astype("<i4").tobytes()
    ProductLinks.objects.filter(model=model).delete()
    bulk.copy_in(ProductLinks, ("model_id", "product_id", "links"), _rows(model.pk, signals))


def load(model: RecommendationModel, *, product_ids: Iterable[int] | None = None) -> Signals:
    """Read what a model learnt: all links, or those of some products."""
    products = np.frombuffer(bytes(model.products), "<i8")
    targets = np.frombuffer(bytes(model.targets), "<i4").astype(np.int64)
    rows = ProductLinks.objects.filter(model=model)
    if product_ids is None:
        found = _all(rows)
    else:
        keys = list(product_ids)
        found = sorted(
            pair
            for n in range(0, len(keys), SAFE)
            for pair in rows.filter(product_id__in=keys[n : n + SAFE]).values_list("product_id", "links")
        )
    sizes = np.zeros(len(products), np.int64)
    pieces = []
    for product, links in found:
        place = int(np.searchsorted(products, product))
        pieces.append(bytes(links))
        sizes[place] = len(pieces[-1]) // 8
    pairs = np.frombuffer(b"".join(pieces), np.dtype([("target", "<i4"), ("near", "<f4")]))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    matrix = (np.ascontiguousarray(pairs["near"]), np.ascontiguousarray(pairs["target"]), starts)
    return Signals(
        products=products,
        promise=np.frombuffer(bytes(model.promise), "<f4"),
        popularity=np.frombuffer(bytes(model.popularity), "<f4"),
        targets=targets,
        links=sparse.csr_matrix(matrix, shape=(len(products), len(targets))),
    )


def _all(rows: QuerySet[ProductLinks]) -> Iterator[tuple[int, bytes]]:
    keys = array("q", rows.order_by("product_id").values_list("product_id", flat=True))
    for n in range(0, len(keys), AT_ONCE):
        part = rows.filter(product_id__gte=keys[n], product_id__lte=keys[min(n + AT_ONCE, len(keys)) - 1])
        yield from part.order_by("product_id").values_list("product_id", "links")


def _rows(model_id: int, signals: Signals) -> Iterator[tuple[int, int, bytes]]:
    links = signals.links
    pairs = np.empty(links.nnz, np.dtype([("target", "<i4"), ("near", "<f4")]))
    pairs["target"], pairs["near"] = links.indices, links.data
    for place in np.flatnonzero(np.diff(links.indptr)).tolist():
        part = pairs[links.indptr[place] : links.indptr[place + 1]]
        yield model_id, int(signals.products[place]), part.tobytes()
