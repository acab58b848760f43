"""Whoever loses points by no act of their own hears of it."""

import uuid

import pytest
from django.core import mail

from customers import notices
from customers.models import Notice
from customers.tests.factories import create_customer, create_user
from loyalty_site.roles import ensure_roles
from rewards import adjustments, statement, transfers
from rewards.tests.factories import NOON, award

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    customer = create_customer(name="Alice", email="alice@example.com", language="en")
    award(customer, 100)
    return customer


@pytest.fixture
def manager():
    user = create_user(email="manager@example.com", is_staff=True)
    user.groups.add(ensure_roles()["manager"])
    return user


def told() -> list[str]:
    return sorted(notice.kind for notice in Notice.objects.all())


@pytest.mark.parametrize(("points", "letters"), [(-15, ["points_left"]), (15, [])])
def test_points_taken_by_hand_are_told_and_points_given_are_not(alice, manager, points, letters):
    key = uuid.uuid4()
    for __ in range(2):
        adjustments.adjust(
            customer=alice, points=points, reason="correction", note="Booked twice.", key=key, by=manager, now=NOON
        )
    assert told() == letters


def test_the_mail_says_how_many_and_where_to_read_why(alice, manager):
    adjustments.adjust(
        customer=alice, points=-15, reason="correction", note="Booked twice.", key=uuid.uuid4(), by=manager, now=NOON
    )
    notices.send_due()
    (letter,) = mail.outbox
    assert letter.subject.startswith("15 points left your account at ")
    assert "15 points were taken off. Your statement says why." in letter.body
    assert "/points/" in letter.body


def test_who_gives_points_away_is_told_once_and_both_statements_say_so(alice):
    bob = create_customer(name="Bob", email="bob@example.com")
    for __ in range(2):
        transfers.transfer(giver=alice, receiver=bob, points=40, source="t:1", occurred_at=NOON)
    assert [(notice.customer, notice.kind) for notice in Notice.objects.all()] == [(alice, "points_left")]
    lines = [statement.page_of(customer=one, before=None, size=1)[0][0] for one in (alice, bob)]
    assert [(line.what, line.points) for line in lines] == [
        ("To another customer", "−40"),
        ("From another customer", "+40"),
    ]
    notices.send_due()
    assert "40 points went from your account to another customer's." in mail.outbox[0].body
