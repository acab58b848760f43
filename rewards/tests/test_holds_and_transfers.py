"""Points set aside, points given to somebody else, points brought back: each with the expiry it had."""

import datetime as dt

import pytest
import time_machine

from rewards import holds, ledger, proof, transfers
from rewards.models import PointBalance, PointHold, PointLot
from rewards.tests.factories import NOON, award, create_customer, create_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
QUARTER = dt.timedelta(minutes=15)


@pytest.fixture(autouse=True)
def _written_down_in_time():
    with time_machine.travel(NOON, tick=False):
        yield


def balance(customer) -> tuple[int, int, int, int]:
    row = PointBalance.objects.get(customer=customer)
    return row.pending, row.active, row.held, row.debt


def lots(customer) -> list[tuple[int, dt.datetime | None]]:
    return list(
        PointLot.objects.filter(customer=customer, remaining__gt=0)
        .in_drawing_order()
        .values_list("remaining", "expires_at")
    )


@pytest.fixture
def alice():
    """100 points in two lots of 60 and 40."""
    alice = create_customer()
    award(alice, 60, expires_at=NOON + 10 * DAY)
    award(alice, 40, expires_at=NOON + 20 * DAY)
    return alice


def hold(alice, points: int = 80) -> PointHold:
    return holds.place(customer=alice, points=points, source="hold:1", occurred_at=NOON, expires_at=NOON + QUARTER)


def test_held_points_cannot_be_spent_by_anything_else(alice):
    hold(alice)
    assert balance(alice) == (0, 20, 80, 0)
    with pytest.raises(ledger.InsufficientPoints):
        ledger.redeem(customer=alice, points=21, source="reward:1", occurred_at=NOON)
    assert hold(alice) == PointHold.objects.get()
    with pytest.raises(ledger.SourceConflict):
        hold(alice, points=79)
    assert proof.prove().faults == []


def test_a_hold_is_spent_once_and_the_rest_goes_back_to_its_lots(alice):
    placed = hold(alice)
    spent = holds.capture(hold=placed, points=50, occurred_at=NOON)
    assert holds.capture(hold=placed, points=50, occurred_at=NOON) == spent
    assert balance(alice) == (0, 50, 0, 0)
    assert lots(alice) == [(10, NOON + 10 * DAY), (40, NOON + 20 * DAY)]
    with pytest.raises(holds.HoldClosed):
        holds.capture(hold=placed, points=30, occurred_at=NOON)
    with pytest.raises(holds.HoldClosed):
        holds.release(hold=placed, occurred_at=NOON)
    assert proof.prove().faults == []


@pytest.mark.parametrize("steps", [(50,), (20, 30), (1, 48, 1)])
def test_what_was_spent_from_a_hold_comes_back_to_the_lots_it_came_from(alice, steps):
    spent = holds.capture(hold=hold(alice), points=50, occurred_at=NOON)
    for number, points in enumerate(steps):
        ledger.restore(spent=spent, points=points, source=f"cancel:{number}", occurred_at=NOON)
    assert lots(alice) == [(60, NOON + 10 * DAY), (40, NOON + 20 * DAY)]
    assert proof.prove().faults == []


def test_more_than_is_held_cannot_be_spent(alice):
    placed = hold(alice)
    for points in (0, 81):
        with pytest.raises(holds.HoldTooSmall):
            holds.capture(hold=placed, points=points, occurred_at=NOON)
    assert balance(alice) == (0, 20, 80, 0)


def test_a_lapsed_hold_cannot_be_spent_and_comes_back_by_itself(alice):
    placed = hold(alice)
    with pytest.raises(holds.HoldClosed):
        holds.capture(hold=placed, occurred_at=NOON + QUARTER)
    assert holds.release_lapsed(now=NOON + QUARTER - dt.timedelta(seconds=1)) == 0
    assert holds.release_lapsed(now=NOON + QUARTER) == 1
    assert holds.release_lapsed(now=NOON + QUARTER) == 0
    assert balance(alice) == (0, 100, 0, 0)
    assert lots(alice) == [(60, NOON + 10 * DAY), (40, NOON + 20 * DAY)]
    assert proof.prove().faults == []


