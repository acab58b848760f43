"""How often points talk to the database, and that a refusal leaves nothing behind."""

import math
from contextlib import suppress

import pytest
from django.db import IntegrityError, connection, transaction

from customers.models import Product, Purchase
from rewards import checkout, freezes, ledger, proof
from rewards.ledger import Award, InsufficientPoints
from rewards.models import PointBalance, PointTransaction
from rewards.sale import SoldLine
from rewards.tests.factories import NOON, award, create_customer, create_rule, create_store
from rewards.tests.tier_factories import create_tiers

pytestmark = pytest.mark.django_db


def messages(*, postgresql: int, sqlite: int) -> int:
    """Return the number for the database at hand."""
    return {"postgresql": postgresql, "sqlite": sqlite}[connection.vendor]


@pytest.fixture
def sale(monkeypatch) -> dict:
    """Three lines that Alice buys; she has a balance, and nobody is asked anew whether spending is frozen."""
    create_rule()
    alice = create_customer()
    award(alice, 500)
    monkeypatch.setattr(freezes._Seen, "until", math.inf)
    line = SoldLine(Product.objects.create(sku="latte", name_en="Latte"), 1, 1_500)
    return {"store": create_store(), "reference": "R", "customer": alice, "occurred_at": NOON, "lines": [line] * 3}


def test_spending_is_two_messages(sale, django_assert_num_queries):
    # SQLite: balance, lots, source; the last key; transaction, allocation, lot, balance.
    with django_assert_num_queries(messages(postgresql=2, sqlite=8)):
        ledger.redeem(customer=sale["customer"], points=5, source="reward:1", occurred_at=NOON)


def test_a_sale_is_three_messages(sale, django_assert_num_queries):
    # SQLite: receipt, rules, tiers; balance, claim; two last keys; lines, transaction, lot, balance.
    with django_assert_num_queries(messages(postgresql=3, sqlite=11)):
        checkout.record_purchase(**sale)
    assert proof.prove().faults == []


def test_a_sale_that_is_recorded_already_is_asked_once_and_read(sale, django_assert_num_queries):
    first = checkout.record_purchase(**sale)
    with django_assert_num_queries(messages(postgresql=2, sqlite=4)):
        assert checkout.record_purchase(**sale) == first


def test_many_lines_are_written_like_few(sale):
    purchase = checkout.record_purchase(**sale | {"lines": sale["lines"] * 30})
    assert (purchase.lines.count(), purchase.points_earned) == (90, 90 * 15)
    assert proof.prove().faults == []


def test_what_the_call_returns_is_what_is_stored(sale):
    create_tiers()
    purchase = checkout.record_purchase(**sale | {"points": 100, "till": "2", "discount": 50})
    stored = Purchase.objects.get()
    names = [field.attname for field in Purchase._meta.concrete_fields]
    assert [getattr(purchase, name) for name in names] == [getattr(stored, name) for name in names]
    earned = PointTransaction.objects.get(source=purchase.source, kind="earn")
    assert (purchase.points_earned, purchase.explanation) == (earned.points, earned.explanation)


def test_a_refusal_inside_a_callers_transaction_leaves_nothing_and_lets_it_go_on(sale):
    alice = sale["customer"]
    with transaction.atomic():
        with pytest.raises(InsufficientPoints):
            ledger.redeem(customer=alice, points=501, source="reward:1", occurred_at=NOON)
        with pytest.raises(InsufficientPoints):
            checkout.record_purchase(**sale | {"lines": sale["lines"] * 9, "points": 501})
        award(alice, 1)
    assert (PointBalance.objects.get(customer=alice).active, Purchase.objects.count()) == (501, 0)
    assert proof.prove().faults == []


def swallow_a_failure(award: Award) -> None:
    """Go on after a failed write without a savepoint: that must not work."""
    with suppress(IntegrityError):
        ledger.earn_many([award])
    PointBalance.objects.count()


def test_a_failed_write_is_undone_with_the_callers_transaction(sale):
    alice = sale["customer"]
    posted = PointTransaction.objects.get()
    again = Award(customer_id=alice.pk, points=7, source=posted.source, occurred_at=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        ledger.earn_many([again])
    with pytest.raises(transaction.TransactionManagementError), transaction.atomic():
        swallow_a_failure(again)
    assert PointBalance.objects.get(customer=alice).active == 500
    assert proof.prove().faults == []
