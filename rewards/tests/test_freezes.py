"""The switch that stops all spending: everywhere within five seconds, and nothing else stops."""

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import StaffNotice
from customers.tests.api_factories import Caller, create_key, problem
from customers.tests.test_limits import ROOT, environment_of_this_database
from rewards import coupons, freezes, holds, ledger, proof, redemption, transfers
from rewards.coupons import CouponRefused
from rewards.ledger import SpendingFrozen
from rewards.models import PointBalance, SpendingFreeze
from rewards.tests.coupon_factories import issue_coupon
from rewards.tests.factories import NOON, award, create_customer, create_rule, create_store, create_user
from rewards.tests.test_adjustments import staff

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _fresh_look() -> Iterator[None]:
    freezes.look_again()
    yield
    freezes.look_again()


def freeze(**fields) -> SpendingFreeze:
    return freezes.freeze(**{"reason": "Strange redemptions", "by": None, "now": NOON} | fields)


def test_nothing_is_spent_while_it_is_frozen_and_earning_and_returns_go_on():
    alice, bob = create_customer(), create_customer()
    award(alice, 200)
    spent = ledger.redeem(customer=alice, points=50, source="before", occurred_at=NOON)
    hold = holds.place(customer=alice, points=20, source="hold", occurred_at=NOON, expires_at=NOON + HOUR)
    coupon = issue_coupon()
    freeze()
    for attempt in (
        lambda: ledger.redeem(customer=alice, points=10, source="now", occurred_at=NOON),
        lambda: holds.place(customer=alice, points=10, source="h2", occurred_at=NOON, expires_at=NOON + HOUR),
        lambda: holds.capture(hold=hold, occurred_at=NOON),
        lambda: transfers.transfer(giver=alice, receiver=bob, points=5, source="t", occurred_at=NOON),
    ):
        with pytest.raises(SpendingFrozen, match="cannot be spent at the moment"):
            attempt()
    for attempt in (
        lambda: redemption.redeem(coupon=coupon, request_key="now", now=NOON),
        lambda: redemption.reserve(coupon=coupon, key="basket", now=NOON),
    ):
        with pytest.raises(CouponRefused) as refused:
            attempt()
        assert refused.value.reason == coupons.Reason.FROZEN
    assert PointBalance.objects.get(customer=alice).active == 130
    # What was done before is answered as before; earning, giving back and correcting go on.
    assert ledger.redeem(customer=alice, points=50, source="before", occurred_at=NOON) == spent
    award(alice, 7)
    ledger.restore(spent=spent, points=50, source="back", occurred_at=NOON)
    ledger.adjust(customer=alice, points=-7, source="fix", occurred_at=NOON, reason="misuse", by=create_user())
    holds.release(hold=hold, occurred_at=NOON)
    assert PointBalance.objects.get(customer=alice).active == 200
    assert freezes.resume(by=None, now=NOON + HOUR)
    assert not freezes.resume(by=None, now=NOON + HOUR)
    ledger.redeem(customer=alice, points=10, source="now", occurred_at=NOON)
    redemption.redeem(coupon=coupon, request_key="now", now=NOON)
    assert proof.prove().faults == []


def test_a_till_is_told_in_words_and_records_the_sale_without_points():
    alice, store = create_customer(member_number="A1"), create_store(code="harbour")
    award(alice, 1_000)
    create_rule()
    freeze()
    caller = Caller(create_key())
    line = {"sku": "latte", "quantity": 1, "unit_price": 1_000}
    sale = {
        "store": store.code, "reference": "R-1", "member_number": "A1", "occurred_at": "2026-03-10T12:00:00Z",
        "lines": [line],
    }  # fmt: skip
    refused = caller.post("/holds", {"member_number": "A1", "points": 100})
    assert problem(refused) == (409, "spending_frozen")
    assert caller.post("/purchases", sale).status_code == 201
    assert PointBalance.objects.get(customer=alice).active == 1_010


def test_freezing_again_changes_nothing_and_there_is_one_at_a_time():
    first = freeze()
    assert freeze(reason="Again") == first
    with pytest.raises(IntegrityError), transaction.atomic():
        SpendingFreeze.objects.create(reason="Two", frozen_at=NOON)


SPEND_UNTIL_REFUSED = """
import sys, time
import django
django.setup()
from django.utils import timezone
from customers.models import Customer
from rewards import ledger
alice = Customer.objects.get()
for number in range(100_000):
    try:
        ledger.redeem(customer=alice, points=1, source=f"till:{number}", occurred_at=timezone.now())
    except ledger.SpendingFrozen:
        print(time.time(), flush=True)
        sys.exit()
    if number == 3:
        print("selling", flush=True)
    time.sleep(0.01)
"""


@pytest.mark.django_db(transaction=True)
def test_a_till_in_another_process_stops_within_five_seconds():
    award(create_customer(), 100_000)
    till = subprocess.Popen(
        [sys.executable, "-c", SPEND_UNTIL_REFUSED], cwd=ROOT, env=environment_of_this_database(), text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert till.stdout.readline() == "selling\n"
    call_command("freeze", "Strange redemptions")
    frozen_at = timezone.now().timestamp()
    stopped_at = float(till.communicate(timeout=60)[0])
    assert stopped_at - frozen_at < 5
    call_command("unfreeze")
    assert freezes.current() is None


def test_managers_freeze_and_resume_by_a_button_and_everybody_of_them_is_told():
    maria, anna, carl = staff("manager"), staff("manager"), staff("cashier")
    page = reverse("admin:rewards_spendingfreeze_switch")
    shown = reverse("admin:rewards_spendingfreeze_changelist")
    client = Client()
    client.force_login(carl)
    assert client.post(page, {"switch": "freeze", "reason": "x"}).status_code == 403
    client.force_login(maria)
    assert client.get(page).status_code == 405
    assert "Please say why." in client.post(page, {"switch": "freeze", "reason": " "}, follow=True).text
    assert freezes.current() is None
    answer = client.post(page, {"switch": "freeze", "reason": "Strange redemptions"}, follow=True)
    assert "Let spending go on" in answer.text
    assert freezes.current().frozen_by == maria
    dashboard = client.get(reverse("admin:index")).text
    assert "Strange redemptions" in dashboard
    assert shown in dashboard
    assert set(StaffNotice.objects.filter(kind="spending_frozen").values_list("reader", flat=True)) == {
        maria.pk,
        anna.pk,
    }
    client.post(page, {"switch": "resume"})
    assert freezes.current() is None
    assert "Strange redemptions" not in client.get(reverse("admin:index")).text
    assert StaffNotice.objects.filter(kind="spending_resumed").count() == 2


def test_looking_costs_one_query_in_two_seconds(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert [freezes.is_frozen() for _n in range(100)] == [False] * 100
