"""A write is answered once per key: replayed, refused with another body, and one thing under many tills at once."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import close_old_connections, connection, transaction
from django.http import HttpResponse
from django.utils import timezone

from customers import api_requests
from customers.api import door
from customers.models import ApiKey, ApiRequest, Customer, Purchase, Store
from customers.tests.api_factories import Caller, create_key, problem
from customers.tests.factories import create_customer
from rewards import proof
from rewards.models import PointBalance, PointTransaction
from rewards.tests.factories import create_rule, create_store

NOON = "2026-03-10T13:00:00+01:00"
# What a till hears that should ask again: too many of its own at once, or nobody had time.
LATER = [(429, "too_many_requests"), (503, "busy")]
alone = pytest.mark.django_db
together = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store() -> Store:
    return create_store(code="harbour")


@pytest.fixture
def alice() -> Customer:
    return create_customer(member_number="A1")


@pytest.fixture
def till(store: Store, alice: Customer) -> Caller:
    create_rule()
    return Caller(create_key(store=store))


def receipt(reference: str = "R-1", **fields) -> dict:
    line = {"sku": "TEA", "name": "Green tea", "category": "tea", "quantity": 2, "unit_price": 450}
    return {"reference": reference, "member_number": "A1", "occurred_at": NOON, "lines": [line]} | fields


def race(actions: Iterable[Callable[[], object]]) -> list:
    """Start all actions at the same moment, each in a thread of its own, and return their results."""
    actions = list(actions)
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            start.wait(timeout=60)
            return action()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        results = list(pool.map(run, actions))
    close_old_connections()
    return results


@alone
def test_the_same_key_and_body_gets_the_first_answer_again(till: Caller):
    first = till.post("/purchases", receipt(), once="sale-1")
    reordered = dict(reversed(receipt().items()))
    again = till.post("/purchases", reordered, once="sale-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert (Purchase.objects.count(), PointTransaction.objects.count()) == (1, 1)


@alone
def test_the_same_key_with_another_body_or_for_another_operation_is_refused(till: Caller):
    till.post("/purchases", receipt(), once="sale-1")
    assert problem(till.post("/purchases", receipt(discount=1), once="sale-1")) == (422, "idempotency_key_reused")
    assert problem(till.post("/quotes", receipt(), once="sale-1"))[0] == 422
    hold = {"member_number": "A1", "points": 1}
    assert problem(till.post("/holds", hold, once="sale-1")) == (422, "idempotency_key_reused")
    assert Purchase.objects.count() == 1


@alone
@pytest.mark.parametrize("key", [None, "x" * 256, "two words", "schlüssel", "a\tb", ""])
def test_a_write_without_a_proper_key_is_refused(till: Caller, key: str | None):
    headers = {} if key is None else {"Idempotency-Key": key}
    assert problem(till.post("/purchases", receipt(), once=None, **headers)) == (400, "idempotency_key_missing")
    assert not Purchase.objects.exists()


@alone
def test_a_refusal_of_the_shop_is_kept_and_one_before_the_work_is_not(till: Caller, alice: Customer):
    hold = {"member_number": "A1", "points": 5}
    first = till.post("/holds", hold, once="hold-1")
    assert problem(first) == (409, "insufficient_points")
    till.post("/purchases", receipt())
    assert till.post("/holds", hold, once="hold-1").content == first.content
    assert till.post("/holds", hold, once="hold-2").status_code == 201
    missing = {"member_number": "B2", "points": 5}
    assert problem(till.post("/holds", missing, once="hold-3")) == (404, "not_found")
    create_customer(member_number="B2")
    assert problem(till.post("/holds", missing, once="hold-3")) == (409, "insufficient_points")


@alone
def test_two_tills_may_use_the_same_key_and_a_rotated_key_continues_its_till(till: Caller, store: Store):
    from customers import api_keys

    other = Caller(create_key(store=store))
    first = till.post("/purchases", receipt("R-1"), once="sale-1")
    second = other.post("/purchases", receipt("R-2"), once="sale-1")
    assert (first.status_code, second.status_code) == (201, 201)
    old = ApiKey.objects.earliest("pk")
    new = api_keys.rotate(key=old, overlap=dt.timedelta(days=1), by=None, now=timezone.now())
    assert Caller(new.text).post("/purchases", receipt("R-1"), once="sale-1").content == first.content


@alone
def test_the_same_receipt_under_ten_keys_earns_once_and_names_the_first(till: Caller):
    answers = [till.post("/purchases", receipt()) for _n in range(10)]
    assert [answer.status_code for answer in answers] == [201] + [409] * 9
    original = answers[0].json()["id"]
    assert {problem(answer) for answer in answers[1:]} == {(409, "receipt_recorded")}
    assert {answer.json()["original_id"] for answer in answers[1:]} == {original}
    changed = till.post("/purchases", receipt(discount=1))
    assert problem(changed) == (409, "receipt_conflict")
    assert changed.json()["original_id"] == original
    assert PointTransaction.objects.count() == 1


@alone
def test_two_stores_may_have_the_same_receipt_number(till: Caller):
    other = Caller(create_key(store=create_store(code="hill")))
    assert [caller.post("/purchases", receipt()).status_code for caller in (till, other)] == [201, 201]
    assert PointBalance.objects.get().active == 18


@alone
def test_a_fault_of_ours_leaves_nothing_behind(till: Caller, monkeypatch: pytest.MonkeyPatch):
    def explode(*args: object, **kwargs: object) -> None:
        raise RuntimeError("boom")

    with monkeypatch.context() as patch:
        patch.setattr("rewards.api.purchases._shown", explode)
        assert problem(till.post("/purchases", receipt(), once="sale-1")) == (500, "internal")
    assert [model.objects.count() for model in (Purchase, ApiRequest, PointTransaction)] == [0, 0, 0]
    assert till.post("/purchases", receipt(), once="sale-1").status_code == 201


@alone
def test_stored_answers_hold_no_personal_data(till: Caller):
    body = {"name": "Bertha Canary", "email": "canary@example.com", "phone": "+49 30 7654321", "birthday": "1990-05-17"}
    answer = till.post("/customers", body, once="enrol-1")
    assert answer.status_code == 201, answer.content
    row = ApiRequest.objects.get()
    for text in ("Canary", "canary", "7654321", "1990"):
        assert text not in row.body
    again = till.post("/customers", body, once="enrol-1")
    assert again.content == answer.content
    assert Customer.objects.filter(name="Bertha Canary").count() == 1


@alone
def test_old_answers_are_forgotten_after_30_days_and_the_receipt_still_counts_once(till: Caller):
    till.post("/purchases", receipt(), once="sale-1")
    now = timezone.now()
    assert api_requests.forget_old(now=now + dt.timedelta(days=29)) == 0
    assert api_requests.forget_old(now=now + dt.timedelta(days=31)) == 1
    assert problem(till.post("/purchases", receipt(), once="sale-1")) == (409, "receipt_recorded")


@together
def test_one_post_sent_50_times_at_once_is_one_purchase_and_one_answer(till: Caller, monkeypatch):
    monkeypatch.setattr(door, "MISSES", 50)  # so that none of them is sent away before its key is looked at
    answers = race([lambda: till.post("/purchases", receipt(), once="sale-1")] * 50)
    good = [answer for answer in answers if answer.status_code == 201]
    for answer in answers:
        if answer.status_code != 201:
            assert problem(answer) == (409, "request_running")
            assert int(answer["Retry-After"]) >= 1
    assert len({answer.content for answer in good}) == 1
    assert (Purchase.objects.count(), PointTransaction.objects.count(), ApiRequest.objects.count()) == (1, 1, 1)
    assert PointBalance.objects.get().active == 9


@together
def test_one_receipt_sent_under_50_keys_at_once_earns_once(till: Caller):
    answers = race([lambda: till.post("/purchases", receipt())] * 50)
    codes = Counter(answer.status_code if answer.status_code == 201 else problem(answer) for answer in answers)
    assert codes[201] == 1
    assert set(codes) <= {201, (409, "receipt_recorded"), *LATER}
    assert PointBalance.objects.get().active == 9
    assert proof.prove().is_balanced


@together
def test_32_tills_spend_what_is_there_once(till: Caller):
    till.post("/purchases", receipt())
    hold = {"member_number": "A1", "points": 9}
    answers = race([lambda: till.post("/holds", hold)] * 32)
    codes = Counter(answer.status_code if answer.status_code == 201 else problem(answer) for answer in answers)
    assert codes[201] == 1
    assert set(codes) <= {201, (409, "insufficient_points"), *LATER}
    balance = PointBalance.objects.get()
    assert (balance.active, balance.held) == (0, 9)


@contextmanager
def held(take: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Hold what `take` locks, in a transaction of another thread, until told to let go (and undo it)."""
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                take()
                is_held.set()
                may_end.wait(timeout=30)
                transaction.set_rollback(True)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait(timeout=10)
    try:
        yield may_end.set
    finally:
        may_end.set()
        thread.join()


