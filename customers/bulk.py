"""Write rows in sets: COPY on PostgreSQL and executemany on SQLite for thousands, one message for a handful.

Inside the caller's transaction. Neither `save` nor `default=` runs: a row holds every column that its table requires.
Values are what Python has: aware datetimes, dictionaries for JSON, None.
"""

import datetime as dt
import gc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import batched
from typing import NamedTuple

from django.db import connection, models

from customers import statements
from customers.statements import Statement

type Rows = Iterable[Sequence[object]]
FEW = 50  # rows that go out as plain statements


class Insert(NamedTuple):
    """New rows, in the order of `columns` (`customer_id`, not `customer`)."""

    model: type[models.Model]
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]


class Update(NamedTuple):
    """Changes by primary key: each row is the key and then the new values in the order of `columns`."""

    model: type[models.Model]
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]


def write(sets: Iterable[Insert | Update]) -> None:
    """Write some sets of rows in their order: few rows in one message, many by COPY or executemany."""
    sets = [each for each in sets if each.rows]
    if sum(len(each.rows) for each in sets) > FEW:
        for each in sets:
            (copy_in if isinstance(each, Insert) else update_rows)(*each)
    elif sets:
        statements.run(*(one for each in sets for one in _plain(each)))


def claim(each: Insert, *, unique: Sequence[str]) -> Statement:
    """Return the statement that inserts one row and gives its key, or nothing when another row has the `unique` columns."""
    (row,) = _stored(each.model, each.columns, each.rows)
    target = ", ".join(_names(each.model, unique))
    sql = _insert_sql(each.model, each.columns, 1)
    return Statement(f"{sql} ON CONFLICT ({target}) DO NOTHING RETURNING {_quoted(each.model._meta.pk.column)}", row)


def reserve_ids(model: type[models.Model], count: int) -> list[int]:
    """Reserve ascending primary keys for rows that others will point at; call it inside the transaction that uses them."""
    (rows,) = statements.run(ids(model, count))
    if connection.vendor == "postgresql":
        return sorted(row[0] for row in rows)
    last = rows[0][0] if rows else 0
    return list(range(last + 1, last + 1 + count))


