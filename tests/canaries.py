"""Somebody whose name, addresses and numbers are nobody else's, and the search for them: in every table and every file."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from django.contrib.sessions.models import Session
from django.db import connection

NAME, EMAIL, PHONE = "Wilhelmina Canary", "wilhelmina.canary@mail.example", "+4930555123987"
NUMBER = "CANARY7788"
WORDS = ("wilhelmina", "canary", "555123987", NUMBER.lower())


def mentions(*, but: tuple[str, ...] = ()) -> list[str]:
    """Return every table and column of the live database that still says one of the words, whatever its type."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            columns = [each.name for each in connection.introspection.get_table_description(cursor, table)]
            for column in columns:
                cursor.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL')
                texts = [_text(value).lower() for (value,) in cursor.fetchall()]
                found += [f"{table}.{column}: {text}" for text in texts if names_them(text)]
    found += [
        f"django_session.session_data: {row.pk}" for row in Session.objects.all() if names_them(str(row.get_decoded()))
    ]
    return [line for line in found if not line.startswith(but)]


def files_that_mention(folder: Path) -> list[str]:
    """Return every file below a folder that says one of the words, in its name or inside, zips unpacked."""
    return [name for name, data in _contents(folder) if names_them(name) or names_them(_text(data))]


def names_them(text: str) -> bool:
    """Whether a text says one of the words, written plainly or with its letters escaped."""
    return any(word in text.lower() for word in WORDS)


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in (path for path in sorted(folder.rglob("*")) if path.is_file()):
        data, name = path.read_bytes(), str(path.relative_to(folder))
        yield name, data
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                yield from ((f"{name}:{inner}", archive.read(inner)) for inner in archive.namelist())


def _text(value: object) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)
