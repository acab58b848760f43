"""The customer's pages of rewards, gift cards and store credit, as a browser without script sees them."""

import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import limits
from customers.models import Customer
from customers.tests.factories import create_customer, create_user
from rewards import catalogue, stored_value, value_accounts
from rewards.models import PointBalance, RewardOrder, Tier
from rewards.tests.factories import award
from rewards.tests.reward_factories import create_coupon_reward, create_reward
from rewards.tests.value_factories import give_credit, sell_card

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Customer:
    """A customer with 250 points and a log-in."""
    customer = create_customer(name="Alice", user=create_user(email="alice@example.com"))
    award(customer, 250)
    return customer


@pytest.fixture
def page(client: Client, alice: Customer) -> Client:
    client.force_login(alice.user)
    return client


def take(page: Client, slug: str, *, key: str = "", follow: bool = True):
    key = key or re.search(r'name="key" value="([0-9a-f-]+)"', page.get(f"/rewards/{slug}/").text)[1]
    return page.post(f"/rewards/{slug}/take/", {"key": key}, follow=follow)


def test_the_list_says_what_is_in_reach_what_is_missing_and_what_is_for_others(page: Client):
    gold = Tier.objects.create(code="gold", name_en="Gold", rank=2, threshold=1)
    create_reward(slug="mug", name_en="Stoneware mug", points_cost=200)
    create_reward(slug="cake", name_en="Whole cake", points_cost=370, price=500)
    create_reward(slug="brunch", name_en="Brunch", minimum_tier=gold)
    create_reward(slug="secret", name_en="Secret", segment="regulars")
    text = page.get("/rewards/").text
    order = [
        "Yours if you like",
        "Stoneware mug",
        "Within sight",
        "Whole cake",
        "120 points to go",
        "Not for now",
        "Brunch",
    ]
    assert [text.index(words) for words in order] == sorted(text.index(words) for words in order)
    assert "370 points + €5.00" in text
    assert "For Gold and above" in text
    assert "Secret" not in text
    assert page.get("/rewards/secret/").status_code == 404
    assert 'max="370" value="250"' in text


def test_one_press_or_two_take_one_thing_and_show_its_ticket(page: Client, alice: Customer):
    create_reward(slug="mug", stock=3)
    key = str(uuid.uuid4())
    first, second = take(page, "mug", key=key), take(page, "mug", key=key)
    order = RewardOrder.objects.get()
    address = reverse("reward_order", args=[order.pk])
    assert (first.redirect_chain[-1][0], second.redirect_chain[-1][0]) == (address, address)
    assert catalogue.code_of(order) in first.text
    assert "<svg" in first.text
    assert PointBalance.objects.get(customer=alice).active == 150
    assert "Waiting at the counter" in page.get("/rewards/").text


def test_a_coupon_is_shown_where_coupons_are(page: Client):
    create_coupon_reward(slug="cake")
    answer = take(page, "cake")
    order = RewardOrder.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("coupon", args=[order.coupon_id])
    assert reverse("coupon", args=[order.coupon_id]) in page.get(reverse("reward_order", args=[order.pk])).text


def test_what_cannot_be_taken_has_no_button_and_says_why(page: Client):
    create_reward(slug="far", points_cost=251)
    create_reward(slug="gone", stock=0)
    for slug, words in (("far", "1 point to go"), ("gone", "Sold out at the moment")):
        text = page.get(f"/rewards/{slug}/").text
        assert words in text
        assert f"/rewards/{slug}/take/" not in text
    answer = take(page, "far", key=str(uuid.uuid4()))
    assert "You do not have enough points" in answer.text
    assert take(page, "nothing", key=str(uuid.uuid4())).status_code == 404
    assert "just run out" in take(page, "gone", key=str(uuid.uuid4())).text
    assert take(page, "far", key="no key").redirect_chain[-1][0] == "/rewards/far/"
    assert RewardOrder.objects.count() == 0


def test_a_change_of_mind_brings_the_points_back_once(page: Client, alice: Customer):
    create_reward(slug="mug")
    take(page, "mug")
    address = reverse("reward_cancel", args=[RewardOrder.objects.get().pk])
    assert "You get your 100 points back" in page.get(reverse("reward_order", args=[RewardOrder.objects.get().pk])).text
    assert "Your points are back" in page.post(address, follow=True).text
    page.post(address)
    assert PointBalance.objects.get(customer=alice).active == 250
    assert address not in page.get(reverse("reward_order", args=[RewardOrder.objects.get().pk])).text


def test_what_was_handed_over_cannot_be_cancelled(page: Client):
    create_reward(slug="mug")
    take(page, "mug")
    order = RewardOrder.objects.get()
    catalogue.hand_over(order=order, by=None, now=timezone.now())
    answer = page.post(reverse("reward_cancel", args=[order.pk]), follow=True)
    assert "no longer open" in answer.text


def test_nobody_cancels_the_order_of_somebody_else(page: Client):
    bob = create_customer(name="Bob")
    award(bob, 100)
    order = catalogue.redeem_reward(customer=bob, reward=create_reward(), key="1", now=timezone.now())
    assert page.post(reverse("reward_cancel", args=[order.pk])).status_code == 404
    order.refresh_from_db()
    assert order.state == "ordered"


def test_a_card_is_claimed_by_its_code_and_shown_with_its_movements(page: Client, alice: Customer):
    card = sell_card(5_000, promotional=500)
    stored_value.spend(account=card, amount=1_250, source="sale:1", occurred_at=timezone.now())
    answer = page.post("/gift-cards/", {"code": value_accounts.code_of(card).lower()}, follow=True)
    card.refresh_from_db()
    assert card.customer == alice
    for words in ("€42.50", value_accounts.code_of(card), "Gift card bought", "+€55.00", "−€12.50"):
        assert words in answer.text
    give_credit(alice, 2_000)
    text = page.get("/gift-cards/").text
    assert "€62.50 to spend" in text
    assert f"…{card.code_tail}" in text
    assert value_accounts.code_of(card) not in text


def test_an_unknown_code_and_the_card_of_somebody_else_read_the_same(page: Client):
    other = value_accounts.code_of(sell_card(customer=create_customer(name="Bob")))
    codes = ["ABCD-EFGH-JKMN", other]
    answers = [page.post("/gift-cards/", {"code": code}) for code in codes]
    errors = {re.search(r'class="invalid-feedback">.*?</', answer.text, re.DOTALL)[0].strip() for answer in answers}
    assert len(errors) == 1
    assert {answer.status_code for answer in answers} == {422}


def test_codes_are_not_guessed_by_patience(page: Client, alice: Customer):
    limits.reconnect()
    for _again in range(10):
        page.post("/gift-cards/", {"code": "nonsense"})
    card = sell_card()
    answer = page.post("/gift-cards/", {"code": value_accounts.code_of(card)})
    assert "too often" in answer.text
    card.refresh_from_db()
    assert card.customer is None


def test_a_blocked_card_shows_no_code(page: Client, alice: Customer):
    card = sell_card(customer=alice)
    value_accounts.block(account=card, reason="lost")
    text = page.get(reverse("gift_card", args=[card.pk])).text
    assert "Blocked: please ask the shop" in text
    assert value_accounts.code_of(card) not in text
    assert "€0.00 to spend" in page.get("/gift-cards/").text
