"""Paying with points and coupons through the API: the quote says what the purchase does, and a return gives all of it back."""

import datetime as dt

import pytest
import time_machine

from customers.models import Customer, Product, Purchase, Store
from customers.tests.api_factories import EVERYTHING, Caller, create_key, problem
from rewards import coupons, proof
from rewards.models import Coupon, CouponUse, PointBalance, PointTransaction
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award, create_customer, create_rule, create_store

pytestmark = pytest.mark.django_db
NOON = "2026-03-10T13:00:00+01:00"
MORNING = dt.datetime(2026, 3, 10, 6, tzinfo=dt.UTC)


@pytest.fixture
def store() -> Store:
    return create_store(code="harbour")


@pytest.fixture
def alice() -> Customer:
    customer = create_customer(member_number="A1")
    award(customer, 500, at=MORNING)
    return customer


@pytest.fixture
def till(store: Store, alice: Customer) -> Caller:
    create_rule()
    return Caller(create_key(store=store, till="1"))


def basket(**fields) -> dict:
    line = {"sku": "TEA", "name": "Green tea", "quantity": 2, "unit_price": 1_000}
    return {"member_number": "A1", "occurred_at": NOON, "lines": [line]} | fields


def receipt(reference: str = "R-1", **fields) -> dict:
    return basket(reference=reference, **fields)


def code(coupon: Coupon) -> str:
    return coupons.code_of(coupon)


def five_off(alice: Customer, **fields) -> Coupon:
    return issue_coupon(batch=create_batch(**fields), customer=alice, now=MORNING)


def test_a_quote_says_what_the_purchase_then_does(till: Caller, alice: Customer):
    coupon = five_off(alice)
    paying = {"points": 300, "coupons": [code(coupon)], "discount": 100}
    quoted = till.post("/quotes", basket(**paying)).json()
    assert (quoted["total"], quoted["discount"], quoted["paid_by_points"], quoted["to_pay"]) == (2_000, 600, 300, 1_100)
    assert quoted["points"]["earned"] == 11
    assert not Purchase.objects.exists()
    made = till.post("/purchases", receipt(**paying))
    assert made.status_code == 201, made.content
    found = made.json()
    for name in ("total", "discount", "paid_by_points", "to_pay", "points"):
        assert found[name] == quoted[name], name
    assert PointBalance.objects.get(customer=alice).active == 500 - 300 + 11
    assert CouponUse.objects.get(coupon=coupon).purchase_id == found["id"]


def test_a_quote_names_the_coupons_that_fit_and_why_others_do_not(till: Caller, alice: Customer, store: Store):
    five_off(alice)
    five_off(alice, value=700, minimum_basket=5_000)
    found = till.post("/quotes", basket()).json()["coupons"]
    assert [(one["is_valid"], one["discount"], one["reason"]) for one in found] == [
        (True, 500, None),
        (False, 0, "basket_too_small"),
    ]
    assert till.post("/quotes", basket(member_number=None)).json()["coupons"] == []
    blind = Caller(create_key("purchases:read", store=store))
    assert blind.post("/quotes", basket()).json()["coupons"] == []


def hold(till: Caller, points: int, *, of: str = "A1") -> int:
    answer = till.post("/holds", {"member_number": of, "points": points, "minutes": 15})
    assert answer.status_code == 201, answer.content
    return answer.json()["id"]


def account(alice: Customer) -> tuple[int, int]:
    row = PointBalance.objects.get(customer=alice)
    return row.active, row.held


