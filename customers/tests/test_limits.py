"""Limits hold over many callers at once, and selling goes on when Redis does not answer."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from customers import limits, staff_mail
from customers.limits import Limit, LimitReached
from customers.models import ApiKey, StaffNotice
from customers.tests.api_factories import Caller, create_key, problem
from customers.tests.factories import create_customer, create_user

ROOT = Path(__file__).resolve().parents[2]
TAKE_50 = """
import django
django.setup()
from customers import limits
won = 0
for _n in range(50):
    try:
        limits.take(limits.Limit("processes", 20, 300))
        won += 1
    except limits.LimitReached:
        pass
print(won)
"""


def test_200_counts_from_four_processes_pass_20_times():
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "loyalty_site.settings"}
    command = [sys.executable, "-c", TAKE_50]
    running = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) for _n in range(4)]
    assert sum(int(process.communicate()[0]) for process in running) == 20


def test_a_limit_says_how_long_to_wait_and_ends_with_its_window():
    limit = Limit("short", 2, 300)
    limits.take(limit)
    limits.take(limit)
    with pytest.raises(LimitReached) as reached:
        limits.take(limit)
    assert 295 <= reached.value.seconds <= 300
    cache.clear()
    assert limits.take(limit) == 0


@pytest.mark.django_db(transaction=True)
def test_of_200_searches_at_once_that_find_nobody_at_most_20_are_evaluated():
    create_customer(member_number="A1")
    caller = Caller(create_key())
    start = threading.Barrier(40)

    def search(number: int) -> tuple[int, str]:
        try:
            if number < 40:
                start.wait(timeout=60)
            return problem(caller.post("/customers/find", {"member_number": f"X{number}"}))
        finally:
            connection.close()

    with ThreadPoolExecutor(40) as pool:
        found = Counter(pool.map(search, range(200)))
    assert found.pop((404, "not_found")) == 20
    assert found.keys() <= {(429, "too_many_requests"), (429, "too_many_misses")}
    assert found.total() == 180
    # Neither are hits shown while the search is stopped; another till goes on.
    stopped = caller.get("/customers/A1")
    assert problem(stopped) == (429, "too_many_misses")
    assert 1 <= int(stopped["Retry-After"]) <= 300
    assert Caller(create_key()).get("/customers/A1").status_code == 200


GUESS = """
import os, sys, threading
from concurrent.futures import ThreadPoolExecutor
import django
django.setup()
from django.db import connections
from customers.tests.api_factories import Caller
from rewards import coupons
evaluated, find, lock = [], coupons.find, threading.Lock()
def counted(code):
    with lock:
        evaluated.append(code)
    return find(code)
coupons.find = counted
caller = Caller(sys.argv[1])
def guess(number):
    try:
        if number % 2:
            return caller.post("/coupons/validate", {"code": f"GUESS{number}"}).status_code
        return caller.post("/coupons/redeem", {"code": f"GUESS{number}"}, once=f"{os.getpid()}-{number}").status_code
    finally:
        connections.close_all()
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(8) as pool:
    list(pool.map(guess, range(50)))
print(len(evaluated))
"""


@pytest.mark.django_db(transaction=True)
def test_of_200_guesses_in_four_processes_at_most_20_are_evaluated_and_staff_are_told():
    maria = create_user(email="maria@example.com", is_staff=True)
    maria.user_permissions.add(Permission.objects.get(codename="change_apikey"))
    key = create_key("coupons:read", "coupons:redeem")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", GUESS, key], cwd=ROOT, env=environment_of_this_database(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _n in range(4)
    ]  # fmt: skip
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    evaluated = sum(int(process.communicate(timeout=60)[0]) for process in running)
    # One of the twenty may have met a busy database and looked for nothing; it is still there to be used up.
    caller, left = Caller(key), 0
    while problem(answer := caller.post("/coupons/redeem", {"code": f"MORE{left}"}, once=f"more-{left}")) == (
        409,
        "coupon_refused",
    ):
        left += 1
    assert problem(answer) == (429, "too_many_misses")
    assert 15 < evaluated <= 20
    assert evaluated + left == 20
    (told,) = StaffNotice.objects.all()
    assert (told.kind, told.reader) == ("api_key_stopped", maria)
    staff_mail.send_due(now=timezone.now())
    (letter,) = mail.outbox
    assert letter.to == ["maria@example.com"]
    assert key.split("_")[1] in letter.body
    assert f"/admin/customers/apikey/{ApiKey.objects.get().pk}/change/" in letter.body


def environment_of_this_database() -> dict[str, str]:
    """What another process needs to work on this test's database."""
    url = os.environ.get("DATABASE_URL", "sqlite:///").rpartition("/")[0]
    name = connection.settings_dict["NAME"]
    return os.environ | {"DATABASE_URL": f"{url}/{name}", "DJANGO_SETTINGS_MODULE": "loyalty_site.settings"}


