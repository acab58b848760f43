"""Tills that are killed in the middle of their work: what they said they did is there, and nothing is there by half."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection

from customers.models import Product, Purchase, Return
from rewards import proof
from rewards.models import PointTransaction
from rewards.tests.factories import create_customer, create_rule, create_store

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS, TILLS = 12, 2


class Nursery:
    """The process that forks tills, and what they have said so far."""

    def __init__(self, database_url: str = "") -> None:
        if not database_url:
            url = os.environ.get("DATABASE_URL", "sqlite:///").rpartition("/")[0]
            database_url = f"{url}/{connection.settings_dict['NAME']}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rewards.tests.crashing_till"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "loyalty_site.settings"},
        )
        self.said: dict[str, list[str]] = defaultdict(list)
        self.listen("ready")

    def tell(self, command: object) -> None:
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    def listen(self, word: str, *, times: int = 1) -> None:
        """Read what the tills say until a word was heard some more times."""
        wanted = len(self.said[word]) + times
        while len(self.said[word]) < wanted:
            line = self.process.stdout.readline()
            assert line, "the tills fell silent"
            heard, what = line.split()
            self.said[heard].append(what)

    def kill_all(self, pids: list[int]) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.tell("reap")
        self.listen("reaped")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=20)


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


def other_connections() -> set[int]:
    """Return the processes of PostgreSQL that work for anybody but this test's own connection."""
    if connection.vendor != "postgresql":
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, pg_stat_clear_snapshot() FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return {pid for pid, _nothing in cursor.fetchall()}


def wait_for_the_server(earlier: set[int]) -> None:
    """Let PostgreSQL finish what it was told before the till died; `earlier` were there before any till."""
    for _ in range(1_000):
        if not other_connections() - earlier:
            return
        time.sleep(0.01)
    pytest.fail("the server still works for a till that is dead")


def everything_is_whole() -> None:
    """Assert that the books balance and that purchases, returns and points belong together."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert proof.prove().faults == []
    earned = dict(PointTransaction.objects.filter(kind="earn").values_list("source", "points"))
    purchases = {row.source: row for row in Purchase.objects.prefetch_related("lines")}
    assert earned == {source: row.total // 100 for source, row in purchases.items()}
    for row in purchases.values():
        assert sum(line.total for line in row.lines.all()) == row.total
    reversed_by = set(PointTransaction.objects.filter(kind="reverse").values_list("source", flat=True))
    assert reversed_by == {row.source for row in Return.objects.all()}


def test_a_killed_till_leaves_whole_purchases_or_none(nursery):
    kill_again_and_again(nursery, ROUNDS)


@pytest.mark.long
def test_fifty_rounds_of_killed_tills_leave_whole_purchases_or_none(nursery):
    kill_again_and_again(nursery, 50)


def kill_again_and_again(nursery: Nursery, rounds: int) -> None:
    create_rule()
    create_store()
    Product.objects.create(sku="latte", name_en="Latte")
    for name in ("Alice", "Bob", "Charlie"):
        create_customer(name=name)
    chance, earlier = random.Random(20_260_310), other_connections()
    for round_number in range(rounds):
        for till in range(TILLS):
            nursery.tell(round_number * TILLS + till)
        nursery.listen("till", times=TILLS)
        nursery.listen("sold", times=2)
        time.sleep(chance.random() / 10)  # in the middle of whatever they are doing
        nursery.kill_all([int(pid) for pid in nursery.said["till"][-TILLS:]])
        wait_for_the_server(earlier)
        everything_is_whole()

    # What a till said it did, it did: nothing that was acknowledged is lost.
    said = nursery.said
    assert {int(pk) for pk in said["sold"]} <= set(Purchase.objects.values_list("pk", flat=True))
    assert {int(pk) for pk in said["returned"]} <= set(Return.objects.values_list("purchase_id", flat=True))
    spent = PointTransaction.objects.filter(kind="redeem").values_list("source", flat=True)
    assert set(said["spent"]) <= set(spent)
    assert len(said["sold"]) >= rounds * 2
    # At most what each till was about to say is more than what was heard.
    assert Purchase.objects.count() - len(said["sold"]) <= rounds * TILLS
