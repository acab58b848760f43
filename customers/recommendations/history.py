"""What customers bought, as arrays: one row per receipt and product, counted in days before a moment.

Left out: what never earns (gift cards, deposits, services), sensitive categories (so that no reason names them either),
lines without payment, lines that came back whole, guests, and customers who switched personalisation off.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import F, FloatField, Func, Q, QuerySet, Sum
from scipy import sparse

from customers.models import Customer, Product, Purchase, PurchaseLine, ReturnLine

WEEKS = 104  # older purchases weigh less than a four-hundredth of a new one
CHUNK = 100_000
HALF_LIFE = 84.0  # days
DAY = 86_400


class Epoch(Func):
    """An instant as seconds since 1970."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)"
    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        # To the microsecond: julianday is off by up to half a thousandth, and an instant would come before itself.
        seconds = "CAST(strftime('%%%%s', %(expressions)s) AS REAL) + CAST('0' || substr(%(expressions)s, 20) AS REAL)"
        return self.as_sql(compiler, connection, template=f"({seconds})", **context)


@dataclass(frozen=True)
class History:
    """Rows (customer, product, age), each a receipt's product once; `customers` and `products` are the keys, ascending.

    `age` is in days before `until`; `newest` is the key of each customer's latest known receipt.
    """

    until: dt.datetime
    customers: np.ndarray
    products: np.ndarray
    customer: np.ndarray
    product: np.ndarray
    age: np.ndarray
    newest: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """How many customers and products."""
        return len(self.customers), len(self.products)

    @cached_property
    def days(self) -> float:
        """How far back the history goes."""
        return float(self.age.max()) if len(self.age) else 0.0

    @cached_property
    def times(self) -> sparse.csr_matrix:
        """How many receipts of a customer hold a product."""
        return self._matrix(np.ones(len(self.age), np.float32))

    @cached_property
    def fresh_times(self) -> sparse.csr_matrix:
        """The same, each receipt counting half for every twelve weeks of its age."""
        return self._matrix(np.exp2(-self.age / np.float32(HALF_LIFE)).astype(np.float32))

    def within(self, days: float) -> "History":
        """Return the rows of the last days, with the same keys."""
        return self._keep(self.age <= days)

    def before(self, moment: dt.datetime) -> "History":
        """Return what was known at an earlier moment, with the same keys."""
        shift = (self.until - moment).total_seconds() / DAY
        earlier = self._keep(self.age > shift)
        return History(moment, self.customers, self.products, earlier.customer, earlier.product,
                       earlier.age - np.float32(shift), self.newest)  # fmt: skip

    def of(self, places: np.ndarray) -> "History":
        """Return the rows of some customers, given by their places in `customers`, ascending."""
        order, starts = self._by_customer
        rows = np.concatenate([order[starts[place] : starts[place + 1]] for place in places] or [order[:0]])
        again = np.full(len(self.customers), -1, np.int32)
        again[places] = np.arange(len(places), dtype=np.int32)
        return History(self.until, self.customers[places], self.products, again[self.customer[rows]],
                       self.product[rows], self.age[rows], self.newest[places])  # fmt: skip

    @cached_property
    def _by_customer(self) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(self.customer, kind="stable")
        return order, np.searchsorted(self.customer[order], np.arange(len(self.customers) + 1))

    def _keep(self, rows: np.ndarray) -> "History":
        return History(self.until, self.customers, self.products, self.customer[rows], self.product[rows],
                       self.age[rows], self.newest)  # fmt: skip

    def _matrix(self, values: np.ndarray) -> sparse.csr_matrix:
        return sparse.csr_matrix((values, (self.customer, self.product)), shape=self.shape)


def from_rows(
    *,
    until: dt.datetime,
    customers: np.ndarray,
    products: np.ndarray,
    receipts: np.ndarray,
    ages: np.ndarray,
    newest: dict[int, int] | None = None,
) -> History:
    """Put rows of keys and ages (days) in shape; a product counts once per receipt."""
    product_keys, product = np.unique(products, return_inverse=True)
    customer_keys, customer = np.unique(customers, return_inverse=True)
    __, once = np.unique(receipts * max(1, len(product_keys)) + product, return_index=True)
    last = np.zeros(len(customer_keys), np.int64)
    np.maximum.at(last, customer, receipts)
    if newest:
        last = np.array([newest.get(int(key), 0) for key in customer_keys], np.int64)
    return History(until, customer_keys, product_keys, customer[once].astype(np.int32),
                   product[once].astype(np.int32), ages[once].astype(np.float32), last)  # fmt: skip


