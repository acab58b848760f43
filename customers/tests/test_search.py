"""Customers are found by whatever staff have at hand, however it is spelt."""

import pytest
from django.db import connection

from customers.identifiers import normalise
from customers.models import Customer
from customers.search import matching_ids, named
from customers.tests.factories import create_customer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "term",
    ["M777", "m777", "Alice Morgan", "alice", "ALICE@X.example", " alice@x.example ", "+49 30 1234567", "030 1234567", "0049301234567", "(030) 123-4567"],
)  # fmt: skip
def test_alice_is_found_by(term):
    alice = create_customer(member_number="M777", name="Alice Morgan", email="alice@x.example", phone="+49301234567")
    create_customer(member_number="M888", name="Bob", email="bob@x.example", phone="+49301234568")
    assert matching_ids(term) == [alice.pk]


def test_a_word_inside_the_name_is_tried_when_nothing_begins_with_it():
    alice = create_customer(name="Alice Morgan")
    assert matching_ids("Morgan") == [alice.pk]
    bob = create_customer(name="Morgan Bob")
    assert matching_ids("Morgan") == [bob.pk]


@pytest.mark.parametrize("term", ["", "   ", "\x00", "nobody", "%", "_"])
def test_nothing_is_found_by(term):
    create_customer(name="Alice")
    assert matching_ids(term) == []


def test_as_many_as_asked_for_are_returned():
    for _ in range(4):
        create_customer(name="Alice")
    assert len(matching_ids("Alice", most=3)) == 3


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("email", " Alice@X.Example ", "alice@x.example"),
        ("phone", "030 1234567", "+49301234567"),
        ("phone", "+44 20 7946 0958", "+442079460958"),
        ("phone", "hello", ""),
        ("phone", "1", ""),
        ("card", " 123 ", "123"),
    ],
)
def test_spellings_become_one(kind, value, kept):
    assert normalise(kind=kind, value=value) == kept


def test_the_beginning_of_a_name_is_found_through_its_index():
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # on a handful of rows reading them all is cheaper
    plan = Customer.objects.filter(named("Al")).values("pk").explain()
    assert "customer_name_begins" in plan
