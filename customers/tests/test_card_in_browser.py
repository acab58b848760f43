"""The card renews its code by itself, and the camera reads it at the till, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.servers import Shop

pytestmark = pytest.mark.browser

STAGE = """
from django.test import Client
from django.utils import timezone
from customers import accounts
from customers.models import Customer, Identifier, Store, User
from loyalty_site.roles import ensure_roles

alice = Customer.objects.create(member_number="7741", name="Alice Morgan", language="en", enrolled_at=timezone.now())
Identifier.objects.create(customer=alice, kind="email", value="card@x.example", normalised="card@x.example")
cashier = User.objects.create_user("till-card@x.example", name="Cleo", is_staff=True)
cashier.groups.add(ensure_roles()["cashier"])
store = Store.objects.create(code="card-store", name_en="Harbour")
browser = Client()
browser.force_login(accounts.ensure_user(email="card@x.example"))
customer = browser.session.session_key
browser = Client()
browser.force_login(cashier)
session = browser.session
session["till"] = {"store": store.pk, "till": "1"}
session.save()
print(customer, session.session_key)
"""
# A camera that shows the code of a member card, and a detector that reads it: browsers on a server have neither.
CAMERA = """
navigator.mediaDevices.getUserMedia = async () => document.createElement("canvas").captureStream();
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code", "ean_13"]; }
  async detect() { return [{ rawValue: "7741", format: "qr_code" }]; }
};
"""


@pytest.fixture(scope="module")
def sessions(shop_server: Shop) -> list[str]:
    """The sessions of a customer and of a cashier who has a till."""
    return shop_server.run(STAGE).split()[-2:]


def sign_in(page: Page, shop: Shop, session: str) -> None:
    page.context.add_cookies([{"name": "session", "value": session, "url": shop.url}])


def test_the_code_renews_itself_and_says_when_it_cannot(page: Page, shop_server: Shop, sessions: list[str]) -> None:
    sign_in(page, shop_server, sessions[0])
    page.clock.install()
    page.goto(f"{shop_server.url}/card/")
    code = page.get_by_role("img", name="QR code to show at the till")
    first = code.inner_html()
    expect(page.get_by_text("Show a new code")).to_be_hidden()
    page.clock.run_for(46_000)
    expect(code).not_to_have_js_property("innerHTML", first)
    page.context.set_offline(True)
    page.clock.run_for(70_000)
    expect(page.get_by_text("This code is too old now")).to_be_visible()
    page.context.set_offline(False)
    page.clock.run_for(5_000)
    expect(page.get_by_text("This code is too old now")).to_be_hidden()


def test_the_screen_shows_the_fresh_code_alone_and_paper_the_number(
    page: Page, shop_server: Shop, sessions: list[str]
) -> None:
    sign_in(page, shop_server, sessions[0])
    page.goto(f"{shop_server.url}/card/")
    fresh = page.get_by_role("img", name="QR code to show at the till")
    number = page.get_by_role("img", name="QR code of the member number")
    expect(fresh).to_be_visible()
    expect(number).to_be_hidden()
    page.emulate_media(media="print")
    expect(fresh).to_be_hidden()
    expect(number).to_be_visible()
    head = page.locator(".pass > header")
    assert head.evaluate("head => getComputedStyle(head).backgroundImage") == "none"


def test_without_script_a_link_shows_the_next_code(page: Page, shop_server: Shop, sessions: list[str]) -> None:
    context = page.context.browser.new_context(java_script_enabled=False)
    try:
        plain = context.new_page()
        sign_in(plain, shop_server, sessions[0])
        plain.goto(f"{shop_server.url}/card/")
        first = plain.get_by_role("img", name="QR code to show at the till").inner_html()
        plain.get_by_role("link", name="Show a new code").click()
        assert plain.get_by_role("img", name="QR code to show at the till").inner_html() != first
    finally:
        context.close()


def test_the_camera_reads_the_card_at_the_till(page: Page, shop_server: Shop, sessions: list[str]) -> None:
    sign_in(page, shop_server, sessions[1])
    page.add_init_script(CAMERA)
    page.goto(f"{shop_server.url}/till/")
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.get_by_text("Alice M.").first).to_be_visible()


def test_a_browser_that_reads_no_codes_says_so(page: Page, shop_server: Shop, sessions: list[str]) -> None:
    sign_in(page, shop_server, sessions[1])
    page.add_init_script("delete window.BarcodeDetector;")
    page.goto(f"{shop_server.url}/till/")
    expect(page.get_by_text("This browser does not read codes with the camera.")).to_be_visible()
    expect(page.get_by_role("button", name="Scan with the camera")).to_be_hidden()


def test_only_the_till_may_use_the_camera(page: Page, shop_server: Shop, sessions: list[str]) -> None:
    sign_in(page, shop_server, sessions[1])
    allowed = "() => document.featurePolicy.allowsFeature('camera')"
    page.goto(f"{shop_server.url}/till/")
    assert page.evaluate(allowed)
    page.goto(f"{shop_server.url}/accounts/login/")
    assert not page.evaluate(allowed)
