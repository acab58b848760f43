"""SMTP with pipelining (RFC 2920): the text of one mail and the envelope of the next travel together.

A mail costs one round trip instead of four. What it means when the line breaks stays as plain to tell: a text that has
begun to flow may have been taken, an envelope alone never is.
"""

import re
import smtplib
from email.utils import parseaddr
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from surveys import mime
from surveys.outcomes import STOPPING, Outcome, Verdict, classify_reply, classify_sender, described

if TYPE_CHECKING:
    from surveys.courier import Parcel, Waiting

# What an address may look like inside a command: nothing that could end the address or the command.
_ADDRESS = re.compile(r"[!-;=?A-~]+@[!-;=?A-~]+")
_RESET = b"RSET\r\n"


class _Ready(NamedTuple):
    """A parcel with its bytes: everything that can go wrong on this side has been tried."""

    parcel: "Parcel"
    envelope: bytes
    text: bytes


class Pipeline:
    """One opened connection; `carry` hands over until nothing waits, nothing more would be taken, or the line is broken."""

    def __init__(self, server: smtplib.SMTP) -> None:
        self._server = server
        self.is_broken = False

    def carry(self, parcel: "Parcel", waiting: "Waiting") -> Outcome | None:
        """Hand over this parcel and those waiting, and return the last outcome."""
        waiting.put_back(parcel)
        current = _next(waiting)
        if current is None:
            return None
        try:
            self._server.sock.sendall(current.envelope)
        except OSError as error:
            return self._broke(current, error)
        while True:
            following = None
            try:
                outcome = self._envelope_reply()
                following = _next(waiting)
                onwards = following.envelope if following else b""
                if outcome is None:
                    current.parcel.is_begun = True
                    self._server.sock.sendall(current.text + onwards)
                    outcome = classify_reply(*self._server.getreply())
                else:
                    self._server.sock.sendall(_RESET + onwards)
                    self._server.getreply()
            except (OSError, smtplib.SMTPException) as error:
                if following:
                    waiting.put_back(following.parcel)
                return self._broke(current, error)
            current.parcel.outcome = outcome
            if outcome.verdict in STOPPING:
                # The next one's envelope may be under way; without its text it is nothing.
                self.is_broken = True
                return outcome
            if following is None:
                return outcome
            current = following

    def _envelope_reply(self) -> Outcome | None:
        """Read the three replies to an envelope; None means that the text may follow."""
        sender, recipient, go = (self._server.getreply() for _command in range(3))
        if go[0] == 354 and (sender[0] >= 400 or recipient[0] >= 400):
            # RFC 2920, 3.1: a server that asks for the text all the same gets none.
            self._server.sock.sendall(b".\r\n")
            self._server.getreply()
        if sender[0] >= 400:
            return classify_sender(*sender)
        if recipient[0] >= 400:
            return classify_reply(*recipient)
        return None if go[0] == 354 else classify_reply(*go)

    def _broke(self, current: _Ready, error: Exception) -> Outcome:
        """Judge a broken line by whether the text had begun to flow (RFC 1047); before that it is an attempt all the same."""
        self.is_broken = True
        verdict = Verdict.UNCERTAIN if current.parcel.is_begun else Verdict.DEFERRED
        current.parcel.outcome = current.parcel.outcome or Outcome(verdict, described(error))
        return current.parcel.outcome


def _next(waiting: "Waiting") -> _Ready | None:
    """Return the next parcel that can be written; one that cannot has failed."""
    for parcel in waiting:
        try:
            envelope = _envelope(parcel.mail.sender, parcel.mail.email)
            text = parcel.mail.as_bytes().replace(b"\r\n.", b"\r\n..") + b".\r\n"
        except ValueError as error:
            parcel.outcome = Outcome(Verdict.FAILED, described(error))
        else:
            return _Ready(parcel, envelope, text)
    return None


def _envelope(sender: str, recipient: str) -> bytes:
    return b"MAIL FROM:<%b>\r\nRCPT TO:<%b>\r\nDATA\r\n" % (_plain(sender), _command_address(recipient))


@lru_cache(maxsize=16)
def _plain(sender: str) -> bytes:
    return _command_address(parseaddr(sender)[1])


def _command_address(email: str) -> bytes:
    written = mime.address(email)
    if not _ADDRESS.fullmatch(written):
        raise ValueError("The address cannot be used in SMTP.")
    return written.encode("ascii")
