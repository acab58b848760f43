"""A passkey from the offer to the lost phone, in a real browser with an authenticator of its own."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Page

from customers.models import Customer
from customers.sign_in_limits import MISSES, TooManyTries, look_at
from customers.tests.factories import create_customer

pytestmark = pytest.mark.django_db(transaction=True)
KEY = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def alice() -> Customer:
    return create_customer(name="Alice", email="alice@example.com", language="en")


@pytest.fixture
def phone(page: Page, live_server) -> Page:
    """A phone whose screen lock always says yes."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    page.goto(live_server.url.replace("127.0.0.1", "localhost"))
    return page


def sign_in_by_mail(page: Page) -> None:
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_role("button", name="Mail me a code").click()
    page.get_by_label("Code").wait_for()
    page.get_by_label("Code").fill(re.search(r"[A-Z]{4}-[A-Z]{4}", mail.outbox[-1].body)[0])
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Hello, Alice").wait_for()


def sign_out(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Profile").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Mail me a code").wait_for()


def test_a_passkey_is_offered_added_used_when_codes_are_blocked_and_removed(phone: Page, alice: Customer) -> None:
    sign_in_by_mail(phone)
    phone.get_by_role("link", name="Add a passkey").click()
    phone.get_by_label("Name of the device").fill("my phone")
    phone.get_by_role("button", name="Add").click()
    phone.get_by_text("my phone").wait_for()
    assert Authenticator.objects.get(type="webauthn").wrap().is_passwordless
    sign_out(phone)

    # Threat D3: somebody has used up the account's codes; the owner comes in all the same.
    for n in range(MISSES):
        look_at(account="alice@example.com", address=f"10.0.0.{n}", now=timezone.now(), is_right=lambda: False)
    with pytest.raises(TooManyTries):
        look_at(account="alice@example.com", address="10.0.1.1", now=timezone.now(), is_right=lambda: True)
    phone.get_by_role("button", name="Use a passkey").click()
    phone.get_by_role("heading", name="Hello, Alice").wait_for()
    assert phone.get_by_text("Next time without a mail?").count() == 0

    phone.get_by_role("navigation", name="Main").get_by_role("link", name="Profile").click()
    phone.get_by_role("link", name="Passkeys").click()
    phone.get_by_role("link", name="Rename").click()
    phone.get_by_label("Name").fill("old phone")
    phone.get_by_role("button", name="Save").click()
    phone.get_by_text("old phone").wait_for()
    phone.get_by_role("link", name="Remove").click()
    phone.get_by_role("button", name="Remove").click()
    phone.get_by_role("heading", name="No passkey yet").wait_for()
