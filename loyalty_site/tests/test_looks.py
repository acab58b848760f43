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
from rewards import checkout, sale
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award, create_rule
from rewards.tests.tier_factories import create_tiers
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
# Between them every value of each: language, scheme, width.
VISITS = [("en", "light", 320), ("zh-hans", "dark", 320), ("zh-hans", "light", 1280), ("en", "dark", 1280)]
SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")].filter(element => {
  const box = element.getBoundingClientRect();
  const isInText = element.closest("p, dd, .skip, .form-text, .form-check");
  return box.width && !isInText && (box.height < 43.5 || box.width < 43.5);
}).map(element => element.outerHTML.slice(0, 120))"""


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
    context.add_cookies([{"name": "session", "value": _session(), "url": live_server.url}])
    names = {"coupon": alice.coupons.first().pk, "purchase": alice.purchases.first().pk}
    for path in OWN_PAGES:
        complaints += _complaints(page, live_server.url + path.format(**names), width)
    context.close()
    assert [text for text in complaints if "404 (Not Found)" not in text] == []


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
    name = f"{url.partition('//')[2].partition('/')[2].strip('/').replace('/', '-') or 'home'}-{width}"
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        language = page.locator("html").get_attribute("lang")
        page.screenshot(path=f"{folder}/{name}-{language}.png", full_page=True)
    found = [f"{name}: {breach}" for breach in violations(page)]
    if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
        found.append(f"{name}: {needed} pixels wide")
    if width < 700:
        found += [f"{name}: too small for a thumb: {target}" for target in page.evaluate(SMALL_TARGETS)]
    return found