@pytest.mark.parametrize(("asked", "paid"), [({}, 300), ({"points": 300}, 300), ({"points": 200}, 200)])
def test_a_purchase_is_paid_from_a_hold_and_its_return_gives_the_points_back(till, alice, asked, paid):
    pk = hold(till, 300)
    assert account(alice) == (200, 300)
    made = till.post("/purchases", receipt(hold=pk, **asked))
    assert made.status_code == 201, made.content
    earned = (2_000 - paid) // 100
    assert (made.json()["paid_by_points"], made.json()["points"]["earned"]) == (paid, earned)
    assert account(alice) == (500 - paid + earned, 0)
    assert problem(till.post("/purchases", receipt("R-2", hold=pk))) == (409, "hold_closed")
    again = till.post(f"/holds/{pk}/capture", {"points": paid})
    assert (again.status_code, again.json()["state"]) == (201, "captured")
    back = {"purchase": "R-1", "reference": "B-1", "occurred_at": NOON, "lines": [{"position": 1, "quantity": 2}]}
    assert till.post("/refunds", back).status_code == 201
    assert account(alice) == (500, 0)
    assert proof.prove().faults == []


def test_a_purchase_takes_no_more_than_its_hold_and_only_the_members_own(till: Caller, alice: Customer, store: Store):
    bob = create_customer(name="Bob", member_number="B1")
    award(bob, 100, at=MORNING)
    pk, of_bob = hold(till, 300), hold(till, 100, of="B1")
    assert problem(till.post("/purchases", receipt(hold=pk, points=301))) == (409, "hold_too_small")
    assert problem(till.post("/purchases", receipt(hold=of_bob))) == (422, "invalid")
    assert problem(till.post("/purchases", receipt(hold=pk, member_number=None))) == (422, "invalid")
    assert problem(till.post("/purchases", receipt(hold=pk + of_bob + 1))) == (404, "not_found")
    seller = Caller(create_key("purchases:write", store=store))
    assert problem(seller.post("/purchases", receipt(hold=pk))) == (403, "scope_missing")
    assert not Purchase.objects.exists()
    assert (account(alice), account(bob)) == ((200, 300), (0, 100))


@pytest.mark.parametrize("path", ["/quotes", "/purchases"])
@pytest.mark.parametrize(
    ("paying", "code_", "more"),
    [
        ({"points": 501}, "insufficient_points", {"needed": 501, "available": 500}),
        ({"points": 400, "discount": 1_700}, "pays_too_much", {}),
        ({"coupons": ["ABCD-EFGH-JKMN"]}, "coupon_refused", {"reason": "unknown"}),
    ],
)
def test_what_cannot_pay_is_refused_in_both(till: Caller, alice: Customer, path, paying, code_, more):
    answer = till.post(path, (receipt if path == "/purchases" else basket)(**paying))
    assert problem(answer) == (409, code_)
    assert answer.json().items() >= more.items()
    assert not Purchase.objects.exists()
    assert PointBalance.objects.get(customer=alice).active == 500


@pytest.mark.parametrize(("points", "status"), [(560, 200), (561, 409)])
def test_a_quote_counts_what_is_due_though_the_night_has_not_come(
    till: Caller, alice: Customer, points: int, status: int
):
    """Besides the 500, 40 ended an hour ago, 60 became spendable an hour ago, and 30 will tomorrow."""
    at = dt.datetime.fromisoformat(NOON)
    hour, day = dt.timedelta(hours=1), dt.timedelta(days=1)
    with time_machine.travel(MORNING, tick=False):
        award(alice, 40, at=MORNING, expires_at=at - hour)
        award(alice, 60, at=MORNING, activates_at=at - hour)
        award(alice, 30, at=MORNING, activates_at=at + day)
    assert till.post("/quotes", basket(points=points)).status_code == status
    assert till.post("/purchases", receipt(points=points)).status_code == (201 if status == 200 else status)


@pytest.mark.parametrize("path", ["/quotes", "/purchases"])
def test_a_coupon_of_somebody_else_or_for_a_larger_basket_is_refused_in_both(till: Caller, alice: Customer, path):
    body = receipt if path == "/purchases" else basket
    for coupon, reason in (
        (five_off(create_customer(name="Bob")), "other_customer"),
        (five_off(alice, minimum_basket=2_001), "basket_too_small"),
    ):
        answer = till.post(path, body(coupons=[code(coupon)]))
        assert (problem(answer), answer.json()["reason"]) == ((409, "coupon_refused"), reason)
    assert not CouponUse.objects.exists()
    assert not Purchase.objects.exists()


