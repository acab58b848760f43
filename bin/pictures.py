"""Fill a shop with the demo data, look at it with a real browser, and keep the pictures that the README shows.

bin/screenshots                    into docs/images
bin/screenshots --out DIR --all    every page there is, phone and desktop, both languages, light and dark; --only TEXT takes
                                   those with this text in the name, as in --only zh-hans-dark-390
"""

import argparse
import json
import sys
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.servers import BROWSER_FLAGS, Shop, find_browser  # noqa: E402 (the path comes first)

SESSION = """
import time
from django.test import Client
from customers.models import Store, User
client = Client()
user = User.objects.get(email="{email}")
client.force_login(user)
session = client.session
session["till"] = {{"store": Store.objects.get(code="old-town").pk, "till": "1"}}
session["account_authentication_methods"] = [{{"method": "password", "at": time.time() + 86400, "reauthenticated": True}}]  # however long the pictures take
session["account_authentication_methods_user"] = str(user.pk)
session.save()
print("session:" + session.session_key)
"""
# What the demo shop lacks: log-ins of customers, a sale at the till, an invitation still to be answered, a test of a survey.
PREPARE = """
import datetime as dt, uuid
from django.utils import timezone
from customers.accounts import ensure_user
from customers.models import Product, Store, User
from rewards import sale, till_actions
from surveys import trials
from surveys.models import Run, SurveyVersion
now = timezone.now()
for email in ("alice@example.com", "linxiao@example.com"):
    ensure_user(email=email)
by = User.objects.get(email="cashier@example.com")
station = till_actions.Station(store=Store.objects.get(code="old-town"), till="1", by=by)
lines = [sale.SoldLine(Product.objects.first(), 1, 500)]
till_actions.sell(station=station, key=uuid.uuid4(), customer=None, lines=lines, now=now)
trials.begin(version=SurveyVersion.objects.latest("pk"), by=by, language="en", now=now)
Run.objects.update(phase=Run.Phase.SENDING, closes_at=now + dt.timedelta(days=30))
"""
PAGES = "import json; from tests import addresses; print('pages:' + json.dumps(addresses.pages()))"
PASSWORDS = """
import json
from loyalty_site.demo import people
print("passwords:" + json.dumps({email: password for email, *_rest, password in people.STAFF.values()}))
"""
PHONE, DESK = (390, 844), (1280, 860)
# Name, who, address, window, language, scheme.
README = [
    ("home", "alice@example.com", "/", PHONE, "en", "light"),
    ("coupons", "linxiao@example.com", "/coupons/", PHONE, "zh-hans", "dark"),
    ("dashboard", "manager@example.com", "/admin/", DESK, "en", "light"),
]
# Between them every pair of window, language and scheme.
LOOKS = [(PHONE, "en", "light"), (PHONE, "zh-hans", "dark"), (DESK, "zh-hans", "light"), (DESK, "en", "dark")]
# What is typed into a page to come to the one behind it.
TYPED = {
    "account_request_login_code": {"email": "linxiao@example.com"},
    "join": {"email": "new@example.com", "name": "Nora New"},
    "address": {"email": "moved@example.com"},
}

type Picture = tuple[str, str, str, tuple[int, int], str, str]


def everything(shop: Shop) -> list[Picture]:
    """Return every page in every look."""
    pages = json.loads(shop.run(PAGES).rpartition("pages:")[2])
    return [
        (f"{name}-{language}-{scheme}-{window[0]}", email, path, window, language, scheme)
        for window, language, scheme in LOOKS
        for name, email, path in pages
    ]


def shoot(
    browser: Browser, shop: Shop, session: str, password: str, picture: Picture, out: Path, *, is_whole: bool
) -> None:
    """Open one page as somebody and keep its picture, and of the page behind it; say so when there is no page to see."""
    name, _email, path, (width, height), language, scheme = picture
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, base_url=shop.url, service_workers="block"
    )
    context.add_cookies([{"name": "django_language", "value": language, "url": shop.url}])
    if session:
        context.add_cookies([{"name": "session", "value": session, "url": shop.url}])
    page = context.new_page()
    try:
        answer = page.goto(path, wait_until="load")
        if "/reauthenticate/" in page.url and "/reauthenticate/" not in path:  # it is asked once in five minutes
            page.locator("main [name=password]").fill(password)
            with page.expect_navigation() as moved:
                page.locator("main form button").first.click()
            answer = moved.value
    except Error:  # a file to download
        answer = None
    if answer is None or not (answer.ok or name.startswith("error")) or not page.url.endswith(path):
        print(f"  {name}: no page of its own ({answer.status if answer else 'a file or nothing'} at {page.url})")
    else:
        page.screenshot(path=str(out / f"{name}.png"), full_page=is_whole)
        print(f"  {name}.png")
        if is_whole and (typed := TYPED.get(name.split("-")[0])):
            for field, text in typed.items():
                page.locator(f"main [name={field}]").fill(text)
            with page.expect_navigation():
                page.locator("main form:has([name=email]) button").first.click()
            page.screenshot(path=str(out / f"{name}-sent.png"), full_page=True)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images")
    parser.add_argument("--all", action="store_true", help="every page there is, in every look")
    parser.add_argument("--only", default="", help="with --all: pictures with this text in their name")
    options = parser.parse_args()
    program = find_browser()
    if program is None:
        sys.exit("No Chromium or Chrome was found: install one, or name its program with CHROMIUM=/path/to/chrome.")
    options.out.mkdir(parents=True, exist_ok=True)
    shop = Shop().start()
    try:
        shop.manage("load_demo", "--seed", "2")
        shop.run(PREPARE)
        pictures = everything(shop) if options.all else README
        pictures = [picture for picture in pictures if options.only in picture[0]]
        sessions = {
            email: email and shop.run(SESSION.format(email=email)).rpartition("session:")[2].strip()
            for email in sorted({picture[1] for picture in pictures})
        }
        passwords = json.loads(shop.run(PASSWORDS).rpartition("passwords:")[2])
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=BROWSER_FLAGS)
            for picture in pictures:
                email = picture[1]
                shoot(
                    browser, shop, sessions[email], passwords.get(email, ""), picture, options.out, is_whole=options.all
                )
            browser.close()
    finally:
        shop.close()


if __name__ == "__main__":
    main()
