"""The customer's record: found, enrolled, told apart, never deleted."""

import pytest
from django.test import Client
from django.urls import reverse

from customers.models import Customer, Identifier
from customers.tests.factories import create_customer, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(create_user(is_staff=True, is_superuser=True))
    return client


def post(customer: Customer, identifiers: list[dict], **fields: str) -> dict[str, str]:
    """What the browser sends for a record with these identifiers."""
    data = {"name": customer.name, "language": "", "birthday": "", "home_store": "", "time_zone": ""} | fields
    data |= {"identifiers-TOTAL_FORMS": str(len(identifiers)), "identifiers-INITIAL_FORMS": "0"}
    for number, row in enumerate(identifiers):
        data |= {f"identifiers-{number}-{name}": value for name, value in row.items()}
        if row.get("id"):
            data["identifiers-INITIAL_FORMS"] = str(number + 1)
        data[f"identifiers-{number}-customer"] = str(customer.pk or "")
    return data


def test_an_identifier_is_kept_as_it_is_compared(owner: Client):
    alice = create_customer()
    address = reverse("admin:customers_customer_change", args=[alice.pk])
    answer = owner.post(address, post(alice, [{"kind": "phone", "value": "030 1234567"}]))
    assert answer.status_code == 302
    assert Identifier.objects.get(customer=alice).normalised == "+49301234567"


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("email", "ALICE@x.example", "This belongs to the customer M777."),
        ("email", "no address", "Enter a valid email address."),
        ("phone", "hello", "This is no phone number"),
    ],
)
def test_an_identifier_of_somebody_else_or_of_nobody_is_refused(owner: Client, kind: str, value: str, sentence: str):
    create_customer(member_number="M777", email="alice@x.example")
    bob = create_customer(name="Bob")
    answer = owner.post(
        reverse("admin:customers_customer_change", args=[bob.pk]), post(bob, [{"kind": kind, "value": value}])
    )
    assert sentence in answer.text
    assert not bob.identifiers.exists()


def test_a_changed_address_is_no_longer_verified(owner: Client):
    alice = create_customer(email="alice@x.example")
    [row] = alice.identifiers.all()
    Identifier.objects.update(verified_at=alice.enrolled_at)
    address = reverse("admin:customers_customer_change", args=[alice.pk])
    owner.post(address, post(alice, [{"id": str(row.pk), "kind": "email", "value": "new@x.example"}]))
    row.refresh_from_db()
    assert (row.normalised, row.verified_at) == ("new@x.example", None)


def test_a_member_number_is_proposed_and_then_never_changes(owner: Client):
    page = owner.get(reverse("admin:customers_customer_add"))
    number = page.context["adminform"].form.initial["member_number"]
    assert number.isdecimal()
    assert len(number) == 10
    alice = create_customer(member_number="M777")
    owner.post(reverse("admin:customers_customer_change", args=[alice.pk]), post(alice, [], member_number="M1"))
    alice.refresh_from_db()
    assert alice.member_number == "M777"


def test_nobody_deletes_a_customer(owner: Client):
    alice = create_customer()
    assert owner.post(reverse("admin:customers_customer_delete", args=[alice.pk]), {"post": "yes"}).status_code == 403
