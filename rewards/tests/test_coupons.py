import datetime as dt

import pytest
from django.utils import translation

from customers.models import Customer
from customers.tests.factories import NOON, create_customer
from rewards import codes, coupons
from rewards.coupons import BatchLimitReached, BatchNotActive
from rewards.ledger import SourceConflict
from rewards.models import Coupon
from rewards.tests.coupon_factories import create_batch, issue_coupon

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def test_an_issued_coupon_is_active_and_found_by_its_code():
    alice = create_customer(name="Alice")
    coupon = issue_coupon(batch=create_batch(prefix="CAFE"), customer=alice)
    code = coupons.code_of(coupon)
    assert coupon.state_at(NOON) == "active"
    assert code.startswith("CAFE-")
    assert code.endswith(coupon.code_tail)
    assert coupons.find(code) == coupon
    assert coupons.find(code.lower().replace("-", " ")) == coupon
    assert coupons.find(code.removeprefix("CAFE-")) == coupon


def test_the_database_holds_no_code():
    coupon = issue_coupon()
    symbols = codes.compact(coupons.code_of(coupon))
    assert symbols.encode() not in bytes(Coupon.objects.get().code_sealed)


def test_a_wrong_prefix_or_an_unknown_code_finds_nothing():
    coupon = issue_coupon(batch=create_batch(prefix="CAFE"))
    code = coupons.code_of(coupon)
    assert coupons.find(code.replace("CAFE", "SHOP")) is None
    assert coupons.find(codes.display(codes.generate(1)[0])) is None
    assert coupons.find("") is None
    assert coupons.find("优惠券" * 1000) is None


def test_the_same_source_returns_the_same_coupon():
    batch, alice = create_batch(limit=1), create_customer(name="Alice")
    first = coupons.issue(batch=batch, customer=alice, source="birthday:1:2026", now=NOON)
    again = coupons.issue(batch=batch, customer=alice, source="birthday:1:2026", now=NOON + DAY)
    assert again == first
    batch.refresh_from_db()
    assert batch.issued == 1


def test_a_source_with_another_meaning_is_refused():
    batch, alice, bob = create_batch(), create_customer(name="Alice"), create_customer(name="Bob")
    coupons.issue(batch=batch, customer=alice, source="once", now=NOON)
    with pytest.raises(SourceConflict):
        coupons.issue(batch=batch, customer=bob, source="once", now=NOON)
    with pytest.raises(SourceConflict):
        coupons.issue(batch=create_batch(), customer=alice, source="once", now=NOON)


@pytest.mark.parametrize("state", ["draft", "paused", "closed"])
def test_only_an_active_batch_issues(state: str):
    with pytest.raises(BatchNotActive, match="Five off"):
        issue_coupon(batch=create_batch(state=state))


def test_a_batch_that_has_ended_issues_nothing():
    batch = create_batch(ends_at=NOON)
    issue_coupon(batch=batch, now=NOON - DAY)
    with pytest.raises(BatchNotActive):
        issue_coupon(batch=batch, now=NOON)


def test_the_limit_of_a_batch_holds():
    batch = create_batch(limit=2)
    issue_coupon(batch=batch)
    issue_coupon(batch=batch)
    with pytest.raises(BatchLimitReached):
        issue_coupon(batch=batch)
    batch.refresh_from_db()
    assert (batch.issued, Coupon.objects.count()) == (2, 2)


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "valid_days", "expected"),
    [
        (None, None, None, (None, None)),
        ("2026-03-01T00:00Z", "2026-04-01T00:00Z", None, ("2026-03-01T00:00Z", "2026-04-01T00:00Z")),
        # Issued on 10 March: the last second of the 17th in Berlin is 23:00 UTC.
        (None, None, 7, (None, "2026-03-17T23:00Z")),
        (None, None, 0, (None, "2026-03-10T23:00Z")),
        # Summer time begins on 29 March: midnight is then 22:00 UTC.
        (None, None, 30, (None, "2026-04-09T22:00Z")),
        (None, "2026-03-15T12:00Z", 7, (None, "2026-03-15T12:00Z")),
        ("2026-03-20T00:00Z", None, 7, ("2026-03-20T00:00Z", "2026-03-27T23:00Z")),
    ],
)
def test_validity(starts_at: str, ends_at: str, valid_days: int | None, expected: tuple[str | None, str | None]):
    start, end = (value and dt.datetime.fromisoformat(value) for value in (starts_at, ends_at))
    coupon = issue_coupon(batch=create_batch(starts_at=start, ends_at=end, valid_days=valid_days))
    assert (coupon.starts_at, coupon.expires_at) == tuple(
        value and dt.datetime.fromisoformat(value) for value in expected
    )


def test_issuing_to_many_gives_each_one_coupon_and_reports_progress(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(coupons, "CHUNK", 4)
    people = [create_customer(name=f"Customer {number}") for number in range(10)]
    batch, seen = create_batch(valid_days=7), []
    issued = coupons.issue_many(
        batch=batch, customers=Customer.objects.all(), source="spring", now=NOON, progress=lambda *at: seen.append(at)
    )
    batch.refresh_from_db()
    assert (issued, batch.issued) == (10, 10)
    assert seen == [(4, 10), (8, 10), (10, 10)]
    coupon = Coupon.objects.get(customer=people[3])
    assert coupon.source == f"spring:{people[3].pk}"
    assert coupon.expires_at == dt.datetime(2026, 3, 17, 23, tzinfo=dt.UTC)
    assert coupons.find(coupons.code_of(coupon)) == coupon
    coupon.full_clean()


def test_a_run_that_stopped_half_way_is_resumed_and_a_second_run_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(coupons, "CHUNK", 4)
    for number in range(10):
        create_customer(name=f"Customer {number}")
    batch = create_batch()

    def stop(done: int, total: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    run = {"batch": batch, "customers": Customer.objects.all(), "source": "spring", "now": NOON}
    with pytest.raises(KeyboardInterrupt):
        coupons.issue_many(**run, progress=stop)
    assert Coupon.objects.count() == 8
    assert coupons.issue_many(**run) == 2
    assert coupons.issue_many(**run) == 0
    batch.refresh_from_db()
    assert (batch.issued, Coupon.objects.count()) == (10, 10)


def test_issuing_to_many_fills_the_limit_and_says_so():
    for number in range(5):
        create_customer(name=f"Customer {number}")
    batch = create_batch(limit=3)
    with pytest.raises(BatchLimitReached) as caught:
        coupons.issue_many(batch=batch, customers=Customer.objects.all(), source="spring", now=NOON)
    batch.refresh_from_db()
    assert (caught.value.issued, batch.issued, Coupon.objects.count()) == (3, 3, 3)


def test_a_refusal_has_a_sentence_in_the_language_of_the_till():
    refused = coupons.CouponRefused(coupons.Reason.EXPIRED)
    assert str(refused) == "This coupon has expired."
    with translation.override("zh-hans"):
        assert str(refused) == "这张优惠券已过期。"
