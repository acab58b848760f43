"""Keys of the API: shown once, useless in a copy of the database, refused from the call after they end."""

import datetime as dt
import logging

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import api_keys
from customers.models import ApiKey, ApiRequest
from customers.models.api_key import Scope
from customers.tests.api_factories import Caller, create_key, problem
from customers.tests.factories import NOON, create_customer, create_store, create_user

pytestmark = pytest.mark.django_db


def make(*, now: dt.datetime = NOON, **fields) -> api_keys.NewKey:
    return api_keys.create(label="Till 2", scopes=[Scope.POINTS_READ], by=None, now=now, **fields)


def test_a_key_has_256_random_bits_and_a_checksum():
    new = make()
    prefix, public_id, rest = new.text.split("_")
    assert (prefix, public_id, len(rest)) == ("lp", new.key.public_id, 43 + 6)
    assert api_keys.recognise(text=new.text, now=NOON) == new.key
    assert make().text != new.text


def test_a_dump_of_the_database_contains_no_usable_key():
    new = make()
    dump = serializers.serialize("json", [*ApiKey.objects.all(), *ApiRequest.objects.all()])
    secret = new.text.split("_")[2]
    assert secret not in dump
    assert secret[:20] not in dump
    for row in ApiKey.objects.values():
        for value in row.values():
            assert api_keys.recognise(text=str(value), now=NOON) is None
            assert api_keys.recognise(text=f"lp_{new.key.public_id}_{value}", now=NOON) is None


def test_a_mistyped_key_is_refused_without_asking_the_database(django_assert_num_queries):
    text = make().text
    wrong = [
        text[:-1] + ("a" if text[-1] != "a" else "b"),
        text[:20] + text[20:].swapcase(),
        text[1:],
        "",
        "lp__",
        "é" * 61,
    ]
    with django_assert_num_queries(0):
        assert [api_keys.recognise(text=one, now=NOON) for one in wrong] == [None] * len(wrong)


def test_a_key_ends_at_its_time_and_at_once_when_revoked():
    new = make(expires_at=NOON + dt.timedelta(hours=1))
    assert api_keys.recognise(text=new.text, now=NOON + dt.timedelta(minutes=59))
    assert api_keys.recognise(text=new.text, now=NOON + dt.timedelta(hours=1)) is None
    api_keys.revoke(key=new.key, now=NOON + dt.timedelta(minutes=1))
    assert api_keys.recognise(text=new.text, now=NOON + dt.timedelta(minutes=2)) is None
    with pytest.raises(api_keys.KeyNotLive):
        api_keys.revoke(key=new.key, now=NOON)


def test_a_rotated_key_and_its_successor_live_side_by_side_and_are_one_client():
    old = make(till="1")
    new = api_keys.rotate(key=old.key, overlap=dt.timedelta(days=7), by=None, now=NOON)
    later = NOON + dt.timedelta(days=6)
    assert {api_keys.recognise(text=one.text, now=later).pk for one in (old, new)} == {old.key.pk, new.key.pk}
    assert api_keys.recognise(text=old.text, now=NOON + dt.timedelta(days=7)) is None
    assert (new.key.client, new.key.scopes, new.key.till) == (old.key.client, old.key.scopes, "1")
    with pytest.raises(api_keys.TooManyLiveKeys):
        api_keys.rotate(key=new.key, overlap=dt.timedelta(days=7), by=None, now=later)


def test_the_last_use_is_noted_at_most_once_a_minute():
    text = make().text

    def use(now: dt.datetime) -> dt.datetime:
        api_keys.note_use(key=api_keys.recognise(text=text, now=now), now=now)
        return ApiKey.objects.get().last_used_at

    assert use(NOON) == NOON
    assert use(NOON + dt.timedelta(seconds=59)) == NOON
    assert use(NOON + dt.timedelta(minutes=1)) == NOON + dt.timedelta(minutes=1)


def test_a_recognised_key_knows_its_store_without_another_query(django_assert_num_queries):
    new = make(store=create_store(code="harbour", pending_days=7), till="2")
    with django_assert_num_queries(1):
        key = api_keys.recognise(text=new.text, now=NOON)
        assert (key, key.store, key.store.pending_days, key.scopes) == (new.key, new.key.store, 7, ["points:read"])
    assert {field.attname: getattr(key, field.attname) for field in ApiKey._meta.concrete_fields} == {
        field.attname: getattr(ApiKey.objects.get(), field.attname) for field in ApiKey._meta.concrete_fields
    }


