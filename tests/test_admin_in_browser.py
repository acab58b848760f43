"""Every page of the admin in a real browser: none may say a word on the console, which is where a breach of the strict
content security policy shows.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.servers import Shop

pytestmark = pytest.mark.browser

PASSWORD = "crawl-owner-only-1"
STAGE = f"""
from customers.models import User
if not User.objects.filter(email="crawl@example.com").exists():
    User.objects.create_superuser("crawl@example.com", "{PASSWORD}", name="Carla")
"""


@pytest.fixture
def owner(browser: Browser, shop_server: Shop) -> Iterator[Page]:
    """The window of the owner, signed in."""
    shop_server.run(STAGE)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{shop_server.url}/accounts/login/?next=/admin/")
    page.locator("input[name=login]").fill("crawl@example.com")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button.btn-primary").click()
    page.wait_for_url(re.compile(r"/admin/$"))  # And until the whole of it is there: its links are read next.
    yield page
    context.close()


def links_below(page: Page, base: str) -> list[str]:
    """Return the addresses of the lists and the empty forms that the index offers."""
    found = page.locator("#content-main a, #content a").evaluate_all("nodes => nodes.map(node => node.href)")
    return sorted({link for link in found if re.fullmatch(rf"{re.escape(base)}/admin/\w+/\w+/(add/)?", link)})


def test_no_page_of_the_admin_breaks_the_security_policy(owner: Page, shop_server: Shop) -> None:
    complaints: list[str] = []
    owner.on("pageerror", lambda error: complaints.append(f"{owner.url}: {error}"))
    owner.on("console", lambda message: message.type == "error" and complaints.append(f"{owner.url}: {message.text}"))
    pages = [f"{shop_server.url}/admin/", *links_below(owner, shop_server.url)]
    assert len(pages) > 40
    for page in pages:
        response = owner.goto(page)
        assert response is not None
        assert response.status == 200, page
        assert "script-src 'self' 'nonce-" in response.headers["content-security-policy"]
    assert complaints == []
