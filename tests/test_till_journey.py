"""The till in a real browser at the size of a tablet: by keyboard alone, with the connection cut, and without script."""

import datetime as dt
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect

from customers import member_codes
from customers.models import Customer, Product, Purchase, Return
from customers.tests.factories import create_customer, create_store
from rewards import catalogue, coupons, proof, till_actions, till_counter, value_accounts
from rewards.models import Coupon, CouponUse, PointBalance, TillAction
from rewards.sale import SoldLine
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award, create_rule
from rewards.tests.reward_factories import create_reward
from rewards.tests.till_factories import Desk
from rewards.till import counter, wallet
from rewards.till.access import token_of
from tests.accessibility import violations

pytestmark = pytest.mark.django_db(transaction=True)
MOST_TABS = 80


@pytest.fixture
def desk(transactional_db: None) -> Desk:
    """A cashier in a store with a rule and a product."""
    create_rule(name_en="Every euro", name_zh="每消费一欧元")
    Product.objects.create(sku="TEA", name_en="Green tea", name_zh="绿茶", price=450)
    return Desk(create_store(code="harbour", name_en="Harbour", name_zh="港口店"))


@pytest.fixture
def alice(desk: Desk) -> Customer:
    """A customer with points and a coupon."""
    alice = create_customer(name="Alice Morgan", email="alice@example.com", phone="+49301234567")
    award(alice, 1_000, at=timezone.now() - dt.timedelta(days=2))
    return alice


