"""Coupon batches in the admin: sizes as people say them, issuing to many, opening and closing, voiding."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from customers.models import User
from customers.tests.factories import NOON, create_customer, create_user
from rewards import tasks
from rewards.admin import coupon_pages
from rewards.models import Coupon, CouponBatch
from rewards.tests.coupon_factories import create_batch, issue_coupon

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client) -> User:
    user = create_user(is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def address_of(batch: CouponBatch, page: str = "change") -> str:
    return reverse(f"admin:rewards_couponbatch_{page}", args=[batch.pk])


def batch_form(**fields: str) -> dict[str, str]:
    base = {
        "name_en": "Spring",
        "value_kind": "percent",
        "value": "10",
        "minimum_basket": "0",
        "cost_price": "0",
        "uses_per_coupon": "1",
        "plan-TOTAL_FORMS": "1",
        "plan-INITIAL_FORMS": "0",
        "plan-0-audience": "later",
    }
    return base | fields


def press(client: Client, batch: CouponBatch, action: str):
    return client.post(
        address_of(batch), {"CHANGE_FORM-action": action, "_selected_action": str(batch.pk)}, follow=True
    )


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        ("percent", "10", 1000),
        ("percent", "12.5", 1250),
        ("amount", "5.00", 500),
        ("multiplier", "2", 20_000),
        ("gift", "", 0),
    ],
)
def test_a_size_is_typed_as_people_say_it(client: Client, owner: User, kind: str, typed: str, kept: int):
    answer = client.post(
        reverse("admin:rewards_couponbatch_add"), batch_form(value_kind=kind, value=typed, minimum_basket="20.00")
    )
    assert answer.status_code == 302, re.findall(r"errorlist.*", answer.text)
    batch = CouponBatch.objects.get()
    assert (batch.value, batch.minimum_basket, batch.by, batch.state) == (kept, 2000, owner, "draft")
    page = client.get(address_of(batch)).text
    assert typed in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"value": "101"}, "More than 100 % cannot be taken off."),
        ({"value": ""}, "A percentage, an amount and a multiplier need a size."),
        ({"value_kind": "product", "value": ""}, "A free product needs the product."),
        ({"value": "ten"}, "is not an amount"),
        ({"minimum_basket": "20,00"}, "is not an amount"),
        ({"starts_at_0": "2026-03-02", "starts_at_1": "00:00", "ends_at_0": "2026-03-01", "ends_at_1": "00:00"}, "The end must lie after the start."),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_a_sentence(client: Client, owner: User, fields: dict, sentence: str):
    answer = client.post(reverse("admin:rewards_couponbatch_add"), batch_form(**fields))
    assert sentence in answer.text
    assert not CouponBatch.objects.exists()


def test_the_worth_of_issued_coupons_does_not_change(client: Client, owner: User):
    batch = create_batch(value=500)
    issue_coupon(batch=batch)
    client.post(address_of(batch), batch_form(value_kind="amount", value="1.00", name_en="Renamed"))
    batch.refresh_from_db()
    assert (batch.value, batch.name_en) == (500, "Renamed")
    assert "€5.00" in client.get(address_of(batch)).text


def test_a_batch_goes_from_state_to_state(client: Client, owner: User):
    batch = create_batch(state="draft")
    for action, state in (("activate", "active"), ("pause", "paused"), ("activate", "active"), ("close", "closed")):
        press(client, batch, action)
        batch.refresh_from_db()
        assert batch.state == state
    assert 'value="activate"' not in client.get(address_of(batch)).text
    press(client, batch, "activate")
    batch.refresh_from_db()
    assert batch.state == "closed"


def issue_form(client: Client, batch: CouponBatch, **fields: str) -> dict[str, str]:
    page = client.get(address_of(batch, "issue")).text
    return {"key": re.search(r'name="key" value="([0-9a-f-]+)"', page)[1], "segment": "", "members": ""} | fields


def test_a_list_is_checked_first_and_issued_once(client: Client, owner: User):
    batch, alice, bob = create_batch(), create_customer(member_number="M1"), create_customer(email="bob@x.example")
    data = issue_form(client, batch, members="M1\nnobody\nBOB@x.example\nM1")
    page = client.post(address_of(batch, "issue"), data | {"_check": "1"}).text
    assert "2 customers get a coupon" in page
    assert "Line 2: nobody" in page
    assert "1 line repeats" in page
    assert not Coupon.objects.exists()
    for _ in range(2):
        client.post(address_of(batch, "issue"), data | {"_issue": "1"})
    assert set(Coupon.objects.values_list("customer", flat=True)) == {alice.pk, bob.pk}
    assert Coupon.objects.count() == 2


def test_a_segment_is_counted_and_issued_but_not_to_oneself(client: Client, owner: User):
    batch = create_batch()
    create_customer(user=owner)
    for _ in range(3):
        create_customer()
    data = issue_form(client, batch, segment="everyone")
    assert "3 customers get a coupon" in client.post(address_of(batch, "issue"), data | {"_check": "1"}).text
    assert "3 coupons were issued." in client.post(address_of(batch, "issue"), data | {"_issue": "1"}, follow=True).text
    assert Coupon.objects.count() == 3


def test_a_large_segment_is_the_background_tasks(client: Client, owner: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(coupon_pages, "AT_ONCE", 2)
    batch = create_batch()
    for _ in range(3):
        create_customer()
    data = issue_form(client, batch, segment="everyone")
    page = client.post(address_of(batch, "issue"), data | {"_issue": "1"}, follow=True).text
    assert "in the background" in page
    assert not Coupon.objects.exists()
    for _ in range(2):
        tasks.work_on_coupons()
    assert Coupon.objects.count() == 3


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Choose a segment, paste a list, or say how many codes"),
        ({"segment": "everyone", "members": "M1"}, "Choose a segment, paste a list, or say how many codes"),
        ({"members": "nobody"}, "Nobody of this list is a customer."),
        ({"members": "x\n" * 20_001}, "A list has at most 20,000 lines."),
        ({"segment": "made-up"}, "Select a valid choice"),
    ],
)
def test_an_issue_to_nobody_is_refused(client: Client, owner: User, fields: dict, sentence: str):
    batch = create_batch()
    assert (
        sentence in client.post(address_of(batch, "issue"), issue_form(client, batch, **fields) | {"_issue": "1"}).text
    )


def test_a_limit_reached_midway_says_how_far_it_came(client: Client, owner: User):
    batch = create_batch(limit=2)
    for _ in range(3):
        create_customer()
    data = issue_form(client, batch, segment="everyone")
    page = client.post(address_of(batch, "issue"), data | {"_issue": "1"}, follow=True).text
    assert "has reached its limit of 2 coupons" in page
    assert "2 coupons were issued." in page


def test_a_coupon_is_voided_with_a_reason(client: Client, owner: User):
    alice = create_customer()
    coupon = issue_coupon(customer=alice)
    record = reverse("admin:rewards_coupon_change", args=[coupon.pk])
    answer = client.post(record, {"CHANGE_FORM-action": "void_coupons", "_selected_action": str(coupon.pk)})
    assert client.post(answer.url, {"reason": ""}).status_code == 200
    client.post(answer.url, {"reason": "printed twice"})
    coupon.refresh_from_db()
    assert (coupon.state, coupon.void_reason) == ("voided", "printed twice")
    assert 'value="void_coupons"' not in client.get(record).text


def test_lists_show_the_last_four_symbols_only(client: Client, owner: User):
    from rewards.coupons import code_of

    coupon = issue_coupon(customer=create_customer())
    page = client.get(reverse("admin:rewards_coupon_changelist")).text
    assert f"…{coupon.code_tail}" in page
    assert code_of(coupon) not in page


def test_a_marketer_neither_activates_nor_voids(client: Client):
    from loyalty_site.roles import ensure_roles

    marketer = create_user(is_staff=True)
    marketer.groups.add(ensure_roles()["marketer"])
    client.force_login(marketer)
    batch = create_batch(state="draft")
    press(client, batch, "activate")
    batch.refresh_from_db()
    assert batch.state == "draft"
    coupon = issue_coupon(now=NOON)
    assert client.get(reverse("admin:rewards_coupon_void"), {"ids": str(coupon.pk)}).status_code == 403
