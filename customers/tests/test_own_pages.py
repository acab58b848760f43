"""The customer's card and profile."""

import pytest
from django.test import Client

from customers import consents
from customers.accounts import ensure_user
from customers.models import Consent, Customer
from customers.qr import qr_svg
from customers.tests.factories import NOON, create_customer, create_user


@pytest.fixture
def alice(client: Client) -> Customer:
    """Alice, signed in."""
    customer = create_customer(name="Alice", email="alice@example.com")
    client.force_login(ensure_user(email="alice@example.com"))
    return customer


@pytest.mark.django_db
def test_the_card_shows_the_member_number(client, alice):
    page = client.get("/card/").content.decode()
    assert alice.member_number in page
    assert '<svg class="qr"' in page


@pytest.mark.django_db
def test_the_switch_of_surveys_grants_and_withdraws_once(client, alice):
    client.post("/profile/", {"surveys": "on"})
    client.post("/profile/", {"surveys": "on"})
    client.post("/profile/", {})
    rows = Consent.objects.order_by("pk").values_list("is_granted", "wording", "source", "by")
    assert list(rows) == [
        (True, "survey-mail:1", "portal:profile", alice.user_id or ensure_user(email="alice@example.com").pk),
        (False, "survey-mail:1", "portal:profile", ensure_user(email="alice@example.com").pk),
    ]


@pytest.mark.django_db
def test_a_consent_in_newer_words_is_a_new_row():
    customer = create_customer()
    words = {"customer": customer, "channel": "email", "purpose": "surveys", "source": "test", "by": None, "now": NOON}
    first = consents.grant(wording="a:1", **words)
    assert consents.grant(wording="a:1", **words) == first
    assert consents.grant(wording="a:2", **words) != first
    assert consents.is_granted(customer=customer, channel="email", purpose="surveys")
    assert not consents.is_granted(customer=customer, channel="email", purpose="marketing")


@pytest.mark.django_db
def test_the_language_is_remembered_on_the_device_and_on_the_person(client, alice):
    response = client.post("/i18n/", {"language": "zh-hans", "next": "/card/"})
    assert response.url == "/card/"
    assert response.cookies["django_language"].value == "zh-hans"
    alice.refresh_from_db()
    assert (alice.language, alice.user.language) == ("zh-hans", "zh-hans")
    assert 'lang="zh-hans"' in client.get("/card/").content.decode()
    other_device = Client()
    other_device.force_login(alice.user)
    assert other_device.get("/card/")["Content-Language"] == "zh-hans"


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "next_page"), [("tlh", "/card/"), ("zh-hans", "https://evil.example/")])
def test_a_made_up_language_or_a_foreign_page_changes_nothing_harmful(client, alice, language, next_page):
    response = client.post("/i18n/", {"language": language, "next": next_page})
    assert "evil" not in response.url
    alice.refresh_from_db()
    assert alice.language in ("", "zh-hans")


@pytest.mark.django_db
def test_the_language_is_not_switched_by_a_link(client):
    assert client.get("/i18n/?language=zh-hans").status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/card/", "/profile/", "/coupons/", "/points/", "/purchases/"])
def test_a_stranger_is_sent_to_the_log_in_staff_to_the_admin_and_others_told(path):
    assert Client().get(path).url == f"/accounts/login/code/?next={path}"
    staff, nobody = Client(), Client()
    staff.force_login(create_user(is_staff=True))
    assert staff.get(path).url == "/admin/"
    nobody.force_login(create_user())
    answer = nobody.get(path)
    assert answer.status_code == 403
    assert "no member card" in answer.content.decode()


def test_a_qr_code_needs_no_style_and_escapes_its_title():
    drawing = qr_svg("2048-1167", title='"><script>')
    assert "style" not in drawing
    assert "<script>" not in drawing
    assert drawing.count("<path") == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("chosen", "browser", "shown"),
    [
        ("", "", "zh-hans"),
        ("", "fr-FR,fr;q=0.9", "zh-hans"),
        ("", "en-GB,fr;q=0.9", "en"),
        ("en", "", "en"),
    ],
)
def test_who_asks_for_no_language_of_ours_is_answered_in_that_of_the_shop(settings, client, chosen, browser, shown):
    settings.LANGUAGE_CODE = "zh-hans"
    user = create_user(email="alice@example.com", language=chosen)
    customer = create_customer(name="Alice", user=user, language=chosen)
    client.force_login(user)
    page = client.get("/profile/", headers={"Accept-Language": browser} if browser else {})
    assert f'<html lang="{shown}">' in page.text
    assert customer.mail_language == (chosen or "zh-hans")
