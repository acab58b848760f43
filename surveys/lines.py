"""The ways out of one round of sending: the mailer, and each gateway for text messages, opened when a run first needs it."""

from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from surveys import batches, pace
from surveys.courier import Deliverer
from surveys.letters import Letters, SurveyMail
from surveys.messenger import Messenger
from surveys.models import Gateway, Message, Run
from surveys.short_texts import TextMessage, Texts


class Writer(Protocol):
    """Writes what a message of the ledger says."""

    def write(self, *, run: Run, message: Message) -> SurveyMail | TextMessage:
        """Return the mail or text message of a message."""


@dataclass(frozen=True)
class Line:
    """Who carries, who writes, and whose pace holds."""

    connection: Deliverer
    letters: Writer
    mailer: str


class Lines:
    """Opens each line once and closes what has to be closed."""

    def __init__(self) -> None:
        self._stack, self._lines = ExitStack(), dict[int | None, Line]()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def of(self, gateway_id: int | None) -> Line:
        """Return the line of the campaigns of a gateway, or of those that send e-mails."""
        if gateway_id not in self._lines:
            self._lines[gateway_id] = self._open(gateway_id)
        return self._lines[gateway_id]

    def _open(self, gateway_id: int | None) -> Line:
        if gateway_id is None:
            return Line(self._stack.enter_context(batches.courier()), Letters(), pace.MAILER)
        gateway = Gateway.objects.get(pk=gateway_id)
        return Line(Messenger(gateway), Texts(), pace.mailer_of(gateway_id))
