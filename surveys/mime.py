"""A mail that is put on the wire quickly.

Python's e-mail package takes two to three milliseconds to build a mail, most of a sender's time. Here the few parts that
never vary in shape are written by hand, and a `Form` is encoded once for all mails of a campaign in one language, with
places left open for what differs. The standard parser reads the result back in the tests and for every backend but SMTP.
Providers behind Anymail never see this: they read subject, body and alternatives.
"""

import binascii
import email.policy
import re
import secrets
from collections.abc import Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import formatdate
from functools import lru_cache

from django.core.mail import EmailMultiAlternatives
from django.utils.encoding import punycode

# No line of quoted-printable or base64 begins like this; new in every process all the same.
_BOUNDARY = f"=_{secrets.token_hex(12)}"
_MULTIPART = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{_BOUNDARY}"\r\n\r\n'.encode()
_END = f"--{_BOUNDARY}--\r\n".encode()
# Ends a line that goes on below (RFC 2045), so that a piece may be encoded without knowing what stands before it.
_SOFT_BREAK = b"=\r\n"


class PersonalMail(EmailMultiAlternatives):
    """A mail to one person, with a text and an HTML part and nothing attached."""

    def message(self, *, policy: email.policy.Policy = email.policy.default) -> "EmailMessage | Wire":
        """Return the mail as bytes in waiting for SMTP, and as an ordinary message for everybody else."""
        raw = self._raw()
        if policy is email.policy.SMTP:
            return Wire(raw)
        return message_from_bytes(raw.replace(b"\r\n", b"\n"), EmailMessage, policy=policy)

    def _raw(self) -> bytes:
        [recipient], [page] = self.to, self.alternatives
        form = Form(headers={"From": self.from_email}, text=self.body, html=page.content, marks={})
        return form.fill(
            headers={"Subject": self.subject, "To": address(recipient), "Date": date()} | self.extra_headers, values={}
        )


class Wire:
    """The bytes of a mail, in the shape in which Django's SMTP backend asks for them."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def as_bytes(self) -> bytes:
        return self._raw


class Form:
    """Headers, text and page of many mails, encoded once. `marks` names the places left open, by what stands there."""

    def __init__(self, *, headers: Mapping[str, str], text: str, html: str, marks: Mapping[str, str]) -> None:
        self._headers = b"".join(header(name, value) for name, value in headers.items())
        self._parts = [_Part("plain", text, marks), _Part("html", html, marks)]

    def fill(self, *, headers: Mapping[str, str], values: Mapping[str, tuple[str, str]]) -> bytes:
        """Return one mail; `values` holds what each place says in the text and in the page, the latter escaped."""
        lines = [header(name, value) for name, value in headers.items()]
        plain, page = self._parts
        texts = {name: pair[0] for name, pair in values.items()}
        pages = {name: pair[1] for name, pair in values.items()}
        return b"".join([*lines, self._headers, _MULTIPART, plain.fill(texts), page.fill(pages), _END])


class _Part:
    """One text of a form. Mostly Western text becomes quoted-printable around its places, other text base64 as a whole."""

    def __init__(self, subtype: str, text: str, marks: Mapping[str, str]) -> None:
        whole = "".join(f"{line}\r\n" for line in text.splitlines())
        self._is_western = len(whole.encode()) < len(whole) * 1.1
        split = re.split(f"({'|'.join(map(re.escape, marks))})", whole) if marks else [whole]
        # Texts at even positions, the names of places between them.
        self._pieces = [marks[piece] if position % 2 else self._encode(piece) for position, piece in enumerate(split)]
        encoding = "quoted-printable" if self._is_western else "base64"
        self._head = (
            f"--{_BOUNDARY}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
        ).encode()

    def _encode(self, text: str) -> bytes:
        return binascii.b2a_qp(text.encode()) if self._is_western else text.encode()

    def fill(self, values: Mapping[str, str]) -> bytes:
        encoded = {name: self._encode(value) for name, value in values.items()}
        pieces = [piece if isinstance(piece, bytes) else encoded[piece] for piece in self._pieces]
        body = _SOFT_BREAK.join(pieces) if self._is_western else _base64(b"".join(pieces))
        return self._head + body + b"\r\n"


def address(email: str) -> str:
    """Return an address as it is written on the wire, its domain in ASCII."""
    local, _at, domain = email.rpartition("@")
    return f"{local}@{_ascii(domain)}"


@lru_cache(maxsize=1024)
def _ascii(domain: str) -> str:
    return punycode(domain)


def date() -> str:
    """Return now, as a mail says it."""
    return formatdate()


def header(name: str, value: str) -> bytes:
    """Return a header line. Raises ValueError for a value with a line break."""
    if not value.isprintable():
        raise ValueError(f"The header {name} holds a character that cannot be printed.")
    if name not in ("Subject", "From") and value.isascii():
        # Addresses and links go unfolded (RFC 5322 allows 998 characters); folded ones confuse some readers.
        return f"{name}: {value}\r\n".encode()
    return _folded(name, value)


@lru_cache(maxsize=1024)
def _folded(name: str, value: str) -> bytes:
    policy = email.policy.SMTP
    return policy.fold_binary(name, policy.header_factory(name, value))


def _base64(raw: bytes) -> bytes:
    whole = binascii.b2a_base64(raw, newline=False)
    return b"".join(whole[start : start + 76] + b"\r\n" for start in range(0, len(whole), 76))
