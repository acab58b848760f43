"""The only writer of points: what each verb does to balances, lots and history."""

import datetime as dt

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from customers.models.history import AppendOnlyError
from rewards import ledger
from rewards.models import LotAllocation, PointBalance, PointLot, PointTransaction
from rewards.tests.factories import NOON, award, create_customer, create_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _written_down_in_time():
    with time_machine.travel(NOON, tick=False):
        yield


def balance(customer) -> tuple[int, int, int, int]:
    row = PointBalance.objects.get(customer=customer)
    return row.pending, row.active, row.held, row.debt


def test_earning_opens_a_lot_and_raises_the_balance():
    alice = create_customer()
    row = award(alice, 100, expires_at=NOON + DAY)
    assert balance(alice) == (0, 100, 0, 0)
    assert (row.sequence, row.signed, row.active_after) == (1, 100, 100)
    lot = PointLot.objects.get()
    assert (lot.remaining, lot.transaction, lot.expires_at) == (100, row, NOON + DAY)


def test_the_same_cause_earns_once():
    alice = create_customer()
    first = award(alice, 100, source="purchase:1")
    assert award(alice, 100, source="purchase:1") == first
    assert balance(alice) == (0, 100, 0, 0)


def test_the_same_cause_with_other_points_or_another_customer_is_refused():
    alice, bob = create_customer(), create_customer(name="Bob")
    award(alice, 100, source="purchase:1")
    for customer, points in ((alice, 99), (bob, 100)):
        with pytest.raises(ledger.SourceConflict):
            award(customer, points, source="purchase:1")
    assert PointTransaction.objects.count() == 1


@pytest.mark.parametrize("points", [0, -5])
def test_points_must_be_positive(points):
    with pytest.raises(ValueError, match="1 or more"):
        award(create_customer(), points)


def test_redeeming_draws_on_what_expires_first_and_never_expiring_last():
    alice = create_customer()
    forever = award(alice, 50)
    late = award(alice, 50, expires_at=NOON + 20 * DAY)
    early = award(alice, 50, expires_at=NOON + 10 * DAY)
    spent = ledger.redeem(customer=alice, points=70, source="reward:1", occurred_at=NOON)
    left = {lot.transaction_id: lot.remaining for lot in PointLot.objects.all()}
    assert left == {early.pk: 0, late.pk: 30, forever.pk: 50}
    assert sorted(LotAllocation.objects.filter(transaction=spent).values_list("points", flat=True)) == [-50, -20]
    assert balance(alice) == (0, 80, 0, 0)


def test_redeeming_more_than_the_balance_changes_nothing():
    alice = create_customer()
    award(alice, 100)
    with pytest.raises(ledger.InsufficientPoints) as refusal:
        ledger.redeem(customer=alice, points=101, source="reward:1", occurred_at=NOON)
    assert (refusal.value.needed, refusal.value.available) == (101, 100)
    assert balance(alice) == (0, 100, 0, 0)
    assert PointTransaction.objects.count() == 1


def test_pending_points_cannot_be_spent_before_their_day_and_can_from_then_on():
    alice = create_customer()
    tomorrow = dt.datetime.now(dt.UTC) + DAY
    award(alice, 100, activates_at=tomorrow)
    assert balance(alice) == (100, 0, 0, 0)
    with pytest.raises(ledger.InsufficientPoints):
        ledger.redeem(customer=alice, points=100, source="reward:1", occurred_at=tomorrow - DAY)
    ledger.redeem(customer=alice, points=100, source="reward:1", occurred_at=tomorrow)
    assert balance(alice) == (0, 0, 0, 0)


def test_expired_points_cannot_be_spent_even_before_the_nightly_run():
    alice = create_customer()
    award(alice, 100, expires_at=NOON + DAY)
    with pytest.raises(ledger.InsufficientPoints):
        ledger.redeem(customer=alice, points=1, source="reward:1", occurred_at=NOON + DAY)


def test_settling_books_each_expiry_once():
    alice = create_customer()
    award(alice, 100, expires_at=NOON + DAY)
    award(alice, 30, expires_at=NOON + DAY)
    award(alice, 7)
    assert ledger.settle_many(customer_ids=[alice.pk], now=NOON + DAY) == 1
    assert ledger.settle_many(customer_ids=[alice.pk], now=NOON + DAY) == 0
    assert balance(alice) == (0, 7, 0, 0)
    assert PointTransaction.objects.get(kind="expire").points == 130


def test_reversing_takes_the_awards_own_lot_then_others_then_leaves_a_debt():
    alice = create_customer()
    award(alice, 30, expires_at=NOON + DAY)
    bought = award(alice, 100, source="purchase:1", expires_at=NOON + 9 * DAY)
    ledger.redeem(customer=alice, points=60, source="reward:1", occurred_at=NOON)
    rows = ledger.reverse_award(award=bought, points=100, source="return:1", occurred_at=NOON)
    assert [(row.from_account, row.points) for row in rows] == [("active", 70), ("debt", 30)]
    assert balance(alice) == (0, 0, 0, -30)
    award(alice, 50)
    assert balance(alice) == (0, 20, 0, 0)


