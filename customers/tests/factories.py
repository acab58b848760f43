"""Test data of the customers app, by typed keyword functions."""

import datetime as dt
from itertools import count

from customers.models import Consent, Customer, Identifier, Store, User

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
_numbers = count(1)


def create_store(*, code: str = "", **fields) -> Store:
    """Open a store."""
    code = code or f"store-{next(_numbers)}"
    return Store.objects.create(code=code, **{"name_en": code.title()} | fields)


def create_customer(*, name: str = "Alice", email: str = "", phone: str = "", **fields) -> Customer:
    """Enrol a customer, by default without any address."""
    fields.setdefault("member_number", f"M{next(_numbers):06}")
    fields.setdefault("enrolled_at", NOON)
    customer = Customer.objects.create(name=name, **fields)
    for kind, value in (("email", email), ("phone", phone)):
        if value:
            Identifier.objects.create(customer=customer, kind=kind, value=value, normalised=value.lower())
    return customer


def create_user(*, email: str = "", password: str | None = None, **fields) -> User:
    """Make a log-in."""
    return User.objects.create_user(email or f"user{next(_numbers)}@example.com", password, **fields)


def consent(customer: Customer, *, purpose: str = "surveys", is_granted: bool = True) -> Consent:
    """Record a customer's word on e-mail."""
    return Consent.objects.create(
        customer=customer, channel="email", purpose=purpose, is_granted=is_granted, source="test", occurred_at=NOON
    )
