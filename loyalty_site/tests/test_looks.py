"""Every page of a customer in a real browser: nothing to complain of for axe, the strict policy, a thumb or a narrow screen.

SCREENSHOTS=folder keeps a picture of each page.
"""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from customers.accounts import ensure_user
from customers.models import Customer, Product
from customers.tests.factories import create_customer, create_store
from rewards import catalogue, checkout, coupons, sale
from rewards.models import Reward
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award, create_rule
from rewards.tests.reward_factories import create_reward
from rewards.tests.stamp_factories import create_card
from rewards.tests.tier_factories import create_tiers
from rewards.tests.value_factories import sell_card
from tests.accessibility import violations

OWN_PAGES = ["/", "/coupons/", "/coupons/{coupon}/", "/points/", "/purchases/", "/purchases/{purchase}/", "/card/"]
OWN_PAGES += [
    "/rewards/",
    "/gift-cards/",
    "/stamps/",
    "/profile/",
    "/profile/details/",
    "/profile/preferences/",
    "/profile/address/",
    "/profile/devices/",
    "/profile/pin/",
    "/for-you/",
    "/friends/",
    "/surveys/",
    "/privacy/",
    "/privacy/history/",
    "/privacy/export/",
    "/privacy/erase/",
    "/accounts/logout/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
]
OPEN_PAGES = [
    "/accounts/login/code/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/join/",
    "/help/",
    "/offline/",
    "/nonsense/",
]
# What belongs to somebody or to one thing, and only shows when there is one.
DETAIL_PAGES = [
    "/coupons/{coupon}/", "/coupons/{hidden}/", "/rewards/tea/", "/rewards/crown/", "/rewards/orders/{order}/",
    "/gift-cards/{card}/", "/stamps/{stamps}/",
]  # fmt: skip
# A page, and what is typed wrong into its form.
OPEN_MISTAKES: list[tuple[str, dict[str, str]]] = [
    ("/join/", {"email": "nonsense"}),
    ("/accounts/login/code/", {"email": "nonsense"}),
    ("/accounts/login/", {"login": "nobody@example.com", "password": "wrong"}),
]
OWN_MISTAKES: list[tuple[str, dict[str, str]]] = [
    ("/profile/details/", {"phone": "nonsense", "birthday": "2999-01-01"}),
    ("/profile/address/", {"email": "nonsense"}),
    ("/profile/pin/", {"pin": "123456", "again": "654321"}),
    ("/gift-cards/", {"code": "nonsense"}),
]
# Between them every value of each: language, scheme, width.
VISITS = [("en", "light", 320), ("zh-hans", "dark", 320), ("zh-hans", "light", 1280), ("en", "dark", 1280)]
SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")].filter(element => {
  const box = element.getBoundingClientRect();
  const isInText = element.closest("p, dd, .skip, .form-text, .form-check");
  return box.width && !isInText && (box.height < 43.5 || box.width < 43.5);
}).map(element => element.outerHTML.slice(0, 120))"""

# What a list says, pushed together by what stands beside it.
SQUEEZED = """() => [...document.querySelectorAll(".row-line .what")].filter(element => {
  const width = element.getBoundingClientRect().width;
  return width && width < 96;
}).map(element => element.innerText)"""


@pytest.fixture
def alice(transactional_db: None) -> Customer:
    """A customer with something on every page."""
    now = timezone.now()
    customer = create_customer(name="Alice Featherstonehaugh-Cholmondeley", email="alice@example.com")
    create_rule(name_en="Every euro", name_zh="每消费一欧元")
    create_tiers(guest=200_000)
    product = Product.objects.create(sku="MUG", name_en="Stoneware mug", name_zh="粗陶马克杯", price=1850)
    store = create_store(name_en="Lark & Linden, Mitte", name_zh="云雀咖啡")
    for number in range(30):
        line = sale.SoldLine(product, 2, 1850)
        checkout.record_purchase(
            store=store, reference=f"R{number}", customer=customer, occurred_at=now, lines=[line]
        )  # fmt: skip
    award(customer, 30, at=now, activates_at=now + dt.timedelta(days=5))
    for kind, value in (("percent", 1000), ("amount", 500), ("gift", 0), ("multiplier", 20_000)):
        issue_coupon(customer=customer, batch=create_batch(value_kind=kind, value=value, valid_days=6), now=now)
    issue_coupon(customer=customer, batch=create_batch(valid_days=1), now=now - dt.timedelta(days=9))
    return customer


@pytest.mark.parametrize(("language", "scheme", "width"), VISITS)
def test_every_page_is_readable_reachable_and_keeps_the_policy(
    browser: Any, live_server: Any, alice: Customer, language: str, scheme: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    page, complaints = context.new_page(), []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in OPEN_PAGES:
        complaints += _complaints(page, live_server.url + path, width)
    _session()  # another device, which can be signed out from afar
    context.add_cookies([{"name": "session", "value": _session(), "url": live_server.url}])
    names = {"coupon": alice.coupons.first().pk, "purchase": alice.purchases.first().pk}
    for path in OWN_PAGES:
        complaints += _complaints(page, live_server.url + path.format(**names), width)
    context.close()
    assert [text for text in complaints if "404 (Not Found)" not in text] == []


@pytest.mark.parametrize(("language", "scheme", "width"), VISITS)
def test_details_and_mistakes_are_readable_and_reachable(
    browser: Any, live_server: Any, alice: Customer, language: str, scheme: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    page, complaints = context.new_page(), []
    for path, typed in OPEN_MISTAKES:
        complaints += _mistaken(page, live_server.url + path, typed, width)
    context.add_cookies([{"name": "session", "value": _session(), "url": live_server.url}])
    names = _things_of(alice)
    for path in DETAIL_PAGES:
        complaints += _complaints(page, live_server.url + path.format(**names), width)
    page.goto(live_server.url + "/coupons/")
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    complaints += _seen(page, "coupons-open", width)
    for path, typed in OWN_MISTAKES:
        complaints += _mistaken(page, live_server.url + path, typed, width)
    page.goto(live_server.url + "/rewards/tea/")
    Reward.objects.filter(slug="tea").update(points_cost=10**6)  # somebody made it dearer meanwhile
    page.locator("main form button").click()
    page.locator(".notice.error").wait_for()
    complaints += _seen(page, "rewards-tea-refused", width)
    context.close()
    assert complaints == []


def _things_of(customer: Customer) -> dict[str, int]:
    """Give the customer one of each thing that has a page of its own, and return their keys by name."""
    now = timezone.now()
    create_reward(slug="tea", points_cost=10, name_en="A pot of tea", name_zh="一壶茶", description_en="Any tea.")
    create_reward(slug="crown", points_cost=10**6, name_en="The crown", name_zh="皇冠")
    order = catalogue.redeem_reward(customer=customer, reward=Reward.objects.get(slug="tea"), key="1", now=now)
    hidden, shown = customer.coupons.redeemable(now)[:2]
    coupons.hide(coupon=hidden, now=now)
    return {
        "coupon": shown.pk, "hidden": hidden.pk, "order": order.pk, "card": sell_card(customer=customer, at=now).pk,
        "stamps": create_card().pk,
    }  # fmt: skip


def _mistaken(page: Any, url: str, typed: dict[str, str], width: int) -> list[str]:
    """Send a form with mistakes that the browser would have caught, and return the complaints about the answer."""
    page.goto(url)
    for name, text in typed.items():
        page.locator(f"main [name={name}]").fill(text)
    page.locator(f"main form:has([name={next(iter(typed))}])").evaluate("form => { form.noValidate = true; }")
    with page.expect_navigation():
        page.locator(f"main form:has([name={next(iter(typed))}]) button").first.click()
    page.locator("main .invalid-feedback, main .alert, main .notice.error, main [aria-invalid=true]").first.wait_for()
    return _seen(page, f"{_name_of(url)}-mistaken", width)


def test_pages_work_without_script(browser: Any, live_server: Any, alice: Customer) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "session", "value": _session(), "url": live_server.url}])
    page = context.new_page()
    page.goto(live_server.url + "/profile/")
    page.get_by_role("switch", name="survey").check()
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("status").inner_text() == "Your choice is saved."
    page.get_by_role("button", name="简体中文").click()
    assert page.get_by_role("heading", level=1).inner_text() == "我的"
    context.close()


def _session() -> str:
    client = Client()
    client.force_login(ensure_user(email="alice@example.com"))
    return client.cookies["session"].value


def _complaints(page: Any, url: str, width: int) -> list[str]:
    page.goto(url, wait_until="load")
    return _seen(page, _name_of(url), width)


def _name_of(url: str) -> str:
    return url.partition("//")[2].partition("/")[2].strip("/").replace("/", "-") or "home"


def _seen(page: Any, name: str, width: int) -> list[str]:
    name = f"{name}-{width}"
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        language = page.locator("html").get_attribute("lang")
        page.screenshot(path=f"{folder}/{name}-{language}.png", full_page=True)
    found = [f"{name}: {breach}" for breach in violations(page)]
    if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
        found.append(f"{name}: {needed} pixels wide")
    found += [f"{name}: squeezed: {text}" for text in page.evaluate(SQUEEZED)]
    if width < 700:
        found += [f"{name}: too small for a thumb: {target}" for target in page.evaluate(SMALL_TARGETS)]
    return found
