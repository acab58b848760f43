"""A customer's whole visit without a mouse, on a desk and at 400 % zoom (1280 by 1024 is then 320 by 256).

Everything is reached by Tab and done by keys alone. Every stop on the way shows where the focus is: outlined, inside the window,
under nothing else, and on something at least 24 px wide and high.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, Page

from customers.accounts import ensure_user
from customers.models import Category, Consent, Customer, DataExport
from customers.tests.factories import create_customer
from rewards.models import ReferralOffer, RewardOrder
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award, create_rule
from rewards.tests.reward_factories import create_reward

pytestmark = pytest.mark.django_db(transaction=True)
STOPS = 90  # more than the longest page has
FOCUS = """async () => {
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const element = document.activeElement;
  if (!element || element === document.body || element.id === "content") return null;
  const label = element.labels?.[0];
  const target = element.matches("input[type=radio], input[type=checkbox]") && label ? label : element;
  const seen = element.getBoundingClientRect(), box = target.getBoundingClientRect(), style = getComputedStyle(element);
  const x = seen.left + seen.width / 2, y = seen.top + Math.min(seen.height, innerHeight) / 2;
  const above = document.elementFromPoint(x, y);
  const named = (element.getAttribute("aria-labelledby") || "").split(" ").map(id => document.getElementById(id)?.innerText);
  return {
    name: (element.getAttribute("aria-label") || named.join(" ").trim() || label?.innerText || element.innerText || "").trim(),
    html: element.outerHTML.slice(0, 160),
    is_outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none",
    is_in_view: x > 0 && x < innerWidth && y > 0 && y < innerHeight,
    is_bare: !!above && (element.contains(above) || above.contains(element) && !above.closest(".tabs") || label?.contains(above)),
    is_in_text: !!element.closest("p, dd, .notice"),
    width: Math.max(seen.width, box.width), height: Math.max(seen.height, box.height),
  };
}"""


class Keys:
    """Hands that know only the keyboard; `faults` gathers what they could not see or hit."""

    def __init__(self, page: Page) -> None:
        self.page, self.faults = page, set()

    def to(self, name: str) -> None:
        """Press Tab until the thing of that name has the focus, looking at every stop on the way."""
        seen = []
        for _ in range(STOPS):
            self.page.keyboard.press("Tab")
            if (stop := self._look()) is None:
                continue
            seen.append(stop["name"])
            if re.search(name, stop["name"]):
                return
        raise AssertionError(f"no key leads to {name!r} on {self.page.url}: {seen}")

    def _look(self) -> dict[str, Any] | None:
        # Where the focus is once the browser has scrolled there and painted it.
        stop = self.page.evaluate(FOCUS)
        if stop is None:
            return None
        wrong = [word for word in ("is_outlined", "is_in_view", "is_bare") if not stop[word]]
        if not stop["is_in_text"] and min(stop["width"], stop["height"]) < 24:
            wrong.append("smaller than 24 px")
        if wrong:
            self.faults.add((urlsplit(self.page.url).path, stop["html"], *wrong))
        if (needed := self.page.evaluate("document.documentElement.scrollWidth")) > self.page.viewport_size["width"]:
            self.faults.add((urlsplit(self.page.url).path, f"{needed} pixels wide"))
        return stop

    def follow(self, name: str, *, title: str = "") -> None:
        """Go to a link or button, press Enter, and wait for the page with a title."""
        self.to(name)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        if title:
            self.page.get_by_role("heading", name=title, level=1).wait_for()

    def switch(self, name: str) -> None:
        """Go to a box and press Space."""
        self.to(name)
        self.page.keyboard.press("Space")

    def type(self, name: str, text: str) -> None:
        """Go to a field and write over what it holds."""
        self.to(name)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def look_at_the_rest(self) -> None:
        """Tab through a page from its beginning to its end."""
        self.page.reload()
        last = None
        for _ in range(STOPS):
            self.page.keyboard.press("Tab")
            if (stop := self._look()) is None and last:
                return
            last = stop

    def wait_for(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()


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


@pytest.fixture(params=[(320, 256), (1280, 800)], ids=["zoomed", "desk"])
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
