"""Customers through the API: found by an exact value, enrolled once, and shown no further than the key's scopes."""

import datetime as dt
from collections import Counter

import pytest
from django.utils import timezone

from customers import member_codes
from customers.models import Consent, Customer, Identifier
from customers.tests.api_factories import Caller, create_key, problem
from customers.tests.factories import create_customer, create_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def till() -> Caller:
    return Caller(create_key(store=create_store(code="harbour")))


def enrol(till: Caller, **fields):
    return till.post(
        "/customers", {"name": "Alice Liddell", "email": "Alice@Example.com", "phone": "030 1234567"} | fields
    )


def test_an_enrolled_customer_is_found_by_every_spelling_of_each_way(till: Caller):
    number = enrol(till).json()["member_number"]
    for body in (
        {"member_number": number}, {"email": "alice@example.com"}, {"email": "ALICE@example.com"},
        {"phone": "+49 30 1234567"}, {"phone": "030/123 45 67"},
    ):  # fmt: skip
        found = till.post("/customers/find", body)
        assert found.status_code == 200, body
        assert found.json()["member_number"] == number
    assert "Alice@Example.com" not in found.text


@pytest.mark.parametrize(
    "body", [{}, {"email": "a@example.com", "phone": "030 1234567"}, {"name": "Alice"}, {"email": None}]
)
def test_a_search_names_exactly_one_exact_value(till: Caller, body: dict):
    assert problem(till.post("/customers/find", body)) == (422, "invalid")


def test_there_is_no_list_and_no_search_by_a_part(till: Caller):
    create_customer(member_number="A1", email="alice@example.com")
    assert problem(till.get("/customers")) == (405, "method_not_allowed")
    for body in ({"email": "alice@example.co"}, {"member_number": "A"}, {"member_number": "%"}):
        assert problem(till.post("/customers/find", body)) == (404, "not_found")


def test_enrolment_keeps_the_consents_with_their_wording_and_the_home_store(till: Caller):
    word = {"channel": "email", "purpose": "surveys", "is_granted": True, "wording": "till-2026-01"}
    answer = enrol(
        till,
        language="zh-hans",
        birthday="1990-05-17",
        consents=[word, word | {"purpose": "marketing", "is_granted": False}],
    )
    assert answer.status_code == 201, answer.content
    customer = Customer.objects.get()
    assert (customer.language, str(customer.birthday), customer.home_store.code) == ("zh-hans", "1990-05-17", "harbour")
    said = Consent.objects.order_by("pk").values_list("purpose", "is_granted", "wording", "source")
    source = f"api:{till.key.split('_')[1]}"
    assert list(said) == [("surveys", True, "till-2026-01", source), ("marketing", False, "till-2026-01", source)]
    shown = till.get(f"/customers/{customer.member_number}/contacts").json()
    assert (shown["email"], shown["phone"], shown["birthday"]) == ("Alice@Example.com", "030 1234567", "1990-05-17")
    assert [(one["purpose"], one["is_granted"]) for one in shown["consents"]] == [
        ("surveys", True),
        ("marketing", False),
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"phone": "030 7654321"}, "email"),
        ({"email": "other@example.com"}, "phone"),
        ({"email": "other@example.com", "phone": "030 7654321", "member_number": "A1"}, "member_number"),
    ],
)
def test_nobody_is_enrolled_twice(till: Caller, fields: dict, field: str):
    assert enrol(till, member_number="A1").status_code == 201
    answer = enrol(till, **fields)
    assert (problem(answer), answer.json()["field"]) == ((409, "customer_exists"), field)
    assert Customer.objects.count() == 1


def test_contacts_need_their_own_scope():
    create_customer(member_number="A1", name="Alice", email="alice@example.com")
    reader = Caller(create_key("customers:read"))
    assert set(reader.get("/customers/A1").json()) == {"member_number", "name", "language", "home_store", "enrolled_at"}
    assert problem(reader.get("/customers/A1/contacts")) == (403, "scope_missing")


def test_a_customer_is_found_by_what_a_scanner_read():
    alice = create_customer(member_number="A1")
    Identifier.objects.create(customer=alice, kind="card", value="2048 1167", normalised="2048 1167")
    create_customer(member_number="A2", phone="+49301234567", email="bob@x.example")
    till, now = Caller(), timezone.now()
    fresh = member_codes.make(customer=alice, now=now)
    old = member_codes.make(customer=alice, now=now - dt.timedelta(days=1))
    for code in ("A1", "a1", "2048 1167", fresh, fresh, old):
        assert till.post("/customers/find", {"code": code}).json()["member_number"] == "A1"
    for code in (fresh[:-1] + str((int(fresh[-1]) + 1) % 10), "+49301234567", "bob@x.example"):
        assert problem(till.post("/customers/find", {"code": code})) == (404, "not_found")
    assert problem(till.post("/customers/find", {"code": "A1", "member_number": "A1"})) == (422, "invalid")


def test_guessed_codes_are_misses():
    till = Caller()
    answers = [till.post("/customers/find", {"code": f"X{number}"}) for number in range(25)]
    assert Counter(map(problem, answers)) == {(404, "not_found"): 20, (429, "too_many_misses"): 5}