def read(*, until: dt.datetime) -> History:
    """Read the history of everybody who may be recommended something, in pieces, by key."""
    receipts, owners, ages = _receipts(until)
    allowed = np.fromiter(_worth_knowing().order_by("pk").values_list("pk", flat=True).iterator(), np.int64)
    gone = np.fromiter(_returned().iterator(), np.int64)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for line, receipt, product in _lines():
        keep = _among(receipt, receipts) & _among(product, allowed) & ~_among(line, gone)
        found.append((np.searchsorted(receipts, receipt[keep]), product[keep]))
    places = np.concatenate([place for place, __ in found]) if found else np.zeros(0, np.int64)
    products = np.concatenate([product for __, product in found]) if found else np.zeros(0, np.int64)
    newest = _latest(receipts, owners)
    return from_rows(
        until=until, customers=owners[places], products=products, receipts=receipts[places], ages=ages[places],
        newest=newest,
    )  # fmt: skip


def read_of(*, customer_ids: Iterable[int], until: dt.datetime) -> History:
    """Read the history of a few customers by their indexes."""
    lines = PurchaseLine.objects.filter(
        _sensible(), purchase__customer__in=list(customer_ids), **_period("purchase__", until)
    ).exclude(pk__in=_returned(customer_ids))
    rows = list(
        lines.order_by().values_list(
            "purchase_id", "purchase__customer_id", "product_id", Epoch("purchase__occurred_at")
        )
    )
    table = np.array(rows, np.float64).reshape(-1, 4)
    receipts, owners, products = (table[:, column].astype(np.int64) for column in range(3))
    return from_rows(
        until=until, customers=owners, products=products, receipts=receipts,
        ages=np.maximum(0, (until.timestamp() - table[:, 3]) / DAY),
    )  # fmt: skip


def _worth_knowing() -> QuerySet[Product]:
    sensitive = Q(category__is_sensitive=True)
    return Product.objects.filter(~sensitive | Q(category=None), earns_points=True)


def _sensible() -> Q:
    category = Q(product__category=None) | Q(product__category__is_sensitive=False)
    return category & Q(product__earns_points=True, total__gt=0)


def _period(prefix: str, until: dt.datetime) -> dict[str, dt.datetime]:
    since = until - dt.timedelta(weeks=WEEKS)
    return {f"{prefix}occurred_at__gte": since, f"{prefix}occurred_at__lt": until}


def _returned(customer_ids: Iterable[int] | None = None) -> QuerySet:
    """Return the keys of the lines of which everything came back."""
    lines = ReturnLine.objects.order_by()
    if customer_ids is not None:
        lines = lines.filter(line__purchase__customer__in=list(customer_ids))
    back = lines.values("line").annotate(back=Sum("quantity"))
    return back.filter(back__gte=F("line__quantity")).values_list("line", flat=True)


def _receipts(until: dt.datetime) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return keys (ascending), customers and ages of the receipts that count."""
    people = Customer.objects.enrolled().filter(is_personalised=True)
    known = np.fromiter(people.order_by("pk").values_list("pk", flat=True).iterator(), np.int64)
    rows = Purchase.objects.filter(customer__isnull=False, **_period("", until))
    parts, last = [], 0
    while True:
        some = list(
            rows.filter(pk__gt=last).order_by("pk").values_list("pk", "customer_id", Epoch("occurred_at"))[:CHUNK]
        )
        if not some:
            break
        parts.append(np.array(some, np.float64))
        last = some[-1][0]
    table = np.concatenate(parts) if parts else np.zeros((0, 3))
    keys, owners = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    keep = _among(owners, known)
    return keys[keep], owners[keep], (until.timestamp() - table[keep, 2]) / DAY


def _lines() -> Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield keys, receipts and products of all paid lines in the order of their keys."""
    names = [connection.ops.quote_name(PurchaseLine._meta.get_field(n).column) for n in ("id", "purchase", "product")]
    table, last = PurchaseLine._meta.db_table, 0
    sql = f"SELECT {', '.join(names)} FROM {table} WHERE id > %s AND total > 0 ORDER BY id LIMIT {CHUNK}"  # noqa: S608
    with connection.cursor() as cursor:
        while True:
            cursor.execute(sql, [last])
            some = cursor.fetchall()
            if not some:
                return
            rows = np.array(some, np.int64)
            last = int(rows[-1, 0])
            yield rows[:, 0], rows[:, 1], rows[:, 2]


def _latest(receipts: np.ndarray, owners: np.ndarray) -> dict[int, int]:
    people, place = np.unique(owners, return_inverse=True)
    last = np.zeros(len(people), np.int64)
    np.maximum.at(last, place, receipts)
    return dict(zip(people.tolist(), last.tolist(), strict=True))


def _among(values: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """Return which values are in an ascending array."""
    if not len(ascending):
        return np.zeros(len(values), bool)
    place = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return ascending[place] == values
