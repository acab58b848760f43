"""Stamp cards in front of people: the customer's pages, the till, the admin, the API."""

import pytest
from django.test import Client
from django.urls import reverse

from customers.models import AuditEvent, Customer, Product, Store
from customers.tests.api_factories import Caller, create_key
from customers.tests.factories import create_customer, create_user
from rewards import till_words
from rewards.models import CouponBatch, EarningRule, StampCard
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import NOON, create_store
from rewards.tests.stamp_factories import buy, create_card, create_card_rule, create_coffee

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Customer:
    return create_customer(user=create_user(), member_number="A1", enrolled_at=NOON)


@pytest.fixture
def store() -> Store:
    return create_store(code="main")


@pytest.fixture
def coffee() -> Product:
    return create_coffee()


@pytest.fixture
def page(client: Client, alice: Customer) -> Client:
    client.force_login(alice.user)
    return client


@pytest.mark.parametrize("path", ["/", "/coupons/", "/stamps/"])
def test_a_card_is_drawn_and_told_in_words(page, alice, store, coffee, path):
    card = create_card()
    buy(alice, coffee, 3, store=store)
    text = page.get(path).content.decode()
    assert text.count('class="stamp filled"') == 3
    assert text.count('class="stamp"') == 7
    for words in ("Coffee card", "3 of 10 stamps", "7 more stamps for “Five off”", f"/stamps/{card.pk}/"):
        assert words in text


@pytest.mark.parametrize("path", ["/", "/coupons/", "/stamps/"])
def test_a_shop_without_cards_shows_none(page, path):
    assert "stamp-card" not in page.get(path).content.decode()


def test_a_card_tells_its_movements_and_what_it_gave(page, alice, store, coffee):
    card = create_card(stamps_needed=4)
    buy(alice, coffee, 5, store=store)
    text = page.get(f"/stamps/{card.pk}/").content.decode()
    for words in ("1 of 4 stamps", "With your purchase", "+5", "Card full: a coupon for you", "−4", "good until"):
        assert words in text
    assert page.get("/stamps/999/").status_code == 404


def test_a_full_card_without_an_offer_says_that_it_waits(page, alice, store, coffee):
    create_card(stamps_needed=4, batch=create_batch(state=CouponBatch.State.PAUSED))
    buy(alice, coffee, 5, store=store)
    text = page.get("/stamps/").content.decode()
    assert "4 of 4 stamps" in text
    assert "Full!" in text


def test_a_card_without_rules_is_shown_to_those_who_have_stamps_alone(page, alice, store, coffee):
    card = create_card()
    EarningRule.objects.update(retired_at=NOON)
    assert page.get(f"/stamps/{card.pk}/").status_code == 404
    EarningRule.objects.update(retired_at=None)
    buy(alice, coffee, store=store)
    EarningRule.objects.update(retired_at=NOON)
    assert "no new stamps at the moment" in page.get(f"/stamps/{card.pk}/").content.decode()


def test_points_pages_stay_silent_about_stamps(page, alice, store, coffee):
    create_card()
    buy(alice, coffee, store=store)
    assert "stamp" not in page.get("/points/").content.decode().split("<main")[1].split("</main")[0].lower()


def test_the_till_says_how_many_are_to_go(alice, store, coffee):
    create_card(stamps_needed=5)
    (first,) = buy(alice, coffee, 2, store=store).stamps
    assert till_words.stamped(first) == "Coffee card: 2 stamps, 3 to go."
    (full,) = buy(alice, coffee, 4, store=store).stamps
    assert till_words.stamped(full) == "Coffee card: 4 stamps, 4 to go. Full: a coupon is on the customer's card!"


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(create_user(email="owner@example.com", is_staff=True, is_superuser=True))
    return client


def test_a_merchant_makes_a_card_and_its_rule(owner, alice, store, coffee):
    batch = create_batch()
    fields = {
        "code": "coffee",
        "icon": "cup",
        "stamps_needed": "10",
        "batch": batch.pk,
        "name_en": "Coffee",
        "name_zh": "",
    }
    assert owner.post(reverse("admin:rewards_stampcard_add"), fields).status_code == 302
    card = StampCard.objects.get()
    answer = owner.post(reverse("admin:rewards_stampcard_change", args=[card.pk]), {"_action": "add_rule"} | fields)
    change = owner.get(reverse("admin:rewards_stampcard_change", args=[card.pk])).content.decode()
    assert "nobody gets a stamp" in change
    assert answer.status_code == 302
    create_card_rule(card)
    buy(alice, coffee, 13, store=store)
    change = owner.get(reverse("admin:rewards_stampcard_change", args=[card.pk])).content.decode()
    for words in ("Stamps given", "13", "Filled cards"):
        assert words in change
    owner.post(reverse("admin:rewards_stampcard_change", args=[card.pk]), fields | {"stamps_needed": "3"})
    assert StampCard.objects.get().stamps_needed == 10


def test_a_rule_of_a_card_cannot_be_about_events(owner):
    card = create_card(rule=False)
    fields = {
        "key": "x", "stamp_card": card.pk, "kind": "event", "event": "birthday", "points": 1, "name_en": "x", "expiry": "never",
        "expiry_months": 12, "multiplier": "1", "per_amount": "0", "minimum_basket": "0",
    }  # fmt: skip
    answer = owner.post(reverse("admin:rewards_earningrule_add"), fields)
    assert "Stamps come from purchases" in answer.content.decode()
    assert not EarningRule.objects.exists()


def test_whoever_reads_the_cards_of_a_customer_is_written_down(alice):
    Caller(create_key()).get("/customers/A1/stamp-cards")
    look = AuditEvent.objects.get()
    assert (look.action, look.place, look.customer) == (AuditEvent.Action.VIEWED, AuditEvent.Place.API, alice)


def test_the_api_tells_stamps_in_quotes_purchases_and_lists(alice, store, coffee):
    create_card(stamps_needed=4)
    shop = Caller(create_key())
    basket = {
        "store": "main", "member_number": "A1", "occurred_at": NOON.isoformat(),
        "lines": [{"sku": "COFFEE", "quantity": 5, "unit_price": 300}],
    }  # fmt: skip
    quoted = shop.post("/quotes", basket).json()
    assert quoted["stamps"] == [{"card": "coffee", "earned": 5, "needed": 4, "on_card": None, "coupons": 0}]
    sold = shop.post("/purchases", basket | {"reference": "R1"}).json()
    assert sold["stamps"] == [{"card": "coffee", "earned": 5, "needed": 4, "on_card": 1, "coupons": 1}]
    assert shop.get("/purchases", store="main", reference="R1").json()["stamps"] == sold["stamps"]
    cards = shop.get("/customers/A1/stamp-cards").json()["items"]
    assert cards == [{"card": "coffee", "name": "Coffee card", "on_card": 1, "needed": 4, "debt": 0, "is_open": True}]
    assert shop.get("/customers/A1/statement").json()["items"] == []