def ids(model: type[models.Model], count: int) -> Statement:
    """Return the statement behind `reserve_ids`; its rows are the keys on PostgreSQL, and the last used one on SQLite."""
    table = model._meta.db_table
    if connection.vendor == "postgresql":
        return Statement("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
    return Statement("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])


def copy_in(model: type[models.Model], columns: Sequence[str], rows: Rows) -> None:
    """Insert rows in the order of `columns` (`customer_id`, not `customer`). Raises IntegrityError like any insert."""
    fields = [model._meta.get_field(column) for column in columns]
    rows = _stored(model, columns, rows)
    table, names = _table(model), ", ".join(_names(model, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                if all(_is_whole(field) for field in fields):
                    line = "\t".join(["%d"] * len(fields)) + "\n"
                    for row in rows:
                        copy.write(line % tuple(row))
                else:
                    for row in rows:
                        copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608 (our own names)


def copy_in_alike(
    model: type[models.Model],
    same: Mapping[str, object],
    columns: Sequence[str],
    rows: Iterable[Sequence[int | str | bytes]],
) -> None:
    """Insert rows that agree in most columns: `same` holds those, each row the others, whole numbers, text or bytes.

    What all rows share is turned into the database's form once, so a long row costs little more than a short one.
    """
    alike = [model._meta.get_field(column) for column in same]
    names = ", ".join(_quoted(f.column) for f in [*alike, *(model._meta.get_field(column) for column in columns)])
    table = _quoted(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            head = "".join(_copy_text(value) + "\t" for value in same.values())
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for some in batched(rows, 1_000):
                    copy.write("".join([head + "\t".join(map(_copy_text, row)) + "\n" for row in some]))
        else:
            (stored,) = _stored(model, list(same), [list(same.values())])
            fixed = tuple(stored)
            marks = ", ".join(["%s"] * (len(alike) + len(columns)))
            cursor.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 (our own names)
                (fixed + tuple(row) for row in rows),
            )


def update_rows(model: type[models.Model], columns: Sequence[str], rows: Rows) -> None:
    """Change rows by primary key: each row is the key and then the new values in the order of `columns`."""
    fields = [model._meta.pk, *(model._meta.get_field(column) for column in columns)]
    rows = list(_stored(model, (model._meta.pk.attname, *columns), rows))
    if not rows:
        return
    table, key, names = _table(model), _quoted(model._meta.pk.column), _names(model, columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            kinds = ", ".join(f"%s::{_kind(field)}[]" for field in fields)
            values = ", ".join(f"{name} = changed.{name}" for name in names)
            cursor.execute(
                f"UPDATE {table} SET {values} FROM unnest({kinds}) AS changed ({key}, {', '.join(names)}) "  # noqa: S608
                # Said twice: joined alone, a thousand keys seem worth reading the whole table.
                f"WHERE {table}.{key} = changed.{key} AND {table}.{key} = ANY(%s::{_kind(fields[0])}[])",
                [*(arrays := [array(column) for column in zip(*rows, strict=True)]), arrays[0]],
            )
        else:
            cursor.executemany(_update_sql(model, tuple(columns)), [(*row[1:], row[0]) for row in rows])


@contextmanager
def large_sets(*, megabytes: int = 32, minutes: int = 5) -> Iterator[None]:
    """Give this connection what large sets need, and take it back.

    SQLite keeps more of its indexes in memory (its usual 2 MB re-read them all the time); PostgreSQL lets a statement
    take minutes, since a COPY lasts as long as its rows come.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA cache_size")
            (usual,) = cursor.fetchone()
            begin, end = f"PRAGMA cache_size = -{megabytes * 1024}", f"PRAGMA cache_size = {usual}"
        else:
            begin, end = f"SET statement_timeout = '{minutes}min'", "RESET statement_timeout"
        cursor.execute(begin)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(end)


@contextmanager
def uncollected() -> Iterator[None]:
    """Let Python's collector of cycles rest while a set is worked on: it would look at its thousands of rows over and over.

    For one set at a time, so that what little it finds is given back between them.
    """
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()


def refresh_statistics(*changed: type[models.Model]) -> None:
    """Let PostgreSQL count tables anew, after so many rows that its plans would be those for the table of before.

    It does so by itself, but a minute later. Who holds a table's lock is not waited for.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {', '.join(map(_table, changed))}")


def array(values: Iterable[object]) -> str:
    """Write values as PostgreSQL's text of an array, for a cast: psycopg takes ten times as long for a list of thousands."""
    return "{" + ",".join(map(_array_text, values)) + "}"


def _array_text(value: object) -> str:
    if value is None:
        return "NULL"
    if type(value) is int:
        return str(value)
    text = f"\\x{value.hex()}" if type(value) is bytes else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copy_text(value: object) -> str:
    """Write a value as the text format of COPY wants it."""
    if type(value) is str:
        return value.translate(_COPY_ESCAPES) if not value.isalnum() else value
    if type(value) is bytes:
        return "\\\\x" + value.hex()
    if value is None:
        return "\\N"
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return str(value).translate(_COPY_ESCAPES)


def _plain(each: Insert | Update) -> list[Statement]:
    if isinstance(each, Insert):
        rows = _stored(each.model, each.columns, each.rows)
        return [Statement(_insert_sql(each.model, each.columns, len(each.rows)), [v for row in rows for v in row])]
    rows = _stored(each.model, (each.model._meta.pk.attname, *each.columns), each.rows)
    return [Statement(_update_sql(each.model, each.columns), [*row[1:], row[0]]) for row in rows]


@lru_cache(maxsize=256)
def _insert_sql(model: type[models.Model], columns: tuple[str, ...], count: int) -> str:
    marks = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * count)
    return f"INSERT INTO {_table(model)} ({', '.join(_names(model, columns))}) VALUES {marks}"  # noqa: S608 (our own names)


@cache
def _update_sql(model: type[models.Model], columns: tuple[str, ...]) -> str:
    values = ", ".join(f"{name} = %s" for name in _names(model, columns))
    return f"UPDATE {_table(model)} SET {values} WHERE {_quoted(model._meta.pk.column)} = %s"  # noqa: S608 (our own names)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _table(model: type[models.Model]) -> str:
    return _quoted(model._meta.db_table)


def _names(model: type[models.Model], columns: Iterable[str]) -> list[str]:
    return [_quoted(model._meta.get_field(column).column) for column in columns]


def _kind(field: models.Field) -> str:
    return field.rel_db_type(connection) if field.primary_key else field.db_type(connection)


def _is_whole(field: models.Field) -> bool:
    target = field.target_field if field.is_relation else field
    return isinstance(target, models.IntegerField) and not field.null


def _stored(model: type[models.Model], columns: Sequence[str], rows: Rows) -> Rows:
    """Turn values into what the database keeps: JSON into text, and for SQLite moments and days, too."""
    converters = _converters(model, tuple(columns), connection.vendor)
    return _converted(converters, rows) if converters else rows


@cache
def _converters(model: type[models.Model], columns: tuple[str, ...], vendor: str) -> dict[int, Callable]:
    found = {index: _converter(model._meta.get_field(column), vendor) for index, column in enumerate(columns)}
    return {index: converter for index, converter in found.items() if converter}


def _converter(field: models.Field, vendor: str) -> Callable[[object], object] | None:
    if isinstance(field, models.JSONField):
        encode = (field.encoder or json.JSONEncoder)(ensure_ascii=False).encode
        return lambda value: None if value is None else encode(value)
    if vendor == "postgresql":
        return None
    if isinstance(field, models.DateTimeField):
        return _moment_text
    if isinstance(field, models.DateField):
        return connection.ops.adapt_datefield_value
    return None


@lru_cache(maxsize=2_048)  # Most moments of a set are the same few.
def _moment_text(value: dt.datetime | None) -> str | None:
    """Write a moment as Django does for SQLite: in UTC, without saying so."""
    if value is None:
        return None
    return str(value if value.tzinfo is dt.UTC else value.astimezone(dt.UTC))[: -len("+00:00")]


def _converted(converters: dict[int, Callable], rows: Rows) -> Iterator[list[object]]:
    for row in rows:
        values = list(row)
        for index, convert in converters.items():
            values[index] = convert(values[index])
        yield values
