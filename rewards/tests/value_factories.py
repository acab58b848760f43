"""Test data of gift cards and store credit, by typed keyword functions."""

import datetime as dt
from itertools import count

from customers.models import Customer
from customers.tests.factories import NOON
from rewards import stored_value, value_accounts
from rewards.models import ValueAccount

_numbers = count(1)


def sell_card(
    amount: int = 5_000, *, promotional: int = 0, customer: Customer | None = None, at: dt.datetime = NOON, **fields
) -> ValueAccount:
    """Sell a gift card: by default 50.00 for whoever shows it."""
    source = f"test:card:{next(_numbers)}"
    movement = stored_value.sell(
        amount=amount, promotional=promotional, customer=customer, source=source, occurred_at=at, **fields
    )
    return movement.account


def give_credit(customer: Customer, amount: int = 2_000, *, at: dt.datetime = NOON) -> ValueAccount:
    """Put paid money on a customer's store credit: by default 20.00."""
    account = value_accounts.credit_of(customer=customer, now=at)
    source = f"test:credit:{next(_numbers)}"
    return stored_value.top_up(account=account, amount=amount, source=source, occurred_at=at).account
