"""PostgreSQL itself is killed, with all its processes, while tills sell: what was committed is there after recovery.

Twice on every run, twenty times with --long. SQLite has no server: there test_crash.py kills the writers.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from rewards.tests.test_crash import Nursery
from tests.servers import Postgres

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server that could be killed")
TILLS = 2
PREPARE = """
from customers.models import Customer, Product, Store
from rewards.models import EarningRule
from rewards.tests.factories import NOON, create_customer, create_rule, create_store
create_rule(); create_store(); Product.objects.create(sku="latte", name_en="Latte")
for name in ("Alice", "Bob", "Charlie"):
    create_customer(name=name)
"""


class Database:
    """A durable server with a small shop in it."""

    def __init__(self) -> None:
        self.server = Postgres(durable=True).start()
        self.environment = os.environ | {
            "DATABASE_URL": self.server.url(),
            "DJANGO_SETTINGS_MODULE": "loyalty_site.settings",
        }
        self.manage("migrate", "--verbosity", "0")
        self.manage("shell", "--no-imports", "-c", PREPARE)

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=settings.BASE_DIR, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, query: str) -> set:
        with psycopg.connect(self.server.url()) as own:
            return {row[0] for row in own.execute(query).fetchall()}

    def crash(self) -> None:
        """Kill the server and all its processes at once, and start it over what is left on the disk."""
        self.server.kill()
        self.server.start()


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    yield database
    database.server.close()


def kill_under_load(database: Database, kills: int) -> None:
    nursery = Nursery(database.server.url())
    chance = random.Random(20_260_310)
    try:
        for number in range(kills):
            for till in range(TILLS):
                nursery.tell(number * TILLS + till)
            nursery.listen("till", times=TILLS)
            nursery.listen("sold", times=4)
            time.sleep(chance.random() / 5)  # in the middle of whatever they are doing
            database.crash()
            for pid in nursery.said["till"][-TILLS:]:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), 9)
            nursery.tell("reap")
            nursery.listen("reaped")
            said = nursery.said
            assert {int(pk) for pk in said["sold"]} <= database.ask("SELECT id FROM customers_purchase")
            assert {int(pk) for pk in said["returned"]} <= database.ask("SELECT purchase_id FROM customers_return")
            spent = database.ask("SELECT source FROM rewards_pointtransaction WHERE kind = 'redeem'")
            assert set(said["spent"]) <= spent
            earned = database.ask("SELECT source FROM rewards_pointtransaction WHERE kind = 'earn'")
            assert earned == {f"purchase:{pk}" for pk in database.ask("SELECT id FROM customers_purchase")}
            if number % 5 == 0 or number == kills - 1:
                assert "the books balance" in database.manage("prove_books")
    finally:
        nursery.close()
    assert len(nursery.said["sold"]) >= 4 * kills


def test_what_was_answered_survives_a_killed_server(database: Database):
    kill_under_load(database, 2)


@pytest.mark.long
def test_what_was_answered_survives_twenty_killed_servers(database: Database):
    kill_under_load(database, 20)
