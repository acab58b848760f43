"""Balances, statements, holds and transfers through the API."""

import datetime as dt

import pytest
from django.utils import timezone

from customers.models import Customer
from customers.tests.api_factories import Caller, create_key, problem
from customers.tests.factories import create_customer
from rewards import holds
from rewards.models import PointHold
from rewards.tests.factories import NOON, award, create_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Customer:
    return create_customer(member_number="A1")


@pytest.fixture
def shop() -> Caller:
    return Caller(create_key())


def test_a_balance_tells_every_account(shop: Caller, alice: Customer):
    nothing = {"member_number": "A1", "active": 0, "pending": 0, "held": 0, "debt": 0, "lifetime": 0}
    assert shop.get("/customers/A1/balance").json() == nothing
    award(alice, 100)
    award(alice, 40, activates_at=timezone.now() + dt.timedelta(days=7))
    holds.place(customer=alice, points=30, source="x", occurred_at=NOON, expires_at=NOON.replace(year=2099))
    expected = nothing | {"active": 70, "pending": 40, "held": 30, "lifetime": 140}
    assert shop.get("/customers/A1/balance").json() == expected


def test_nobody_else_is_shown(shop: Caller, alice: Customer):
    create_customer(member_number="B2", merged_into=alice)
    create_customer(member_number="C3", erased_at=NOON)
    for number in ("B2", "C3", "nobody"):
        assert problem(shop.get(f"/customers/{number}/balance")) == (404, "not_found")


def test_pages_of_a_statement_stay_stable_while_movements_are_added(shop: Caller, alice: Customer):
    for number in range(1, 26):
        award(alice, number)
    first = shop.get("/customers/A1/statement", limit="10").json()
    assert [item["points"] for item in first["items"]] == list(range(25, 15, -1))
    award(alice, 1000)
    second = shop.get("/customers/A1/statement", limit="10", before=str(first["next"])).json()
    award(alice, 2000)
    third = shop.get("/customers/A1/statement", limit="10", before=str(second["next"])).json()
    seen = [item["sequence"] for page in (first, second, third) for item in page["items"]]
    assert seen == list(range(25, 0, -1))
    assert third["next"] is None


def test_a_page_costs_the_same_number_of_queries_wherever_it_is(
    shop: Caller, alice: Customer, django_assert_max_num_queries
):
    for number in range(1, 40):
        award(alice, number)
    shop.get("/customers/A1/statement")
    for before in ("40", "21", "2"):
        with django_assert_max_num_queries(3):
            shop.get("/customers/A1/statement", before=before)


def test_a_movement_is_told_in_the_language_that_is_asked_for(alice: Customer):
    award(alice, 5)
    key = create_key("points:read")
    english = Caller(key).get("/customers/A1/statement").json()["items"][0]
    chinese = Caller(key, language="zh-hans").get("/customers/A1/statement").json()["items"][0]
    assert (english["kind"], english["from_account"], english["to_account"]) == ("earn", "issued", "active")
    assert english["what"] == "Points for you"
    assert chinese["what"] != english["what"]


def test_a_hold_is_placed_captured_in_part_and_the_rest_comes_back(shop: Caller, alice: Customer):
    award(alice, 100)
    placed = shop.post("/holds", {"member_number": "A1", "points": 60})
    assert placed.status_code == 201, placed.content
    hold = placed.json()
    assert (hold["state"], hold["points"], hold["captured"]) == ("open", 60, 0)
    captured = shop.post(f"/holds/{hold['id']}/capture", {"points": 45})
    assert (captured.status_code, captured.json()["state"], captured.json()["captured"]) == (201, "captured", 45)
    balance = shop.get("/customers/A1/balance").json()
    assert (balance["active"], balance["held"]) == (55, 0)
    assert problem(shop.post(f"/holds/{hold['id']}/release", {})) == (409, "hold_closed")


def test_a_hold_is_released_and_never_more_than_itself(shop: Caller, alice: Customer):
    award(alice, 100)
    hold = shop.post("/holds", {"member_number": "A1", "points": 60}).json()
    too_much = shop.post(f"/holds/{hold['id']}/capture", {"points": 61})
    assert problem(too_much) == (409, "hold_too_small")
    assert too_much.json()["on_hold"] == 60
    assert shop.post(f"/holds/{hold['id']}/release", {}).json()["state"] == "released"
    assert shop.get("/customers/A1/balance").json()["active"] == 100


def test_a_store_sees_only_its_own_holds(alice: Customer):
    award(alice, 100)
    harbour, hill = (Caller(create_key(store=create_store(code=code))) for code in ("harbour", "hill"))
    hold = harbour.post("/holds", {"member_number": "A1", "points": 60}).json()
    for path in ("capture", "release"):
        assert problem(hill.post(f"/holds/{hold['id']}/{path}", {})) == (404, "not_found")
    assert PointHold.objects.get().state == "open"


def test_points_are_transferred_once_and_not_to_the_same_customer(shop: Caller, alice: Customer):
    create_customer(member_number="B2")
    award(alice, 100)
    body = {"from_member": "A1", "to_member": "B2", "points": 30}
    answers = [shop.post("/transfers", body, once="gift-1") for _n in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert shop.get("/customers/B2/balance").json()["active"] == 30
    assert shop.get("/customers/A1/balance").json()["active"] == 70
    assert problem(shop.post("/transfers", body | {"to_member": "A1"})) == (409, "transfer_to_self")
    refused = shop.post("/transfers", body | {"points": 71})
    assert problem(refused) == (409, "insufficient_points")
    assert (refused.json()["needed"], refused.json()["available"]) == (71, 70)
    assert problem(shop.post("/transfers", body | {"to_member": "C3"})) == (404, "not_found")
