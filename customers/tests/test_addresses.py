"""Whoever talks the shop into another e-mail address spends nothing for three days, and the owner hears of it."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from customers import member_codes, spending_proof
from customers.accounts import ensure_user
from customers.models import Customer
from customers.proof_refusals import ProofRefused, Reason
from customers.tests.factories import create_customer, create_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> Customer:
    """Alice, who signs in by her address."""
    customer = create_customer(name="Alice", email="alice@x.example", language="en")
    ensure_user(email="alice@x.example")
    customer.refresh_from_db()
    return customer


def save(customer: Customer, *emails: str, phone: str = "") -> None:
    """What the admin's form sends: the addresses as they are to be."""
    client = Client()
    client.force_login(create_user(is_staff=True, is_superuser=True))
    old = list(customer.identifiers.order_by("pk"))
    rows = [(row.pk, row.kind, row.value) for row in old]
    values = [(pk, "email", email) for pk, email in zip([row[0] for row in rows], emails, strict=False)]
    values += [("", "email", email) for email in emails[len(rows) :]]
    values += [("", "phone", phone)] if phone else []
    form = {
        "name": customer.name, "language": customer.language, "birthday": "", "home_store": "", "time_zone": "",
        "is_personalised": "on", "identifiers-TOTAL_FORMS": len(values), "identifiers-INITIAL_FORMS": len(rows),
    }  # fmt: skip
    for number, (pk, kind, value) in enumerate(values):
        form |= {
            f"identifiers-{number}-id": pk, f"identifiers-{number}-customer": customer.pk,
            f"identifiers-{number}-kind": kind, f"identifiers-{number}-value": value,
        }  # fmt: skip
    answer = client.post(f"/admin/customers/customer/{customer.pk}/change/", form)
    assert answer.status_code == 302, answer.context["errors"]
    customer.refresh_from_db()


def test_another_address_holds_spending_for_72_hours_and_tells_the_old_one(alice, mailoutbox):
    before = timezone.now()
    save(alice, "mallory@x.example")
    assert before + dt.timedelta(hours=72) <= alice.spending_held_until <= timezone.now() + dt.timedelta(hours=72)
    (letter,) = mailoutbox
    assert letter.to == ["alice@x.example"]
    assert "72 hours" in letter.body
    assert "mallory" not in letter.body
    now = timezone.now()
    with pytest.raises(ProofRefused) as refused:
        spending_proof.prove(
            customer=alice, kind="code", secret=member_codes.make(customer=alice, now=now), by=None, now=now
        )
    assert refused.value.reason == Reason.HELD


def test_another_address_ends_all_sessions(alice):
    phone = Client()
    phone.force_login(alice.user)
    assert phone.get("/card/").status_code == 200
    save(alice, "new@x.example")
    assert phone.get("/card/").status_code == 302


def test_a_second_address_holds_spending_too_and_tells_the_first(alice, mailoutbox):
    save(alice, "alice@x.example", "mallory@x.example")
    assert alice.spending_held_until is not None
    assert [letter.to for letter in mailoutbox] == [["alice@x.example"]]


def test_nothing_is_held_by_the_same_address_a_first_one_or_a_phone_number(alice, mailoutbox):
    save(alice, "Alice@X.example", phone="+49 30 1234567")
    assert alice.spending_held_until is None
    bob = create_customer(name="Bob", language="en")
    save(bob, "bob@x.example")
    assert bob.spending_held_until is None
    assert mailoutbox == []
