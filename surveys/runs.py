"""Runs: what became of every customer considered, and what people decide about the rest.

Only decisions are stored (`phase`); whether a run is sent follows from its messages, so it never says "sent" too early.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from surveys import comparing
from surveys.models import Invitation, Message, Run
from surveys.models.message import UNFINISHED_STATES

LIVE_PHASES = (Run.Phase.PREPARING, Run.Phase.SENDING, Run.Phase.PAUSED)
# The mail may be in the customer's mailbox.
MAYBE_SENT = (
    Message.State.CLAIMED, Message.State.SENDING, Message.State.ACCEPTED, Message.State.DELIVERED, Message.State.BOUNCED,
    Message.State.COMPLAINED, Message.State.UNCERTAIN, Message.State.WRITTEN_OFF,
)  # fmt: skip
NOT_LEFT = (Message.State.QUEUED, Message.State.CLAIMED)
LEFT = (Message.State.ACCEPTED, Message.State.DELIVERED, Message.State.BOUNCED, Message.State.COMPLAINED)


class RunNotInPhase(Exception):
    """The run cannot do this now."""

    def __init__(self, *, run: Run) -> None:
        self.run = run
        super().__init__(_("This is not possible: the run is %(phase)s.") % {"phase": run.get_phase_display()})


@dataclass(frozen=True)
class Counts:
    """How many customers were considered, skipped (by reason), and first mails by state; they always add up."""

    considered: int
    skips: dict[str, int]
    states: dict[str, int]
    reminders: dict[str, int] = field(default_factory=dict)

    @property
    def skipped(self) -> int:
        """Customers who were not written to, for one of the reasons."""
        return sum(self.skips.values())

    @property
    def left(self) -> int:
        """First mails that the provider took."""
        return sum(self.states.get(state, 0) for state in LEFT)

    @property
    def unfinished(self) -> int:
        """Messages that still have to leave."""
        return sum(states.get(state, 0) for states in (self.states, self.reminders) for state in UNFINISHED_STATES)

    @property
    def uncertain(self) -> int:
        """Messages of which nobody knows whether they left."""
        return sum(states.get(Message.State.UNCERTAIN, 0) for states in (self.states, self.reminders))


def counts(*, run: Run) -> Counts:
    """Count a run in two queries. Skipped messages are counted under their invitation's reason."""
    by_kind: dict[str, dict[str, int]] = {kind: {} for kind in Message.Kind}
    for kind, state, number in run.messages.order_by().values_list("kind", "state").annotate(Count("pk")):
        by_kind[kind][state] = number
    states = by_kind[Message.Kind.INVITE]
    states.pop(Message.State.SKIPPED, None)
    return Counts(
        considered=run.invitations.count(),
        skips=skips(runs=[run]),
        states=states,
        reminders=by_kind[Message.Kind.REMINDER],
    )


def skips(*, runs: Iterable[Run]) -> dict[str, int]:
    """Count who was considered in some runs and not written to, by reason."""
    skipped = Invitation.objects.filter(run__in=runs).exclude(skip="")
    return dict(skipped.order_by().values_list("skip").annotate(Count("pk")))


def state(*, run: Run, is_unfinished: bool) -> str:
    """Return the run's state in words, derived from its phase and whether messages still have to leave."""
    if run.phase == Run.Phase.PAUSED:
        return _("paused: %(reason)s") % {"reason": run.get_pause_reason_display()}
    if run.phase == Run.Phase.SENDING and not is_unfinished:
        return _("sent")
    return run.get_phase_display()


def pause(*, run: Run, reason: Run.PauseReason) -> None:
    """Stop claiming; at most the batch in hand still leaves. Raises RunNotInPhase unless it is being sent."""
    _move(run, (Run.Phase.SENDING,), phase=Run.Phase.PAUSED, pause_reason=reason)


def resume(*, run: Run) -> None:
    """Go on sending. Raises RunNotInPhase unless the run is paused."""
    _move(run, (Run.Phase.PAUSED,), phase=Run.Phase.SENDING, pause_reason="")


def add_newcomers(*, run: Run, now: dt.datetime) -> None:
    """Consider everybody again who belongs to the audience by now; whoever has a row in this run keeps it.

    Raises RunNotInPhase unless the run is being sent. Sending goes on when they have been considered.
    """
    _move(run, (Run.Phase.SENDING,), phase=Run.Phase.PREPARING, prepared_through=0, audience_at=now)


def cancel(*, run: Run, now: dt.datetime) -> None:
    """Drop every mail that has not left. Raises RunNotInPhase when the run is over."""
    _end(run, Run.Phase.CANCELLED, Message.State.CANCELLED, LIVE_PHASES, now)


def close(*, run: Run, now: dt.datetime) -> None:
    """End the run: no link can be answered from now on, queued mails expire. Raises RunNotInPhase when it is over."""
    _end(run, Run.Phase.CLOSED, Message.State.EXPIRED, LIVE_PHASES, now)


def close_due(*, now: dt.datetime) -> int:
    """Close the runs whose answering time is over and return how many."""
    due = list(Run.objects.filter(phase__in=LIVE_PHASES, closes_at__lte=now).order_by("pk"))
    for run in due:
        close(run=run, now=now)
    return len(due)


def _end(run: Run, phase: Run.Phase, state: Message.State, allowed: tuple[Run.Phase, ...], now: dt.datetime) -> None:
    with transaction.atomic():
        _move(run, allowed, phase=phase, pause_reason="")
        run.messages.filter(state__in=NOT_LEFT).update(state=state, finished_at=now)
        if run.campaign.trigger == run.campaign.Trigger.ONE_OFF:
            comparing.close(campaign=run.campaign, now=now, is_cut_short=phase == Run.Phase.CANCELLED)


def _move(run: Run, allowed: tuple[Run.Phase, ...], **values: Any) -> None:
    """Change the phase where it still is one of those allowed; two people pressing at once move it once."""
    if not Run.objects.filter(pk=run.pk, phase__in=allowed).update(**values):
        run.refresh_from_db()
        raise RunNotInPhase(run=run)
    for name, value in values.items():
        setattr(run, name, value)
