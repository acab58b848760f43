"""The checks of the database read what is in force now, not what a file says."""

from collections.abc import Iterator

import pytest
from django.core.checks import run_checks
from django.db import connection

from rewards import triggers

pytestmark = pytest.mark.django_db(transaction=True)


def found() -> set[str]:
    checked = run_checks(databases=["default"], include_deployment_checks=False)
    return {message.id for message in checked if (message.id or "").startswith("rewards.")}


@pytest.fixture(autouse=True)
def _own_connection() -> Iterator[None]:
    """What a test changes on its connection goes with it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # The tests' server is quick, not durable: what the session can say, it says as production does.
            cursor.execute("SET synchronous_commit = on")
    yield
    connection.close()


def test_the_books_are_guarded():
    assert "rewards.E001" not in found()
    triggers.remove(connection)
    assert "rewards.E001" in found()
    triggers.install(connection)


@pytest.mark.parametrize(
    ("vendor", "statement", "error"),
    [
        ("sqlite", "PRAGMA synchronous = OFF", "rewards.E002"),
        ("sqlite", "PRAGMA synchronous = NORMAL", "rewards.E002"),
        ("sqlite", "PRAGMA foreign_keys = OFF", "rewards.E003"),
        ("sqlite", "PRAGMA recursive_triggers = OFF", "rewards.E003"),
        ("postgresql", "SET synchronous_commit = off", "rewards.E002"),
        ("postgresql", "SET default_transaction_isolation = 'repeatable read'", "rewards.E004"),
        ("postgresql", "SET default_transaction_isolation = 'serializable'", "rewards.E004"),
    ],
)
def test_a_setting_that_loses_commits_or_races_is_an_error_as_soon_as_it_is_in_force(
    vendor: str, statement: str, error: str
):
    if connection.vendor != vendor:
        pytest.skip(f"about {vendor}")
    with connection.cursor() as cursor:
        usual = found() - {"rewards.E002"} if vendor == "postgresql" else found()
        assert error not in usual
        cursor.execute(statement)
    assert error in found()


def test_an_undurable_server_is_named():
    """The tests' own PostgreSQL runs without fsync, which production is refused."""
    if connection.vendor != "postgresql":
        pytest.skip("about PostgreSQL")
    texts = [str(message) for message in run_checks(databases=["default"]) if message.id == "rewards.E002"]
    assert any("fsync is off" in text for text in texts)
    assert any("full_page_writes is off" in text for text in texts)
