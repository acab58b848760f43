"""Every stop on every page by Tab, in Chinese and in the dark, and what a guest and a cashier do by keys alone.

On a desk and at 400 % zoom. A customer's visit in English and by daylight is in test_keyboard_journey.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from playwright.sync_api import Browser

from customers.models import Product
from customers.tests.factories import create_customer, create_store
from loyalty_site.tests.test_looks import DETAIL_PAGES, OPEN_PAGES, OWN_PAGES, _session, _things_of, alice  # noqa: F401
from rewards.tests.factories import create_rule
from rewards.tests.till_factories import Desk
from surveys.models import Answer
from surveys.tests.answering import path, preferences_path, today, unsubscribe_path
from surveys.tests.factories import create_asker, create_survey
from tests.keyboard import DESK, ZOOMED, Keys

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = ("nps", "csat", "ces", "stars", "scale", "choice", "multiple", "matrix", "ranking", "date", "number", "text")
WINDOWS = pytest.mark.parametrize("window", [ZOOMED, DESK], ids=["zoomed", "desk"])
PASSWORD = "correct horse battery staple"


@contextmanager
def hands(browser: Browser, server: Any, window: tuple[int, int], *, language: str, scheme: str) -> Iterator[Keys]:
    """Open a window of that size; whatever went wrong at a stop fails the test."""
    context = browser.new_context(
        viewport={"width": window[0], "height": window[1]},
        color_scheme=scheme,
        base_url=server.url,
        reduced_motion="reduce",
    )
    context.add_cookies([{"name": "django_language", "value": language, "url": server.url}])
    keys = Keys(context.new_page())
    yield keys
    context.close()
    assert not keys.faults, "\n".join(map(str, sorted(keys.faults)))


@WINDOWS
def test_every_stop_on_every_page_of_a_customer(browser, live_server, alice, window):  # noqa: F811
    with hands(browser, live_server, window, language="zh-hans", scheme="dark") as keys:
        for page in OPEN_PAGES:
            keys.page.goto(page)
            keys.look_at_the_rest()
        keys.page.context.add_cookies([{"name": "session", "value": _session(), "url": live_server.url}])
        names = _things_of(alice) | {"purchase": alice.purchases.first().pk}
        for page in sorted({*OWN_PAGES, *DETAIL_PAGES} - {"/accounts/logout/"}):
            keys.page.goto(page.format(**names))
            keys.look_at_the_rest()


@WINDOWS
@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("zh-hans", "dark")])
def test_a_survey_by_the_keyboard_alone(browser, live_server, window, language, scheme):
    guest = create_asker(name="Alice", language=language)
    invitation = today(survey=create_survey(kinds=KINDS), customer=guest, points=50, quick_seconds=0)
    with hands(browser, live_server, window, language=language, scheme=scheme) as keys:
        for page in (unsubscribe_path(invitation), preferences_path(invitation), path(invitation)):
            keys.page.goto(f"{page}?lang={language}")
            keys.look_at_the_rest()
        keys.page.goto(f"{path(invitation)}?lang={language}")
        keys.to(r"^0\n")
        for _step in range(8):
            keys.page.keyboard.press("ArrowRight")
        keys.type(r"\(text\)|（text）", "Fine")
        keys.follow("Send answers|提交|发送")
        keys.page.locator("h1").wait_for()
        keys.look_at_the_rest()
    assert Answer.objects.get(question__kind="nps").number == 8
    assert Answer.objects.get(question__kind="text").text == "Fine"


@WINDOWS
@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("zh-hans", "dark")])
def test_a_cashier_signs_in_and_sells_by_the_keyboard_alone(browser, live_server, settings, window, language, scheme):
    settings.STAFF_MFA_REQUIRED = True
    create_rule(name_en="Every euro", name_zh="每消费一欧元")
    Product.objects.create(sku="TEA", name_en="Green tea", name_zh="绿茶", price=450)
    create_customer(name="Alice Morgan", email="alice@example.com", phone="+49301234567")
    desk = Desk(create_store(code="harbour", name_en="Harbour", name_zh="港口店"))
    desk.user.set_password(PASSWORD)
    desk.user.save()
    secret = generate_totp_secret()
    TOTP.activate(desk.user, secret)
    RecoveryCodes.activate(desk.user)
    with hands(browser, live_server, window, language=language, scheme=scheme) as keys:
        keys.page.goto("/accounts/login/")
        keys.type("Email|邮箱|邮件", desk.user.email)
        keys.type("Password|密码", PASSWORD)
        press(keys)
        keys.page.wait_for_url("**/2fa/authenticate/**")
        keys.look_at_the_rest()
        keys.type("(?i)code|验证码", code_of(secret))
        press(keys)
        keys.page.goto("/till/station/")
        keys.look_at_the_rest()
        keys.to("^1$|Till|收银")
        for page in ("/till/", "/till/enrol/", "/till/journal/", "/till/returns/", "/till/counter/"):
            keys.page.goto(page)
            keys.look_at_the_rest()


def press(keys: Keys) -> None:
    with keys.page.expect_navigation():
        keys.page.keyboard.press("Enter")


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