def test_the_database_keeps_an_end_before_the_start_out_and_the_model_unknown_scopes():
    key = make().key
    key.expires_at = NOON
    with pytest.raises(IntegrityError), transaction.atomic():
        key.save()
    key.expires_at, key.scopes = None, ["customers:read", "everything"]
    with pytest.raises(ValidationError):
        key.full_clean()


def test_a_call_needs_a_live_key_and_nothing_else_opens_the_api():
    create_customer(member_number="A1")
    user = create_user(is_staff=True, is_superuser=True)
    cookie = Client()
    cookie.force_login(user)
    assert problem(cookie.get("/api/v1/customers/A1")) == (401, "unauthorized")
    text = create_key()
    path = "/customers/A1"
    assert Caller(text).get(path).status_code == 200
    for wrong in (f"Basic {text}", text, "Bearer", f"Bearer {text}x", f"Bearer lp_{text}", "Bearer \xe9"):
        answer = Caller(text).call("GET", path, headers={"Authorization": wrong})
        assert problem(answer) == (401, "unauthorized")
        assert answer["WWW-Authenticate"] == "Bearer"
    api_keys.revoke(key=ApiKey.objects.get(), now=timezone.now())
    assert problem(Caller(text).get(path)) == (401, "unauthorized")


def test_no_key_ends_up_in_a_log(caplog):
    text = create_key()
    with caplog.at_level(logging.DEBUG):
        Caller(text).get("/customers/nobody")
        Caller(text + "x").get("/customers/nobody")
        Caller(text).post("/holds", b"{")
    assert text.split("_")[2] not in caplog.text


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(create_user(email="owner@example.com", is_staff=True, is_superuser=True))
    return client


def test_the_admin_shows_a_new_key_once(owner: Client):
    store = create_store(code="harbour")
    fields = {"label": "Till 2", "store": store.pk, "till": "2", "scopes": ["points:read"]}
    answer = owner.post(reverse("admin:customers_apikey_add"), fields)
    text = answer.context["text"]
    key = api_keys.recognise(text=text, now=timezone.now())
    assert text in answer.text
    assert "no-store" in answer["Cache-Control"]
    assert (key.label, key.store, key.scopes, key.by.email) == ("Till 2", store, ["points:read"], "owner@example.com")
    for name in ("changelist", "change"):
        page = owner.get(reverse(f"admin:customers_apikey_{name}", args=[key.pk] if name != "changelist" else []))
        assert page.status_code == 200
        assert text.split("_")[2] not in page.text


def test_the_admin_refuses_a_till_without_a_store_and_a_key_of_the_past(owner: Client):
    fields = {
        "label": "x",
        "till": "2",
        "scopes": ["points:read"],
        "expires_at_0": "2020-01-01",
        "expires_at_1": "10:00",
    }
    answer = owner.post(reverse("admin:customers_apikey_add"), fields)
    assert set(answer.context["adminform"].errors) == {"store", "expires_at"}
    assert not ApiKey.objects.exists()


def test_buttons_rotate_and_revoke(owner: Client):
    old = make(now=timezone.now()).key
    record = reverse("admin:customers_apikey_change", args=[old.pk])
    answer = owner.post(reverse("admin:customers_apikey_rotate", args=[old.pk]), {"days": "1"})
    new = api_keys.recognise(text=answer.context["text"], now=timezone.now())
    assert new.client == old.client
    assert owner.get(reverse("admin:customers_apikey_rotate", args=[old.pk])).status_code == 200
    owner.post(record, {"CHANGE_FORM-action": "revoke", "_selected_action": str(old.pk)})
    old.refresh_from_db()
    assert old.revoked_at is not None


def test_only_who_may_add_keys_makes_and_rotates_them(client: Client):
    from django.contrib.auth.models import Permission

    manager = create_user(email="manager@example.com", is_staff=True)
    manager.user_permissions.set(Permission.objects.filter(codename__in=["view_apikey", "change_apikey"]))
    client.force_login(manager)
    key = make(now=timezone.now()).key
    assert client.get(reverse("admin:customers_apikey_add")).status_code == 403
    assert client.get(reverse("admin:customers_apikey_rotate", args=[key.pk])).status_code == 403
    record = reverse("admin:customers_apikey_change", args=[key.pk])
    assert client.get(record).status_code == 200
    client.post(record, {"CHANGE_FORM-action": "revoke", "_selected_action": str(key.pk)})
    key.refresh_from_db()
    assert key.revoked_at is not None
