"""Test data of stamp cards, by typed keyword functions."""

import datetime as dt
from itertools import count

from customers.models import Category, Customer, Product, Purchase, Store
from rewards import checkout
from rewards.models import CouponBatch, EarningRule, StampBalance, StampCard
from rewards.sale import SoldLine
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import NOON, create_rule

_numbers = count(1)


def create_card(
    *, code: str = "coffee", stamps_needed: int = 10, batch: CouponBatch | None = None, rule: bool = True, **fields
) -> StampCard:
    """Create a card, by default ten stamps for 5.00 off, with a published rule: a stamp per piece, twelve months long."""
    card = StampCard.objects.create(
        code=code, name_en="Coffee card", name_zh="咖啡卡", stamps_needed=stamps_needed, batch=batch or create_batch()
    )
    if rule:
        create_card_rule(card, **fields)
    return card


def create_card_rule(card: StampCard, *, key: str = "", **fields) -> EarningRule:
    """Publish a rule of a card: by default one stamp per piece."""
    return create_rule(key=key or f"{card.code}-{next(_numbers)}", stamp_card=card, **{"kind": "item"} | fields)


def create_coffee(*, price: int = 300, sku: str = "COFFEE", **fields) -> Product:
    """Create a coffee in a category of its own."""
    category, _made = Category.objects.get_or_create(code="coffee", defaults={"name_en": "Coffee"})
    return Product.objects.create(sku=sku, name_en=sku.title(), category=category, price=price, **fields)


def buy(
    customer: Customer | None, product: Product, quantity: int = 1, *, store: Store, at: dt.datetime = NOON, **kwargs
) -> Purchase:
    """Record a purchase of one product under a number of its own."""
    line = SoldLine(product, quantity, product.price)
    return checkout.record_purchase(
        store=store, reference=f"S-{next(_numbers)}", customer=customer, occurred_at=at, lines=[line], **kwargs
    )


def on_card(customer: Customer, card: StampCard) -> int:
    """Return how many stamps stand on a card."""
    row = StampBalance.objects.filter(customer=customer, card=card).first()
    return row.active + row.debt if row else 0
