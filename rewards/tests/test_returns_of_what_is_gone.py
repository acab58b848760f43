"""Goods that come back after their points expired or were spent. docs/points.md#refunds"""

import datetime as dt

import pytest
from django.core.management import call_command

from customers.models import Notice, Product
from customers.tests.factories import create_customer, create_store, create_user
from rewards import ledger, proof, returns, statement
from rewards.checkout import record_purchase
from rewards.models import PointBalance, PointTransaction
from rewards.sale import SoldLine
from rewards.tests.factories import NOON, award, create_rule

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
LATER = NOON + 40 * DAY  # the points of the purchase have expired: one month, to the day
KEPT = NOON + 400 * DAY


@pytest.fixture
def alice():
    create_rule(expiry="rolling", expiry_months=1)
    return create_customer(name="Alice")


@pytest.fixture
def purchase(alice):
    """100 points for five pieces of 20.00."""
    thing = Product.objects.create(sku="thing", name_en="Thing")
    return record_purchase(
        store=create_store(), reference="R1", customer=alice, occurred_at=NOON, lines=[SoldLine(thing, 5, 2_000)]
    )


def bring_back(purchase, pieces: int, reference: str = "B1", at: dt.datetime = LATER) -> None:
    returns.refund(purchase=purchase, reference=reference, quantities={1: pieces}, occurred_at=at)


def accounts(alice) -> tuple[int, int]:
    balance = PointBalance.objects.get(customer=alice)
    found = proof.prove()
    assert found.faults == []
    assert sum(found.trial_balance.values()) == 0
    return balance.active, balance.debt


@pytest.mark.parametrize(
    ("spent", "others", "pieces", "active", "debt"),
    [
        (0, 0, 5, 0, 0),  # all expired unspent: nobody gives them back twice
        (0, 50, 5, 50, 0),  # nor are other points taken for them
        (100, 0, 5, 0, -100),  # spent before they could expire: owed
        (60, 0, 5, 0, -60),  # 40 expired
        (60, 50, 5, 0, -10),  # 40 expired, 50 from the others, 10 owed
        (60, 50, 2, 50, 0),  # 40 to be taken back, 40 expired
        (60, 50, 3, 30, 0),
    ],
)
def test_what_expired_unspent_counts_as_given_back(alice, purchase, spent, others, pieces, active, debt):
    if spent:
        ledger.redeem(customer=alice, points=spent, source="reward:1", occurred_at=NOON + DAY)
    if others:
        award(alice, others, at=NOON + DAY, expires_at=KEPT)
    bring_back(purchase, pieces)
    assert accounts(alice) == (active, debt)


def test_piece_by_piece_ends_where_one_return_ends(alice, purchase):
    ledger.redeem(customer=alice, points=60, source="reward:1", occurred_at=NOON + DAY)
    award(alice, 50, at=NOON + DAY, expires_at=KEPT)
    for number in range(5):
        bring_back(purchase, 1, f"B{number}")
    assert accounts(alice) == (0, -10)


def test_points_that_staff_brought_back_are_taken(alice, purchase):
    ledger.settle_many(customer_ids=[alice.pk], now=LATER)
    expired = PointTransaction.objects.get(kind="expire")
    ledger.reinstate(expired=expired, source="reinstate:1", occurred_at=LATER, reason="kindness", by=create_user())
    bring_back(purchase, 5, at=LATER + DAY)
    assert accounts(alice) == (0, 0)
    assert PointTransaction.objects.filter(kind="reinstate").count() == 1


def test_the_statement_and_the_mail_say_so(alice, purchase):
    bring_back(purchase, 5)
    lines, __ = statement.page_of(customer=alice, before=None, size=2)
    assert [(line.what, line.points) for line in lines] == [
        ("Already expired, so not taken again", "+100"),
        ("Points taken back for a return", "−100"),
    ]
    assert lines[0].why == ["You need not make up for it."]
    assert not Notice.objects.filter(kind="return_explained", context__taken__gt=0).exists()


@pytest.mark.parametrize(("clamps", "debt", "written_off"), [(False, -80, 0), (True, 0, 80)])
def test_the_setting_writes_off_what_is_spent(alice, purchase, settings, clamps, debt, written_off):
    settings.CLAMP_RETURNS = clamps
    ledger.redeem(customer=alice, points=80, source="reward:1", occurred_at=NOON + DAY)
    bring_back(purchase, 5, at=NOON + 2 * DAY)
    assert accounts(alice) == (0, debt)
    assert -proof.prove().trial_balance["written_off"] == written_off
    award(alice, 10, at=NOON + 3 * DAY)
    assert accounts(alice) == ((10, 0) if clamps else (0, -70))


def test_written_off_piece_by_piece_ends_alike_and_reads_well(alice, purchase, settings):
    settings.CLAMP_RETURNS = True
    ledger.redeem(customer=alice, points=80, source="reward:1", occurred_at=NOON + DAY)
    for number in range(5):
        bring_back(purchase, 1, f"B{number}", at=NOON + 2 * DAY)
    assert accounts(alice) == (0, 0)
    assert -proof.prove().trial_balance["written_off"] == 80
    newest = statement.page_of(customer=alice, before=None, size=1)[0][0]
    assert (newest.what, newest.points, newest.why) == ("Waived by the shop", "+20", ["You need not make up for it."])
    told = [notice.context["taken"] for notice in Notice.objects.filter(kind="return_explained").order_by("source")]
    assert sum(told) == 20
    call_command("prove_books", verbosity=0)
