"""The opened connection of the surveys' mailer: each mail is handed over once, and never a second time by itself.

A courier takes parcels one after the other and writes down of each whether its handing over began and what came of it.
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from types import TracebackType
from typing import Any, Protocol, Self

from django.conf import settings
from django.core.mail import mailers
from django.core.mail.backends import smtp

from surveys.outcomes import STOPPING, Outcome, Verdict, classify, classify_opening
from surveys.pipeline import Pipeline

logger = logging.getLogger(__name__)

MAILER = "surveys"
_BROKEN = (Verdict.UNCERTAIN, Verdict.DEFERRED, *STOPPING)


@dataclass(slots=True)
class Parcel:
    """One mail, or text message (surveys.short_texts), on its way. From `is_begun` on, the other side may have it."""

    mail: Any
    is_begun: bool = False
    outcome: Outcome | None = None


class Deliverer(Protocol):
    """What the send loop asks of a courier; each channel may have one of its own."""

    replay_account: str  # the account, where it takes a message again without sending it twice; otherwise empty

    def deliver(self, parcels: Iterable[Parcel]) -> None:
        """Hand the parcels over in turn; stop early when an outcome says that those behind would fare no better."""


class Courier:
    """Opens the connection with the first mail, and anew after anything that may have broken it."""

    def __init__(self) -> None:
        self._connection: Any = None

    @property
    def replay_account(self) -> str:
        """A hash that stands for the account in use, where its provider knows a message again; otherwise empty."""
        settings_now = settings.MAILERS[MAILER]
        module = settings_now["BACKEND"].rpartition(".")[0]
        if not getattr(import_module(module), "IDEMPOTENT", False):
            return ""
        return hashlib.sha256(json.dumps(settings_now, sort_keys=True).encode()).hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def deliver(self, parcels: Iterable[Parcel]) -> None:
        """Hand over one parcel after the other."""
        waiting = Waiting(parcels)
        while (parcel := next(waiting, None)) is not None:
            parcel.outcome = self._open()
            if parcel.outcome is None and (line := self._pipeline()):
                last = line.carry(parcel, waiting)
                if line.is_broken:
                    self._close()
            else:
                last = parcel.outcome = parcel.outcome or self._hand_over(parcel)
                if last.verdict in _BROKEN:
                    self._close()
            if last is not None and last.verdict in STOPPING:
                self._close()
                return

    def _hand_over(self, parcel: Parcel) -> Outcome:
        """Give one mail to the mailer and return what that means; raises nothing that a mailer may raise."""
        mail, error, taken = parcel.mail.as_email(), None, None
        parcel.is_begun = True
        try:
            taken = self._connection.send_messages([mail])
        except Exception as raised:
            error = raised
        return classify(email=parcel.mail.email, mail=mail, error=error, taken=taken)

    def _pipeline(self) -> Pipeline | None:
        """Return the quick way, where the mailer speaks SMTP itself and the server at the other end allows it."""
        if type(self._connection) is not smtp.EmailBackend or not self._connection.connection.has_extn("pipelining"):
            return None
        return Pipeline(self._connection.connection)

    def _open(self) -> Outcome | None:
        """Open the connection unless it is; return what a failure means."""
        try:
            if self._connection is None:
                self._connection = mailers[MAILER]
                self._connection.open()
        except Exception as error:
            self._close()
            logger.warning("Could not connect to the surveys' mailer: %s", type(error).__name__)
            return classify_opening(error)
        return None

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # A broken line may not even be closed politely.
            with suppress(Exception):
                connection.close()


class Waiting:
    """Parcels not yet taken; one that was taken too early can be put back."""

    def __init__(self, parcels: Iterable[Parcel]) -> None:
        self._parcels = iter(parcels)
        self._put_back: list[Parcel] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Parcel:
        return self._put_back.pop() if self._put_back else next(self._parcels)

    def put_back(self, parcel: Parcel) -> None:
        """Let this one be the next."""
        self._put_back.append(parcel)
