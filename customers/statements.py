"""Several statements in one go: PostgreSQL gets them in one message, SQLite, which is no journey away, one after another.

For the few paths that every sale takes, where each journey to the database counts; everything else uses the ORM. A
statement of a message sees what was committed before it began (READ COMMITTED), so what follows a lock reads what the
lock has waited for. Outside a transaction a message is a transaction of its own. It needs Django's usual binding of
values on the client's side: PostgreSQL takes but one prepared statement at a time.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model, QuerySet

MOST_KEPT = 50  # values of a text that psycopg remembers how to take apart
IDLE = 0  # of libpq's transaction states: none has begun

type Rows = list[tuple[Any, ...]]


class Statement(NamedTuple):
    """A text that both databases understand, and the values for its places."""

    sql: str
    values: Sequence[object] = ()


class Question[Row: Model]:
    """A query of the ORM, put together once: what it asks, for `run`, and the models that its rows are."""

    def __init__(self, rows: QuerySet[Row]) -> None:
        compiler = rows.query.get_compiler(connection=connection)
        self.statement = Statement(*compiler.as_sql())
        self._model = rows.model
        self._names = [field.attname for field in rows.model._meta.concrete_fields]
        self._converters = compiler.get_converters([column for column, *__ in compiler.select])

    def asking(self, *values: object) -> Statement:
        """Return what it asks with other values in its places, in their order."""
        return self.statement._replace(values=values)

    def models(self, rows: Rows) -> list[Row]:
        """Return the models of some rows."""
        found = []
        for row in rows:
            values = list(row)
            for place, (converters, column) in self._converters.items():
                for convert in converters:
                    values[place] = convert(values[place], column, connection)
            found.append(self._model.from_db(connection.alias, self._names, values))
        return found


def run(*statements: Statement) -> list[Rows]:
    """Run some statements and return the rows of each, empty for those that give none. Raises what a query raises."""
    if not statements:
        return []
    found: list[Rows] = []
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            for each in statements:
                cursor.execute(*each)
                found.append(cursor.fetchall())
            return found
        _send(cursor, *_message(cursor, statements))
        while True:
            # Cheaper than `description`, which describes each column.
            found.append(cursor.fetchall() if cursor.pgresult.nfields else [])
            if not cursor.nextset():
                return found


def ask_first(each: Statement) -> Rows:
    """Run the statement, which only reads, that a request begins with, and return its rows.

    It is the health check of a kept connection as well: when the server has hung up, it is asked again over a new one.
    Raises what a query raises.
    """
    connection.health_check_done = True
    try:
        return run(each)[0]
    except (InterfaceError, OperationalError):
        if connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        return run(each)[0]


def _message(cursor: CursorWrapper, statements: Sequence[Statement]) -> tuple[str, Sequence[object] | None]:
    """Return one text for PostgreSQL, and its values unless they stand in it already."""
    values = [value for each in statements for value in each.values]
    if len(values) <= MOST_KEPT:
        return ";\n".join([each.sql for each in statements]), values
    with connection.wrap_database_errors:
        return ";\n".join([cursor.mogrify(*each) for each in statements]), None


def _send(cursor: CursorWrapper, sql: str, values: Sequence[object] | None) -> None:
    """Execute a message; when it is the first of a transaction, that begins with it: psycopg's BEGIN is a journey more."""
    raw = connection.connection
    if raw.autocommit or raw.pgconn.transaction_status != IDLE:
        cursor.execute(sql, values)
        return
    raw.autocommit = True  # psycopg leaves BEGIN to us; COMMIT and ROLLBACK it sends as ever
    try:
        cursor.execute(f"BEGIN;\n{sql}", values)
    except DatabaseError:
        if raw.pgconn.transaction_status == IDLE:
            raw.autocommit = False
        raise
    cursor.nextset()


def moment(value: dt.datetime | None) -> dt.datetime | None:
    """Return a moment of a row with its time zone: SQLite keeps it in UTC without saying so."""
    return value if value is None or value.tzinfo else value.replace(tzinfo=dt.UTC)


def stored(value: dt.datetime) -> object:
    """Return a moment as the database compares it."""
    return connection.ops.adapt_datetimefield_value(value)
