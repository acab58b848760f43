"""Test data of the rewards app, by typed keyword functions."""

import datetime as dt
from itertools import count

from customers.models import Customer, Store
from customers.tests.factories import create_customer, create_store, create_user
from rewards import ledger
from rewards.models import EarningRule, PointTransaction

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
_numbers = count(1)


def award(
    customer: Customer,
    points: int,
    *,
    at: dt.datetime = NOON,
    expires_at: dt.datetime | None = None,
    activates_at: dt.datetime | None = None,
    source: str = "",
) -> PointTransaction:
    """Award points for a cause of its own."""
    return ledger.earn(
        customer=customer,
        points=points,
        source=source or f"test:{next(_numbers)}",
        occurred_at=at,
        activates_at=activates_at,
        expires_at=expires_at,
    )


def create_rule(
    *, key: str = "base", points: int = 1, per_amount: int = 100, kind: str = "amount", **fields
) -> EarningRule:
    """Publish an earning rule: by default one point per full currency unit."""
    fields.setdefault("published_at", NOON)
    fields.setdefault("name_en", key)
    return EarningRule.objects.create(
        key=key, kind=kind, points=points, per_amount=per_amount if kind == "amount" else 0, **fields
    )


__all__ = ["NOON", "Store", "award", "create_customer", "create_rule", "create_store", "create_user"]
