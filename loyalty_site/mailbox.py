"""Mails that stay on this machine: a backend that stores each as a file, and what the mailbox pages read of them."""

import datetime as dt
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_binary_file, policy
from email.message import EmailMessage as ParsedMail
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.core.mail import EmailMessage, InvalidMailer
from django.core.mail.backends.base import BaseEmailBackend

from customers.privacy import Subject

# The time makes names sort by age, the random end makes them unique.
_NAME = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{16}\.eml")
_LINK = re.compile(r"https?://[^\s<>\"')\]]+")


class EmailBackend(BaseEmailBackend):
    """Store each mail as one .eml file in OPTIONS["directory"]."""

    def __init__(self, directory: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not directory:
            raise InvalidMailer("OPTIONS must define 'directory'.", alias=self.alias)
        self.directory = Path(directory)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store the mails and return how many."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for message in email_messages:
            self._store(message.message().as_bytes())
        return len(email_messages)

    def _store(self, content: bytes) -> None:
        name = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(8)}.eml"
        unfinished = self.directory / f".{name}"
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A reader sees the whole mail or none.
        unfinished.replace(self.directory / name)


@dataclass(frozen=True, slots=True)
class Mail:
    """A stored mail, read."""

    name: str
    parsed: ParsedMail

    @classmethod
    def read(cls, path: Path) -> Self:
        """Parse a file."""
        with path.open("rb") as file:
            return cls(path.name, message_from_binary_file(file, policy=policy.default))

    @property
    def subject(self) -> str:
        """What it is about."""
        return str(self.parsed["Subject"] or "")

    @property
    def sender(self) -> str:
        """Who it comes from."""
        return str(self.parsed["From"] or "")

    @property
    def recipient(self) -> str:
        """Who it goes to."""
        return str(self.parsed["To"] or "")

    @property
    def sent_at(self) -> dt.datetime | None:
        """When it was written; None when it does not say."""
        try:
            return parsedate_to_datetime(str(self.parsed["Date"]))
        except (TypeError, ValueError):
            return None

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Every header, in order."""
        return [(name, str(value)) for name, value in self.parsed.items()]

    @property
    def text(self) -> str:
        """The part for plain readers."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The part for everyone else."""
        return self._part("html")

    @property
    def links(self) -> list[str]:
        """The addresses in the text, each once, in order."""
        return list(dict.fromkeys(_LINK.findall(self.text)))

    def _part(self, kind: str) -> str:
        part = self.parsed.get_body(preferencelist=(kind,))
        return part.get_content() if part is not None else ""


def directories() -> set[Path]:
    """Return where the mailbox pages look for mails; none in production."""
    return _stores() if settings.DEBUG else set()


def forget(subject: Subject) -> int:
    """Delete the mails to a customer and those that name one of their addresses; return how many."""
    words, forgotten = {word.casefold() for word in subject.words if len(word) > 3}, 0
    for path in [path for directory in _stores() if directory.is_dir() for path in directory.glob("*.eml")]:
        mail = Mail.read(path)
        text = "\n".join([mail.text, mail.html, *(value for _name, value in mail.headers)]).casefold()
        if any(word in text for word in words):
            path.unlink(missing_ok=True)
            forgotten += 1
    return forgotten


def _stores() -> set[Path]:
    backend = f"{EmailBackend.__module__}.{EmailBackend.__qualname__}"
    mailers = settings.MAILERS.values()
    return {Path(mailer["OPTIONS"]["directory"]) for mailer in mailers if mailer["BACKEND"] == backend}


def newest(*, limit: int) -> Iterator[Mail]:
    """Yield the newest mails, newest first."""
    paths = [path for directory in directories() if directory.is_dir() for path in directory.glob("*.eml")]
    for path in sorted(paths, key=lambda path: path.name, reverse=True)[:limit]:
        yield Mail.read(path)


def find(*, name: str) -> Mail | None:
    """Return one mail, None when there is none of this name; only names that the backend gives are looked for."""
    if not _NAME.fullmatch(name):
        return None
    for directory in directories():
        path = directory / name
        if path.is_file() and not path.is_symlink():
            return Mail.read(path)
    return None
