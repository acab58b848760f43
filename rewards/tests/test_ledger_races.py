"""Many tills, one balance: threads with connections of their own, committed for real, on both databases.

The naive ways of the last tests must lose: a race that nobody can lose is none.
"""

import datetime as dt
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import OperationalError, close_old_connections, connection, transaction
from django.db.models import F

from customers.models import Customer, Product, Purchase, Return
from rewards import checkout, daily, ledger, proof, returns
from rewards.ledger import Award, InsufficientPoints
from rewards.models import PointBalance, PointTransaction
from rewards.sale import SoldLine
from rewards.tests.factories import NOON, award, create_customer, create_rule, create_store

pytestmark = pytest.mark.django_db(transaction=True)
DAY = dt.timedelta(days=1)
SPENDERS = 64
ROUNDS = 10


def race(actions: Iterable[Callable[[], object]]) -> list[object]:
    """Start all actions at the same moment, each in a thread of its own; return what they returned or raised."""
    actions = list(actions)
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            start.wait(timeout=60)
            return action()
        except Exception as error:  # what was raised is the result
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        results = list(pool.map(run, actions))
    close_old_connections()
    return results


def patiently(action: Callable[[], object]) -> Callable[[], object]:
    """Let an action ask again when it queued for a lock too long, as a till does that hears 503."""

    def ask() -> object:
        for _again in range(10):
            try:
                return action()
            except OperationalError as error:
                if "lock timeout" not in str(error) and "locked" not in str(error):
                    raise
        raise AssertionError("ten times in a row the lock was not to be had")

    return ask


def outcomes(results: Iterable[object]) -> Counter[str]:
    """Count results by type, so that an unexpected error is seen by its name."""
    return Counter(type(result).__name__ for result in results)


def balance(customer: Customer) -> tuple[int, int, int]:
    row = PointBalance.objects.get(customer=customer)
    return row.pending, row.active, row.debt


def spend(customer: Customer, points: int, source: str) -> Callable[[], PointTransaction]:
    return lambda: ledger.redeem(customer=customer, points=points, source=source, occurred_at=NOON)


def the_books_balance() -> bool:
    found = proof.prove()
    assert found.faults == []
    return True


def test_of_64_spenders_of_one_balance_exactly_one_wins():
    alice = create_customer()
    award(alice, 100)
    results = race(spend(alice, 100, f"reward:{number}") for number in range(SPENDERS))
    assert outcomes(results) == {"PointTransaction": 1, "InsufficientPoints": SPENDERS - 1}
    assert {(error.needed, error.available) for error in results if isinstance(error, InsufficientPoints)} == {(100, 0)}
    assert balance(alice) == (0, 0, 0)
    assert PointTransaction.objects.filter(kind="redeem").count() == 1
    assert the_books_balance()


def test_64_spenders_of_a_part_each_spend_what_is_there_and_no_point_more():
    alice = create_customer()
    for number in range(5):
        award(alice, 20, expires_at=NOON + (number + 1) * DAY)
    results = race(spend(alice, 7, f"reward:{number}") for number in range(SPENDERS))
    assert outcomes(results) == {"PointTransaction": 14, "InsufficientPoints": SPENDERS - 14}
    assert balance(alice) == (0, 2, 0)
    assert the_books_balance()


@pytest.mark.parametrize("verb", ["earn", "spend", "reverse", "restore"])
def test_one_cause_sent_32_times_at_once_has_one_effect(verb: str):
    alice = create_customer()
    first = award(alice, 100)
    spent = ledger.redeem(customer=alice, points=40, source="reward:0", occurred_at=NOON)
    cause = {"points": 10, "source": "cause:1", "occurred_at": NOON}
    action, expected = {
        "earn": (lambda: ledger.earn(customer=alice, **cause).pk, 70),
        "spend": (lambda: ledger.redeem(customer=alice, **cause).pk, 50),
        "reverse": (lambda: ledger.reverse_award(award=first, **cause)[0].pk, 50),
        "restore": (lambda: ledger.restore(spent=spent, **cause)[0].pk, 70),
    }[verb]
    results = race([action] * 32)
    assert outcomes(results) == {"int": 32}
    assert len(set(results)) == 1
    assert balance(alice) == (0, expected, 0)
    assert the_books_balance()


