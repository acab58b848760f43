"""What is held for a basket counts like a use, for codes for many as for others; and who may use a coupon at all."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from customers.models.history import AppendOnlyError
from customers.tests.factories import NOON, create_customer
from rewards import codes, coupons, proof_coupons, redemption
from rewards.coupons import CodeTaken, CouponRefused, Reason
from rewards.models import Coupon, CouponEvent, CouponHold
from rewards.tests.coupon_factories import create_batch, issue_coupon

pytestmark = pytest.mark.django_db
LATER = NOON + redemption.TILL_HOLD


def words(text: str = "Summer", **rules) -> Coupon:
    return coupons.issue_words(batch=create_batch(**{"uses_per_coupon": 3} | rules), text=text, now=NOON)


def refused(function, **options) -> Reason:
    with pytest.raises(CouponRefused) as caught:
        function(**{"now": NOON} | options)
    return caught.value.reason


def test_a_code_for_many_is_found_in_any_writing_and_shown_as_chosen():
    coupon = words(" summer   solo 5 ")
    assert (coupon.text, str(coupon), coupons.code_of(coupon)) == ("SUMMER-SOLO-5",) * 3
    for typed in ("summer solo 5", "SUMMERSOLO5", "Summer-S0L0-5", "ＳＵＭＭＥＲ－ＳＯＬＯ－５"):
        assert coupons.find(typed) == coupon
    assert coupons.find("SUMMER") is None
    assert coupons.issue_words(batch=coupon.batch, text="Summer Solo-5", now=NOON) == coupon
    with pytest.raises(CodeTaken):
        coupons.issue_words(batch=create_batch(), text="SUMMERS0L05", now=NOON)


@pytest.mark.parametrize("text", ["", "abc", "夏日优惠", "A" * 33, "50% OFF", "é" * 5, "x" * 10_000])
def test_words_that_no_till_could_read_are_refused(text: str):
    with pytest.raises((codes.InvalidWords, codes.InvalidCode)):
        words(text)


def test_a_code_that_is_one_of_ours_cannot_be_chosen_again():
    ours = coupons.code_of(issue_coupon())
    with pytest.raises(CodeTaken):
        words(ours)


def test_each_basket_holds_a_use_of_a_code_for_many_until_none_is_left():
    coupon = words()
    for basket in ("a", "b"):
        redemption.reserve(coupon=coupon, key=basket, now=NOON)
    redemption.redeem(coupon=coupon, request_key="walk-in", now=NOON)
    assert refused(redemption.redeem, coupon=coupon, request_key="late") == Reason.RESERVED
    assert refused(redemption.reserve, coupon=coupon, key="c") == Reason.RESERVED
    redemption.release(coupon=coupon, key="a", now=NOON)
    redemption.redeem(coupon=coupon, request_key="late", now=NOON)
    redemption.redeem(coupon=coupon, request_key="web", now=NOON, reservation_key="b")
    assert (coupon.state, CouponHold.objects.count(), proof_coupons.coupon_faults()) == ("redeemed", 0, [])


def test_a_hold_past_its_deadline_counts_no_more():
    coupon = words(uses_per_coupon=2)
    for basket in ("a", "b"):
        redemption.reserve(coupon=coupon, key=basket, now=NOON)
    assert refused(redemption.redeem, coupon=coupon, request_key="x") == Reason.RESERVED
    redemption.redeem(coupon=coupon, request_key="x", now=LATER)
    redemption.reserve(coupon=coupon, key="c", now=LATER)
    assert list(CouponHold.objects.values_list("key", flat=True)) == ["c"]


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"per_customer": 1}, Reason.CUSTOMER_LIMIT),
        ({"per_day": 1}, Reason.DAY_LIMIT),
        ({"budget": 900}, Reason.BUDGET),
    ],
)
def test_what_is_held_counts_against_the_limits(rules: dict, reason: Reason):
    coupon, alice = words(uses_per_coupon=100, **rules), create_customer(name="Alice")
    redemption.reserve(coupon=coupon, key="a", now=NOON, customer=alice, discount=500)
    other = {"coupon": coupon, "customer": alice, "discount": 500}
    assert refused(redemption.reserve, key="b", **other) == reason
    assert refused(redemption.redeem, request_key="b", **other) == reason
    redemption.redeem(request_key="a", reservation_key="a", now=NOON, **other)
    assert refused(redemption.redeem, request_key="b", **other) == reason


def test_an_anonymous_coupon_held_for_a_customer_counts_as_theirs():
    batch, alice = create_batch(per_customer=1), create_customer(name="Alice")
    first, second = issue_coupon(batch=batch), issue_coupon(batch=batch)
    redemption.reserve(coupon=first, key="a", now=NOON, customer=alice)
    assert refused(redemption.redeem, coupon=second, request_key="b", customer=alice) == Reason.CUSTOMER_LIMIT


@pytest.mark.parametrize("uses", [1, 3])
def test_a_reservation_is_for_its_basket(uses: int):
    coupon = words(uses_per_coupon=uses)
    redemption.reserve(coupon=coupon, key="a", now=NOON, basket_digest="two teas")
    use = {"coupon": coupon, "request_key": "x", "reservation_key": "a"}
    assert refused(redemption.redeem, basket_digest="three teas", **use) == Reason.BASKET_CHANGED
    redemption.reserve(coupon=coupon, key="a", now=NOON, basket_digest="three teas")
    redemption.redeem(basket_digest="three teas", now=NOON, **use)


def test_voiding_lets_go_of_what_is_held():
    coupon = words()
    redemption.reserve(coupon=coupon, key="a", now=NOON)
    coupons.void(coupon=coupon, reason="leaked", now=NOON)
    assert not CouponHold.objects.exists()
    assert refused(redemption.redeem, coupon=coupon, request_key="x", reservation_key="a") == Reason.VOIDED


def test_a_coupon_for_a_segment_is_for_who_is_in_it_now():
    coupon = words(segments=["new", "gone"])
    bob = create_customer(name="Bob", enrolled_at=NOON - dt.timedelta(days=400))
    alice = create_customer(name="Alice", enrolled_at=NOON - dt.timedelta(days=1))
    assert refused(redemption.redeem, coupon=coupon, request_key="x") == Reason.CUSTOMER_NEEDED
    assert refused(redemption.redeem, coupon=coupon, request_key="x", customer=bob) == Reason.OTHER_SEGMENT
    redemption.redeem(coupon=coupon, request_key="x", customer=alice, now=NOON)


def test_events_are_never_changed():
    coupon = words()
    redemption.reserve(coupon=coupon, key="a", now=NOON)
    event = CouponEvent.objects.get()
    with pytest.raises(AppendOnlyError):
        event.save()
    with pytest.raises(AppendOnlyError):
        CouponEvent.objects.all().delete()
    for statement in ("UPDATE rewards_couponevent SET note = 'x'", "DELETE FROM rewards_couponevent"):
        with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_basket_holds_a_coupon_once():
    coupon = words()
    redemption.reserve(coupon=coupon, key="a", now=NOON)
    redemption.reserve(coupon=coupon, key="a", now=NOON)
    assert CouponHold.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        CouponHold.objects.create(coupon=coupon, batch=coupon.batch, key="a", held_until=LATER)


def test_100_000_guesses_find_nothing_among_10_000_live_coupons():
    batch = create_batch()
    sources = [(f"test:{number}", None) for number in range(10_000)]
    assert coupons.issue_chunk(batch=batch, recipients=sources, now=NOON, by=None) == 10_000
    live = {bytes(sealed) for sealed in Coupon.objects.values_list("code_sealed", flat=True)}
    assert len(live) == 10_000
    assert live.isdisjoint(codes.seal_many(codes.generate(100_000)))
    guesses = [f"{number:06X}" for number in range(500)] + codes.generate(500) + ["' OR 1=1", "\0", "优惠券", ""]
    assert [guess for guess in guesses if coupons.find(guess) is not None] == []