@pytest.fixture
def tablet(browser: Browser, live_server: Any, desk: Desk) -> Iterator[Page]:
    """The cashier's tablet, signed in; a script error or a breach of the policy fails the test."""
    context = browser.new_context(viewport={"width": 1024, "height": 768}, locale="en-GB", base_url=live_server.url)
    context.add_cookies([{"name": "session", "value": desk.client.cookies["session"].value, "url": live_server.url}])
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until something has the focus, as somebody without a mouse does."""
    for _press in range(MOST_TABS):
        if page.evaluate("selector => document.activeElement?.matches(selector) === true", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by keyboard")


def focused(page: Page, selector: str) -> None:
    """Wait until the page itself has put the cursor where it belongs."""
    page.wait_for_function("selector => document.activeElement?.matches(selector) === true", arg=selector)


def say(page: Page, text: str) -> None:
    """Type something and press Enter."""
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def active(customer: Customer) -> int:
    return PointBalance.objects.get(customer=customer).active


def test_enrol_sell_redeem_pay_with_points_take_back_and_undo_by_keyboard_alone(tablet: Page, desk: Desk) -> None:
    tablet.goto("/till/")
    tab_to(tablet, 'a[href="/till/enrol/"]')
    tablet.keyboard.press("Enter")
    focused(tablet, "[name=phone]")
    tablet.keyboard.type("030 7654321")
    tab_to(tablet, "[name=name]")
    say(tablet, "Ben Stone")
    expect(tablet.get_by_role("heading", name="Enrolled")).to_be_visible()
    ben = Customer.objects.get(name="Ben Stone")
    award(ben, 900, at=timezone.now())
    code = coupons.code_of(issue_coupon(batch=create_batch(value=200), customer=ben, now=timezone.now()))

    # A first sale, paid with a coupon and points.
    tab_to(tablet, 'a[href^="/till/sale/"]')
    tablet.keyboard.press("Enter")
    focused(tablet, "[name=amount]")
    say(tablet, "12.50")
    focused(tablet, "[name=record]")
    # The scanner types although a button has the focus: its digits land in the coupon's field, its Enter presses nothing.
    say(tablet, code)
    expect(tablet.locator(".till-sums")).to_contain_text("€10.50")
    tab_to(tablet, "[name=points]")
    say(tablet, "500")
    expect(tablet.locator("[name=proof]")).to_be_visible()
    tab_to(tablet, "[name=proof]")
    say(tablet, member_codes.make(customer=ben, now=timezone.now()))
    expect(tablet.get_by_text("The customer agrees to spend.")).to_be_visible()
    expect(tablet.locator(".till-sums")).to_contain_text("€5.50")
    tab_to(tablet, "[name=record]")
    tablet.keyboard.press("Enter")
    expect(tablet.get_by_role("heading", name="Sale of €12.50")).to_be_visible()
    expect(tablet.get_by_text("500 points paid for €5.00.")).to_be_visible()
    first = Purchase.objects.get()
    assert (first.to_pay, active(ben)) == (550, 900 - 500 + 5)

    # The next customer is one Enter away; a second sale of products, of which one piece comes back.
    focused(tablet, 'a[href="/till/"]')
    tablet.keyboard.press("Enter")
    focused(tablet, "[name=q]")
    say(tablet, "030 7654321")
    focused(tablet, "[name=amount]")
    tab_to(tablet, "[name=product]")
    say(tablet, "tea")
    expect(tablet.get_by_role("cell", name="Green tea", exact=True)).to_be_visible()
    focused(tablet, "[name=product]")
    say(tablet, "TEA")
    expect(tablet.locator("[name=line_quantity]")).to_have_value("2")
    tab_to(tablet, "[name=record]")
    tablet.keyboard.press("Enter")
    expect(tablet.get_by_role("heading", name="Sale of €9.00")).to_be_visible()
    second = Purchase.objects.get(total=900)

    tab_to(tablet, 'a[href="/till/returns/"]')
    tablet.keyboard.press("Enter")
    focused(tablet, "[name=number]")
    say(tablet, second.reference.lower())
    focused(tablet, "[name=back_1]")
    say(tablet, "1")
    focused(tablet, "[name=confirm]")
    expect(tablet.get_by_text("Give back €4.50 in money.")).to_be_visible()
    assert Return.objects.count() == 0
    tablet.keyboard.press("Enter")
    expect(tablet.get_by_role("heading", name="Return of €4.50")).to_be_visible()

    # The first sale was a mistake: everything back.
    tab_to(tablet, 'a[href="/till/journal/"]')
    tablet.keyboard.press("Enter")
    expect(tablet.get_by_role("heading", name="Today")).to_be_visible()
    tab_to(tablet, f'a[href="/till/undo/{TillAction.objects.get(purchase=first).pk}/"]')
    tablet.keyboard.press("Enter")
    focused(tablet, "main form button")
    tablet.keyboard.press("Enter")
    expect(tablet.get_by_role("heading", name="Undone: the sale is taken back")).to_be_visible()
    assert active(ben) == 900 + 4
    assert Coupon.objects.get().state == "active"
    assert proof.prove().faults == []


def test_a_connection_cut_in_the_middle_never_counts_twice(tablet: Page, desk: Desk, alice: Customer) -> None:
    coupon = issue_coupon(batch=create_batch(value=200), customer=alice, now=timezone.now())
    reached: list[int] = []

    def cut(route: Route) -> None:
        """Let the request reach the shop, twice, and lose the answer."""
        if "record=1" in (route.request.post_data or "") and len(reached) < 2:
            reached.append(route.fetch().status)
            route.abort("connectionreset")
        else:
            route.fallback()

    tablet.route("**/till/sale/", cut)
    tablet.goto("/till/")
    say(tablet, "alice@example.com")
    focused(tablet, "[name=amount]")
    say(tablet, "12.50")
    focused(tablet, "[name=record]")
    tablet.locator("[name=coupon]").press("Space")
    expect(tablet.locator(".till-sums")).to_contain_text("€10.50")
    tablet.locator("[name=points]").fill("300")
    tablet.locator("[name=points]").press("Enter")
    expect(tablet.locator("[name=proof]")).to_be_visible()
    tablet.locator("[name=proof]").fill(member_codes.make(customer=alice, now=timezone.now()))
    tablet.locator("[name=proof]").press("Enter")
    expect(tablet.get_by_text("The customer agrees to spend.")).to_be_visible()
    tablet.locator("[name=record]").press("Enter")

    # The sale stands, but the cashier does not know.
    alert = tablet.get_by_role("alert").filter(has_text="There was no answer.")
    expect(alert).to_be_visible()
    expect(tablet.locator("[name=points]")).to_have_value("300")
    assert (reached, Purchase.objects.count()) == ([204], 1)
    focused(tablet, "[data-again]")
    tablet.keyboard.press("Enter")
    # Lost once more; the third time the answer comes through.
    while len(reached) < 2:
        tablet.wait_for_timeout(50)
    tablet.wait_for_timeout(200)
    tablet.keyboard.press("Enter")
    expect(tablet.get_by_role("heading", name="Sale of €12.50")).to_be_visible()
    expect(tablet.get_by_text("This was recorded already; nothing was counted twice.")).to_be_visible()
    assert reached == [204, 204]
    assert (Purchase.objects.count(), CouponUse.objects.filter(coupon=coupon).count()) == (1, 1)
    assert active(alice) == 1_000 - 300 + 7
    assert proof.prove().faults == []


def test_with_no_network_at_all_nothing_is_lost(tablet: Page, desk: Desk, alice: Customer) -> None:
    tablet.goto("/till/")
    say(tablet, "alice@example.com")
    focused(tablet, "[name=amount]")
    tablet.context.set_offline(True)
    say(tablet, "12.50")
    expect(tablet.get_by_role("alert").filter(has_text="There was no answer.")).to_be_visible()
    expect(tablet.locator("[name=amount]")).to_have_value("12.50")
    tablet.context.set_offline(False)
    expect(tablet.locator(".till-sums")).to_contain_text("€12.50")
    assert Purchase.objects.count() == 0


def test_what_is_typed_while_the_shop_answers_stays(tablet: Page, desk: Desk, alice: Customer) -> None:
    tablet.route("**/till/sale/", lambda route: (tablet.wait_for_timeout(400), route.fallback()))
    tablet.goto("/till/sale/")
    say(tablet, "7.00")
    tab_to(tablet, "[name=product]")
    tablet.keyboard.type("te")
    expect(tablet.locator(".till-sums")).to_contain_text("€7.00")
    tablet.keyboard.type("a")
    expect(tablet.locator("[name=product]")).to_have_value("tea")
    expect(tablet.locator("[name=amount]")).to_have_value("")


def test_two_quick_presses_are_one_sale(tablet: Page, desk: Desk, alice: Customer) -> None:
    tablet.goto("/till/sale/")
    say(tablet, "7.00")
    focused(tablet, "[name=record]")
    tablet.keyboard.press("Enter")
    tablet.keyboard.press("Enter")
    expect(tablet.get_by_role("heading", name="Sale of €7.00")).to_be_visible()
    tablet.go_back()
    tablet.locator("[name=record]").press("Enter")
    assert Purchase.objects.filter(total=700).count() == 1


def test_the_till_works_without_script(browser: Browser, live_server: Any, desk: Desk, alice: Customer) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    context.add_cookies([{"name": "session", "value": desk.client.cookies["session"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto("/till/")
    page.locator("[name=q]").fill("alice@example.com")
    page.locator("[name=q]").press("Enter")
    page.locator("[name=amount]").fill("12.50")
    page.locator("[name=amount]").press("Enter")
    expect(page.locator(".till-sums")).to_contain_text("€12.50")
    page.get_by_role("button", name="Record the sale").click()
    expect(page.get_by_role("heading", name="Sale of €12.50")).to_be_visible()
    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Undo it").click()
    expect(page.get_by_role("heading", name="Undone: the sale is taken back")).to_be_visible()
    context.close()


SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")].filter(element => {
  const box = element.getBoundingClientRect();
  const isInText = element.closest("p, dd, label, .skip, .form-text, .form-check, .notice");
  return box.width && !isInText && (box.height < 43.5 || box.width < 43.5);
}).map(element => element.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize(
    ("language", "scheme", "size"),
    [
        ("en", "light", (1024, 768)),
        ("zh-hans", "dark", (768, 1024)),
        ("zh-hans", "light", (1024, 768)),
        ("en", "dark", (320, 700)),
    ],
)
def test_every_page_of_the_till_is_readable_and_reachable(
    browser: Browser, live_server: Any, desk: Desk, alice: Customer, language: str, scheme: str, size: tuple[int, int]
) -> None:
    now = timezone.now()
    for fields in ({}, {"minimum_basket": 99_900}, {"value_kind": "gift", "value": 0}):
        issue_coupon(batch=create_batch(**fields), customer=alice, now=now)
    tea = Product.objects.get(sku="TEA")
    sale = till_actions.sell(
        station=desk.station, key=uuid.uuid4(), customer=alice, lines=[SoldLine(tea, 3, 450)], now=now
    )
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, base_url=live_server.url
    )
    session = {"name": "session", "value": desk.client.cookies["session"].value, "url": live_server.url}
    context.add_cookies([session, {"name": "django_language", "value": language, "url": live_server.url}])
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    paths = ["station/", "enrol/", "journal/", f"done/{sale.key}/", "returns/", f"undo/{sale.pk}/"]
    for path in paths:
        page.goto(f"/till/{path}")
        complaints += wrong_with(page, size[0])
    sold = till_counter.sell_card(station=desk.station, key=uuid.uuid4(), amount=2_000, now=now)
    card = till_counter.movement_of(sold).account
    thing = create_reward(slug="cup", name_en="A cup", name_zh="杯子", batch=None, price=300)
    order = catalogue.redeem_reward(customer=alice, reward=thing, key="cup", now=now)
    paths = [f"done/{sold.key}/", f"undo/{sold.pk}/", "counter/", f"counter/?customer={token_of(alice)}"]
    paths += [f"counter/cards/{wallet.token_of(card)}/", f"counter/rewards/{counter.order_token(order)}/"]
    for path in paths:
        page.goto(f"/till/{path}")
        complaints += wrong_with(page, size[0])
    page.goto("/till/sale/")
    page.locator("[name=code]").fill(value_accounts.code_of(card))
    page.locator("[name=code]").press("Enter")
    page.locator("[name=pays]").wait_for()
    complaints += wrong_with(page, size[0])
    page.goto(f"/till/returns/{sale.purchase_id}/")
    page.locator("[name=all]").click()
    page.locator("[name=confirm]").wait_for()
    complaints += wrong_with(page, size[0])
    page.goto("/till/")
    page.locator("[name=q]").fill("alice")
    page.locator("[name=q]").press("Enter")
    page.locator(".till-people a").wait_for()
    complaints += wrong_with(page, size[0])
    page.locator(".till-people a").click()
    page.locator("[name=amount]").fill("12.50")
    page.locator("[name=product]").fill("no such thing")
    page.locator("[name=product]").press("Enter")
    page.locator("#id_product_error").wait_for()
    page.locator("[name=product]").fill("tea")
    page.locator("[name=all_points]").click()
    page.locator("[name=proof]").wait_for()
    complaints += wrong_with(page, size[0])
    context.close()
    assert complaints == []


def wrong_with(page: Page, width: int) -> list[str]:
    """Return what axe, a thumb or a narrow screen complains about."""
    name = re.sub(r"[0-9a-f-]{36}|[\w-]*:[\w:-]+|\d+", "x", page.url.partition("/till/")[2].partition("?")[0]) or "find"
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        language = page.locator("html").get_attribute("lang")
        page.screenshot(path=f"{folder}/till-{name.replace('/', '-')}-{language}-{width}.png", full_page=True)
    found = [f"{name}: {breach}" for breach in violations(page)]
    if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
        found.append(f"{name}: {needed} pixels wide")
    return found + [f"{name}: too small for a thumb: {target}" for target in page.evaluate(SMALL_TARGETS)]
