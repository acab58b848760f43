"""Several statements in one go: PostgreSQL gets them in one message, SQLite, which is no journey away, one after another.

For the few paths that every sale takes, where each journey to the database counts; everything else uses the ORM. A
statement of a message sees what was committed before it began (READ COMMITTED), so what follows a lock reads what the
lock has waited for. Outside a transaction a message is a transaction of its own. It needs Django's usual binding of
values on the client's side: PostgreSQL takes but one prepared statement at a time.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model, QuerySet

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
        cursor.execute(";\n".join([each.sql for each in statements]), [v for each in statements for v in each.values])
        while True:
            # Cheaper than `description`, which describes each column.
            found.append(cursor.fetchall() if cursor.pgresult.nfields else [])
            if not cursor.nextset():
                return found


def moment(value: dt.datetime | None) -> dt.datetime | None:
    """Return a moment of a row with its time zone: SQLite keeps it in UTC without saying so."""
    return value if value is None or value.tzinfo else value.replace(tzinfo=dt.UTC)


def stored(value: dt.datetime) -> object:
    """Return a moment as the database compares it."""
    return connection.ops.adapt_datetimefield_value(value)
