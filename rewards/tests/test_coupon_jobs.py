import datetime as dt
import uuid
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from customers.models import Customer, User
from customers.tests.factories import NOON, create_customer
from rewards import batches, codes, coupon_jobs, coupon_steps, coupons, proof_coupons, redemption
from rewards.coupons import BatchLimitReached, BatchNotActive, Reason
from rewards.models import Coupon, CouponBatch, CouponEvent, CouponJob
from rewards.redemption import KeyConflict
from rewards.tests.coupon_factories import create_batch, issue_coupon

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
State = CouponJob.State


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coupon_steps, "CHUNK", 4)


def clock() -> dt.datetime:
    return NOON


def ask_open(number: int = 10, **options) -> CouponJob:
    values = {"batch": options.pop("batch", None) or create_batch(), "number": number, "key": uuid.uuid4(), "by": None}
    return coupon_jobs.ask_open(**values | {"now": NOON} | options)


def run(job: CouponJob, progress: Callable[[int, int], None] | None = None) -> CouponJob:
    claimed = coupon_jobs.claim(now=NOON, job=job)
    assert claimed is not None
    return coupon_jobs.run(job=claimed, clock=clock, progress=progress)


def people(number: int) -> list[Customer]:
    return [create_customer(name=f"Customer {n}") for n in range(number)]


def test_codes_for_nobody_in_particular_are_exactly_as_many_as_asked():
    seen = []
    job = run(ask_open(10), progress=lambda *at: seen.append(at))
    assert (job.state, job.done, job.changed, job.percent) == (State.DONE, 10, 10, 100)
    assert seen == [(4, 10), (8, 10), (10, 10)]
    batch = CouponBatch.objects.get()
    assert (batch.issued, Coupon.objects.filter(customer=None).count()) == (10, 10)
    assert proof_coupons.coupon_faults() == []
    coupon = Coupon.objects.order_by("pk")[7]
    coupon.full_clean()
    assert coupons.find(coupons.code_of(coupon)) == coupon
    assert coupon.source == f"job:{job.pk}:0000007"


def test_a_list_and_a_segment_give_each_customer_one_but_not_who_asks():
    alice, *others = people(9)
    alice.user = User.objects.create_user(email="alice@example.com")
    alice.save()
    batch = create_batch()
    listed = coupon_jobs.ask_list(
        batch=batch, customer_ids=[c.pk for c in (alice, *others)], key=uuid.uuid4(), by=alice.user, now=NOON
    )
    everyone = coupon_jobs.ask_segment(batch=batch, segment="everyone", key=uuid.uuid4(), by=alice.user, now=NOON)
    assert (run(listed).changed, run(everyone).changed) == (8, 8)
    assert sorted(set(Coupon.objects.values_list("customer", flat=True))) == [c.pk for c in others]
    assert Coupon.objects.filter(customer=others[0]).count() == 2


def test_the_same_request_asks_once_and_with_another_meaning_is_refused():
    batch, key = create_batch(), uuid.uuid4()
    first = ask_open(10, batch=batch, key=key)
    assert ask_open(10, batch=batch, key=key) == first
    with pytest.raises(KeyConflict):
        ask_open(11, batch=batch, key=key)
    with pytest.raises(KeyConflict):
        coupon_jobs.ask_void(batch=batch, reason="stolen", key=key, by=None, now=NOON)


@pytest.mark.parametrize("done", [0, 4, 8])
def test_a_stopped_job_issues_nothing_more_and_goes_on_where_it_stood(done: int):
    job = ask_open(10)

    def stop(at: int, total: int) -> None:
        if at == done:
            coupon_jobs.stop(job=job, now=NOON)

    stopped = run(job, progress=stop) if done else coupon_jobs.stop(job=job, now=NOON)
    assert (stopped.state, Coupon.objects.count()) == (State.STOPPED, done)
    assert coupon_jobs.claim(now=NOON) is None
    assert run(coupon_jobs.resume(job=job)).state == State.DONE
    assert (Coupon.objects.count(), CouponBatch.objects.get().issued) == (10, 10)


