"""A customer's whole visit without a mouse, on a desk and at 400 % zoom (1280 by 1024 is then 320 by 256).

Everything is reached by Tab and done by keys alone, and every stop on the way shows where the focus is.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser

from customers.accounts import ensure_user
from customers.models import Category, Consent, Customer, DataExport
from customers.tests.factories import create_customer
from rewards.models import ReferralOffer, RewardOrder
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award, create_rule
from rewards.tests.reward_factories import create_reward
from tests.keyboard import DESK, ZOOMED, Keys

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> Customer:
    """A member who can do something on every page."""
    now = timezone.now()
    customer = create_customer(name="Alice", email="alice@example.com", language="en")
    create_rule()
    award(customer, 500, at=now)
    issue_coupon(customer=customer, batch=create_batch(name_en="Five off"), now=now)
    create_reward(name_en="Stoneware mug", points_cost=100)
    Category.objects.create(code="tea", name_en="Tea", name_zh="茶")
    ReferralOffer.objects.create(friend_points=50, is_active=True)
    ensure_user(email="alice@example.com")
    return customer


@pytest.fixture(params=[ZOOMED, DESK], ids=["zoomed", "desk"])
def keys(request: pytest.FixtureRequest, browser: Browser, live_server: Any) -> Iterator[Keys]:
    width, height = request.param
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="en-GB", base_url=live_server.url, reduced_motion="reduce"
    )
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield Keys(page)
    context.close()
    assert errors == []


def test_a_whole_visit_by_the_keyboard_alone(keys: Keys, alice: Customer) -> None:
    sign_in(keys)
    for step in (open_a_coupon, take_a_reward, read_the_statement, change_the_profile, copy_the_link, mind_privacy):
        step(keys, alice)
    keys.page.goto("/profile/")
    keys.follow("^Sign out$")
    keys.page.get_by_role("button", name="Mail me a code").wait_for()
    assert not keys.faults, "\n".join(map(str, sorted(keys.faults)))


def sign_in(keys: Keys) -> None:
    keys.page.goto("/")
    keys.type("E-mail", "alice@example.com")
    keys.follow("Mail me a code")
    keys.page.get_by_role("heading", name="Enter the code").wait_for()
    code = re.search(r"[A-Z]{4}-[A-Z]{4}", mail.outbox[-1].body)[0]
    if keys.page.evaluate("document.activeElement.name") != "code":
        keys.to("Code")
    keys.page.keyboard.type(code)
    with keys.page.expect_navigation():
        keys.page.keyboard.press("Enter")
    keys.page.get_by_role("heading", name="Hello, Alice").wait_for()
    keys.look_at_the_rest()


def open_a_coupon(keys: Keys, alice: Customer) -> None:
    keys.page.goto("/")
    keys.to("Skip to the content")
    keys.page.keyboard.press("Enter")
    assert keys.page.evaluate("document.activeElement.id") == "content"
    keys.follow("^Coupons$", title="Coupons")
    keys.follow("Five off", title="Five off")
    keys.look_at_the_rest()


def take_a_reward(keys: Keys, alice: Customer) -> None:
    keys.page.goto("/coupons/")
    keys.follow("^Rewards$", title="Rewards")
    keys.follow("Stoneware mug", title="Stoneware mug")
    keys.follow("Take it for 100 points")
    keys.page.wait_for_url("**/rewards/orders/**")
    assert RewardOrder.objects.get(customer=alice).points == 100
    keys.look_at_the_rest()


def read_the_statement(keys: Keys, alice: Customer) -> None:
    keys.page.goto("/")
    keys.follow("^Points$", title="Points")
    keys.follow("^Spent$", title="Points")
    assert "show=" in keys.page.url
    keys.look_at_the_rest()


def change_the_profile(keys: Keys, alice: Customer) -> None:
    keys.page.goto("/")
    keys.follow("^Profile$", title="Profile")
    keys.follow("^Change$", title="Your details")
    keys.type("Name", "Alice B.")
    keys.follow("^Save$", title="Profile")
    alice.refresh_from_db()
    assert alice.name == "Alice B."
    keys.follow("Likes, dislikes and reminders", title="What you like")
    keys.switch("^Tea$")
    keys.follow("^Save$")
    keys.wait_for("saved")
    assert alice.preferred_categories.count() == 1
    keys.page.goto("/profile/")
    keys.follow("^Devices", title="Devices")
    keys.look_at_the_rest()


def copy_the_link(keys: Keys, alice: Customer) -> None:
    keys.page.goto("/profile/")
    keys.follow("^Bring a friend$", title="Bring a friend")
    keys.to("Copy it and send it")
    keys.look_at_the_rest()


def mind_privacy(keys: Keys, alice: Customer) -> None:
    keys.page.goto("/profile/")
    keys.follow("^Privacy", title="Privacy")
    keys.switch("(?i)^e-?mail")
    keys.follow("^Save$")
    keys.wait_for("saved")
    assert Consent.objects.filter(customer=alice, is_granted=True).exists()
    keys.look_at_the_rest()
    keys.page.goto("/privacy/")
    keys.follow("Take all your data along")
    keys.follow("Make a file", title="Is it you?")
    keys.follow("Mail me a code")
    keys.type("Code", re.search(r"\b\d{6}\b", mail.outbox[-1].body)[0])
    keys.follow("^Confirm$", title="Take your data along")
    keys.follow("Make a file", title="Take your data along")
    assert DataExport.objects.filter(customer=alice).exists()
