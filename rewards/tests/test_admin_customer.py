"""Buttons on the customer's record: points and coupons, once each, and never on one's own card."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from customers.models import Customer, User
from customers.tests.factories import create_customer, create_user
from rewards.models import Coupon, PointBalance, PointTransaction
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import award

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client) -> User:
    user = create_user(is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def record(customer: Customer) -> str:
    return reverse("admin:customers_customer_change", args=[customer.pk])


def adjusting(customer: Customer) -> str:
    return reverse("admin:customers_customer_adjust_points", args=[customer.pk])


def issuing(customer: Customer) -> str:
    return reverse("admin:customers_customer_issue_coupon", args=[customer.pk])


def key_on(client: Client, address: str) -> str:
    return re.search(r'name="key" value="([0-9a-f-]+)"', client.get(address).text)[1]


def adjustment(client: Client, customer: Customer, **fields: object) -> dict[str, object]:
    base = {
        "points": "50",
        "reason": "goodwill",
        "note": "Sorry for the wait",
        "staff_note": "Receipt 7",
        "key": key_on(client, adjusting(customer)),
    }
    return base | fields


@pytest.mark.parametrize(
    ("action", "page"), [("issue_coupon", "issue-coupon"), ("adjust_points", "adjust-points")]
)  # fmt: skip
def test_a_button_leads_to_its_page(client: Client, owner: User, action: str, page: str):
    alice = create_customer()
    assert f'value="{action}"' in client.get(record(alice)).text
    answer = client.post(record(alice), {"CHANGE_FORM-action": action, "_selected_action": str(alice.pk)})
    assert answer.url.endswith(f"/{alice.pk}/{page}/")


def test_points_are_given_once_however_often_the_button_is_pressed(client: Client, owner: User):
    alice = create_customer()
    data = adjustment(client, alice)
    for _ in range(2):
        assert client.post(adjusting(alice), data).url == record(alice)
    assert PointBalance.objects.get(customer=alice).active == 50
    [row] = PointTransaction.objects.all()
    assert (row.reason, row.note, row.by, row.source) == (
        "goodwill",
        "Sorry for the wait",
        owner,
        f"adjust:{data['key']}",
    )
    assert LogEntry.objects.filter(object_id=str(alice.pk)).exists()


def test_the_same_form_with_other_contents_is_refused(client: Client, owner: User):
    alice = create_customer()
    data = adjustment(client, alice)
    client.post(adjusting(alice), data)
    assert "already booked" in client.post(adjusting(alice), data | {"points": "70"}).text
    assert PointBalance.objects.get(customer=alice).active == 50


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"points": "-10"}, "can be spent"),
        ({"points": "0"}, "0 points change nothing."),
        ({"points": "2000000"}, "less than or equal"),
        ({"points": "1.5"}, "whole number"),
        ({"reason": "because"}, "Select a valid choice"),
        ({"note": ""}, "This field is required."),
    ],
)
def test_an_adjustment_is_refused_with_a_reason(client: Client, owner: User, fields: dict, sentence: str):
    alice = create_customer()
    answer = client.post(adjusting(alice), adjustment(client, alice, **fields))
    assert sentence in answer.text
    assert not PointTransaction.objects.exists()


def test_points_are_taken(client: Client, owner: User):
    alice = create_customer()
    award(alice, 80)
    client.post(adjusting(alice), adjustment(client, alice, points="-30", reason="misuse"))
    assert PointBalance.objects.get(customer=alice).active == 50


def test_a_coupon_is_issued_once(client: Client, owner: User):
    alice, batch = create_customer(), create_batch()
    data = {"batch": batch.pk, "key": key_on(client, issuing(alice))}
    for _ in range(2):
        assert client.post(issuing(alice), data).url == record(alice)
    [coupon] = Coupon.objects.all()
    assert (coupon.customer, coupon.by) == (alice, owner)
    assert f"…{coupon.code_tail}" in client.get(record(alice)).text


def test_only_active_batches_are_offered(client: Client, owner: User):
    alice, draft = create_customer(), create_batch(state="draft")
    assert "Five off" not in client.get(issuing(alice)).text
    answer = client.post(issuing(alice), {"batch": draft.pk, "key": key_on(client, issuing(alice))})
    assert "Select a valid choice" in answer.text


def test_a_full_batch_says_so(client: Client, owner: User):
    alice, batch = create_customer(), create_batch(limit=0)
    answer = client.post(issuing(alice), {"batch": batch.pk, "key": key_on(client, issuing(alice))})
    assert "has reached its limit" in answer.text


def test_nobody_gives_to_their_own_card(client: Client, owner: User):
    own, batch = create_customer(user=owner), create_batch()
    assert "own card" in client.post(adjusting(own), adjustment(client, own)).text
    assert "own card" in client.post(issuing(own), {"batch": batch.pk, "key": key_on(client, issuing(own))}).text
    assert not PointTransaction.objects.exists()
    assert not Coupon.objects.exists()


def test_without_the_right_there_is_neither_button_nor_page(client: Client):
    alice, reader = create_customer(), create_user(is_staff=True)
    reader.user_permissions.set(_permissions("view_customer"))
    client.force_login(reader)
    page = client.get(record(alice)).text
    assert "adjust_points" not in page
    assert "issue_coupon" not in page
    assert client.get(adjusting(alice)).status_code == 403
    assert client.get(issuing(alice)).status_code == 403
    assert "Statement" not in page


def test_nothing_is_given_to_who_was_erased(client: Client, owner: User):
    gone = create_customer()
    gone.erased_at = gone.enrolled_at
    gone.save()
    assert "adjust_points" not in client.get(record(gone)).text
    assert client.get(adjusting(gone)).status_code == 404


def test_the_record_reads_as_many_rows_for_a_regular_as_for_a_newcomer(
    client: Client, owner: User, django_assert_max_num_queries
):
    alice = create_customer(email="alice@x.example")
    for points in range(1, 31):
        award(alice, points)
    with django_assert_max_num_queries(30):
        page = client.get(record(alice)).text
    assert page.count("Points for you") == 10
    assert "465" in page


def _permissions(*names: str):
    from django.contrib.auth.models import Permission

    return Permission.objects.filter(codename__in=names)
