"""What mentions a customer without a key to them, and how an erasure takes them out of it.

The log of the admin, sessions, stored answers of the API and files that were handed in: each function takes whose data it is
and returns how many rows or lines it changed; doing it again changes nothing.
"""

import os
from collections.abc import Iterable
from itertools import batched
from pathlib import Path

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
    """Sign a customer out everywhere: a session holds the key of the log-in, sealed, so each has to be opened."""
    if subject.user_id is None:
        return 0
    own = [
        session.pk
        for session in Session.objects.iterator(chunk_size=AT_ONCE)
        if _user_of(session) == str(subject.user_id)
    ]
    for some in batched(own, AT_ONCE, strict=False):
        Session.objects.filter(pk__in=some).delete()
    return len(own)


def _user_of(session: Session) -> str:
    return str(session.get_decoded().get("_auth_user_id", ""))


def answers(subject: Subject) -> int:
    """Take stored answers of the API away that name a customer; that the request was answered stays."""
    mentions = Q()
    for word in _long_enough([*subject.words, subject.name]):
        # Bodies are JSON: what is not ASCII may be written out.
        for spelt in {word, word.encode("ascii", "backslashreplace").decode()}:
            mentions |= Q(body__icontains=spelt)
    if not mentions:
        return 0
    return ApiRequest.objects.filter(mentions).exclude(body=WIPED_ANSWER).update(body=WIPED_ANSWER)


def exports(subject: Subject) -> int:
    """Delete the exports that were made for a customer."""
    made = DataExport.objects.filter(customer=subject.customer_id).exclude(state=DataExport.State.GONE)
    for export in made:
        export.path.unlink(missing_ok=True)
    return made.update(state=DataExport.State.GONE, size=0)


def import_files(subject: Subject) -> int:
    """Take a customer's lines out of the files that were handed in. Raises ImportRunning while one is being read."""
    running = [ImportJob.State.CHECKING, ImportJob.State.IMPORTING]
    if ImportJob.objects.filter(state__in=running).exists():
        raise ImportRunning
    return sum(without_lines(path, subject) for path in sorted(folder().glob("*.csv")))


def without_lines(path: Path, subject: Subject) -> int:
    """Rewrite a file without the lines about a customer, and return how many there were.

    A reader sees the old file or the new one, never a half.
    """
    wanted, left = {word.casefold() for word in _long_enough([*subject.words, subject.name])}, []
    with path.open("rb") as file:
        lines = file.readlines()
    left = [line for number, line in enumerate(lines) if number == 0 or not _mentions(line, wanted)]
    if gone := len(lines) - len(left):
        unfinished = path.with_suffix(".unfinished")
        with open(unfinished, "wb", opener=_private) as file:
            file.writelines(left)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    return gone


def _mentions(line: bytes, words: set[str]) -> bool:
    text = line.decode(errors="replace").casefold()
    if any(word in text for word in words):
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