@pytest.mark.parametrize("path", ["/quotes", "/purchases"])
def test_guests_do_not_pay_with_points_and_no_coupon_stands_twice(till: Caller, alice: Customer, path):
    body = receipt if path == "/purchases" else basket
    assert problem(till.post(path, body(points=10, member_number=None))) == (422, "invalid")
    coupon = code(five_off(alice))
    assert problem(till.post(path, body(coupons=[coupon, coupon.lower()]))) == (422, "invalid")
    assert problem(till.post(path, body(points=-1))) == (422, "invalid")


@pytest.mark.parametrize(("missing", "paying"), [("points:hold", {"points": 10}), ("coupons:redeem", {"coupons": ["ABCD-EFGH-JKMN"]})])  # fmt: skip
@pytest.mark.parametrize("path", ["/quotes", "/purchases"])
def test_paying_needs_the_scope_for_it(till: Caller, store: Store, path, missing, paying):
    """A key that may record sales cannot empty a balance by recording one."""
    caller = Caller(create_key(*(scope for scope in EVERYTHING if scope != missing), store=store))
    answer = caller.post(path, (receipt if path == "/purchases" else basket)(**paying))
    assert problem(answer) == (403, "scope_missing")
    assert answer.json()["scope"] == missing


def test_the_same_receipt_pays_once(till: Caller, alice: Customer):
    body = receipt(points=300, coupons=[code(five_off(alice))])
    first = till.post("/purchases", body, once="k-1")
    assert till.post("/purchases", body, once="k-1").content == first.content
    assert problem(till.post("/purchases", body, once="k-2")) == (409, "receipt_recorded")
    assert problem(till.post("/purchases", receipt(points=299), once="k-3")) == (409, "receipt_conflict")
    assert PointTransaction.objects.filter(kind="redeem").count() == 1
    assert CouponUse.objects.count() == 1


def back(quantity: int, reference: str = "B-1", **fields) -> dict:
    lines = [{"position": 1, "quantity": quantity}]
    return {
        "purchase": "R-1",
        "reference": reference,
        "occurred_at": "2026-03-11T13:00:00+01:00",
        "lines": lines,
    } | fields


def test_a_return_of_everything_gives_back_money_points_and_coupon(till: Caller, alice: Customer):
    till.post("/purchases", receipt(points=300, coupons=[code(five_off(alice))]))
    found = till.post("/refunds", back(2)).json()
    assert (found["total"], found["money"], found["points_given_back"], found["coupons_returned"]) == (
        2_000,
        1_200,
        300,
        1,
    )
    assert found["points_taken_back"] == 12
    assert PointBalance.objects.get(customer=alice).active == 500
    assert Coupon.objects.get().state == "active"


@pytest.mark.parametrize(("choice", "returned"), [(True, 1), (False, 0)])
def test_below_the_coupons_minimum_staff_choose(till: Caller, alice: Customer, choice, returned):
    till.post("/purchases", receipt(coupons=[code(five_off(alice, minimum_basket=1_500))]))
    assert problem(till.post("/refunds", back(1))) == (409, "coupon_choice_needed")
    answer = till.post("/refunds", back(1, returns_coupon=choice))
    assert answer.status_code == 201, answer.content
    assert answer.json()["coupons_returned"] == returned
    assert answer.json()["money"] == 750


def test_goods_that_never_earn_can_be_quoted(till: Caller):
    Product.objects.create(sku="CARD", name_en="Gift card", earns_points=False)
    lines = [{"sku": "TEA", "quantity": 1, "unit_price": 1_000}, {"sku": "CARD", "quantity": 1, "unit_price": 5_000}]
    points = till.post("/quotes", basket(lines=lines)).json()["points"]
    assert points == {
        "earned": 10,
        "because": ["base: 10 points for €10.00", "Without points: 1 article that never earns"],
    }
