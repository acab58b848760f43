"""A pasted list: who is meant, and which lines mean nobody."""

import pytest

from customers.tests.factories import create_customer
from rewards.recipients import Unknown, read_list

pytestmark = pytest.mark.django_db


def test_a_list_is_read_line_by_line():
    alice = create_customer(member_number="M1", email="alice@x.example", phone="+49301234567")
    bob = create_customer(member_number="M2", email="bob@x.example")
    found = read_list("M1\n\n  BOB@x.example \nnobody\n030 1234567\nM9\n")
    assert found.customer_ids == [alice.pk, bob.pk]
    assert found.unknown == [Unknown(4, "nobody"), Unknown(6, "M9")]
    assert found.repeated == 1


def test_a_member_number_comes_before_any_other_meaning():
    other = create_customer(member_number="A", phone="+49301234567")
    meant = create_customer(member_number="+49301234567")
    assert read_list("+49301234567").customer_ids == [meant.pk]
    assert read_list("030 1234567").customer_ids == [meant.pk] or read_list("030 1234567").customer_ids == [other.pk]


def test_who_left_is_nobody():
    alice = create_customer(member_number="M1")
    alice.erased_at = alice.enrolled_at
    alice.save()
    assert read_list("M1").customer_ids == []


def test_a_long_list_takes_a_bounded_number_of_queries(django_assert_max_num_queries):
    for number in range(20):
        create_customer(member_number=f"N{number}")
    with django_assert_max_num_queries(8):
        found = read_list("\n".join(f"N{number}" for number in range(1_000)))
    assert (len(found.customer_ids), len(found.unknown)) == (20, 980)
