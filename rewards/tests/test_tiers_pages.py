"""Tiers on the customer's home and in the admin."""

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.accounts import ensure_user
from customers.models import Customer
from customers.tests.factories import create_customer, create_user
from rewards import tier_calendar
from rewards.models import Tier, TierMembership
from rewards.tests.tier_factories import buy, create_tiers, history, open_shop, tier_of

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def alice(client: Client) -> Customer:
    open_shop()
    create_tiers()
    customer = create_customer(name="Alice", email="alice@example.com")
    client.force_login(ensure_user(email="alice@example.com"))
    return customer


def home(client: Client) -> str:
    return " ".join(client.get("/").text.split())


def test_the_home_page_says_what_is_missing(client, alice):
    buy(alice, 12_550, at=NOW)
    page = home(client)
    assert "You are Friend" in page
    assert "€174.50 more for Regular" in page
    assert '<progress class="tier-bar" max="30000" value="12550" aria-labelledby="tier-missing">' in page


def test_the_home_page_says_until_when_and_what_comes_next(client, alice):
    buy(alice, 30_000, at=NOW)
    page = home(client)
    assert "You are Regular" in page
    assert "Yours until" in page
    assert "€500.00 more for House guest" in page


def test_at_the_top_there_is_no_bar(client, alice):
    buy(alice, 80_000, at=NOW)
    page = home(client)
    assert "You are House guest" in page
    assert "<progress" not in page


def test_in_the_grace_the_home_page_says_how_to_keep_it(client, alice):
    buy(alice, 30_000, at=NOW - dt.timedelta(days=400))
    TierMembership.objects.update(kept_until=NOW)
    tier_calendar.lower_due(now=NOW)
    page = home(client)
    assert "the tier stays yours until" in page
    assert "€300.00 more for Regular" in page


@pytest.mark.parametrize(("metric", "words"), [("points", "2 more points for"), ("visits", "2 more visits for")])
def test_points_and_visits_are_counted_in_their_own_words(client, alice, metric, words):
    Tier.objects.filter(rank=1).update(metric=metric, threshold=3)
    buy(alice, 100, at=NOW)
    assert words in home(client)


def test_without_tiers_the_home_page_does_not_speak_of_them(client, alice):
    Tier.objects.all().delete()
    assert "home-tier" not in home(client)


def test_the_home_page_speaks_chinese(client, alice):
    buy(alice, 30_000, at=NOW)
    Customer.objects.update(language="zh-hans")
    page = client.get("/", headers={"accept-language": "zh-hans"}).text
    assert "银卡会员" in page
    assert "金卡会员" in page
    assert "more for" not in page


# The admin


@pytest.fixture
def owner(client: Client, alice: Customer):
    user = create_user(is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def test_the_record_shows_the_tier_and_its_history(client, owner, alice):
    buy(alice, 30_000, at=NOW)
    page = client.get(reverse("admin:customers_customer_change", args=[alice.pk])).text
    assert "€500.00 more for “House guest”" in page
    assert 'value="grant_tier"' in page
    assert 'value="withdraw_tier"' not in page
    changelist = reverse("admin:rewards_tiermembership_changelist")
    assert alice.member_number in client.get(changelist, {"q": alice.member_number}).text


def test_a_membership_is_read_only(client, owner, alice):
    buy(alice, 30_000, at=NOW)
    url = reverse("admin:rewards_tiermembership_change", args=[TierMembership.objects.get().pk])
    assert client.get(url).status_code == 200
    assert client.post(url, {"note": "x"}).status_code == 403
    assert client.get(reverse("admin:rewards_tiermembership_add")).status_code == 403


def test_a_tier_is_granted_and_withdrawn_with_a_reason(client, owner, alice):
    grant = reverse("admin:customers_customer_grant_tier", args=[alice.pk])
    withdraw = reverse("admin:customers_customer_withdraw_tier", args=[alice.pk])
    data = {"tier": Tier.objects.get(rank=2).pk, "note": "Helped us move"}
    assert "required" in client.post(grant, data | {"note": ""}).text
    assert client.post(grant, data).status_code == 302
    assert "already" in client.post(grant, data).text
    assert TierMembership.objects.get().by == owner
    record = reverse("admin:customers_customer_change", args=[alice.pk])
    assert 'value="withdraw_tier"' in client.get(record).text
    assert client.post(withdraw, {"note": "By mistake"}).status_code == 302
    assert "not granted by staff" in client.post(withdraw, {"note": "again"}).text
    row = TierMembership.objects.get()
    assert (row.note, row.end_note, row.ended_by) == ("Helped us move", "By mistake", owner)
    assert history(alice) == [("house-guest", "granted", "withdrawn")]
    assert LogEntry.objects.filter(change_message__contains="Helped us move").exists()


def test_only_who_may_grants_tiers(client, alice):
    cashier = create_user(is_staff=True)
    client.force_login(cashier)
    url = reverse("admin:customers_customer_grant_tier", args=[alice.pk])
    assert client.post(url, {"tier": Tier.objects.get(rank=2).pk, "note": "x"}).status_code == 403
    assert tier_of(alice) == ""