def patient(caller: Caller, let_go: Callable[[], None], body: dict) -> HttpResponse:
    """Post while something is held. PostgreSQL gives up after 3 seconds; SQLite would wait 20, so there it is let go."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: (caller.post("/purchases", body, once="sale-2"), connection.close())[0])
        if connection.vendor == "sqlite":
            let_go()
        return answer.result()


@together
def test_a_till_that_waits_too_long_for_the_first_is_told_to_ask_again(till: Caller):
    key = ApiKey.objects.get()
    first = {"client": key.client, "key": "sale-2", "api_key": key, "fingerprint": b"x"}
    with held(lambda: ApiRequest.objects.create(**first)) as let_go:
        answer = patient(till, let_go, receipt())
    if connection.vendor == "postgresql":
        assert problem(answer) == (409, "request_running")
        assert answer["Retry-After"] == "2"
        answer = till.post("/purchases", receipt(), once="sale-2")
    assert answer.status_code == 201


@together
def test_a_customer_locked_for_too_long_is_busy_and_nothing_is_stored(till: Caller, alice: Customer):
    till.post("/purchases", receipt())
    with held(lambda: PointBalance.objects.select_for_update().get(customer=alice)) as let_go:
        answer = patient(till, let_go, receipt("R-2"))
    if connection.vendor == "postgresql":
        assert problem(answer) == (503, "busy")
        assert answer["Retry-After"] == "2"
        assert not ApiRequest.objects.filter(key="sale-2").exists()
        answer = till.post("/purchases", receipt("R-2"), once="sale-2")
    assert answer.status_code == 201
    assert PointBalance.objects.get().active == 18


KILLED = """
import os, signal, sys
import django
django.setup()
import rewards.api.purchases as purchases
from customers.tests.api_factories import Caller
from rewards.tests.test_api_once import receipt

shown = purchases._shown
def die(*args, **kwargs):
    shown(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
purchases._shown = die
Caller(sys.argv[1]).post("/purchases", receipt(), once="sale-1")
"""


@together
def test_a_process_killed_between_work_and_commit_leaves_nothing_and_the_retry_is_one_purchase(till: Caller):
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "loyalty_site.settings", "PYTHONPATH": "."}
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        environment["DATABASE_URL"] = f"sqlite:///{name}"
    else:
        environment["DATABASE_URL"] = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
    connection.close()
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, till.key], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [model.objects.count() for model in (Purchase, ApiRequest, PointTransaction)] == [0, 0, 0]
    assert till.post("/purchases", receipt(), once="sale-1").status_code == 201
    assert Purchase.objects.count() == 1