def test_a_reversal_never_exceeds_the_award():
    alice = create_customer()
    bought = award(alice, 100)
    ledger.reverse_award(award=bought, points=60, source="return:1", occurred_at=NOON)
    with pytest.raises(ledger.ReversalTooLarge):
        ledger.reverse_award(award=bought, points=41, source="return:2", occurred_at=NOON)
    ledger.reverse_award(award=bought, points=60, source="return:1", occurred_at=NOON)
    assert balance(alice) == (0, 40, 0, 0)


def test_restored_points_go_back_to_their_lots_with_their_expiry_whatever_the_split():
    alice = create_customer()
    early = award(alice, 50, expires_at=NOON + 10 * DAY)
    late = award(alice, 50, expires_at=NOON + 20 * DAY)
    spent = ledger.redeem(customer=alice, points=80, source="reward:1", occurred_at=NOON)
    ledger.restore(spent=spent, points=40, source="cancel:1", occurred_at=NOON)
    assert {lot.transaction_id: lot.remaining for lot in PointLot.objects.all()} == {early.pk: 10, late.pk: 50}
    ledger.restore(spent=spent, points=40, source="cancel:2", occurred_at=NOON)
    assert {lot.transaction_id: lot.remaining for lot in PointLot.objects.all()} == {early.pk: 50, late.pk: 50}
    with pytest.raises(ledger.ReversalTooLarge):
        ledger.restore(spent=spent, points=1, source="cancel:3", occurred_at=NOON)


def test_points_from_a_lot_that_expired_meanwhile_come_back_for_thirty_days():
    alice = create_customer()
    award(alice, 50, expires_at=NOON + DAY)
    spent = ledger.redeem(customer=alice, points=50, source="reward:1", occurred_at=NOON)
    ledger.restore(spent=spent, points=50, source="cancel:1", occurred_at=NOON + 2 * DAY)
    lot = PointLot.objects.get(remaining=50)
    assert 30 * DAY < lot.expires_at - (NOON + 2 * DAY) < 32 * DAY
    assert balance(alice) == (0, 50, 0, 0)


def test_adjusting_gives_and_takes_with_the_name_of_who_did_it():
    alice, manager = create_customer(), create_user()
    ledger.adjust(customer=alice, points=40, source="adjust:1", occurred_at=NOON, reason="goodwill", by=manager)
    ledger.adjust(customer=alice, points=-15, source="adjust:2", occurred_at=NOON, reason="mistake", by=manager)
    assert balance(alice) == (0, 25, 0, 0)
    assert set(PointTransaction.objects.values_list("by", flat=True)) == {manager.pk}
    with pytest.raises(ledger.InsufficientPoints):
        ledger.adjust(customer=alice, points=-26, source="adjust:3", occurred_at=NOON, reason="mistake", by=manager)


def test_history_can_be_changed_neither_by_the_model_nor_by_a_queryset():
    row = award(create_customer(), 100)
    with pytest.raises(AppendOnlyError):
        row.save()
    with pytest.raises(AppendOnlyError):
        row.delete()
    with pytest.raises(AppendOnlyError):
        PointTransaction.objects.update(points=1)
    with pytest.raises(AppendOnlyError):
        PointTransaction.objects.all().delete()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rewards_pointtransaction SET points = points + 1",
        "DELETE FROM rewards_pointtransaction",
        "UPDATE rewards_lotallocation SET points = points + 1",
        "DELETE FROM rewards_lotallocation",
        "INSERT OR REPLACE INTO rewards_lotallocation (id, transaction_id, lot_id, points) "
        "SELECT id, transaction_id, lot_id, points + 1 FROM rewards_lotallocation",
        "TRUNCATE rewards_pointtransaction CASCADE",
    ],
)
def test_the_database_refuses_to_change_history(statement):
    if ("OR REPLACE" in statement and connection.vendor != "sqlite") or (
        "TRUNCATE" in statement and connection.vendor != "postgresql"
    ):
        return  # the other database's dialect
    alice = create_customer()
    award(alice, 100)
    ledger.redeem(customer=alice, points=10, source="reward:1", occurred_at=NOON)
    before = list(PointTransaction.objects.values_list("points", flat=True))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert list(PointTransaction.objects.values_list("points", flat=True)) == before


def test_a_balance_can_never_be_negative_in_the_database():
    alice = create_customer()
    for bad in ({"active": -1}, {"pending": -1}, {"held": -1}, {"debt": 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            PointBalance.objects.create(customer=alice, **bad)


def test_the_same_cause_cannot_give_and_take():
    alice, by = create_customer(), create_user()
    award(alice, 100)
    ledger.adjust(customer=alice, points=50, source="adjust:1", occurred_at=NOON, reason="goodwill", by=by)
    with pytest.raises(ledger.SourceConflict):
        ledger.adjust(customer=alice, points=-50, source="adjust:1", occurred_at=NOON, reason="goodwill", by=by)
    assert balance(alice) == (0, 150, 0, 0)
