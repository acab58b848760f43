"""Approvals, new API keys and roles open only to staff who have lately shown who they are."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client
from django.urls import reverse

from customers.models import ApiKey, User
from customers.tests.factories import create_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
GUARDED = ["admin:customers_apikey_add", "admin:customers_user_add", "admin:auth_group_add"]


@pytest.fixture
def owner() -> User:
    return create_user(email="owner@example.com", password=PASSWORD, is_staff=True, is_superuser=True)


def signed_in(user: User, **record: object) -> Client:
    """Sign somebody in; `record` is what the log-in library has noted of it."""
    client = Client()
    client.force_login(user)
    if record:
        session = client.session
        session["account_authentication_methods"] = [record]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
    return client


def current_code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


@pytest.mark.parametrize("name", GUARDED)
def test_a_password_of_an_hour_ago_is_asked_again(owner: User, name: str):
    client = signed_in(owner, method="password", at=time.time() - 3_600)
    answer = client.get(reverse(name))
    assert answer.headers["Location"] == reverse("account_reauthenticate", query={"next": reverse(name)})
    assert "password" in client.get(answer.headers["Location"]).text
    back = client.post(answer.headers["Location"], {"password": PASSWORD})
    assert back.headers["Location"] == reverse(name)
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize(("minutes", "status"), [(4.9, 200), (5.1, 302)])
def test_it_is_asked_once_in_five_minutes(owner: User, minutes: float, status: int):
    client = signed_in(owner, method="password", at=time.time() - minutes * 60)
    assert client.get(reverse(GUARDED[0])).status_code == status


def test_what_is_posted_without_it_is_not_done(owner: User):
    client = signed_in(owner, method="password", at=0)
    for name, data in (
        ("admin:customers_apikey_add", {"label": "Till", "scopes": ["customers:read"]}),
        ("admin:auth_group_add", {"name": "friends"}),
    ):
        answer = client.post(reverse(name), data, follow=True)
        assert answer.redirect_chain[0][0].startswith(reverse("account_reauthenticate"))
        assert "Nothing was done yet" in answer.text
    assert not ApiKey.objects.exists()
    for page in ("admin:customers_user_change", "admin:auth_user_password_change", "admin:customers_user_delete"):
        answer = client.post(reverse(page, args=[owner.pk]), {"is_superuser": "on"})
        assert answer.status_code == 302, page
        assert answer.headers["Location"].startswith(reverse("account_reauthenticate")), page


def test_with_a_second_factor_the_password_is_not_enough(owner: User, settings):
    settings.STAFF_MFA_REQUIRED = True
    secret = generate_totp_secret()
    TOTP.activate(owner, secret)
    RecoveryCodes.activate(owner)
    client = signed_in(owner, method="password", at=time.time(), reauthenticated=True)
    page = reverse(GUARDED[0])
    answer = client.get(page)
    asking = reverse("mfa_reauthenticate", query={"next": page})
    assert answer.headers["Location"] == asking
    assert client.get(asking).status_code == 200
    wrong = client.post(asking, {"code": "000000"})
    assert wrong.status_code == 200
    assert "This code is not valid now." in wrong.text
    assert client.get(page).status_code == 302
    assert client.post(asking, {"code": current_code(secret)}).headers["Location"] == page
    assert client.get(page).status_code == 200


def test_who_has_a_second_factor_shows_it_even_where_none_is_required(owner: User):
    Authenticator.objects.create(user=owner, type=Authenticator.Type.TOTP, data={"secret": "x"})
    client = signed_in(owner, method="password", at=time.time())
    assert client.get(reverse(GUARDED[0])).status_code == 302
    client = signed_in(owner, method="mfa", type="totp", at=time.time())
    assert client.get(reverse(GUARDED[0])).status_code == 200


def test_a_key_is_revoked_without_being_asked(owner: User):
    from customers.tests.api_factories import create_key

    create_key()
    key = ApiKey.objects.get()
    client = signed_in(owner, method="password", at=0)
    address = reverse("admin:customers_apikey_change", args=[key.pk])
    assert client.get(reverse("admin:customers_apikey_rotate", args=[key.pk])).status_code == 302
    client.post(address, {"CHANGE_FORM-action": "revoke", "_selected_action": str(key.pk)})
    key.refresh_from_db()
    assert key.revoked_at is not None
