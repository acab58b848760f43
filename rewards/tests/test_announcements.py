"""A journey through the shop tells exactly its events, in the transactions of what happened, and nothing of a person."""

import datetime as dt
import io
import json

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import enrolment, webhook_delivery, webhook_endpoints, webhooks
from customers.models import Product, Purchase, WebhookEvent
from customers.models.webhook import EventType
from customers.tests.factories import NOON, create_customer, create_store, create_user
from rewards import checkout, coupons, daily, ledger, redemption, returns, tiers
from rewards.coupons import CouponRefused
from rewards.models import Tier
from rewards.sale import SoldLine
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award, create_rule
from rewards.tests.tier_factories import create_tiers

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def listener() -> None:
    """Somebody who wants to know everything, since long ago."""
    webhook_endpoints.create(
        label="All", url="https://shop.example/", event_types=EventType.values, by=None, now=NOON - 400 * DAY
    )


def told() -> list[str]:
    return list(WebhookEvent.objects.order_by("pk").values_list("type", flat=True))


def last(kind: EventType) -> dict:
    return json.loads(webhook_delivery.body_of(WebhookEvent.objects.filter(type=kind).order_by("pk").last()))


def test_a_journey_tells_exactly_its_events(listener: None):
    create_rule()
    create_tiers(regular=1_000)
    store, tea = create_store(code="harbour"), Product.objects.create(sku="tea", name_en="Tea")
    alice = enrolment.enrol(
        name="Alice Wonder", email="alice@example.com", source="api:k1", now=NOON, member_number="A1"
    )
    assert told() == ["customer.enrolled"]
    batch = create_batch(value=200)
    coupon = coupons.issue(batch=batch, customer=alice, source="welcome", now=NOON)
    coupons.issue(batch=batch, customer=alice, source="welcome", now=NOON)
    assert told()[1:] == ["coupon.issued"]
    purchase = checkout.record_purchase(
        store=store,
        reference="R1",
        till="2",
        customer=alice,
        occurred_at=NOON,
        lines=[SoldLine(tea, 4, 500)],
        coupon=coupon,
    )
    checkout.record_purchase(
        store=store,
        reference="R1",
        till="2",
        customer=alice,
        occurred_at=NOON,
        lines=[SoldLine(tea, 4, 500)],
        coupon=coupon,
    )
    assert told()[2:] == ["purchase.recorded", "coupon.redeemed", "points.changed", "tier.changed"]
    assert last(EventType.PURCHASE_RECORDED) == {
        "type": "purchase.recorded",
        "timestamp": "2026-03-10T12:00:00Z",
        "data": {
            "member_number": "A1", "purchase": purchase.pk, "store": "harbour", "till": "2", "reference": "R1",
            "total": 2_000, "discount": 200, "paid_by_points": 0,
        },
    }  # fmt: skip
    points = last(EventType.POINTS_CHANGED)["data"]
    assert (points["member_number"], points["kind"], points["points"], points["sequence"]) == ("A1", "earn", 18, 1)
    assert points["balance"] == {"pending": 0, "active": 18, "held": 0, "debt": 0}
    regular = Tier.objects.get(code="regular")
    assert last(EventType.TIER_CHANGED)["data"] == {
        "member_number": "A1", "tier": regular.pk, "rank": 1, "reason": "reached",
    }  # fmt: skip
    returns.refund(purchase=purchase, reference="B1", quantities={1: 4}, occurred_at=NOON + DAY)
    returns.refund(purchase=purchase, reference="B1", quantities={1: 4}, occurred_at=NOON + DAY)
    assert sorted(told()[6:]) == ["coupon.returned", "points.changed", "purchase.returned", "tier.changed"]
    assert last(EventType.TIER_CHANGED)["data"]["rank"] == 0
    assert last(EventType.PURCHASE_RETURNED)["data"]["total"] == 2_000
    coupons.void(coupon=coupon, reason="test", now=NOON + DAY)
    with pytest.raises(CouponRefused):
        coupons.void(coupon=coupon, reason="test", now=NOON + DAY)
    assert told()[10:] == ["coupon.voided"]
    text = "".join(webhook_delivery.body_of(event).decode() for event in WebhookEvent.objects.all())
    for private in ("Alice", "Wonder", "example.com", coupons.code_of(coupon)):
        assert private not in text


