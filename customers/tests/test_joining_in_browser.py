"""Joining on the smallest phone without script, by the keyboard alone, and what axe says of the doors."""

import re
from collections.abc import Iterator

import pytest
from django.core import mail
from playwright.sync_api import Browser, Page

from customers.models import Customer
from tests.accessibility import violations

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def small(browser: Browser, live_server) -> Iterator[Page]:
    """The smallest phone, in the dark, without script."""
    context = browser.new_context(
        viewport={"width": 320, "height": 640}, java_script_enabled=False, color_scheme="dark", base_url=live_server.url,
        locale="en-GB",
    )  # fmt: skip
    yield context.new_page()
    context.close()


def test_somebody_joins_without_script_by_the_keyboard_alone(small: Page) -> None:
    small.goto("/accounts/login/code/")
    small.get_by_role("link", name="Not a member yet? Join here").press("Enter")
    small.get_by_label("E-mail").focus()
    small.keyboard.type("alice@example.com")
    small.keyboard.press("Tab")
    small.keyboard.type("Alice")
    small.get_by_label("Yes, mail me coupons").press("Space")
    small.get_by_role("button", name="Mail me a code").press("Enter")
    small.get_by_role("heading", name="Enter the code").wait_for()
    small.get_by_label("Code").focus()
    small.keyboard.type(re.search(r"[A-Z]{4}-[A-Z]{4}", mail.outbox[-1].body)[0])
    small.keyboard.press("Enter")
    small.get_by_role("heading", name="Hello, Alice").wait_for()
    assert Customer.objects.get().consents.get().purpose == "marketing"
    assert small.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_doors_are_without_a_violation(page: Page, live_server, language: str) -> None:
    page.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    found = {}
    for width, scheme in ((320, "dark"), (1280, "light")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        for path in ("/join/", "/join/card/", "/accounts/login/code/", "/help/"):
            page.goto(live_server.url + path)
            found[path, width] = violations(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not any(found.values()), found