def test_a_worker_that_died_is_followed_by_another_and_nothing_is_issued_twice():
    job = ask_open(10)

    def die(at: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(job, progress=die)
    assert coupon_jobs.claim(now=NOON + coupon_jobs.STALE) is None
    again = coupon_jobs.claim(now=NOON + coupon_jobs.STALE + DAY)
    assert coupon_jobs.run(job=again, clock=clock).state == State.DONE
    assert Coupon.objects.count() == 10


def test_a_worker_that_only_slept_finds_its_job_moved_and_does_nothing():
    slow = coupon_jobs.claim(now=NOON, job=ask_open(10))
    quick = coupon_jobs.claim(now=NOON + DAY)
    assert coupon_jobs.step(job=quick, now=NOON)
    assert not coupon_jobs.step(job=slow, now=NOON)
    assert Coupon.objects.count() == 4


def test_a_job_broken_off_again_and_again_is_given_up_with_a_reason():
    job = ask_open(10)
    for day in range(coupon_jobs.ATTEMPTS):
        assert coupon_jobs.claim(now=NOON + day * DAY) == job
    assert coupon_jobs.claim(now=NOON + 9 * DAY) is None
    job.refresh_from_db()
    assert (job.state, "broken off" in job.reason) == (State.FAILED, True)
    assert run(coupon_jobs.resume(job=job)).state == State.DONE


def test_codes_that_exist_are_made_anew(monkeypatch: pytest.MonkeyPatch):
    batch = create_batch()
    taken = codes.compact(coupons.code_of(issue_coupon(batch=batch)))
    makes, generate = iter([True, True, False]), codes.generate
    monkeypatch.setattr(
        codes, "generate", lambda count: [taken, *generate(count - 1)] if next(makes, False) else generate(count)
    )
    assert run(ask_open(10, batch=batch)).changed == 10
    makes = iter([True, False])
    assert coupons.find(coupons.code_of(issue_coupon(batch=batch)))
    assert (Coupon.objects.count(), CouponBatch.objects.get().issued) == (12, 12)


def test_a_generator_that_always_fails_ends_the_job_and_leaves_whole_steps(monkeypatch: pytest.MonkeyPatch):
    job = ask_open(10)
    monkeypatch.setattr(codes, "generate", lambda count: ["100000000007"] * count)
    with pytest.raises(IntegrityError):
        run(job)
    job.refresh_from_db()
    assert (job.state, job.done, Coupon.objects.count()) == (State.FAILED, 0, 0)


def test_asking_for_more_than_the_limit_or_of_a_draft_is_refused():
    with pytest.raises(BatchLimitReached):
        ask_open(11, batch=create_batch(limit=10))
    with pytest.raises(BatchNotActive):
        ask_open(11, batch=create_batch(state="draft"))
    with pytest.raises(ValueError, match="between 1 and"):
        ask_open(0)


def test_a_limit_that_fills_up_meanwhile_stops_the_job_at_the_last_coupon():
    batch = create_batch(limit=10)
    job = ask_open(10, batch=batch)
    issue_coupon(batch=batch)
    stopped = run(job)
    assert (stopped.state, stopped.changed, Coupon.objects.count()) == (State.STOPPED, 9, 10)
    assert "limit of 10" in stopped.reason


def test_a_batch_paused_meanwhile_stops_the_job_with_the_reason():
    job = ask_open(10)
    stopped = run(job, progress=lambda *at: batches.pause(batch=job.batch, now=NOON) if at[0] == 4 else None)
    assert (stopped.state, stopped.done, "not active" in stopped.reason) == (State.STOPPED, 4, True)


def test_voiding_the_rest_leaves_what_was_used_and_says_who():
    boss = User.objects.create_user(email="boss@example.com")
    batch = create_batch()
    run(ask_open(10, batch=batch))
    used, held, voided, *_rest = Coupon.objects.order_by("pk")
    redemption.redeem(coupon=used, request_key="till:1", now=NOON)
    redemption.reserve(coupon=held, key="basket", now=NOON)
    coupons.void(coupon=voided, reason="stolen", now=NOON)
    other = issue_coupon()
    job = coupon_jobs.ask_void(batch=batch, reason="misprint", key=uuid.uuid4(), by=boss, now=NOON)
    done = run(job)
    assert (done.total, done.changed) == (8, 8)
    rest = Coupon.objects.filter(batch=batch, void_reason="misprint")
    assert rest.filter(state="voided", voided_by=boss, voided_at=NOON, reserved_until=None).count() == 8
    other.refresh_from_db()
    assert other.state == "active"
    event = CouponEvent.objects.get(batch=batch, coupon=None)
    assert (event.kind, event.count, event.by, event.note) == ("voided", 8, boss, "misprint")
    with pytest.raises(coupons.CouponRefused) as refused:
        redemption.redeem(coupon=held, request_key="till:2", now=NOON, reservation_key="basket")
    assert refused.value.reason == Reason.VOIDED


def test_extending_a_batch_moves_what_its_end_had_cut_and_nothing_else():
    end, later = NOON + 2 * DAY, NOON + 9 * DAY
    batch = create_batch(ends_at=end, valid_days=4)
    early = issue_coupon(batch=batch, now=NOON - 3 * DAY)  # ends by its days, not by the batch
    kept = early.expires_at
    for _number in range(6):
        issue_coupon(batch=batch, now=NOON)
    job = coupon_jobs.ask_extend(batch=batch, ends_at=later, key=uuid.uuid4(), by=None, now=NOON)
    assert run(job).changed == 6
    early.refresh_from_db()
    assert early.expires_at == kept
    assert set(Coupon.objects.exclude(pk=early.pk).values_list("expires_at", flat=True)) == {
        coupons.validity(batch, NOON)[1]
    }
    assert issue_coupon(batch=batch, now=NOON + 8 * DAY).expires_at == later
    assert CouponEvent.objects.get(kind="extended").note == later.isoformat()


def test_a_batch_without_valid_days_moves_all_its_coupons_even_those_that_had_ended():
    batch = create_batch(ends_at=NOON)
    coupon = issue_coupon(batch=batch, now=NOON - DAY)
    assert coupon.state_at(NOON) == "expired"
    run(coupon_jobs.ask_extend(batch=batch, ends_at=NOON + DAY, key=uuid.uuid4(), by=None, now=NOON))
    coupon.refresh_from_db()
    assert coupon.state_at(NOON) == "active"


@pytest.mark.parametrize("ends_at", [None, NOON + DAY])
def test_an_end_is_never_moved_forward(ends_at: dt.datetime | None):
    batch = create_batch(ends_at=ends_at)
    with pytest.raises(batches.EndsEarlier):
        coupon_jobs.ask_extend(batch=batch, ends_at=NOON, key=uuid.uuid4(), by=None, now=NOON)
    assert not CouponJob.objects.exists()


def test_the_command_issues_and_says_how_to_go_on(capsys: pytest.CaptureFixture):
    batch = create_batch(limit=10)
    call_command("issue_coupons", batch.pk, number=10, verbosity=0)
    job = CouponJob.objects.get()
    assert capsys.readouterr().out.strip() == f"Job {job.pk}: 10 of 10 coupons are issued."
    with pytest.raises(CommandError, match="has reached its limit"):
        call_command("issue_coupons", batch.pk, number=1)
    with pytest.raises(CommandError, match="no batch"):
        call_command("issue_coupons", batch.pk + 1, number=1)
    with pytest.raises(CommandError, match="does not go from there"):
        call_command("issue_coupons", batch.pk, resume=job.pk)
