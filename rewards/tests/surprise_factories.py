"""Test data of surprises, by typed keyword functions."""

import datetime as dt
from itertools import count

from customers.models import Customer, Product, Purchase, Store
from customers.tests.factories import NOON, consent, create_customer, create_store, create_user
from rewards import checkout, sale, surprise_plans
from rewards.models import Surprise

_numbers = count(1)
DAY = dt.timedelta(days=1)


def create_surprise(
    *, trigger: str = "purchase", now: dt.datetime = NOON, is_running: bool = True, **fields
) -> Surprise:
    """Draft a surprise and let another person approve it: by default a pastry at the till with a purchase."""
    values = {
        "name": f"Surprise {next(_numbers)}", "gift": "thing", "thing_en": "a pastry", "thing_zh": "一块点心", "cost": 80,
        "budget": 100_000, "channel": "till", "requested_by": create_user(is_staff=True), "requested_at": now,
    }  # fmt: skip
    surprise = Surprise.objects.create(trigger=trigger, **values | fields)
    if not is_running:
        return surprise
    return surprise_plans.approve(surprise=surprise, version=surprise.version, by=create_user(is_staff=True), now=now)


def create_reader(**fields) -> Customer:
    """Enrol a customer who agreed to offers by mail."""
    customer = create_customer(email=f"reader{next(_numbers)}@example.com", **fields)
    consent(customer, purpose="marketing")
    return customer


def buy(
    customer: Customer | None, *, at: dt.datetime = NOON, amount: int = 1_000, store: Store | None = None
) -> Purchase:
    """Record a purchase of one thing."""
    store = store or Store.objects.first() or create_store()
    product = Product.objects.filter(sku="thing").first() or Product.objects.create(sku="thing", name_en="Thing")
    return checkout.record_purchase(
        store=store, reference=f"R{next(_numbers)}", customer=customer, occurred_at=at,
        lines=[sale.SoldLine(product, 1, amount)],
    )  # fmt: skip


def many(number: int, **fields) -> list[Customer]:
    """Enrol many customers in one go."""
    rows = [
        Customer(
            name=f"Member {n}", member_number=f"X{next(_numbers):07}", **{"enrolled_at": NOON - 400 * DAY} | fields
        )
        for n in range(number)
    ]
    return Customer.objects.bulk_create(rows)
