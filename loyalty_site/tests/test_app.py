"""The portal as an app on a phone: manifest, worker, and the page without a network, in a real browser."""

import json
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from customers.accounts import ensure_user
from customers.tests.factories import create_customer
from loyalty_site import app_views
from rewards.tests.factories import award


@pytest.mark.django_db
def test_the_manifest_names_icons_that_exist(client: Client):
    answer = client.get(reverse("manifest"))
    assert answer["Content-Type"] == "application/manifest+json"
    found = json.loads(answer.content)
    assert found["start_url"] == "/"
    assert {icon["sizes"] for icon in found["icons"]} == {"192x192", "512x512"}
    for icon in found["icons"]:
        assert finders.find(icon["src"].removeprefix("/static/"))


@pytest.mark.django_db
def test_the_worker_keeps_nothing_of_a_person(client: Client):
    answer = client.get(reverse("worker"))
    assert answer["Content-Type"].startswith("text/javascript")
    assert "no-cache" in answer["Cache-Control"]
    for name in app_views.SHELL:
        assert finders.find(name), name
        assert name in answer.text
    assert '"/offline/"' in answer.text


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("language", "words"), [("en", "you could spend 250"), ("zh-hans", "可用积分为 250")])
def test_without_a_network_the_last_balance_is_shown_with_its_time_until_the_log_out(
    browser: Any, live_server: Any, language: str, words: str
) -> None:
    alice = create_customer(email="alice@example.com", member_number="A1")
    award(alice, 250, source="welcome:1")
    client = Client()
    client.force_login(ensure_user(email="alice@example.com"))
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies(
        [
            {"name": "session", "value": client.cookies["session"].value, "url": live_server.url},
            {"name": "django_language", "value": language, "url": live_server.url},
        ]
    )
    page = context.new_page()
    page.goto("/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    context.set_offline(True)
    page.goto("/points/")
    text = page.locator("main").inner_text()
    assert words in text
    assert "A1" in text
    assert str(page.evaluate("new Date().getFullYear()")) in text
    context.set_offline(False)
    context.clear_cookies()
    page.goto("/accounts/login/code/")
    context.set_offline(True)
    page.goto("/points/")
    assert "250" not in page.locator("main").inner_text()
    context.close()
