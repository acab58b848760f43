"""Many tills, one coupon: threads with connections of their own, on a database of its own, committed for real."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest
from django.db import OperationalError, close_old_connections, connection, transaction

from customers.tests.factories import NOON, create_customer
from rewards import coupon_jobs, coupon_steps, coupons, redemption
from rewards.coupons import BatchLimitReached, CouponRefused, Reason
from rewards.models import Coupon, CouponBatch, CouponJob, CouponUse
from rewards.tests.coupon_factories import create_batch, issue_coupon

pytestmark = pytest.mark.django_db(transaction=True)
REDEEMERS = 64


def race(actions: Iterable[Callable[[], object]]) -> Counter:
    """Start all actions at the same moment, each in a thread of its own, and count what they return."""
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
    return Counter(results)


def attempt(function: Callable[..., object], **options) -> str:
    """Return "won", or the reason of the refusal; anything else is an error of the test.

    Who queued for a lock too long asks again, as a till does that was answered 503 with Retry-After.
    """
    for _again in range(10):
        try:
            function(**options)
        except CouponRefused as refused:
            return refused.reason.value
        except BatchLimitReached:
            return "limit"
        except OperationalError as error:
            if "lock timeout" not in str(error) and "locked" not in str(error):
                raise
        else:
            return "won"
    raise AssertionError("ten times in a row the lock was not to be had")


def redeem(coupon: Coupon, number: int | str, **options) -> Callable[[], str]:
    return lambda: attempt(redemption.redeem, coupon=coupon, request_key=f"till:{number}", now=NOON, **options)


def naively(*, coupon: Coupon, number: int) -> None:
    """Read, decide, write: what many shops do. It must lose the race, or the race is none."""
    fresh = Coupon.objects.get(pk=coupon.pk)
    if fresh.state != Coupon.State.ACTIVE:
        raise CouponRefused(Reason.USED)
    with transaction.atomic():
        fresh.state, fresh.uses = Coupon.State.REDEEMED, 1
        fresh.save()
        CouponUse.objects.create(
            coupon=coupon,
            batch=coupon.batch,
            number=CouponUse.objects.count() + 1,
            request_key=f"till:{number}",
            redeemed_at=NOON,
        )


def test_of_64_redeemers_of_each_of_20_single_use_coupons_exactly_one_wins():
    coupons_shown = [issue_coupon() for _ in range(20)]
    for coupon in coupons_shown:
        results = race(redeem(coupon, f"{coupon.pk}:{number}") for number in range(REDEEMERS))
        assert results == {"won": 1, "used": REDEEMERS - 1}
    assert CouponUse.objects.count() == len(coupons_shown)
    assert set(Coupon.objects.values_list("uses", flat=True)) == {1}


@pytest.mark.long
def test_nobody_of_64_has_to_ask_again():
    """As above, but whoever gets no lock in time, which a till hears as 503, fails the test."""

    def redeem_once(coupon: Coupon, number: int) -> str:
        try:
            redemption.redeem(coupon=coupon, request_key=f"till:{coupon.pk}:{number}", now=NOON)
        except CouponRefused as refused:
            return refused.reason.value
        return "won"

    for coupon in [issue_coupon() for _ in range(20)]:
        results = race(partial(redeem_once, coupon, number) for number in range(REDEEMERS))
        assert results == {"won": 1, "used": REDEEMERS - 1}


def test_a_reservation_is_redeemed_once_by_64_at_once():
    coupon = issue_coupon()
    redemption.reserve(coupon=coupon, key="basket", now=NOON)
    results = race(redeem(coupon, number, reservation_key="basket") for number in range(REDEEMERS))
    assert results == {"won": 1, "used": REDEEMERS - 1}
    assert CouponUse.objects.count() == 1
    assert CouponBatch.objects.get().redeemed == 1


def test_the_naive_way_redeems_twice_so_the_race_is_a_race():
    for _round in range(10):
        coupon = issue_coupon()
        results = race(
            lambda number=number, coupon=coupon: attempt(naively, coupon=coupon, number=f"{coupon.pk}:{number}")
            for number in range(16)
        )
        if results["won"] > 1:
            return
    pytest.fail("Nobody redeemed twice in ten rounds: this test cannot see a race.")


def test_one_request_sent_64_times_at_once_is_one_use_and_one_answer():
    coupon = issue_coupon(batch=create_batch(uses_per_coupon=100))
    results = race(
        lambda: redemption.redeem(coupon=coupon, request_key="till:1", now=NOON, discount=100).pk
        for _ in range(REDEEMERS)
    )
    assert list(results.values()) == [REDEEMERS]
    batch = CouponBatch.objects.get()
    assert (batch.redeemed, batch.spent, CouponUse.objects.count()) == (1, 100, 1)


@pytest.mark.parametrize(
    ("rules", "reason"), [({"budget": 1_000}, "budget"), ({"per_day": 10}, "day_limit")], ids=["budget", "day"]
)
def test_64_buyers_of_an_offer_for_ten_are_ten(rules: dict, reason: str):
    batch = create_batch(uses_per_coupon=1_000, per_customer=1, **rules)
    coupon = issue_coupon(batch=batch)
    people = [create_customer(name=f"Buyer {number}") for number in range(REDEEMERS)]
    results = race(redeem(coupon, person.pk, customer=person, discount=100) for person in people)
    assert results == {"won": 10, reason: REDEEMERS - 10}
    batch.refresh_from_db()
    assert (batch.redeemed, batch.spent) == (10, 1_000)


def test_one_customer_at_32_tills_uses_the_offer_once():
    batch, alice = create_batch(per_customer=1), create_customer(name="Alice")
    many = [issue_coupon(batch=batch, customer=alice) for _ in range(32)]
    results = race(redeem(coupon, coupon.pk, customer=alice) for coupon in many)
    assert results == {"won": 1, "customer_limit": 31}


def test_a_return_sent_16_times_at_once_gives_back_once():
    coupon = issue_coupon()
    use = redemption.redeem(coupon=coupon, request_key="till:1", now=NOON)
    results = race(
        lambda: attempt(
            lambda: redemption.give_back(use=CouponUse.objects.get(pk=use.pk), return_key="return:1", now=NOON)
        )
        for _ in range(16)
    )
    coupon.refresh_from_db()
    assert results == {"won": 16}
    assert (coupon.state, coupon.uses, CouponBatch.objects.get().redeemed) == ("active", 0, 0)


def test_a_void_and_16_redeemers_leave_one_outcome():
    coupon = issue_coupon()
    void = lambda: attempt(coupons.void, coupon=coupon, reason="stolen", now=NOON)  # noqa: E731
    results = race([void, *(redeem(coupon, number) for number in range(16))])
    assert results["won"] == 1
    coupon.refresh_from_db()
    assert CouponUse.objects.count() == (1 if coupon.state == "redeemed" else 0)


def test_32_tills_issuing_from_a_limited_batch_never_pass_the_limit():
    batch = create_batch(limit=5)
    results = race(
        lambda number=number: attempt(coupons.issue, batch=batch, customer=None, source=f"sale:{number}", now=NOON)
        for number in range(32)
    )
    assert results == {"won": 5, "limit": 27}
    batch.refresh_from_db()
    assert (batch.issued, Coupon.objects.count()) == (5, 5)


def test_one_cause_issued_16_times_at_once_is_one_coupon():
    batch, alice = create_batch(), create_customer(name="Alice")
    results = race(
        lambda: coupons.issue(batch=batch, customer=alice, source="birthday:1:2026", now=NOON).pk for _ in range(16)
    )
    assert list(results.values()) == [16]
    batch.refresh_from_db()
    assert (batch.issued, Coupon.objects.count()) == (1, 1)


def test_64_tills_and_20_coupons_make_20_winners_and_nobody_waits_long():
    batch = create_batch()
    many = [issue_coupon(batch=batch) for _ in range(20)]
    seconds: list[float] = []

    def timed(action: Callable[[], str]) -> str:
        begin = time.perf_counter()
        try:
            return action()
        finally:
            seconds.append(time.perf_counter() - begin)

    results: Counter = Counter()
    for coupon in many:
        results += race(
            lambda coupon=coupon, number=number: timed(redeem(coupon, f"{coupon.pk}:{number}"))
            for number in range(REDEEMERS)
        )
    assert results == {"won": 20, "used": 20 * (REDEEMERS - 1)}
    assert CouponUse.objects.count() == 20
    # 2 s is the bar on a machine with nothing else to do; a shared one may be several times slower.
    assert sorted(seconds)[int(len(seconds) * 0.99)] < 20


def test_64_baskets_hold_a_code_for_many_no_more_often_than_it_can_be_used():
    coupon = coupons.issue_words(batch=create_batch(uses_per_coupon=10), text="SUMMER", now=NOON)
    results = race(
        lambda number=number: attempt(redemption.reserve, coupon=coupon, key=f"web:{number}", now=NOON)
        for number in range(REDEEMERS)
    )
    assert results == {"won": 10, "reserved": REDEEMERS - 10}
    assert redeem(coupon, 1)() == "reserved"


def test_64_baskets_promise_no_more_than_the_budget():
    batch = create_batch(uses_per_coupon=1_000, budget=1_000)
    coupon = issue_coupon(batch=batch)
    results = race(
        lambda number=number: attempt(
            redemption.reserve if number % 2 else redemption.redeem, coupon=coupon, now=NOON, discount=100,
            **({"key": f"web:{number}"} if number % 2 else {"request_key": f"till:{number}"}),
        )
        for number in range(REDEEMERS)
    )  # fmt: skip
    assert results == {"won": 10, "budget": REDEEMERS - 10}


def test_two_baskets_with_the_same_two_coupons_never_wait_in_a_circle():
    one, two = (
        coupons.issue_words(batch=create_batch(uses_per_coupon=1_000, stacking=name), text=f"WORD-{name}", now=NOON)
        for name in ("one", "two")
    )
    pairs = ([(one, 100), (two, 100)], [(two, 100), (one, 100)])
    results = race(
        lambda number=number: attempt(
            redemption.redeem_many, discounts=pairs[number % 2], request_key=f"till:{number}", now=NOON
        )
        for number in range(32)
    )
    assert results == {"won": 32}
    assert CouponUse.objects.count() == 64


def test_two_workers_and_a_stop_button_leave_a_job_exact():
    batch = create_batch()
    job = coupon_jobs.ask_open(batch=batch, number=300, key=uuid.uuid4(), by=None, now=NOON)
    first = coupon_jobs.claim(now=NOON)
    second = coupon_jobs.claim(now=NOON + 2 * coupon_jobs.STALE)

    def work(claimed: CouponJob) -> str:
        coupon_jobs.run(job=claimed, clock=lambda: NOON)
        return "ran"

    def stop() -> str:
        with suppress(coupon_jobs.JobCannotChange):  # the workers were quicker
            coupon_jobs.stop(job=job, now=NOON)
        return "stopped"

    chunk, coupon_steps.CHUNK = coupon_steps.CHUNK, 20
    try:
        race([lambda: work(first), lambda: work(second), stop])
        job.refresh_from_db()
        assert Coupon.objects.count() == job.changed == CouponBatch.objects.get().issued <= 300
        if job.state == CouponJob.State.STOPPED:
            work(coupon_jobs.claim(now=NOON, job=coupon_jobs.resume(job=job)))
    finally:
        coupon_steps.CHUNK = chunk
    assert (Coupon.objects.count(), CouponBatch.objects.get().issued) == (300, 300)
