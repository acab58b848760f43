"""Coupons through the API: checked, reserved, redeemed and taken back, with no more said than the key may know."""

import datetime as dt

import pytest

from customers.models import Store
from customers.tests.api_factories import Caller, create_key, problem
from customers.tests.factories import create_customer, create_store
from rewards import coupons
from rewards.models import Coupon, CouponUse
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Store:
    return create_store(code="harbour")


@pytest.fixture
def till(store: Store) -> Caller:
    return Caller(create_key(store=store))


@pytest.fixture
def stranger(store: Store) -> Caller:
    """A key that is not told reasons."""
    return Caller(create_key("coupons:read", "coupons:redeem", store=store))


def code(coupon: Coupon) -> str:
    return coupons.code_of(coupon)


def test_a_good_coupon_is_shown_with_its_discount_and_without_its_code(till: Caller):
    coupon = issue_coupon(batch=create_batch(value_kind="percent", value=1_000, minimum_basket=500))
    answer = till.post("/coupons/validate", {"code": code(coupon).lower().replace("-", " "), "basket": 1_999})
    found = answer.json()
    assert (found["is_valid"], found["discount"], found["currency"]) == (True, 199, "EUR")
    assert found["coupon"]["ends_in"] == coupon.code_tail
    assert code(coupon).replace("-", "")[:8] not in answer.text.replace("-", "")
    small = till.post("/coupons/validate", {"code": code(coupon), "basket": 499}).json()
    assert (small["is_valid"], small["reason"]) == (False, "basket_too_small")


def test_without_the_scope_for_reasons_unknown_used_and_expired_read_the_same(till: Caller, stranger: Caller):
    used, fresh = issue_coupon(), issue_coupon()
    expired = issue_coupon(batch=create_batch(ends_at=NOON + dt.timedelta(days=1)))
    till.post("/coupons/redeem", {"code": code(used)})
    bad = ["ABCD-EFGH-JKMN", code(used), code(expired)]
    assert len({stranger.post("/coupons/validate", {"code": one}).content for one in bad}) == 1
    assert len({stranger.post("/coupons/redeem", {"code": one}).content for one in bad}) == 1
    reasons = [till.post("/coupons/validate", {"code": one}).json()["reason"] for one in bad]
    assert reasons == ["unknown", "used", "expired"]
    assert stranger.post("/coupons/validate", {"code": code(fresh)}).json()["is_valid"]


def test_a_coupon_is_redeemed_once_by_key_and_once_at_all(till: Caller, store: Store):
    coupon, alice = issue_coupon(), create_customer(member_number="A1")
    body = {"code": code(coupon), "basket": 300, "member_number": "A1"}
    first = till.post("/coupons/redeem", body, once="use-1")
    assert first.status_code == 201, first.content
    found = first.json()
    assert (found["discount"], found["store"], found["member_number"]) == (300, "harbour", "A1")
    assert found["coupon"]["state"] == "redeemed"
    assert till.post("/coupons/redeem", body, once="use-1").content == first.content
    again = till.post("/coupons/redeem", body)
    assert problem(again) == (409, "coupon_refused")
    assert again.json()["reason"] == "used"
    use = CouponUse.objects.get()
    assert (use.customer, use.store, use.discount) == (alice, store, 300)


def test_a_reserved_coupon_is_for_its_basket_until_it_is_released(till: Caller, store: Store):
    coupon, other = issue_coupon(), Caller(create_key(store=store))
    body = {"code": code(coupon), "reservation": "basket-1"}
    assert till.post("/coupons/reserve", body).json()["state"] == "reserved"
    # The same name of another client is another basket.
    assert problem(other.post("/coupons/redeem", body)) == (409, "coupon_refused")
    assert problem(other.post("/coupons/release", body)) == (409, "coupon_refused")
    assert till.post("/coupons/release", body).json()["state"] == "active"
    assert till.post("/coupons/reserve", body).status_code == 201
    assert till.post("/coupons/redeem", body).status_code == 201


def test_a_use_is_taken_back_once_and_only_by_its_own_store(till: Caller):
    coupon = issue_coupon()
    use = till.post("/coupons/redeem", {"code": code(coupon)}).json()
    hill = Caller(create_key(store=create_store(code="hill")))
    assert problem(hill.post("/coupons/return", {"redemption": use["id"]})) == (404, "not_found")
    back = till.post("/coupons/return", {"redemption": use["id"]}, once="back-1")
    assert (back.status_code, back.json()["coupon"]["state"]) == (201, "active")
    assert back.json()["returned_at"] is not None
    assert till.post("/coupons/return", {"redemption": use["id"]}, once="back-1").content == back.content
    again = till.post("/coupons/return", {"redemption": use["id"]})
    assert (problem(again), again.json()["reason"]) == ((409, "coupon_refused"), "returned")


def test_a_redemption_can_name_its_receipt(till: Caller):
    line = {"sku": "TEA", "quantity": 1, "unit_price": 900}
    receipt = {"reference": "R-1", "occurred_at": "2026-03-10T12:00:00Z", "lines": [line], "discount": 500}
    purchase = till.post("/purchases", receipt).json()
    body = {"code": code(issue_coupon()), "basket": 900, "purchase": "R-1"}
    assert till.post("/coupons/redeem", body).json()["discount"] == 500
    assert CouponUse.objects.get().purchase_id == purchase["id"]
    assert problem(till.post("/coupons/redeem", body | {"purchase": "R-2"})) == (404, "not_found")


def test_a_reserved_coupon_is_refused_for_another_basket(till: Caller):
    body = {"code": code(issue_coupon()), "reservation": "basket-77"}
    till.post("/coupons/reserve", body | {"basket_digest": "two teas"})
    answer = till.post("/coupons/redeem", body | {"basket_digest": "three teas"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "basket_changed")
    assert till.post("/coupons/redeem", body | {"basket_digest": "two teas"}).status_code == 201


def test_a_code_for_many_is_taken_in_any_writing_and_held_once_for_each_basket(till: Caller):
    coupons.issue_words(batch=create_batch(uses_per_coupon=2), text="Summer-5", now=NOON)
    for basket in ("one", "two"):
        answer = till.post("/coupons/reserve", {"code": "summer 5", "reservation": basket})
        assert (answer.status_code, answer.json()["state"]) == (201, "active")
    answer = till.post("/coupons/redeem", {"code": "SUMMER5"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "reserved")
    assert till.post("/coupons/redeem", {"code": "SUMMER5", "reservation": "one"}).status_code == 201