def test_many_tills_earn_for_a_new_customer_at_once():
    for _ in range(5):
        newcomer = create_customer()
        results = race(lambda n=n, c=newcomer: award(c, 5, source=f"visit:{c.pk}:{n}") for n in range(8))
        assert outcomes(results) == {"PointTransaction": 8}
        assert balance(newcomer) == (0, 40, 0)
        sequences = newcomer.point_transactions.order_by("sequence").values_list("sequence", flat=True)
        assert list(sequences) == list(range(1, 9))
    assert the_books_balance()


def test_overlapping_batches_in_any_order_never_deadlock():
    old = [create_customer() for _ in range(10)]
    for customer in old:
        award(customer, 1, expires_at=NOON + DAY)
    # Half of them have no balance yet: their rows are made in the middle of the race.
    people = old + [create_customer() for _ in range(10)]

    def batch(number: int) -> int:
        order = people[number:] + people[:number]
        order = order[::-1] if number % 2 else order
        awards = [
            Award(customer_id=customer.pk, points=1, source=f"batch:{number}:{customer.pk}", occurred_at=NOON)
            for customer in order
        ]
        return ledger.earn_many(awards)

    def settle(number: int) -> int:
        order = people[::-1] if number % 2 else people
        return ledger.settle_many(customer_ids=[customer.pk for customer in order], now=NOON + 2 * DAY)

    actions = [lambda n=n: batch(n) for n in range(12)] + [lambda n=n: settle(n) for n in range(4)]
    assert outcomes(race(actions)) == {"int": 16}
    assert [balance(customer) for customer in people] == [(0, 12, 0)] * len(people)
    assert PointTransaction.objects.filter(kind="expire").count() == len(old)
    assert the_books_balance()


def test_batches_over_newcomers_never_deadlock():
    for round_number in range(4):
        people = [create_customer() for _ in range(12)]
        chosen = [people[n % 12 :: n % 3 + 1] + people[: n % 7] for n in range(12)]

        def batch(number: int, round_number: int = round_number, chosen: list = chosen) -> int:
            return ledger.earn_many(
                Award(customer_id=customer.pk, points=1, source=f"b:{round_number}:{number}:{place}", occurred_at=NOON)
                for place, customer in enumerate(chosen[number])
            )

        assert outcomes(race(lambda n=n: batch(n) for n in range(12))) == {"int": 12}
    assert the_books_balance()


@pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.long)])
def test_an_expiry_run_and_16_spenders_use_each_point_once(rounds: int):
    for number in range(rounds):
        alice = create_customer()
        award(alice, 60, expires_at=NOON + DAY)
        award(alice, 40)
        before = [spend(alice, 10, f"reward:{number}:{till}") for till in range(16)]
        results = race([lambda: daily.run(now=NOON + 2 * DAY), *before])
        won = outcomes(results)["PointTransaction"]
        assert outcomes(results) == {"int": 1, "PointTransaction": won, "InsufficientPoints": 16 - won}
        rows = alice.point_transactions
        expired = sum(rows.filter(kind="expire").values_list("points", flat=True))
        # Whoever comes before the run spends what ends first; the 40 that never end are spent in any case.
        assert won * 10 + expired == 100
        assert won in range(4, 11)
        assert balance(alice) == (0, 0, 0)
    assert the_books_balance()


