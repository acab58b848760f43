"""Fill a shop with the demo data, look at it with a real browser, and keep the pictures that the README shows.

bin/screenshots                    into docs/images
bin/screenshots --out DIR --all    every page of a customer, phone and desktop, both languages, light and dark
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.servers import BROWSER_FLAGS, Shop, find_browser  # noqa: E402 (the path comes first)

SESSION = """
from django.test import Client
from customers.models import Store, User
client = Client()
client.force_login(User.objects.get(email="{email}"))
session = client.session
session["till"] = {{"store": Store.objects.get(code="old-town").pk, "till": "1"}}
session.save()
print("session:" + session.session_key)
"""
ENSURE = """
from customers.accounts import ensure_user
ensure_user(email="alice@example.com"); ensure_user(email="linxiao@example.com")
"""
PHONE, DESK = (390, 844), (1280, 860)
# Name, who, address, window, language, scheme.
README = [
    ("home", "alice@example.com", "/", PHONE, "en", "light"),
    ("coupons", "linxiao@example.com", "/coupons/", PHONE, "zh-hans", "dark"),
    ("dashboard", "manager@example.com", "/admin/", DESK, "en", "light"),
]
PAGES = [
    "/", "/coupons/", "/rewards/", "/stamps/", "/gift-cards/", "/points/", "/purchases/", "/card/", "/profile/", "/friends/",
    "/help/", "/accounts/login/code/", "/nonsense/",
]  # fmt: skip


def everything() -> list[tuple[str, str, str, tuple[int, int], str, str]]:
    """Return every page of a customer in every shape."""
    looks = [(PHONE, "en", "light"), (PHONE, "zh-hans", "dark"), (DESK, "zh-hans", "light"), (DESK, "en", "dark")]
    return [
        (f"{path.strip('/').replace('/', '-') or 'home'}-{language}-{window[0]}", "alice@example.com", path, window, language, scheme)
        for path in PAGES
        for window, language, scheme in looks
    ]  # fmt: skip


def shoot(browser: Browser, shop: Shop, sessions: dict[str, str], picture: tuple[Any, ...], out: Path) -> None:
    """Open one page as somebody and keep its picture."""
    name, email, path, (width, height), language, scheme = picture
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, base_url=shop.url, service_workers="block"
    )
    context.add_cookies(
        [
            {"name": "session", "value": sessions[email], "url": shop.url},
            {"name": "django_language", "value": language, "url": shop.url},
        ]
    )
    page = context.new_page()
    page.goto(path, wait_until="load")
    page.screenshot(path=str(out / f"{name}.png"))
    context.close()
    print(f"  {name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images")
    parser.add_argument("--all", action="store_true", help="every page of a customer, in every shape")
    options = parser.parse_args()
    program = find_browser()
    if program is None:
        sys.exit("No Chromium or Chrome was found: install one, or name its program with CHROMIUM=/path/to/chrome.")
    options.out.mkdir(parents=True, exist_ok=True)
    pictures = everything() if options.all else README
    shop = Shop().start()
    try:
        shop.manage("load_demo", "--seed", "2")
        shop.run(ENSURE)
        people = {email for _name, email, *_rest in pictures}
        sessions = {
            email: shop.run(SESSION.format(email=email)).rpartition("session:")[2].strip() for email in sorted(people)
        }
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=BROWSER_FLAGS)
            for picture in pictures:
                shoot(browser, shop, sessions, picture, options.out)
            browser.close()
    finally:
        shop.close()


if __name__ == "__main__":
    main()
