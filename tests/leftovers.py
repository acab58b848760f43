"""Empty the database after a test that committed: only the tables that hold rows, past the guards of the ledger and of the surveys.

Django's own flush empties every table and then writes its permissions anew, which takes half a second each time.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from rewards import triggers
from surveys import frozen

# What Django writes when the tables are made stays: the greatest key of it, by table.
_WRITTEN_BY_DJANGO = {"auth_permission": 0, "django_content_type": 0}


def remember(**_signal: Any) -> None:
    """Note what Django has written; to be told by `post_migrate`."""
    with connection.cursor() as cursor:
        for table in _WRITTEN_BY_DJANGO:
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
            _WRITTEN_BY_DJANGO[table] = cursor.fetchone()[0]


def remove() -> None:
    """Remove every row that a test has left, and put back the guards that it has taken away."""
    filled = _filled()
    if filled:
        with _unguarded(), transaction.atomic(), connection.cursor() as cursor:
            for table, condition in filled.items():
                cursor.execute(f"DELETE FROM {table}{condition}")
        ContentType.objects.clear_cache()
    if triggers.present(connection) != triggers.expected(connection):
        triggers.install(connection)
    if frozen.present(connection) != frozen.expected():
        frozen.install(connection)


@cache
def _tables() -> list[str]:
    return sorted(connection.introspection.django_table_names(only_existing=True, include_views=False))


def _filled() -> dict[str, str]:
    """Return the tables that hold rows of a test, each with the condition for these rows."""
    conditions = dict.fromkeys(_tables(), "") | {
        table: f" WHERE id > {greatest}" for table, greatest in _WRITTEN_BY_DJANGO.items()
    }
    asked = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table}{rows})" for table, rows in conditions.items())
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        return {table: conditions[table] for (table,) in cursor.fetchall()}


@contextmanager
def _unguarded() -> Iterator[None]:
    """Let rows be deleted in any order: no trigger fires, no reference is looked at."""
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            try:
                yield
            finally:
                cursor.execute("RESET session_replication_role")
        return
    with connection.constraint_checks_disabled():
        connection.connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)
        try:
            yield
        finally:
            connection.connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, True)
