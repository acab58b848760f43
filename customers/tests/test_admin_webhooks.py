"""Webhooks in the admin: the owner makes and rotates, managers keep them running, others see nothing."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import webhook_delivery, webhook_endpoints, webhook_secrets, webhooks
from customers.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from customers.models.webhook import EventType
from customers.tests.factories import NOON, create_customer, create_user
from customers.webhook_transport import Answer
from loyalty_site.roles import ensure_roles

pytestmark = pytest.mark.django_db
MODEL = "admin:customers_webhookendpoint"


def client_of(role: str) -> Client:
    ensure_roles()
    user = create_user(email=f"{role}@example.com", is_staff=True, is_superuser=role == "owner")
    if role != "owner":
        user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner() -> Client:
    return client_of("owner")


@pytest.fixture
def manager() -> Client:
    return client_of("manager")


def listen() -> WebhookEndpoint:
    return webhook_endpoints.create(
        label="Web shop", url="https://shop.example/hooks", event_types=EventType.values, by=None, now=NOON
    ).endpoint


def press(client: Client, row: WebhookEndpoint | WebhookDelivery, button: str):
    record = reverse(f"admin:customers_{row._meta.model_name}_change", args=[row.pk])
    answer = client.post(record, {"CHANGE_FORM-action": button, "_selected_action": str(row.pk)}, follow=True)
    row.refresh_from_db()
    return answer


def failed(endpoint: WebhookEndpoint) -> WebhookDelivery:
    event = WebhookEvent.objects.create(
        type=EventType.TIER_CHANGED, customer=create_customer(member_number="A1"), data={"rank": 1}, occurred_at=NOON
    )
    return WebhookDelivery.objects.create(
        endpoint=endpoint, event=event, next_attempt_at=NOON, state="failed", attempts=10, status=500, finished_at=NOON
    )


def test_the_owner_makes_an_endpoint_and_sees_its_secret_once(owner: Client):
    fields = {
        "label": "Web shop",
        "url": "https://shop.example/hooks",
        "event_types": ["tier.changed", "coupon.issued"],
    }
    answer = owner.post(reverse(f"{MODEL}_add"), fields)
    endpoint, text = WebhookEndpoint.objects.get(), answer.context["text"]
    assert text in answer.text
    assert "no-store" in answer["Cache-Control"]
    assert text == webhook_secrets.display(webhook_secrets.unseal(endpoint.secret_sealed))
    assert (endpoint.event_types, endpoint.by.email) == (["coupon.issued", "tier.changed"], "owner@example.com")
    assert endpoint.starts_at - endpoint.created_at == webhooks.HEAD_START
    for page in (reverse(f"{MODEL}_changelist"), reverse(f"{MODEL}_change", args=[endpoint.pk])):
        assert text[6:] not in owner.get(page).text


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "https://127.0.0.1/",
        "https://shop.example:22/",
        "https://me:secret@shop.example/",
        "shop",
    ],
)
def test_an_address_that_may_not_be_called_is_refused_in_words(owner: Client, settings, url: str):
    settings.DEBUG = False
    answer = owner.post(reverse(f"{MODEL}_add"), {"label": "x", "url": url, "event_types": ["tier.changed"]})
    assert answer.context["adminform"].errors["url"]
    assert not WebhookEndpoint.objects.exists()


def test_somebody_who_listens_for_nothing_is_not_made(owner: Client):
    answer = owner.post(reverse(f"{MODEL}_add"), {"label": "x", "url": "https://shop.example/"})
    assert set(answer.context["adminform"].errors) == {"event_types"}


def test_the_owner_leads_it_elsewhere(owner: Client):
    endpoint = listen()
    WebhookEndpoint.objects.update(failures=7, failing_since_at=NOON, rests_until=NOON)
    fields = {"label": "Web shop", "url": "https://new.example/", "event_types": ["tier.changed"]}
    assert owner.post(reverse(f"{MODEL}_change", args=[endpoint.pk]), fields).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.event_types) == ("https://new.example/", ["tier.changed"])
    assert (endpoint.failures, endpoint.failing_since_at, endpoint.rests_until) == (0, None, None)


def test_a_manager_names_it_but_makes_none_rotates_none_and_leads_none_elsewhere(manager: Client):
    endpoint = listen()
    assert manager.get(reverse(f"{MODEL}_add")).status_code == 403
    assert manager.get(reverse(f"{MODEL}_rotate", args=[endpoint.pk])).status_code == 403
    assert manager.post(reverse(f"{MODEL}_rotate", args=[endpoint.pk]), {"days": "0"}).status_code == 403
    fields = {"label": "New name", "url": "https://evil.example/", "event_types": ["coupon.issued"]}
    assert manager.post(reverse(f"{MODEL}_change", args=[endpoint.pk]), fields).status_code == 302
    sealed = bytes(endpoint.secret_sealed)
    endpoint.refresh_from_db()
    assert (endpoint.label, endpoint.url) == ("New name", "https://shop.example/hooks")
    assert endpoint.event_types == sorted(EventType.values)
    assert bytes(endpoint.secret_sealed) == sealed


@pytest.mark.parametrize("role", ["cashier", "marketer", "auditor"])
def test_others_see_nothing_of_it(role: str):
    client, endpoint = client_of(role), listen()
    delivery = failed(endpoint)
    for name, pk in (
        ("webhookendpoint_change", endpoint.pk),
        ("webhookendpoint_rotate", endpoint.pk),
        ("webhookendpoint_again", endpoint.pk),
        ("webhookdelivery_change", delivery.pk),
        ("webhookevent_change", delivery.event_id),
    ):
        assert client.get(reverse(f"admin:customers_{name}", args=[pk])).status_code == 403


def test_the_buttons_test_pause_resume_and_disable(manager: Client):
    endpoint = listen()
    answer = press(manager, endpoint, "send_test")
    test = WebhookDelivery.objects.get()
    assert (test.event.type, test.state) == ("endpoint.test", "pending")
    assert answer.redirect_chain[-1][0].endswith(f"/webhookdelivery/{test.pk}/change/")
    for button, state in (("pause", "paused"), ("resume", "active"), ("disable", "disabled"), ("resume", "active")):
        press(manager, endpoint, button)
        assert endpoint.state == state
    press(manager, endpoint, "disable")
    before = endpoint.changed_at
    press(manager, endpoint, "pause")
    assert (endpoint.state, endpoint.reason, endpoint.changed_at) == ("disabled", "staff", before)


def test_one_failed_delivery_or_all_since_some_time_are_sent_again(manager: Client):
    endpoint = listen()
    delivery = failed(endpoint)
    press(manager, delivery, "send_again")
    assert (delivery.state, delivery.attempts) == ("pending", 0)
    WebhookDelivery.objects.update(state="failed", finished_at=NOON)
    page = reverse(f"{MODEL}_again", args=[endpoint.pk])
    assert manager.get(page).status_code == 200
    assert press(manager, endpoint, "send_failed_again").redirect_chain[-1][0] == page
    WebhookEvent.objects.update(recorded_at=timezone.now() - dt.timedelta(days=2))
    manager.post(page, {"hours": "24"})
    delivery.refresh_from_db()
    assert delivery.state == "failed"
    manager.post(page, {"hours": "72"})
    delivery.refresh_from_db()
    assert delivery.state == "pending"


def test_rotating_shows_the_new_secret_once_and_refuses_a_third(owner: Client):
    endpoint = listen()
    page = reverse(f"{MODEL}_rotate", args=[endpoint.pk])
    assert owner.get(page).status_code == 200
    text = owner.post(page, {"days": "7"}).context["text"]
    endpoint.refresh_from_db()
    keys = webhook_endpoints.signing_keys(endpoint=endpoint, now=timezone.now())
    assert (webhook_secrets.display(keys[0]), len(keys)) == (text, 2)
    assert owner.post(page, {"days": "7"}).status_code == 302
    assert "text" in owner.post(page, {"days": "0"}).context
    endpoint.refresh_from_db()
    assert len(webhook_endpoints.signing_keys(endpoint=endpoint, now=timezone.now())) == 1


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_pages_show_state_outcome_and_body(owner: Client, language: str):
    owner.cookies["django_language"] = language
    endpoint = listen()
    delivery = failed(endpoint)
    for answer, word in ((Answer(status=302), "302"), (Answer(error="timeout"), "15"), (Answer(status=500), "500")):
        WebhookDelivery.objects.update(status=answer.status, error=webhook_delivery._word(answer))
        page = owner.get(reverse("admin:customers_webhookdelivery_change", args=[delivery.pk]))
        assert word in page.text
    assert "&quot;member_number&quot;:&quot;A1&quot;" in page.text
    assert "tier.changed" in owner.get(reverse(f"{MODEL}_change", args=[endpoint.pk])).text
    event = owner.get(reverse("admin:customers_webhookevent_change", args=[delivery.event_id]))
    assert delivery.event.uid in event.text
    found = owner.get(reverse("admin:customers_webhookdelivery_changelist"), {"q": "A1", "state__exact": "failed"})
    assert found.context["cl"].result_count == 1
    assert owner.post(reverse("admin:customers_webhookevent_delete", args=[delivery.event_id])).status_code == 403


def test_lists_of_deliveries_take_the_same_queries_however_long(owner: Client, django_assert_max_num_queries):
    endpoint = listen()
    event_type = EventType.TIER_CHANGED
    for count in range(30):
        event = WebhookEvent.objects.create(type=event_type, occurred_at=NOON, data={"rank": count})
        WebhookDelivery.objects.create(endpoint=endpoint, event=event, next_attempt_at=NOON)
    for name in ("webhookdelivery", "webhookevent"):
        with django_assert_max_num_queries(12):
            owner.get(reverse(f"admin:customers_{name}_changelist"))
