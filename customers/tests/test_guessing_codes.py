"""Threat D3: wrong codes are counted by account and by address, each for itself, and a passkey still opens."""

import re
from contextlib import suppress

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from customers import sign_in_limits
from customers.models import AuditEvent
from customers.sign_in_limits import MISSES, TooManyTries, look_at
from customers.tests.factories import create_customer
from customers.tests.test_joining import CODE, JOIN
from customers.tests.test_log_in import CONFIRM, REQUEST

pytestmark = pytest.mark.django_db


def guess(account: str, address: str) -> bool:
    """Guess wrongly once; return whether it was looked at."""
    looked = []
    with suppress(TooManyTries):
        look_at(account=account, address=address, now=timezone.now(), is_right=lambda: bool(looked.append(1)))
    return bool(looked)


def test_1000_wrong_codes_for_one_account_from_200_addresses():
    evaluated = sum(guess("alice@example.com", f"10.0.{n % 200}.1") for n in range(1000))
    assert evaluated == MISSES == 30
    assert guess("bob@example.com", "10.0.1.1")  # nobody else is locked out
    assert AuditEvent.objects.filter(action="turned_away").count() <= MISSES + 1


def test_one_address_that_guesses_at_1000_accounts():
    assert sum(guess(f"user{n}@example.com", "10.9.9.9") for n in range(1000)) == 30
    assert guess("user999@example.com", "10.9.9.8")


def test_right_codes_count_nothing():
    assert all(
        look_at(account="a@example.com", address="10.0.0.1", now=timezone.now(), is_right=lambda: True)
        for _ in range(100)
    )


def test_a_refused_try_takes_nothing_from_the_other_counter():
    for n in range(30):
        guess(f"user{n}@example.com", "10.9.9.9")
    for _ in range(50):
        guess("alice@example.com", "10.9.9.9")
    assert guess("alice@example.com", "10.1.1.1")


@pytest.mark.django_db
def test_the_pages_for_codes_share_the_counters_and_say_so(monkeypatch, settings):
    settings.ACCOUNT_RATE_LIMITS = {"request_login_code": "100/m/ip"}
    monkeypatch.setattr(sign_in_limits, "MISSES", 4)
    create_customer(email="alice@example.com")
    for page, confirm in ((REQUEST, CONFIRM), (JOIN, CODE)):
        client = Client()
        client.post(page, {"email": "alice@example.com"})
        for _ in range(2):
            client.post(confirm, {"code": "BBBB-BBBB"})
    answers = []
    for page, confirm in ((REQUEST, CONFIRM), (JOIN, CODE)):
        client = Client()
        client.post(page, {"email": "alice@example.com"})
        code = re.search(r"\b[A-Z]{4}-[A-Z]{4}\b", mail.outbox[-1].body)[0]
        answers.append(client.post(confirm, {"code": code}).content.decode())
    assert all("Too many wrong codes" in answer for answer in answers)


@pytest.mark.django_db
def test_only_so_many_codes_are_mailed_to_one_address():
    for n in range(6):
        Client(REMOTE_ADDR=f"10.0.0.{n}").post(JOIN, {"email": "alice@example.com"})
    assert len(mail.outbox) == 3
