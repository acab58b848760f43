"""Tiers and purchases that lead to them."""

import datetime as dt
from itertools import count

from customers.models import Customer, Product, Purchase, Store
from rewards import checkout, returns
from rewards.models import Tier, TierMembership
from rewards.sale import SoldLine
from rewards.tests.factories import NOON, create_rule, create_store

_numbers = count(1)
DAY = dt.timedelta(days=1)


def create_tiers(*, metric: str = "spend", regular: int = 30_000, guest: int = 80_000) -> tuple[Tier, Tier, Tier]:
    """Make the tiers of docs/points.md: Friend, Regular from 300.00 (1.1), House guest from 800.00 (1.25)."""
    friend = Tier.objects.create(code="friend", name_en="Friend", rank=0)
    second = Tier.objects.create(
        code="regular",
        name_en="Regular",
        name_zh="银卡会员",
        rank=1,
        metric=metric,
        threshold=regular,
        multiplier=11_000,
    )
    third = Tier.objects.create(
        code="house-guest",
        name_en="House guest",
        name_zh="金卡会员",
        rank=2,
        metric=metric,
        threshold=guest,
        multiplier=12_500,
    )
    return friend, second, third


def open_shop() -> Store:
    """Open a store where each full unit earns a point."""
    create_rule()
    return create_store(code="shop")


def buy(customer: Customer | None, amount: int, *, at: dt.datetime = NOON, pieces: int = 1, **fields) -> Purchase:
    """Buy one thing, or several pieces of it, for an amount altogether."""
    store = Store.objects.get(code="shop")
    product, _is_new = Product.objects.get_or_create(sku="thing", name_en="Thing")
    line = SoldLine(product, pieces, amount // pieces)
    return checkout.record_purchase(
        store=store, reference=f"R{next(_numbers)}", customer=customer, occurred_at=at, lines=[line], **fields
    )


def bring_back(purchase: Purchase, pieces: int = 1, *, at: dt.datetime) -> None:
    """Bring pieces of a purchase back."""
    returns.refund(purchase=purchase, reference=f"B{next(_numbers)}", quantities={1: pieces}, occurred_at=at)


def history(customer: Customer) -> list[tuple[str, str, str]]:
    """Return the memberships in order: tier, why it began, why it ended."""
    rows = TierMembership.objects.filter(customer=customer).order_by("pk")
    return list(rows.values_list("tier__code", "reason", "end_reason"))


def tier_of(customer: Customer) -> str:
    """Return the code of the tier in which a customer is, empty where everybody starts."""
    row = TierMembership.objects.open().filter(customer=customer).select_related("tier").first()
    return row.tier.code if row else ""


__all__ = ["DAY", "NOON", "bring_back", "buy", "create_tiers", "history", "open_shop", "tier_of"]
