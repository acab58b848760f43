"""Purchases, quotes and returns through the API."""

import pytest

from customers.models import Category, Product, Purchase, Store
from customers.tests.api_factories import Caller, create_key, problem
from customers.tests.factories import create_customer
from rewards.tests.factories import create_rule, create_store

pytestmark = pytest.mark.django_db
NOON = "2026-03-10T13:00:00+01:00"


@pytest.fixture
def store() -> Store:
    return create_store(code="harbour")


@pytest.fixture
def till(store: Store) -> Caller:
    create_rule()
    create_customer(member_number="A1")
    return Caller(create_key(store=store, till="1"))


def receipt(reference: str = "R-1", **fields) -> dict:
    line = {"sku": "TEA", "name": "Green tea", "category": "tea", "quantity": 2, "unit_price": 450}
    return {"reference": reference, "member_number": "A1", "occurred_at": NOON, "lines": [line]} | fields


def test_a_purchase_is_recorded_with_its_points_and_their_reasons(till: Caller):
    answer = till.post("/purchases", receipt())
    assert answer.status_code == 201, answer.content
    found = answer.json()
    assert found == {
        "id": Purchase.objects.get().pk,
        "store": "harbour",
        "till": "1",
        "reference": "R-1",
        "member_number": "A1",
        "occurred_at": "2026-03-10T12:00:00Z",
        "recorded_at": found["recorded_at"],
        "currency": "EUR",
        "total": 900,
        "discount": 0,
        "paid_by_points": 0,
        "paid_by_value": 0,
        "to_pay": 900,
        "points": {"earned": 9, "because": ["base: 9 points for €9.00"]},
        "stamps": [],
        "lines": [
            {
                "position": 1,
                "sku": "TEA",
                "quantity": 2,
                "returned": 0,
                "unit_price": 450,
                "discount": 0,
                "total": 900,
            }
        ],
    }
    assert Product.objects.get().category == Category.objects.get(code="tea")
    again = till.get("/purchases", reference="R-1").json()
    assert again == found


def test_a_quote_says_what_the_purchase_will_earn_and_writes_nothing(till: Caller):
    basket = {name: value for name, value in receipt(discount=100).items() if name != "reference"}
    quoted = till.post("/quotes", basket).json()
    assert (quoted["total"], quoted["to_pay"], quoted["points"]["earned"]) == (900, 800, 8)
    assert not Product.objects.exists()
    assert till.post("/purchases", receipt(discount=100)).json()["points"]["earned"] == 8
    guest = till.post("/quotes", basket | {"member_number": None}).json()
    assert guest["points"] == {"earned": 0, "because": []}


def test_a_quote_knows_the_category_of_a_new_product(till: Caller):
    category = Category.objects.create(code="tea", name_en="Tea")
    create_rule(key="tea", points=10, category=category)
    basket = {name: value for name, value in receipt().items() if name != "reference"}
    assert till.post("/quotes", basket).json()["points"]["earned"] == 99
    assert till.post("/purchases", receipt()).json()["points"]["earned"] == 99


def test_a_guest_earns_nothing_and_known_products_keep_their_name(till: Caller):
    till.post("/purchases", receipt("R-1"))
    line = {"sku": "TEA", "name": "Other", "category": "other", "quantity": 1, "unit_price": 100}
    answer = till.post("/purchases", receipt("R-2", member_number=None, lines=[line, line | {"sku": "NEW"}]))
    assert answer.json()["points"] == {"earned": 0, "because": []}
    assert answer.json()["member_number"] is None
    assert list(Product.objects.order_by("sku").values_list("sku", "name_en")) == [
        ("NEW", "Other"),
        ("TEA", "Green tea"),
    ]


def refund(reference: str = "X-1", quantity: int = 1, **fields) -> dict:
    lines = [{"position": 1, "quantity": quantity}]
    return {"purchase": "R-1", "reference": reference, "occurred_at": NOON, "lines": lines} | fields


def test_goods_come_back_by_line_with_their_points(till: Caller):
    till.post("/purchases", receipt())
    answer = till.post("/refunds", refund())
    assert answer.status_code == 201, answer.content
    found = answer.json()
    assert (found["total"], found["points_taken_back"], found["points_given_back"]) == (450, 5, 0)
    assert till.get("/purchases", reference="R-1").json()["lines"][0]["returned"] == 1
    again = till.post("/refunds", refund())
    assert problem(again) == (409, "return_recorded")
    assert again.json()["original_id"] == found["id"]
    assert problem(till.post("/refunds", refund(quantity=2))) == (409, "return_conflict")
    too_much = till.post("/refunds", refund("X-2", 2))
    assert problem(too_much) == (409, "return_too_large")
    assert (too_much.json()["position"], too_much.json()["kept"]) == (1, 1)
    assert till.post("/refunds", refund("X-2")).json()["points_taken_back"] == 4


def test_a_refund_of_what_was_not_bought_here_is_refused(till: Caller):
    till.post("/purchases", receipt())
    assert problem(till.post("/refunds", refund(purchase="R-9"))) == (404, "not_found")
    assert problem(till.post("/refunds", refund(lines=[{"position": 2, "quantity": 1}]))) == (422, "invalid")
    twice = [{"position": 1, "quantity": 1}] * 2
    assert problem(till.post("/refunds", refund(lines=twice))) == (422, "invalid")
    assert problem(till.post("/refunds", refund(occurred_at="2026-03-09T12:00:00Z"))) == (422, "invalid")
    hill = Caller(create_key(store=create_store(code="hill")))
    assert problem(hill.post("/refunds", refund())) == (404, "not_found")