def test_a_refusal_and_a_rollback_tell_nothing(listener: None):
    alice = create_customer()
    with pytest.raises(ledger.InsufficientPoints):
        ledger.redeem(customer=alice, points=5, source="x", occurred_at=NOON)
    coupon = issue_coupon(customer=alice)
    WebhookEvent.objects.all().delete()
    with pytest.raises(CouponRefused):
        redemption.redeem(coupon=coupon, request_key="k", now=NOON, customer=create_customer())
    with transaction.atomic():
        award(alice, 5)
        redemption.redeem(coupon=coupon, request_key="k2", now=NOON, customer=alice)
        assert len(told()) == 2
        transaction.set_rollback(True)
    assert told() == []


def test_many_coupons_are_one_event_with_their_number(listener: None):
    people = [create_customer() for _number in range(5)]
    batch = create_batch()
    from customers.models import Customer

    coupons.issue_many(batch=batch, customers=Customer.objects.all(), source="all", now=NOON)
    coupons.issue_many(batch=batch, customers=Customer.objects.all(), source="all", now=NOON)
    assert [event.data for event in WebhookEvent.objects.all()] == [
        {"coupon": None, "batch": batch.pk, "count": len(people)}
    ]


def test_the_calendar_tells_of_each_movement(listener: None):
    for number in range(3):
        award(create_customer(), 10, expires_at=NOON + DAY, source=f"s{number}")
    WebhookEvent.objects.all().delete()
    daily.run(now=NOON + 2 * DAY)
    daily.run(now=NOON + 2 * DAY)
    found = [event.data for event in WebhookEvent.objects.order_by("pk")]
    assert [(one["kind"], one["points"], one["balance"]["active"]) for one in found] == [("expire", -10, 0)] * 3


def test_staff_who_grant_and_withdraw_a_tier_are_heard(listener: None):
    create_tiers()
    alice, boss = create_customer(), create_user(is_staff=True)
    tiers.grant(customer=alice, tier=Tier.objects.get(rank=2), note="", by=boss, now=NOON)
    tiers.withdraw(customer=alice, note="", by=boss, now=NOON + DAY)
    assert [(event.data["rank"], event.data["reason"]) for event in WebhookEvent.objects.order_by("pk")] == [
        (2, "granted"),
        (0, "withdrawn"),
    ]


def test_a_file_of_purchases_tells_of_itself_once(listener: None, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    create_rule()
    create_store(code="harbour")
    create_customer(member_number="A1")
    file = tmp_path / "purchases.csv"
    file.write_text(
        "store,reference,occurred_at,member_number,sku,product,category,quantity,unit_price,discount\n"
        "harbour,R1,2026-03-09T10:00:00+01:00,A1,tea,Tea,,1,5.00,0\n"
        "harbour,R2,2026-03-09T11:00:00+01:00,A1,tea,Tea,,1,5.00,0\n"
    )
    call_command("import_purchases", str(file), "--dry-run", stdout=io.StringIO(), stderr=io.StringIO())
    assert told() == []
    call_command("import_purchases", str(file), stdout=io.StringIO(), stderr=io.StringIO())
    assert Purchase.objects.count() == 2
    (event,) = WebhookEvent.objects.all()
    assert (event.type, event.data["kind"], event.data["counts"]["new"]) == ("import.finished", "purchases", 2)


def test_the_admin_tells_which_fields_changed_and_not_to_what(listener: None, client: Client):
    client.force_login(create_user(email="owner@example.com", is_staff=True, is_superuser=True))
    alice = create_customer(name="Alice", member_number="A1")
    page = reverse("admin:customers_customer_change", args=[alice.pk])
    form = client.get(page).context["adminform"].form
    values = {name: form[name].value() or "" for name in form.fields if form[name].value() != []} | {
        "name": "Alice Cooper"
    }
    inline = {f"identifiers-{key}": value for key, value in {"TOTAL_FORMS": 0, "INITIAL_FORMS": 0}.items()}
    assert client.post(page, values | inline).status_code == 302
    (event,) = WebhookEvent.objects.all()
    assert (event.type, event.customer_id, event.data) == ("customer.changed", alice.pk, {"fields": ["name"]})


def test_where_nobody_listens_a_purchase_costs_no_statement_more():
    create_rule()
    store, tea, alice = create_store(), Product.objects.create(sku="tea", name_en="Tea"), create_customer()

    def buy(reference: str) -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            checkout.record_purchase(
                store=store, reference=reference, customer=alice, occurred_at=NOON, lines=[SoldLine(tea, 1, 500)]
            )
        return [query["sql"] for query in queries]

    buy("R1")
    deaf = buy("R2")
    assert not [sql for sql in deaf if "webhook" in sql]
    webhooks.listen_anew()
    assert len([sql for sql in buy("R3") if "webhook" in sql]) == 1  # who listens? asked once in some seconds
    assert len(buy("R4")) == len(deaf)
