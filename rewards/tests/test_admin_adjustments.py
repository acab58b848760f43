"""Points by hand in the admin: what a cashier and a manager see, press and are told."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.admin_panels import record_url
from customers.models import Customer
from customers.timezones import programme_date, start_of_day
from rewards import ledger
from rewards.models import AdjustmentRequest, PointBalance, PointTransaction
from rewards.tests.factories import award, create_customer
from rewards.tests.test_adjustments import staff

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
LIST = "admin:rewards_adjustmentrequest_changelist"


def adjusting(customer: Customer) -> str:
    return reverse("admin:customers_customer_adjust_points", args=[customer.pk])


def deciding(row: AdjustmentRequest, page: str) -> str:
    return reverse(f"admin:rewards_adjustmentrequest_{page}", args=[row.pk])


def record(row: AdjustmentRequest) -> str:
    return reverse("admin:rewards_adjustmentrequest_change", args=[row.pk])


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def filled(client: Client, customer: Customer, points: int) -> dict[str, object]:
    key = re.search(r'name="key" value="([0-9a-f-]+)"', client.get(adjusting(customer)).text)[1]
    return {"points": points, "reason": "goodwill", "note": "Sorry", "staff_note": "Receipt 7", "key": key}


def asked(customer: Customer, points: int, by) -> AdjustmentRequest:
    client = signed_in(by)
    client.post(adjusting(customer), filled(client, customer, points) | {"_request": "1"})
    return AdjustmentRequest.objects.get()


def test_a_cashier_adjusts_within_the_limit_and_asks_above_it():
    carl, alice = staff("cashier"), create_customer()
    client = signed_in(carl)
    page = client.get(adjusting(alice)).text
    assert "up to 200 points now, 500 in all today" in page
    assert "Ask for approval" not in page
    client.post(adjusting(alice), filled(client, alice, 150))
    assert PointBalance.objects.get(customer=alice).active == 150
    data = filled(client, alice, 900)
    page = client.post(adjusting(alice), data).text
    assert "Above 200 points at a time a second person has to approve." in page
    assert "Ask for approval" in page
    for _press in range(2):
        answer = client.post(adjusting(alice), data | {"_request": "1"}, follow=True)
        assert "wait for a second person" in answer.text
    row = AdjustmentRequest.objects.get()
    assert (row.points, row.by, row.state, row.staff_note) == (900, carl, "pending", "Receipt 7")
    assert PointBalance.objects.get(customer=alice).active == 150


def test_expired_points_are_brought_back_from_the_customers_record():
    carl, alice, bob = staff("cashier"), create_customer(), create_customer()
    client, today = signed_in(carl), start_of_day(programme_date(timezone.now()))
    page, at_alice = reverse("admin:customers_customer_bring_back", args=[alice.pk]), record_url(alice)
    assert "Bring back expired points" not in client.get(at_alice).text
    award(alice, 80, at=today - DAY, expires_at=today)
    award(bob, 70, at=today - DAY, expires_at=today)
    ledger.settle_many(customer_ids=[alice.pk, bob.pk], now=today)
    assert "Bring back expired points" in client.get(at_alice).text
    shown = client.get(page).text
    assert "80 points, to be spent until" in shown
    assert "70 points" not in shown
    of_bob, own = PointTransaction.objects.filter(kind="expire").order_by("points")
    data = {"expired": of_bob.pk, "reason": "goodwill", "note": "Sorry", "staff_note": "Was ill"}
    assert "Select a valid choice" in client.post(page, data).text
    for _press in range(2):
        assert client.post(page, data | {"expired": own.pk}).url == at_alice
    assert (PointBalance.objects.get(customer=alice).active, PointBalance.objects.get(customer=bob).active) == (80, 0)
    assert "Bring back expired points" not in client.get(at_alice).text
    assert signed_in(staff("auditor")).post(page, data | {"expired": own.pk}).status_code == 403


def test_a_small_adjustment_is_never_filed_as_a_request():
    carl, alice = staff("cashier"), create_customer()
    client = signed_in(carl)
    client.post(adjusting(alice), filled(client, alice, 100) | {"_request": "1"})
    assert PointBalance.objects.get(customer=alice).active == 100
    assert not AdjustmentRequest.objects.exists()


def test_another_manager_sees_the_exact_figures_and_approves():
    maria, alice = staff("manager"), create_customer()
    row = asked(alice, 900, staff("cashier"))
    client = signed_in(maria)
    assert "Approve" in client.get(record(row)).text
    press = {"CHANGE_FORM-action": "approve", "_selected_action": str(row.pk)}
    assert client.post(record(row), press).url == deciding(row, "approve")
    page = client.get(deciding(row, "approve")).text
    assert alice.member_number in page
    assert "+900" in page
    answer = client.post(deciding(row, "approve"), {"version": 1}, follow=True)
    assert "+900 points; 900 can be spent now." in answer.text
    assert 'value="approve"' not in answer.text
    assert client.post(deciding(row, "approve"), {"version": 1}).status_code == 409
    assert PointBalance.objects.get(customer=alice).active == 900


def test_ones_own_request_is_refused_with_403():
    maria, alice = staff("manager"), create_customer()
    row = asked(alice, 9_000, maria)
    answer = signed_in(maria).post(deciding(row, "approve"), {"version": 1})
    assert answer.status_code == 403
    assert "another person has to approve" in answer.text
    assert not PointTransaction.objects.exists()


def test_an_approval_after_a_change_is_409_and_shows_the_new_figures():
    carl, alice = staff("cashier"), create_customer()
    row = asked(alice, 900, carl)
    revised = {"points": 4_000, "reason": "complaint", "note": "Sorry", "staff_note": "Receipt 8"}
    assert signed_in(carl).post(deciding(row, "revise"), revised).url == record(row)
    client = signed_in(staff("manager"))
    answer = client.post(deciding(row, "approve"), {"version": 1})
    assert answer.status_code == 409
    assert "+4,000" in answer.text
    assert 'name="version" value="2"' in answer.text
    assert not PointTransaction.objects.exists()


def test_a_refusal_says_why():
    row = asked(create_customer(), 900, staff("cashier"))
    client = signed_in(staff("manager"))
    assert client.post(deciding(row, "refuse"), {}).status_code == 200
    client.post(deciding(row, "refuse"), {"answer": "No receipt"})
    row.refresh_from_db()
    assert (row.state, row.answer) == ("refused", "No receipt")


def test_cashiers_see_only_their_own_requests_and_approve_none():
    carl, other = staff("cashier"), staff("cashier")
    row = asked(create_customer(), 900, carl)
    assert signed_in(other).get(deciding(row, "refuse")).status_code == 404
    assert "+900" not in signed_in(other).get(reverse(LIST)).text
    client = signed_in(carl)
    assert "+900" in client.get(reverse(LIST)).text
    assert 'value="approve"' not in client.get(record(row)).text
    assert client.get(deciding(row, "approve")).status_code == 403
    auditor = signed_in(staff("auditor"))
    assert "+900" in auditor.get(reverse(LIST)).text
    assert auditor.get(deciding(row, "refuse")).status_code == 403


def test_a_manager_does_not_rewrite_what_somebody_else_asked_for():
    row = asked(create_customer(), 900, staff("cashier"))
    assert signed_in(staff("manager")).get(deciding(row, "revise")).status_code == 403
