"""docs/webhooks.md, the OpenAPI document and its page say what is sent: each event is made for real and held against them."""

import re
import time
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import announcements, enrolment, keeping, webhook_delivery, webhook_endpoints, webhook_secrets
from customers.models import Customer, Product, WebhookEvent
from customers.models.webhook import EventType
from customers.tests.factories import NOON, create_store
from loyalty_site import webhook_description
from rewards import checkout, coupons, returns
from rewards.sale import SoldLine
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import create_rule
from rewards.tests.tier_factories import create_tiers

GUIDE = (Path(__file__).resolve().parents[2] / "docs/webhooks.md").read_text()
TYPES = {"integer": int, "string": str, "object": dict, "array": list, "null": type(None)}
pytestmark = pytest.mark.django_db


@pytest.fixture
def everything() -> None:
    """One event of each kind, and both shapes of those that have two."""
    webhook_endpoints.create(
        label="All", url="https://shop.example/", event_types=EventType.values, by=None, now=timezone.now()
    )
    create_rule()
    create_tiers(regular=1_000)
    store, tea = create_store(code="harbour"), Product.objects.create(sku="tea", name_en="Tea")
    alice = enrolment.enrol(name="Alice", source="api:k", now=NOON)
    announcements.customer_changed(alice, fields=["name"], at=NOON)
    batch = create_batch(value=200)
    coupon = coupons.issue(batch=batch, customer=alice, source="x", now=NOON)
    coupons.issue_many(batch=batch, customers=Customer.objects.all(), source="all", now=NOON)
    for reference, customer in (("R1", alice), ("R2", None)):
        purchase = checkout.record_purchase(
            store=store, reference=reference, customer=customer, occurred_at=NOON, lines=[SoldLine(tea, 4, 500)],
            coupon=coupon if customer else None,
        )  # fmt: skip
        returns.refund(purchase=purchase, reference="B1", quantities={1: 4}, occurred_at=NOON)
    coupons.void(coupon=coupon, reason="test", now=NOON)
    announcements.import_finished("customers", job_id=None, counts={"lines": 1}, bad_lines=0, at=NOON)


def test_what_is_sent_is_what_is_described(everything: None):
    document = webhook_description.describe()
    assert set(WebhookEvent.objects.values_list("type", flat=True)) == set(document) == set(EventType.values)
    for event in WebhookEvent.objects.all():
        body = document[event.type]["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema, data = body["properties"]["data"], dict(event.data)
        if event.customer:
            data["member_number"] = event.customer.member_number
        assert set(schema["required"]) <= set(data) <= set(schema["properties"]), event.type
        for name, value in data.items():
            kinds = schema["properties"][name]["type"]
            allowed = tuple(TYPES[kind] for kind in (kinds if isinstance(kinds, list) else [kinds]))
            assert isinstance(value, allowed), (event.type, name, value)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_document_and_its_page_list_every_event(client: Client, language: str):
    page = client.get(reverse("api:docs"), headers={"Accept-Language": language})
    assert set(client.get(reverse("api:openapi")).json()["webhooks"]) == set(EventType.values)
    for kind in EventType:
        assert f"<code>{kind.value}</code>" in page.text


def test_the_guide_lists_every_event_and_only_those():
    rows = "\n".join(re.findall(r"^\| (`\w+\.\w+`[^|]*) \|", GUIDE, flags=re.MULTILINE))
    assert set(re.findall(r"`(\w+\.\w+)`", rows)) == {*EventType.values, "endpoint.test"}


def test_the_guide_counts_attempts_and_days_as_the_code_does():
    assert webhook_delivery.DELAYS == (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    days = (webhook_delivery.FAILING_DAYS.days, webhook_delivery.PAUSED_DAYS.days, keeping.chosen()["webhooks"])
    assert days == (5, 7, 30)


def test_the_guides_python_takes_our_messages_and_no_others(everything: None):
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    names: dict = {}
    exec(compile(code, "docs/webhooks.md", "exec"), names)
    verify, secret, now = names["verify"], webhook_secrets.generate(), int(time.time())
    event = WebhookEvent.objects.first()
    body, shown = webhook_delivery.body_of(event), webhook_secrets.display(secret)

    def headers(*keys: bytes, at: int = now, message_id: str = event.uid) -> dict[str, str]:
        signature = webhook_secrets.sign(message_id=event.uid, timestamp=at, body=body, keys=list(keys))
        return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signature}

    other = webhook_secrets.generate()
    assert verify(headers(secret), body, shown)
    assert verify(headers(other, secret), body, shown)
    assert not verify(headers(other), body, shown)
    assert not verify(headers(secret), body + b" ", shown)
    assert not verify(headers(secret, message_id="msg_x"), body, shown)
    assert not verify(headers(secret, at=now - 400), body, shown)
    assert not verify(headers(secret, at=now + 400), body, shown)
    assert not verify({}, body, shown)


def test_the_specifications_own_example_is_signed_alike():
    """From the specification's text and its reference libraries."""
    secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    import base64

    signature = webhook_secrets.sign(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}',
        keys=[base64.b64decode(secret)],
    )  # fmt: skip
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