@pytest.mark.django_db
def test_member_numbers_tried_in_a_row_show_20_answers_and_no_name(settings):
    settings.API_REQUESTS_PER_MINUTE = 10**6
    create_customer(member_number="M5000", name="Alice")
    caller = Caller(create_key())
    found: Counter[tuple[int, str]] = Counter()
    for number in range(4_900, 5_100):
        answer = caller.get(f"/customers/M{number}")
        assert "Alice" not in answer.text
        found[problem(answer)] += 1
    assert found == {(404, "not_found"): 20, (429, "too_many_misses"): 180}


@pytest.mark.django_db
def test_guessed_coupon_codes_count_as_misses_whatever_the_operation():
    caller = Caller(create_key("coupons:read", "coupons:redeem"))
    codes = [f"{n:011}".translate(str.maketrans("01", "AB")) for n in range(30)]
    answers = [caller.post("/coupons/validate", {"code": code}) for code in codes[:15]]
    assert {answer.status_code for answer in answers} == {200}
    answers = [caller.post("/coupons/redeem", {"code": code}) for code in codes[15:]]
    found = Counter(problem(answer) for answer in answers)
    assert found == {(409, "coupon_refused"): 5, (429, "too_many_misses"): 10}


@pytest.mark.django_db
def test_hits_are_never_misses():
    create_customer(member_number="A1")
    caller = Caller(create_key())
    assert {caller.get("/customers/A1").status_code for _n in range(30)} == {200}


@pytest.mark.django_db
def test_a_key_has_so_many_requests_a_minute(settings):
    settings.API_REQUESTS_PER_MINUTE = 5
    create_customer(member_number="A1")
    caller = Caller(create_key())
    answers = [caller.get("/customers/A1/balance") for _n in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert problem(answers[-1]) == (429, "too_many_requests")
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60


REQUESTS = Limit("requests", 10**6, 60)


def test_tries_that_are_still_open_count_and_hits_give_them_back():
    misses = Limit("misses", 3, 300)
    assert [limits.take(REQUESTS, reserve=misses) for _n in range(5)] == [0, 0, 0, limits.SOON, limits.SOON]
    for _n in range(2):
        assert limits.settle(misses, is_miss=False) is False
    assert limits.settle(misses, is_miss=True) is False
    assert [limits.take(REQUESTS, reserve=misses) for _n in range(3)] == [0, 0, limits.SOON]
    assert [limits.settle(misses, is_miss=True) for _n in range(2)] == [False, True]
    assert 295 <= limits.take(REQUESTS, reserve=misses) <= 300


def test_what_a_dead_process_had_reserved_comes_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "LEAK", 0.05)
    misses = Limit("misses", 1, 300)
    assert limits.take(REQUESTS, reserve=misses) == 0
    assert limits.take(REQUESTS, reserve=misses) == limits.SOON
    time.sleep(0.1)
    assert limits.take(REQUESTS, reserve=misses) == 0


@pytest.fixture
def no_redis(settings) -> Iterator[None]:
    """Nobody answers where Redis should be."""
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    limits.reconnect()
    yield
    limits.reconnect()


@pytest.mark.django_db
def test_selling_goes_on_without_redis_and_says_so_once(no_redis, caplog: pytest.LogCaptureFixture):
    create_customer(member_number="A1")
    caller = Caller(create_key())
    assert {caller.get("/customers/A1").status_code for _n in range(30)} == {200}
    assert [record.name for record in caplog.records].count("customers.limits") == 1


@pytest.mark.django_db
def test_without_redis_each_process_counts_misses_for_itself(no_redis):
    caller, other = Caller(create_key()), Caller(create_key())
    found = Counter(problem(caller.get(f"/customers/X{n}")) for n in range(30))
    assert found == {(404, "not_found"): 20, (429, "too_many_misses"): 10}
    assert 290 <= int(caller.get("/customers/X1")["Retry-After"]) <= 300
    assert other.get("/customers/X1").status_code == 404
