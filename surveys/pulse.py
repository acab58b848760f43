"""When a run pauses by itself: too many errors in a row or in all, too many bounces, too many complaints.

The figures are those of the big mailbox providers (docs/surveys.md): above 0.3 % complaints they begin to refuse a sender.
"""

import datetime as dt
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from surveys import runs
from surveys.models import Message, Run
from surveys.outcomes import Outcome, Verdict

# So many mails in a row that went wrong stop a run, and so many of the last so many.
MAX_STREAK = 20
MAX_ERRORS, LAST = 25, 500
BOUNCE_STOP = 0.05
COMPLAINT_WARN, COMPLAINT_STOP = 0.001, 0.003
# Below these numbers a share says nothing: one complaint of fifty mails is one person.
LEAST_BOUNCES, LEAST_COMPLAINTS = 10, 3
_WRONG = (Verdict.FAILED, Verdict.UNCERTAIN, Verdict.DEFERRED)


@dataclass
class Pulse:
    """The last outcomes of each run, as one worker saw them; every worker judges for itself."""

    _last: dict[tuple[int, dt.datetime], deque[bool]] = field(default_factory=dict)

    def is_ill(self, *, run: Run, outcomes: Iterable[Outcome]) -> bool:
        """Note how mails of a run fared and return whether too many went wrong; the next count begins anew then."""
        key = (run.pk, run.created_at)
        last = self._last.setdefault(key, deque(maxlen=LAST))
        last.extend(outcome.verdict in _WRONG for outcome in outcomes)
        in_a_row = len(last) >= MAX_STREAK and all(list(last)[-MAX_STREAK:])
        if in_a_row or sum(last) >= MAX_ERRORS:
            del self._last[key]
            return True
        return False


PULSE = Pulse()


@dataclass(frozen=True)
class Reputation:
    """How the mails of a run were received, as far as the provider has reported."""

    left: int
    bounced: int
    complained: int

    @property
    def reason_to_pause(self) -> Run.PauseReason | None:
        """Why the run must stop, None while all is well."""
        if self.complained >= LEAST_COMPLAINTS and self.complained >= COMPLAINT_STOP * self.left:
            return Run.PauseReason.COMPLAINT_RATE
        if self.bounced >= LEAST_BOUNCES and self.bounced >= BOUNCE_STOP * self.left:
            return Run.PauseReason.BOUNCE_RATE
        return None

    @property
    def is_worrying(self) -> bool:
        """Whether complaints are above what the mailbox providers like."""
        return self.complained > 0 and self.complained >= COMPLAINT_WARN * self.left


def reputation(*, run: Run) -> Reputation:
    """Count how the mails of a run were received."""
    states = runs.counts(run=run).states
    return Reputation(
        left=sum(states.get(state, 0) for state in runs.LEFT),
        bounced=states.get(Message.State.BOUNCED, 0),
        complained=states.get(Message.State.COMPLAINED, 0),
    )
