"""Staff: nobody gives more than they have, and customers' log-ins are the owner's."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from customers.models import AuditEvent, User
from customers.tests.factories import create_user
from loyalty_site.roles import ensure_roles

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"


@pytest.fixture
def manager(client: Client) -> User:
    user = create_user(email="manager@example.com", is_staff=True)
    user.groups.add(ensure_roles()["manager"])
    client.force_login(user)
    return user


def new_staff(**fields: object) -> dict[str, object]:
    base = {
        "email": "New@Example.com",
        "name": "New",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    return base | fields


def address_of(user: User) -> str:
    return reverse("admin:customers_user_change", args=[user.pk])


def test_a_manager_hires_a_cashier(client: Client, manager: User):
    group = ensure_roles()["cashier"]
    answer = client.post(reverse("admin:customers_user_add"), new_staff(groups=[group.pk]))
    assert answer.status_code == 302
    user = User.objects.get(email="new@example.com")
    assert (user.is_staff, user.is_superuser, list(user.groups.all())) == (True, False, [group])
    assert user.check_password(PASSWORD)
    event = AuditEvent.objects.get(action="rights")
    assert (event.by, event.reference) == (manager, f"user:{user.pk}")
    assert event.changes["groups"] == [None, ["cashier"]]


def test_another_role_is_in_the_audit_trail(client: Client, manager: User):
    colleague = create_user(is_staff=True)
    groups = ensure_roles()
    colleague.groups.set([groups["cashier"]])
    data = {"email": colleague.email, "is_active": "on", "is_staff": "on", "groups": [groups["auditor"].pk]}
    client.post(address_of(colleague), data)
    event = AuditEvent.objects.get(action="rights")
    assert event.changes == {"groups": [["cashier"], ["auditor"]]}
    client.post(address_of(colleague), data)
    assert AuditEvent.objects.filter(action="rights").count() == 1


def test_a_short_password_is_refused(client: Client, manager: User):
    answer = client.post(
        reverse("admin:customers_user_add"), new_staff(password1="short pass 12", password2="short pass 12")
    )
    assert "at least 15 characters" in answer.text


def test_a_manager_makes_no_superuser(client: Client, manager: User):
    client.post(reverse("admin:customers_user_add"), new_staff(is_superuser="on"))
    assert not User.objects.filter(is_superuser=True).exists()
    colleague = create_user(is_staff=True)
    client.post(
        address_of(colleague), {"email": colleague.email, "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    )
    colleague.refresh_from_db()
    assert not colleague.is_superuser


def test_a_group_that_may_more_cannot_be_given(client: Client, manager: User):
    groups = ensure_roles()
    more = groups["cashier"]
    manager.groups.set([groups["auditor"]])
    manager.user_permissions.set(groups["manager"].permissions.filter(codename__in=["add_user", "change_user"]))
    answer = client.post(reverse("admin:customers_user_add"), new_staff(groups=[more.pk]))
    assert "Select a valid choice" in answer.text
    assert not User.objects.filter(email="new@example.com").exists()


def test_the_owner_is_out_of_a_managers_reach(client: Client, manager: User):
    owner = create_user(email="owner@example.com", is_staff=True, is_superuser=True)
    assert client.post(address_of(owner), {"email": "mine@example.com"}).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[owner.pk])
    data = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(password, data).status_code == 403


def test_a_customers_log_in_is_not_shown_to_a_manager(client: Client, manager: User):
    customer = create_user(email="alice@example.com")
    assert "alice@example.com" not in client.get(reverse("admin:customers_user_changelist")).text
    assert client.get(address_of(customer)).status_code == 302


def test_the_owner_resets_a_lost_second_factor(client: Client, manager: User):
    Authenticator.objects.create(user=manager, type=Authenticator.Type.TOTP, data={})
    press = {"CHANGE_FORM-action": "reset_second_factor", "_selected_action": str(manager.pk)}
    client.post(address_of(manager), press)
    assert Authenticator.objects.exists()
    client.force_login(create_user(is_staff=True, is_superuser=True))
    client.post(address_of(manager), press)
    assert not Authenticator.objects.exists()
    event = AuditEvent.objects.get(action="factor")
    assert (event.reference, event.reason, event.role) == (f"user:{manager.pk}", "reset:all", "owner")