def test_a_debt_made_while_points_were_held_takes_what_comes_back(alice):
    bought = award(alice, 10, source="purchase:1")
    placed = hold(alice, points=110)
    ledger.reverse_award(award=bought, points=10, source="return:1", occurred_at=NOON)
    assert balance(alice) == (0, 0, 110, -10)
    holds.capture(hold=placed, points=70, occurred_at=NOON)
    assert balance(alice) == (0, 30, 0, 0)
    assert proof.prove().faults == []


def test_transferred_points_keep_their_expiry(alice):
    bob = create_customer(name="Bob")
    first = transfers.transfer(giver=alice, receiver=bob, points=80, source="transfer:1", occurred_at=NOON)
    assert lots(alice) == [(20, NOON + 20 * DAY)]
    assert lots(bob) == [(60, NOON + 10 * DAY), (20, NOON + 20 * DAY)]
    assert transfers.transfer(giver=alice, receiver=bob, points=80, source="transfer:1", occurred_at=NOON) == first
    assert (balance(alice), balance(bob)) == ((0, 20, 0, 0), (0, 80, 0, 0))
    assert proof.prove().faults == []


def test_a_transfer_is_refused_beyond_the_balance_to_oneself_and_under_a_used_key(alice):
    bob, carol = create_customer(name="Bob"), create_customer(name="Carol")
    with pytest.raises(ledger.InsufficientPoints):
        transfers.transfer(giver=alice, receiver=bob, points=101, source="transfer:1", occurred_at=NOON)
    with pytest.raises(transfers.TransferToSelf):
        transfers.transfer(giver=alice, receiver=alice, points=1, source="transfer:1", occurred_at=NOON)
    transfers.transfer(giver=alice, receiver=bob, points=10, source="transfer:1", occurred_at=NOON)
    for receiver, points in ((bob, 11), (carol, 10)):
        with pytest.raises(ledger.SourceConflict):
            transfers.transfer(giver=alice, receiver=receiver, points=points, source="transfer:1", occurred_at=NOON)


def test_a_debt_of_the_receiver_absorbs_first(alice):
    bob = create_customer(name="Bob")
    bought = award(bob, 30, source="purchase:1")
    ledger.redeem(customer=bob, points=30, source="reward:1", occurred_at=NOON)
    ledger.reverse_award(award=bought, points=30, source="return:1", occurred_at=NOON)
    transfers.transfer(giver=alice, receiver=bob, points=70, source="transfer:1", occurred_at=NOON)
    assert balance(bob) == (0, 40, 0, 0)
    assert proof.prove().faults == []


def test_expired_points_are_brought_back_once_and_within_thirty_days(alice):
    manager = create_user()
    ledger.settle_many(customer_ids=[alice.pk], now=NOON + 10 * DAY)
    expired = alice.point_transactions.get(kind="expire")
    values = {"expired": expired, "reason": "goodwill", "by": manager}
    with pytest.raises(ledger.TooLateToReinstate):
        ledger.reinstate(source="reinstate:1", occurred_at=NOON + 41 * DAY, **values)
    with time_machine.travel(NOON + 12 * DAY, tick=False):
        row = ledger.reinstate(source="reinstate:1", occurred_at=NOON + 12 * DAY, **values)
    assert ledger.reinstate(source="reinstate:1", occurred_at=NOON + 12 * DAY, **values) == row
    with pytest.raises(ledger.ReversalTooLarge):
        ledger.reinstate(source="reinstate:2", occurred_at=NOON + 12 * DAY, **values)
    assert balance(alice) == (0, 100, 0, 0)
    assert max(end for __, end in lots(alice)) < NOON + 44 * DAY
    assert proof.prove().faults == []