def test_64_tills_with_one_receipt_record_one_purchase():
    create_rule()
    alice, store = create_customer(), create_store()
    line = SoldLine(Product.objects.create(sku="latte", name_en="Latte"), 1, 1_500)
    for customer, expected in ((alice, (0, 15, 0)), (None, (0, 15, 0))):
        reference = "R-guest" if customer is None else "R-alice"
        results = race(
            lambda c=customer, r=reference: (
                checkout.record_purchase(store=store, reference=r, customer=c, occurred_at=NOON, lines=[line]).pk
            )
            for _ in range(32)
        )
        assert outcomes(results) == {"int": 32}
        assert len(set(results)) == 1
        assert balance(alice) == expected
    assert Purchase.objects.count() == 2
    assert the_books_balance()


def test_16_returns_of_one_item_give_it_back_once():
    create_rule()
    alice = create_customer()
    line = SoldLine(Product.objects.create(sku="latte", name_en="Latte"), 3, 1_000)
    purchase = checkout.record_purchase(
        store=create_store(), reference="R", customer=alice, occurred_at=NOON, lines=[line]
    )
    results = race(
        lambda n=n: returns.refund(purchase=purchase, reference=f"back-{n}", quantities={1: 1}, occurred_at=NOON)
        for n in range(16)
    )
    assert outcomes(results) == {"Return": 3, "ReturnTooLarge": 13}
    assert (balance(alice), Return.objects.count()) == ((0, 0, 0), 3)
    assert the_books_balance()


# Negative controls: the same races, run the way that many shops run them


def naively(customer: Customer, points: int) -> str:
    """Read, decide, write, each on its own."""
    available = PointBalance.objects.get(customer=customer).active
    if available < points:
        return "refused"
    time.sleep(0.005)  # the till prints a voucher
    with transaction.atomic():
        PointBalance.objects.filter(customer=customer).update(active=available - points, sequence=F("sequence") + 1)
    return "spent"


def in_one_transaction_without_a_lock(customer: Customer, points: int) -> str:
    """The same, inside one transaction, as PostgreSQL runs it by default."""
    with transaction.atomic():
        available = PointBalance.objects.get(customer=customer).active
        if available < points:
            return "refused"
        time.sleep(0.005)
        PointBalance.objects.filter(customer=customer).update(active=available - points, sequence=F("sequence") + 1)
    return "spent"


def in_a_deferred_transaction(customer_id: int, points: int) -> str:
    """The same on SQLite, as Django runs it by default."""
    with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=20, isolation_level=None)) as own:
        own.execute("BEGIN DEFERRED")
        ((available,),) = own.execute("SELECT active FROM rewards_pointbalance WHERE customer_id = ?", [customer_id])
        if available < points:
            return "refused"
        time.sleep(0.005)
        own.execute("UPDATE rewards_pointbalance SET active = active - ? WHERE customer_id = ?", [points, customer_id])
        own.execute("COMMIT")
    return "spent"


def most_spent(way: Callable[[Customer, int], object]) -> int:
    """Let 16 tills spend one balance until one round is lost; return how often it was spent in that round."""
    for _ in range(ROUNDS):
        alice = create_customer()
        award(alice, 100)
        spent = race([lambda alice=alice: way(alice, 100)] * 16).count("spent")
        if spent != 1:
            return spent
    return 1


def test_the_naive_way_spends_twice_so_the_race_is_a_race():
    assert most_spent(naively) > 1, "nobody overspent in ten rounds: these tests cannot see a race"


def test_without_locks_and_immediate_transactions_each_database_shows_its_own_fault():
    if connection.vendor == "postgresql":
        assert most_spent(in_one_transaction_without_a_lock) > 1, "nobody overspent in ten rounds"
        return
    # SQLite has one writer at a time, but a reader that turns into a writer is refused at once, whatever its patience.
    for _round in range(ROUNDS):
        alice = create_customer()
        award(alice, 100)
        results = race([lambda customer=alice: in_a_deferred_transaction(customer.pk, 100)] * 16)
        assert results.count("spent") <= 1
        if outcomes(results)["OperationalError"]:
            return
    pytest.fail("nobody was refused in ten rounds")
