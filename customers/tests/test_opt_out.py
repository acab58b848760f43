"""The link below every mail with an offer."""

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from customers import consents, opt_out
from customers.models import Consent
from customers.tests.factories import NOON, create_customer, create_user

pytestmark = pytest.mark.django_db
WORDS = {"channel": "email", "purpose": "marketing"}


def agreed_customer(**kwargs):
    customer = create_customer(**kwargs)
    consents.grant(customer=customer, **WORDS, wording="offer-mail:1", source="test", by=None, now=NOON)
    return customer


def path_of(customer, purpose="marketing"):
    return reverse("opt_out", args=[opt_out.token(customer_id=customer.pk, purpose=purpose)])


def test_opening_the_link_changes_nothing_and_one_press_ends_the_mails():
    alice, browser = agreed_customer(), Client(enforce_csrf_checks=True)
    answer = browser.get(path_of(alice))
    assert "No more mails with offers?" in answer.text
    assert answer["Cache-Control"] == "no-store"
    assert consents.is_granted(customer=alice, **WORDS)
    # As a mail program does it: without a cookie, without the page.
    assert browser.post(path_of(alice), {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not consents.is_granted(customer=alice, **WORDS)
    browser.post(path_of(alice))
    assert Consent.objects.filter(customer=alice).count() == 2


def test_the_link_for_offers_leaves_surveys_alone():
    alice = agreed_customer()
    consents.grant(customer=alice, channel="email", purpose="surveys", wording="a", source="test", by=None, now=NOON)
    Client().post(path_of(alice))
    assert consents.is_granted(customer=alice, channel="email", purpose="surveys")


def test_a_tampered_link_says_nothing_and_does_nothing():
    alice, bob = agreed_customer(), agreed_customer()
    genuine = opt_out.token(customer_id=alice.pk, purpose="marketing")
    forged = genuine.replace(f"{alice.pk}-", f"{bob.pk}-", 1)
    for token in (forged, genuine[:-1], genuine + "x", "x", f"{bob.pk}-marketing"):
        assert Client().post(reverse("opt_out", args=[token])).status_code == 404
    assert consents.is_granted(customer=bob, **WORDS)


def test_a_link_outlives_a_change_of_the_secret():
    alice = agreed_customer()
    with override_settings(SECRET_KEY="b" * 50):
        old = opt_out.token(customer_id=alice.pk, purpose="marketing")
    with override_settings(SECRET_KEY="c" * 50, SECRET_KEY_FALLBACKS=["b" * 50]):
        assert opt_out.read(old).customer == alice
    assert opt_out.read(old) is None


def test_the_page_speaks_the_language_of_the_mail():
    alice = agreed_customer(language="zh-hans")
    assert 'lang="zh-hans"' in Client().get(path_of(alice)).text
    assert 'lang="en"' in Client().get(path_of(alice) + "?lang=en").text


def test_the_profile_switches_offers_on_and_off_and_leaves_silence_alone():
    alice = create_customer()
    browser = Client()
    alice.user = create_user()
    alice.save()
    browser.force_login(alice.user)
    browser.post("/profile/", {})
    assert not Consent.objects.filter(customer=alice).exists()
    browser.post("/profile/", {"marketing": "on"})
    assert consents.is_granted(customer=alice, **WORDS)
    browser.post("/profile/", {})
    assert not consents.is_granted(customer=alice, **WORDS)
