"""What a load balancer hears."""

import pytest
from django.conf import settings
from django.db import connection

from loyalty_site import health
from rewards import triggers

PROBE = {"HTTP_HOST": "10.0.0.7:8000"}


def test_healthz_touches_nothing(client):
    client.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32  # any query would fail: this test has no database
    answer = client.get("/healthz", **PROBE)
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_is_content_with_database_schema_and_guards(client):
    answer = client.get("/readyz", **PROBE)
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_readyz_misses_a_migration(client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(health, "_heads", lambda: frozenset({("rewards", "9999_of_a_newer_release")}))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"unavailable\n")


@pytest.mark.django_db
def test_readyz_misses_the_guards_of_the_books(client):
    triggers.remove(connection)
    try:
        assert client.get("/readyz").status_code == 503
    finally:
        triggers.install(connection)


def test_readyz_survives_a_database_that_does_not_answer(client):
    answer = client.get("/readyz")  # this test may not touch the database, which is as good as none
    assert (answer.status_code, answer.content) == (503, b"unavailable\n")


@pytest.mark.django_db
def test_readyz_is_degraded_without_redis(client, settings):
    settings.CACHES = {
        "default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"},
    }
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (200, b"degraded\n")
