"""The web server is killed in the middle of sales, or Redis is gone: what was answered is there, what was not can be sent again.

Four kills on every run, fifty with --long.
"""

import http.client
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from django.db import connection

from customers.models import Purchase
from customers.tests.api_factories import create_key
from customers.tests.test_limits import ROOT, environment_of_this_database
from rewards import coupons, proof
from rewards.models import CouponUse, PointHold, PointTransaction
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award, create_customer, create_rule, create_store
from rewards.tests.web import Web
from tests.servers import Valkey

pytestmark = pytest.mark.django_db(transaction=True)
NOON = "2026-03-10T12:00:00Z"
TILLS = 3


class Till(threading.Thread):
    """Sells, spends and redeems by HTTP until told to stop; sends the same request again until it is answered."""

    def __init__(self, number: int, web: Web, key: str, code: str, stop: threading.Event) -> None:
        super().__init__()
        self.number, self.web, self.key, self.code, self.stopping = number, web, key, code, stop
        self.answered: dict[str, list[str]] = {"sold": [], "held": [], "redeemed": []}
        self.odd: list[object] = []
        self.tries = 0

    @property
    def count(self) -> int:
        return sum(map(len, self.answered.values()))

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            number += 1
            name = f"{self.number}-{number}"
            line = {"sku": "latte", "quantity": 1, "unit_price": 1_000}
            sale = {"reference": name, "member_number": f"A{self.number}", "occurred_at": NOON, "lines": [line]}
            if self.send("/purchases", sale, f"sale-{name}"):
                self.answered["sold"].append(name)
            if self.send("/holds", {"member_number": f"A{self.number}", "points": 3}, f"hold-{name}"):
                self.answered["held"].append(name)
            if self.send("/coupons/redeem", {"code": self.code, "basket": 2_000}, f"coupon-{name}"):
                self.answered["redeemed"].append(name)

    def send(self, path: str, body: dict, once: str) -> bool:
        for _again in range(200):
            self.tries += 1
            try:
                status, found = self.web.call(
                    "POST", f"/api/v1{path}", body, Authorization=f"Bearer {self.key}", **{"Idempotency-Key": once}
                )
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)  # nobody knows whether it was done: the same key will tell
                continue
            if status == 201:
                return True
            if status not in (409, 503) or (status == 409 and found["code"] != "request_running"):
                self.odd.append((status, found))
                return False
            time.sleep(0.05)
        self.odd.append("never answered")
        return False


@pytest.fixture
def shop(settings) -> Iterator[tuple[str, str]]:
    """A key, and a coupon that many may use."""
    create_rule()
    store = create_store()
    for number in range(TILLS):
        award(create_customer(member_number=f"A{number}"), 10_000)
    coupon = issue_coupon(batch=create_batch(uses_per_coupon=10**6))
    return create_key(store=store), coupons.code_of(coupon)


def kill_under_load(shop: tuple[str, str], kills: int) -> None:
    chance, stop = random.Random(20_260_310), threading.Event()
    with Web(API_REQUESTS_PER_MINUTE="1000000") as web:
        tills = [Till(number, web, *shop, stop) for number in range(TILLS)]
        for till in tills:
            till.start()
        try:
            for number in range(kills):
                wait_for_more(tills)
                time.sleep(chance.random() / 5)  # in the middle of whatever is going on
                web.kill_a_worker(number)
            wait_for_more(tills)
        finally:
            stop.set()
            for till in tills:
                till.join(timeout=60)
        assert web.log.count("SIGKILL") >= kills // 2, "nobody was killed"
    assert [odd for till in tills for odd in till.odd] == []
    everything_answered_is_there_once(tills)


def wait_for_more(tills: list[Till]) -> None:
    """Wait until something more was answered, however busy the machine is."""
    before, deadline = sum(till.count for till in tills), time.monotonic() + 60
    while sum(till.count for till in tills) == before:
        assert time.monotonic() < deadline, "nothing is answered any more"
        time.sleep(0.01)


def everything_answered_is_there_once(tills: list[Till]) -> None:
    answered = {name: sorted(one for till in tills for one in till.answered[name]) for name in tills[0].answered}
    assert sum(map(len, answered.values())) > 5
    # What was sent again until it was answered is there, once; nothing else is.
    assert sorted(Purchase.objects.values_list("reference", flat=True)) == answered["sold"]
    earned = Counter(PointTransaction.objects.filter(source__startswith="purchase:").values_list("source", flat=True))
    assert set(earned.values()) == {1}
    assert len(earned) == len(answered["sold"])
    assert PointHold.objects.count() == len(answered["held"])
    assert CouponUse.objects.count() == len(answered["redeemed"])
    assert proof.prove().faults == []
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_killed_web_server_loses_nothing_and_does_nothing_twice(shop: tuple[str, str]):
    kill_under_load(shop, 4)


@pytest.mark.long
def test_fifty_kills_lose_nothing_and_do_nothing_twice(shop: tuple[str, str]):
    kill_under_load(shop, 50)


def write_down_the_migrations() -> None:
    """Let /readyz find the schema that the test's database has: it was made without migrations."""
    command = [sys.executable, "manage.py", "migrate", "--fake", "--skip-checks", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment_of_this_database(), check=True)


def test_selling_goes_on_when_redis_is_stopped_and_readyz_says_so(shop: tuple[str, str]):
    key, code = shop
    write_down_the_migrations()
    with Valkey() as redis, Web(workers=1, REDIS_URL=redis.url) as web:

        def post(path: str, body: dict, once: str) -> tuple[int, dict]:
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": once}
            return web.call("POST", f"/api/v1{path}", body, **headers)

        assert web.call("GET", "/readyz") == (200, "ok\n"), web.log
        redis.kill()
        line = {"sku": "latte", "quantity": 1, "unit_price": 1_000}
        for number in range(3):
            sale = {"reference": f"R{number}", "member_number": "A0", "occurred_at": NOON, "lines": [line]}
            assert post("/purchases", sale, f"sale-{number}")[0] == 201
            status, found = post("/coupons/validate", {"code": code, "basket": 2_000}, f"look-{number}")
            assert (status, found["is_valid"]) == (200, True)
            assert post("/coupons/redeem", {"code": code, "basket": 2_000}, f"use-{number}")[0] == 201
            assert post("/holds", {"member_number": "A0", "points": 5}, f"hold-{number}")[0] == 201
        assert web.call("GET", "/readyz") == (200, "degraded\n")
        assert web.call("GET", "/accounts/login/code/")[0] == 200
        redis.start()
        deadline = time.monotonic() + 20
        while web.call("GET", "/readyz") != (200, "ok\n"):
            assert time.monotonic() < deadline, "still degraded"
            time.sleep(0.2)
    assert Purchase.objects.count() == 3
    assert proof.prove().faults == []
