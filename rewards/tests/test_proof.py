"""The books prove themselves, and every row that somebody changed by hand is named."""

import datetime as dt

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from rewards import daily, ledger, proof, triggers
from rewards.models import BookProof, PointBalance, PointLot, PointTransaction
from rewards.tests.factories import NOON, award, create_customer, create_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def history():
    """Two customers with a bit of everything."""
    alice, bob, manager = create_customer(), create_customer(name="Bob"), create_user()
    bought = award(alice, 100, source="purchase:1", expires_at=NOON + 40 * DAY)
    award(alice, 40, expires_at=NOON + 3 * DAY)
    spent = ledger.redeem(customer=alice, points=60, source="reward:1", occurred_at=NOON)
    ledger.restore(spent=spent, points=20, source="cancel:1", occurred_at=NOON + DAY)
    ledger.reverse_award(award=bought, points=100, source="return:1", occurred_at=NOON + 2 * DAY)
    award(bob, 500, activates_at=dt.datetime.now(dt.UTC) + DAY, source="purchase:2")
    ledger.adjust(customer=bob, points=30, source="adjust:1", occurred_at=NOON, reason="goodwill", by=manager)
    daily.run(now=NOON + 5 * DAY)
    return alice, bob


def test_an_honest_history_balances(history):
    found = proof.prove()
    assert found.faults == []
    assert found.customers == 2
    assert found.transactions == PointTransaction.objects.count()
    assert sum(found.trial_balance.values()) == 0
    assert found.trial_balance["active"] == sum(PointBalance.objects.values_list("active", flat=True))


def test_the_command_says_so_and_keeps_the_result(history, capsys):
    call_command("prove_books", record=True, verbosity=0)
    assert "the books balance" in capsys.readouterr().out
    assert BookProof.objects.get().is_balanced


def tamper(statement: str) -> None:
    triggers.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement)
    triggers.install(connection)


FIRST = "(SELECT min(id) FROM rewards_pointtransaction)"


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE rewards_pointtransaction SET points = points + 1 WHERE id = {FIRST}",
        f"UPDATE rewards_pointtransaction SET source = 'purchase:7' WHERE id = {FIRST}",
        f"UPDATE rewards_pointtransaction SET occurred_at = '2026-01-01 00:00:00+00' WHERE id = {FIRST}",
        f"UPDATE rewards_pointtransaction SET active_after = 1000 WHERE id = {FIRST}",
        f"UPDATE rewards_pointtransaction SET mac = '0' WHERE id = {FIRST}",
        f"UPDATE rewards_pointtransaction SET key_number = 9 WHERE id = {FIRST}",
        "UPDATE rewards_pointbalance SET active = active + 1",
        "UPDATE rewards_pointbalance SET lifetime = lifetime + 1",
        "UPDATE rewards_pointlot SET remaining = remaining - 1 WHERE remaining > 0",
        "UPDATE rewards_lotallocation SET points = points - 1",
        "DELETE FROM rewards_lotallocation",
    ],
)
def test_a_change_by_hand_is_found_and_named(history, statement):
    tamper(statement)
    found = proof.prove()
    assert not found.is_balanced
    with pytest.raises(CommandError, match="fit"):
        call_command("prove_books", verbosity=0)


def test_a_removed_transaction_leaves_a_gap(history):
    alice, __ = history
    last = PointTransaction.objects.filter(customer=alice).order_by("sequence").last()
    tamper(f"DELETE FROM rewards_lotallocation WHERE transaction_id = {last.pk}")
    tamper(f"DELETE FROM rewards_pointtransaction WHERE id = {last.pk}")
    assert any("balance does not follow" in fault for fault in proof.prove().faults)


def test_a_balance_out_of_nothing_is_found(history):
    PointBalance.objects.create(customer=create_customer(name="Mallory"), active=1_000_000)
    assert not proof.prove().is_balanced


def test_groups_cover_every_customer(history, monkeypatch):
    whole = proof.prove()
    monkeypatch.setattr(proof, "GROUP", 1)
    assert proof.prove() == whole


def test_the_daily_run_twice_changes_nothing(history):
    before = proof.prove().digest
    assert daily.run(now=NOON + 5 * DAY) == 0
    assert proof.prove().digest == before
    assert PointLot.objects.filter(remaining__gt=0, expires_at__lte=NOON + 5 * DAY).count() == 0
