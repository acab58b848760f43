"""The home page: what a customer has, what happens next, one thing worth doing."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from customers.accounts import ensure_user
from customers.models import Customer
from customers.tests.factories import consent, create_customer
from rewards.models import Reward
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award
from surveys import responses
from surveys.tests.factories import invite


@pytest.fixture
def alice(client: Client) -> Customer:
    """Alice, signed in."""
    customer = create_customer(name="Alice", email="alice@example.com")
    client.force_login(ensure_user(email="alice@example.com"))
    return customer


@pytest.mark.django_db
def test_a_new_customer_finds_a_friendly_page(client, alice):
    page = client.get("/")
    assert "Hello, Alice" in page.content.decode()
    assert "No points yet" in page.content.decode()
    assert page.context["suggestion"].title == "Show your card at the till"


@pytest.mark.django_db
def test_the_balance_says_what_is_pending_and_what_expires_next(client, alice):
    now = timezone.now()
    award(alice, 100, at=now, expires_at=now + dt.timedelta(days=50))
    award(alice, 20, at=now, expires_at=now + dt.timedelta(days=10))
    award(alice, 7, at=now, activates_at=now + dt.timedelta(days=3))
    context = client.get("/").context
    assert context["balance"].active == 120
    assert context["pending"].points == 7
    assert context["expiring"].points == 20


@pytest.mark.django_db
def test_the_suggestion_is_the_most_urgent_thing(client, alice):
    now = timezone.now()
    Reward.objects.create(slug="tea", name_en="Tea", points_cost=80)
    Reward.objects.create(slug="mug", name_en="Mug", points_cost=300)
    award(alice, 50, at=now)
    assert client.get("/").context["suggestion"].title == "Next in reach: Tea"
    award(alice, 50, at=now)
    assert client.get("/").context["suggestion"].title == "You can have: Tea"
    award(alice, 5, at=now, expires_at=now + dt.timedelta(days=9))
    assert client.get("/").context["suggestion"].title == "Treat yourself in time"
    issue_coupon(customer=alice, batch=create_batch(name_en="Five off", valid_days=2), now=now)
    assert client.get("/").context["suggestion"].title == "Five off is waiting for you"


@pytest.mark.django_db
def test_a_survey_that_was_mailed_waits_on_the_home_page_until_it_is_answered(client, alice):
    now = timezone.now()
    consent(alice)
    invitation = invite(customer=alice, now=now, points=30)
    invitation.run.messages.update(state="queued")
    assert client.get("/").context["suggestion"].icon == "card"
    invitation.run.messages.update(state="accepted")
    suggestion = client.get("/").context["suggestion"]
    assert suggestion.text == "It takes a minute and earns 30 points."
    assert client.get(suggestion.url).status_code == 200
    responses.complete(invitation=invitation, values={}, language="en", now=now)
    assert client.get("/").context["suggestion"].icon != "speech"
