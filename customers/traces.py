"""What mentions a customer without a key to them, and how an erasure takes them out of it.

The log of the admin, sessions, stored answers of the API and files that were handed in: each function takes whose data it is
and returns how many rows or lines it changed; doing it again changes nothing.
"""

import json
import os
from collections.abc import Iterable
from itertools import batched
from pathlib import Path
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Q

from customers import privacy
from customers.identifiers import normalise
from customers.models import ApiRequest, DataExport, Identifier, ImportJob
from customers.models.import_job import folder
from customers.privacy import Subject

AT_ONCE = 500
WIPED = "erased"
# An answer that was given: a repetition learns that it was, and no longer to whom.
WIPED_ANSWER = '{"erased": true}'


class ImportRunning(Exception):
    """A file is being imported that may hold the customer; try again when it is done."""


def admin_log(subject: Subject) -> int:
    """Forget what the admin's log called the records of a customer, and which values it quoted."""
    changed = 0
    for rule in privacy.rules():
        if not rule.link:
            continue
        keys = [str(key) for key in rule.rows(customer_id=subject.customer_id).values_list("pk", flat=True)]
        content_type = ContentType.objects.get_for_model(rule.model_class)
        for some in batched(keys, AT_ONCE, strict=False):
            entries = LogEntry.objects.filter(content_type=content_type, object_id__in=some)
            entries = entries.exclude(object_repr=WIPED, change_message="")
            changed += entries.update(object_repr=WIPED, change_message="")
    return changed


def sessions(subject: Subject) -> int:
    """Sign a customer out everywhere, and forget the log-ins and enrolments that were begun with their address.

    A session is sealed, so each has to be opened. Those of others who are signed in stay.
    """
    words = _long_enough(subject.words)
    own = [
        session.pk
        for session in Session.objects.iterator(chunk_size=AT_ONCE)
        if _is_session_of(session.get_decoded(), subject.user_id, words)
    ]
    for some in batched(own, AT_ONCE, strict=False):
        Session.objects.filter(pk__in=some).delete()
    return len(own)


def _is_session_of(data: dict[str, Any], user_id: int | None, words: list[str]) -> bool:
    if user := data.get("_auth_user_id"):
        return str(user) == str(user_id)
    said = json.dumps(data, ensure_ascii=False, default=str).casefold()
    return any(word.casefold() in said for word in words)


def answers(subject: Subject) -> int:
    """Take stored answers of the API away that name a customer; that the request was answered stays.

    A key that was made of the customer's own address cannot stay: its request is forgotten.
    """
    forgotten, _of_what = ApiRequest.objects.filter(mentioned_in("key", subject)).delete()
    # Bodies are JSON: what is not ASCII may be written out.
    named = ApiRequest.objects.filter(mentioned_in("body", subject)).exclude(body=WIPED_ANSWER)
    return forgotten + named.update(body=WIPED_ANSWER)


def mentioned_in(field: str, subject: Subject) -> Q:
    """Return the condition that a text names a customer, by an address, a number or the whole name; never true without any."""
    condition = Q(pk__in=[])
    for word in _long_enough([*subject.words, subject.name]):
        for spelt in {word, word.encode("ascii", "backslashreplace").decode()}:
            condition |= Q(**{f"{field}__icontains": spelt})
    return condition


def exports(subject: Subject) -> int:
    """Delete the exports that were made for a customer."""
    made = DataExport.objects.filter(customer=subject.customer_id).exclude(state=DataExport.State.GONE)
    for export in made:
        export.remove_files()
    return made.update(state=DataExport.State.GONE, size=0)


def import_files(subject: Subject) -> int:
    """Take a customer out of the files that were handed in, out of what these were called and of why they were refused.

    Raises ImportRunning while one is being read.
    """
    running = [ImportJob.State.CHECKING, ImportJob.State.IMPORTING]
    if ImportJob.objects.filter(state__in=running).exists():
        raise ImportRunning
    for field in ("name", "reason"):
        ImportJob.objects.filter(mentioned_in(field, subject)).update(**{field: WIPED})
    return sum(without_lines(path, subject) for path in sorted(folder().glob("*.csv")))


def without_lines(path: Path, subject: Subject) -> int:
    """Rewrite a file without the lines about a customer and those that nobody can read; return how many there were.

    The first line goes too when it is no heading. A reader sees the old file or the new one, never a half.
    """
    wanted = {word.casefold() for word in _long_enough([*subject.words, subject.name])}
    with path.open("rb") as file:
        lines = file.readlines()
    left = [line for line in lines if not _mentions(line, wanted)]
    if gone := len(lines) - len(left):
        unfinished = path.with_suffix(".unfinished")
        with open(unfinished, "wb", opener=_private) as file:
            file.writelines(left)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    return gone


def _mentions(line: bytes, words: set[str]) -> bool:
    try:
        text = line.decode().casefold()
    except UnicodeDecodeError:
        # In another encoding, and refused: whoever stands there could not be found.
        return True
    if "\0" in text or any(word in text for word in words):
        return True
    # A phone number may be spelt with blanks and without its country.
    fields = (field.strip(' "\r\n') for field in text.split(","))
    return any(
        normalise(kind=Identifier.Kind.PHONE, value=field) in words for field in fields if any(map(str.isdigit, field))
    )


def _long_enough(words: Iterable[str]) -> list[str]:
    """Return what may be looked for in free text: of two letters half the world is called."""
    return sorted({word for word in words if len(word) > (1 if not word.isascii() else 3)})


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
