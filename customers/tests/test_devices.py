"""Where somebody is signed in, how long it lasts, and signing out from afar (threats D2, D5)."""

import datetime as dt

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import devices
from customers.models import SignedInDevice, User
from customers.tests.factories import NOON, create_customer, create_user
from customers.tests.test_log_in import CONFIRM, ask_for_code

pytestmark = pytest.mark.django_db
URL = "/profile/devices/"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Safari/537.36"


def sign_in(user: User, agent: str = CHROME) -> Client:
    client = Client(HTTP_USER_AGENT=agent)
    client.force_login(user)
    SignedInDevice.objects.filter(session_key=client.session.session_key).update(user_agent=agent)
    return client


@pytest.fixture
def alice() -> User:
    user = create_user(email="alice@example.com")
    create_customer(user=user, email="alice@example.com")
    return user


def age(client: Client, *, seconds: float, name: str) -> None:
    session = client.session
    session[name] -= seconds
    session.save()


def test_both_devices_are_listed_this_one_first_and_without_a_place(alice):
    phone, desk = sign_in(alice, IPHONE), sign_in(alice, CHROME)
    page = desk.get(URL)
    assert [(each.name, each.is_this) for each in page.context["devices"]] == [
        ("Chrome · Windows", True), ("Safari · iPhone", False)
    ]  # fmt: skip
    assert "127.0.0.1" not in page.content.decode()
    assert phone.get("/").status_code == 200


def test_one_device_is_signed_out_from_another(alice):
    phone, desk = sign_in(alice, IPHONE), sign_in(alice)
    row = SignedInDevice.objects.get(user_agent=IPHONE)
    desk.post(URL, {"device": row.pk})
    assert phone.get("/").status_code == 302
    assert desk.get("/").status_code == 200
    assert [each.is_this for each in desk.get(URL).context["devices"]] == [True]


@pytest.mark.parametrize("device", ["", "x", "9" * 30, "٣"])
def test_nonsense_signs_nobody_out(alice, device):
    desk = sign_in(alice)
    assert desk.post(URL, {"device": device}).status_code == 302
    assert desk.get("/").status_code == 200


def test_nobody_signs_out_somebody_else(alice):
    bob = create_user(email="bob@example.com")
    hers = sign_in(alice)
    sign_in(bob).post(URL, {"device": SignedInDevice.objects.get(user=alice).pk})
    assert hers.get("/").status_code == 200


def test_everywhere_means_sessions_that_no_list_knows_too(alice):
    known, unknown = sign_in(alice, IPHONE), sign_in(alice)
    SignedInDevice.objects.filter(session_key=unknown.session.session_key).delete()
    desk = sign_in(alice)
    assert desk.post(URL, {"everywhere": "yes"}).url == "/accounts/login/code/"
    assert [client.get("/").status_code for client in (known, unknown, desk)] == [302] * 3
    assert not SignedInDevice.objects.exists()


def test_signing_out_takes_the_device_from_the_list(alice):
    desk = sign_in(alice)
    desk.post("/accounts/logout/")
    assert not SignedInDevice.objects.exists()


def test_the_mailed_code_puts_a_device_on_the_list(client, alice):
    code = ask_for_code(client, "alice@example.com")
    client.post(CONFIRM, {"code": code})
    assert SignedInDevice.objects.get().session_key == client.session.session_key


@pytest.mark.parametrize(
    ("is_staff", "name", "seconds", "is_in"),
    [
        (True, devices.SEEN, 29 * 60, True),
        (True, devices.SEEN, 31 * 60, False),
        (True, devices.SIGNED_IN, 7.9 * 3600, True),
        (True, devices.SIGNED_IN, 8.1 * 3600, False),
        (False, devices.SEEN, 20 * 86400, True),
        (False, devices.SIGNED_IN, 29 * 86400, True),
        (False, devices.SIGNED_IN, 31 * 86400, False),
    ],
)
def test_a_session_ends_in_time(alice, is_staff, name, seconds, is_in):
    user = create_user(is_staff=True, is_superuser=True) if is_staff else alice
    client = sign_in(user)
    age(client, seconds=seconds, name=name)
    answer = client.get("/admin/" if is_staff else "/")
    assert (answer.status_code == 200) is is_in
    assert SignedInDevice.objects.exists() is is_in


def test_somebody_at_work_is_noted_once_a_minute(alice, django_assert_num_queries):
    client = sign_in(alice)
    with django_assert_num_queries(2):  # session and user
        client.get("/profile/passkey-later/")
    age(client, seconds=61, name=devices.SEEN)
    SignedInDevice.objects.update(signed_in_at=NOON, seen_at=NOON)
    client.get(URL)
    assert SignedInDevice.objects.get().seen_at > NOON


def test_devices_whose_session_is_gone_leave_the_list(alice):
    sign_in(alice)
    Session.objects.update(expire_date=timezone.now() - dt.timedelta(days=1))
    assert devices.forget_ended(now=timezone.now()) == 1


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Linux; Android 15; Pixel) Chrome/129.0 Mobile Safari/537.36", "Chrome · Android"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/129.0 Safari/537.36 Edg/129.0", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone) MicroMessenger/8.0", "WeChat · iPhone"),
        ("curl/8", "Unknown device"),
        ("", "Unknown device"),
    ],
)
def test_a_device_has_a_name_that_people_know(agent, name):
    assert devices.name_of(agent) == name


def test_a_device_has_a_session(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        SignedInDevice.objects.create(user=alice, session_key="", signed_in_at=NOON, seen_at=NOON)


def test_nobody_is_seen_before_signing_in(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        SignedInDevice.objects.create(
            user=alice, session_key="x", signed_in_at=NOON, seen_at=NOON - dt.timedelta(seconds=1)
        )


class TestPasskeyOffer:
    def test_it_is_offered_after_a_mailed_code_and_not_again_after_later(self, client, alice):
        client.post(CONFIRM, {"code": ask_for_code(client, "alice@example.com")})
        assert "Next time without a mail?" in client.get("/").content.decode()
        client.post("/profile/passkey-later/")
        assert "Next time without a mail?" not in client.get("/").content.decode()

    def test_who_has_one_is_not_asked(self, client, alice):
        alice.authenticator_set.create(type="webauthn", data={})
        client.post(CONFIRM, {"code": ask_for_code(client, "alice@example.com")})
        assert "Next time without a mail?" not in client.get("/").content.decode()

    def test_a_customer_with_a_passkey_still_comes_in_by_mail_and_manages_it(self, client, alice):
        """Who has lost the phone with the passkey is not locked out, and can remove it."""
        lost = alice.authenticator_set.create(type="webauthn", data={"name": "phone"})
        assert client.post(CONFIRM, {"code": ask_for_code(client, "alice@example.com")}).url == "/"
        assert client.get("/").status_code == 200
        assert client.get(reverse("mfa_remove_webauthn", args=[lost.pk])).status_code == 200
        client.post(reverse("mfa_remove_webauthn", args=[lost.pk]))
        assert not alice.authenticator_set.exists()

    def test_staff_with_a_second_factor_are_asked_for_it(self, client):
        staff = create_user(email="carol@shop.example", is_staff=True)
        staff.authenticator_set.create(type="totp", data={"secret": "x"})
        answer = client.post(CONFIRM, {"code": ask_for_code(client, "carol@shop.example")})
        assert answer.url == "/accounts/2fa/authenticate/"
