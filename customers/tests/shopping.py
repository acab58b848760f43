"""Purchases for tests that are about what was bought, not about points."""

import datetime as dt
from collections.abc import Iterable
from itertools import count

from customers.models import Category, Customer, Product, Purchase, PurchaseLine, Store
from customers.tests.factories import NOON, create_store

_numbers = count(1)


def create_product(name: str, *, category: Category | None = None, **fields) -> Product:
    """Put a product on sale."""
    fields.setdefault("sku", f"{name.lower()}-{next(_numbers)}")
    return Product.objects.create(name_en=name, category=category, price=250, **fields)


def buy(
    customer: Customer,
    *products: Product,
    days_ago: float = 0,
    now: dt.datetime = NOON,
    store: Store | None = None,
    price: int = 250,
) -> Purchase:
    """Record a receipt with one of each product."""
    store = store or Store.objects.order_by("pk").first() or create_store()
    purchase = Purchase.objects.create(
        store=store, reference=f"S{next(_numbers)}", customer=customer, occurred_at=now - dt.timedelta(days=days_ago),
        total=price * len(products),
    )  # fmt: skip
    PurchaseLine.objects.bulk_create(
        PurchaseLine(purchase=purchase, position=n, product=product, quantity=1, unit_price=price, total=price)
        for n, product in enumerate(products, 1)
    )
    return purchase


def buy_often(customer: Customer, product: Product, *, days: Iterable[float], now: dt.datetime = NOON) -> None:
    """Record a receipt with a product for each of some days ago."""
    for ago in days:
        buy(customer, product, days_ago=ago, now=now)
