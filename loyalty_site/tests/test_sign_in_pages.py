"""Pages of the log-in library: each in our own words and dress, and a way back from each."""

import re
import time
from pathlib import Path

import allauth
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.test import Client
from django.urls import reverse

from customers.models import User
from customers.tests.factories import create_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
LIBRARY = Path(allauth.__file__).parent
# What the library may still say: empty frames between our layouts and our pages, the script of the passkeys, a field's one link.
FRAMES = re.compile(
    r"base_\w+\.html|snippets/\w+\.html|\bbase\.html|messages/totp_|messages/recovery_codes|messages/password_"
)
OPEN = [
    "account_login", "account_request_login_code", "account_inactive", "account_reset_password", "account_reset_password_done",
    "account_reset_password_from_key_done",
]  # fmt: skip
OF_STAFF = [
    "account_logout", "account_change_password", "account_reauthenticate", "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp",
    "mfa_reauthenticate", "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn",
    "mfa_edit_webauthn", "mfa_remove_webauthn",
]  # fmt: skip


def signed_in(user: User) -> Client:
    """Return the window of somebody who has this minute shown who they are."""
    client = Client()
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


@pytest.fixture
def owner() -> User:
    return create_user(email="owner@example.com", password=PASSWORD, is_staff=True, is_superuser=True)


def foreign_templates(response: object) -> set[str]:
    """Return the library's own templates in an answer."""
    names = {str(template.origin.name) for template in response.templates if template.origin}
    return {name for name in names if name.startswith(str(LIBRARY)) and not FRAMES.search(name)}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("name", OPEN)
def test_a_door_is_ours(name: str, language: str):
    client = Client()
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert foreign_templates(response) == set()
    assert bool(re.search(r"[一-鿿]", heading_of(response.text))) == (language == "zh-hans")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("name", OF_STAFF)
def test_a_page_of_staff_is_ours(owner: User, name: str, language: str):
    if name != "mfa_activate_totp":
        TOTP.activate(owner, "JBSWY3DPEHPK3PXP")
        RecoveryCodes.activate(owner)
    which = {}
    if name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        key = Authenticator.objects.create(user=owner, type="webauthn", data={"name": "My phone", "credential": {}})
        which = {"pk": key.pk}
    client = signed_in(owner)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    response = client.get(reverse(name, kwargs=which))
    assert response.status_code == 200
    assert foreign_templates(response) == set()
    assert bool(re.search(r"[一-鿿]", heading_of(response.text))) == (language == "zh-hans")


def heading_of(page: str) -> str:
    return re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)[1]


def test_the_second_factor_is_asked_on_a_page_of_ours(owner: User):
    TOTP.activate(owner, "JBSWY3DPEHPK3PXP")
    client = Client()
    response = client.post(reverse("account_login"), {"login": owner.email, "password": PASSWORD}, follow=True)
    assert response.redirect_chain[-1][0] == reverse("mfa_authenticate")
    assert foreign_templates(response) == set()
    assert heading_of(response.text) == "Second factor"


def test_a_lost_passkey_leaves_the_other_ways_open(owner: User):
    """Whoever cannot show one proof is offered each of the others."""
    TOTP.activate(owner, "JBSWY3DPEHPK3PXP")
    page = signed_in(owner).get(reverse("account_reauthenticate")).text
    assert f'href="{reverse("mfa_reauthenticate")}"' in page


def test_a_link_for_a_new_password_that_is_used_up_says_how_to_get_another():
    page = Client().get(reverse("account_reset_password_from_key", kwargs={"uidb36": "1", "key": "x"})).text
    assert heading_of(page) == "This link no longer works"
    assert f'href="{reverse("account_reset_password")}"' in page


def test_recovery_codes_are_shown_and_can_be_saved(owner: User):
    TOTP.activate(owner, "JBSWY3DPEHPK3PXP")
    codes = RecoveryCodes.activate(owner).get_unused_codes()
    client = signed_in(owner)
    page = client.get(reverse("mfa_view_recovery_codes")).text
    assert all(code in page for code in codes)
    assert client.get(reverse("mfa_download_recovery_codes")).text.split() == codes
    assert "10 left" in client.get(reverse("mfa_index")).text


def test_addresses_are_confirmed_by_a_code_and_not_by_a_link(owner: User):
    for path in ("/accounts/confirm-email/", "/accounts/confirm-email/MQ:1/"):
        assert signed_in(owner).get(path).status_code == 404
