"""System checks of the database behind the books: `manage.py check --database default`, and /readyz."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from rewards import triggers


@register(Tags.database)
def check_books(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for each guard or durability setting that is missing on the live database."""
    errors: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if set(triggers.GUARDED) <= set(connection.introspection.table_names()):
            errors += _check_triggers(connection)
        errors += _check_postgresql(connection) if connection.vendor == "postgresql" else _check_sqlite(connection)
    return errors


def _check_triggers(connection: BaseDatabaseWrapper) -> list[CheckMessage]:
    missing = sorted(triggers.expected(connection) - triggers.present(connection))
    if not missing:
        return []
    return [
        Error(f"The books are not guarded: {', '.join(missing)}.", hint="Run manage.py migrate.", id="rewards.E001")
    ]


def _check_sqlite(connection: BaseDatabaseWrapper) -> list[CheckMessage]:
    with connection.cursor() as cursor:
        read = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }
    needed = 2 if read["journal_mode"] == "wal" else 3
    errors: list[CheckMessage] = []
    if read["journal_mode"] != "memory" and read["synchronous"] < needed:
        errors.append(
            Error(f"SQLite may lose commits: synchronous is {read['synchronous']}, needed {needed}.", id="rewards.E002")
        )
    if not (read["foreign_keys"] and read["recursive_triggers"]):
        errors.append(Error("SQLite must run with foreign_keys and recursive_triggers on.", id="rewards.E003"))
    return errors


def _check_postgresql(connection: BaseDatabaseWrapper) -> list[CheckMessage]:
    errors: list[CheckMessage] = []
    with connection.cursor() as cursor:
        for name, good in {
            "fsync": {"on"},
            "full_page_writes": {"on"},
            "synchronous_commit": {"on", "remote_write", "remote_apply", "local"},
        }.items():
            cursor.execute(f"SHOW {name}")
            (value,) = cursor.fetchone()
            if value not in good:
                errors.append(Error(f"PostgreSQL may lose commits: {name} is {value}.", id="rewards.E002"))
        cursor.execute("SHOW transaction_isolation")
        (isolation,) = cursor.fetchone()
        if isolation != "read committed":
            errors.append(Error(f"The books need READ COMMITTED, not {isolation}.", id="rewards.E004"))
    return errors
