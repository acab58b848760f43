"""The audit trail of log-ins, refusals, second factors, rights and closed pages; what no statement can take out of it."""

import datetime as dt

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import doors, retention, sign_in_limits
from customers.models import AuditEvent, User
from customers.tests.api_factories import Caller
from customers.tests.factories import create_customer, create_store, create_user
from loyalty_site.roles import ensure_roles
from rewards.tests.till_factories import Desk
from rewards.till.access import token_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
OLD = dt.timedelta(days=731)


def trail(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("pk"))


@pytest.fixture
def mara() -> User:
    user = create_user(email="mara@shop.example", is_staff=True)
    user.set_password(PASSWORD)
    user.save()
    user.groups.add(ensure_roles()["manager"])
    return user


def sign_in(email: str, password: str) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": email, "password": password})
    return client


class TestSigningIn:
    def test_staff_who_come_in_are_noted_with_role_and_method(self, mara):
        sign_in(mara.email, PASSWORD)
        [event] = trail("signed_in")
        assert (event.by, event.role, event.reason, event.place) == (mara, "manager", "password", "admin")
        assert event.network == doors.network("127.0.0.1")
        assert "127.0.0.1" not in event.network
        assert event.customer is None

    def test_a_wrong_password_is_noted_once_in_ten_minutes(self, mara):
        for _ in range(3):
            sign_in(mara.email, "wrong")
        [event] = trail("turned_away")
        assert (event.by, event.reason) == (mara, "password")
        assert trail("signed_in") == []

    def test_an_unknown_address_leaves_no_trace_of_itself(self):
        sign_in("nobody@mail.example", "wrong")
        [event] = trail("turned_away")
        assert event.by is None
        assert "nobody" not in str(vars(event))

    def test_a_wrong_mailed_code_is_noted_and_a_right_one_is_not(self):
        user = create_user(email="alice@mail.example")
        customer = create_customer(user=user)
        sign_in_limits.look_at(
            account="alice@mail.example", address="10.0.0.1", now=timezone.now(), is_right=lambda: True
        )
        assert trail("turned_away") == []
        sign_in_limits.look_at(
            account="alice@mail.example", address="10.0.0.1", now=timezone.now(), is_right=lambda: False
        )
        [event] = trail("turned_away")
        assert (event.by, event.customer, event.reason, event.place) == (user, customer, "code", "portal")


class TestDenied:
    def test_a_page_that_is_closed_is_noted_by_its_name(self, mara):
        mara.groups.set([ensure_roles()["cashier"]])
        client = Client()
        client.force_login(mara)
        for _ in range(2):
            assert client.get("/admin/customers/auditevent/").status_code == 403
        [event] = trail("denied")
        assert (event.by, event.role, event.reference) == (mara, "cashier", "admin:customers_auditevent_changelist")

    def test_strangers_and_open_pages_write_nothing(self):
        assert Client().get("/admin/customers/auditevent/").status_code == 302
        assert Client().get("/help/").status_code == 200
        assert trail("denied") == []


class TestRights:
    def test_rights_are_noted_before_and_after(self, mara):
        by = create_user(is_staff=True, is_superuser=True)
        before = doors.rights_of(mara)
        mara.groups.set([ensure_roles()["auditor"]])
        after = doors.rights_of(mara)
        doors.rights_changed(what=f"user:{mara.pk}", before=before, after=after, by=by, now=timezone.now())
        doors.rights_changed(what=f"user:{mara.pk}", before=after, after=after, by=by, now=timezone.now())
        [event] = trail("rights")
        assert event.changes == {"groups": [["manager"], ["auditor"]]}


class TestKept:
    def entry(self, at: dt.datetime) -> AuditEvent:
        return AuditEvent.objects.create(action="signed_in", place="admin", occurred_at=at)

    def test_two_years_and_not_a_day_less(self):
        now = timezone.now()
        old, new = self.entry(now - OLD), self.entry(now - dt.timedelta(days=729))
        [line] = [line for line in retention.table() if line.name == "audit"]
        assert line.due(now) == 1
        assert line.apply(now) == 1
        assert not AuditEvent.objects.filter(pk=old.pk).exists()
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM customers_auditevent WHERE id = %s", [new.pk])
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE customers_auditevent SET role = 'x' WHERE id = %s", [new.pk])


class TestLooksByApi:
    """Who reads a history or a purse by the API is written down, once in ten minutes."""

    @pytest.mark.parametrize("path", ["statement", "value"])
    def test_it_is_one_look(self, path):
        customer = create_customer(member_number="A1")
        caller = Caller()
        for _ in range(2):
            assert caller.get(f"/customers/A1/{path}").status_code == 200
        [event] = trail("viewed")
        assert (event.customer, event.place) == (customer, "api")
        assert event.api_key is not None


def test_the_page_of_a_sale_is_a_look():
    customer, desk = create_customer(name="Alice"), Desk(create_store())
    for _ in range(2):
        assert desk.client.get(reverse("till_sale"), {"customer": token_of(customer)}).status_code == 200
    [event] = trail("viewed")
    assert (event.customer, event.place, event.by, event.store) == (customer, "till", desk.user, desk.store)
