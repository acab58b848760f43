"""The send loop of mails and text messages: claim in batches (`surveys.claiming`), write down the intent, hand over, write
down what happened.

At most once: a message is `sending` in the database before the network hears of it, and whatever is still `sending` after
its lease is uncertain, never queued. docs/surveys.md tells the story with its states.
"""

import datetime as dt
import logging
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from customers import heartbeats
from customers.statements import Statement
from surveys import courier, ledger_writes, pace, pulse, runs, suppression
from surveys.claiming import LEASE, MOST, Batch, claim
from surveys.ledger_writes import grouped
from surveys.lines import Lines, Writer
from surveys.models import Message, Run, Suppression
from surveys.outcomes import Outcome, Verdict

logger = logging.getLogger(__name__)

# So long before the end of its lease a worker stops handing over; longer than a hand-over can last.
MARGIN = dt.timedelta(seconds=60)
MAX_TRIES = 8
SHORTEST_DELAY, LONGEST_DELAY = 30, 3600  # seconds
# So long the last look at consents holds; what has not left by then is looked at again.
FRESH = 5.0  # seconds
# A mail that has been due for so long says that no sender is at work.
LATE = dt.timedelta(minutes=5)
# Providers that know a message again keep it for 24 hours (Resend).
REPLAY = dt.timedelta(hours=23)
State = Message.State
Clock = Callable[[], dt.datetime]


def send_due(*, clock: Clock = timezone.now, seconds: float = 200, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Send every message that is due, at most for some seconds, and return whether the time ran out with some left.

    Runs take turns, a batch each, as fast as their account may. Any number of workers may do this at once.
    """
    deadline = time.monotonic() + seconds
    resting: set[int] = set()
    with Lines() as lines:
        while due := [(pk, gateway_id) for pk, gateway_id in _due_runs(clock()) if pk not in resting]:
            rests: list[float] = []
            for run_id, gateway_id in due:
                if time.monotonic() > deadline:
                    return True
                heartbeats.beat(queue="send", now=clock())
                line = lines.of(gateway_id)
                tokens = pace.lease(wanted=MOST, now=clock(), mailer=line.mailer)
                if not tokens:
                    rests.append(min(1.0, 1 / (pace.per_second(now=clock(), mailer=line.mailer) or 1.0)))
                    continue
                batch = claim(run_id=run_id, now=clock(), most=tokens)
                if not batch.size or not send(batch, connection=line.connection, letters=line.letters, clock=clock):
                    resting.add(run_id)
                pace.give_back(tokens=tokens - len(batch.begun), mailer=line.mailer)
            # Where one account may send nothing at the moment, the others go on.
            if len(rests) == len(due):
                sleep(min(rests))
    return False


def _due_runs(now: dt.datetime) -> list[tuple[int, int | None]]:
    """Return the runs with something to send and their gateways; what a gateway out of use has to send waits."""
    due = Message.objects.filter(run=OuterRef("pk"), state=State.QUEUED, not_before__lte=now)
    sending = Run.objects.filter(Exists(due), phase=Run.Phase.SENDING).exclude(campaign__gateway__is_active=False)
    # Campaigns of higher priority first: whoever comes second finds that the customer has been asked.
    return list(sending.order_by("campaign__priority", "pk").values_list("pk", "campaign__gateway"))


def begin(batch: Batch, *, now: dt.datetime, account: str = "") -> list[Message]:
    """Commit what is known so far and that the next few messages are being sent, and return these.

    None are left when all were begun, the run was paused, or the last look at the consents is too old. `account` names
    the provider's account where it takes a message again without sending it twice.
    """
    waiting = [message for message in batch.messages if message.pk not in batch.begun]
    if batch.begun and time.monotonic() - batch.checked_at > FRESH:
        return []
    chunk = waiting[: batch.run.campaign.per_claim]
    if not chunk:
        return []
    batch.stop_at = time.monotonic() + (LEASE - MARGIN).total_seconds()
    repeatable = {"replay_until": now + REPLAY, "replay_account": account} if account else {}
    intent = ledger_writes.intent(
        {"lease_until": now + LEASE, **repeatable}, pks=[message.pk for message in chunk], claim=batch.claim
    )
    changes = _changes(batch, now)
    *written, begun = ledger_writes.commit(*_outcome_statements(batch, changes), intent)
    _note_written(batch, changes, written)
    chunk = [message for message in chunk if message.pk in begun]
    for message in chunk:
        message.tries += 1
        batch.begun.add(message.pk)
    return chunk


def send(batch: Batch, *, connection: courier.Deliverer, letters: Writer, clock: Clock = timezone.now) -> bool:
    """Hand a batch over a few at a time, write down every outcome, and return whether the run may go on at once.

    Whatever interrupts it, the outcomes already known are written and the messages not begun are given back.
    """
    started, is_ill = time.monotonic(), False
    try:
        while chunk := begin(batch, now=clock(), account=connection.replay_account):
            connection.deliver(_parcels(batch, chunk, letters))
            known = [batch.parcels[message.pk].outcome for message in chunk if message.pk in batch.parcels]
            is_ill = pulse.PULSE.is_ill(run=batch.run, outcomes=filter(None, known))
            if batch.stopped_by or is_ill:
                break
    finally:
        write_back(batch, now=clock())
    return _conclude(batch, is_ill=is_ill, seconds=time.monotonic() - started, now=clock())


def send_begun(batch: Batch, *, connection: courier.Deliverer, letters: Writer, clock: Clock) -> bool:
    """Hand over a batch that is committed as being sent already, as `send` does."""
    started = time.monotonic()
    try:
        connection.deliver(_parcels(batch, batch.messages, letters))
    finally:
        write_back(batch, now=clock())
    return _conclude(batch, is_ill=False, seconds=time.monotonic() - started, now=clock())


def _conclude(batch: Batch, *, is_ill: bool, seconds: float, now: dt.datetime) -> bool:
    """Draw the conclusions of a batch and return whether the run may go on at once."""
    _suppress(batch, now)
    stopped_by = batch.stopped_by
    if stopped_by and stopped_by.verdict == Verdict.REFUSED_ACCOUNT:
        _pause(batch.run, Run.PauseReason.PROVIDER_AUTH)
    elif is_ill:
        _pause(batch.run, Run.PauseReason.ERROR_RATE)
    if stopped_by and stopped_by.verdict == Verdict.THROTTLED:
        mailer = pace.mailer_of(batch.run.campaign.gateway_id)
        pace.throttled(observed=len(batch.outcomes) / max(seconds, 0.001), now=now, mailer=mailer)
    return stopped_by is None


def _parcels(batch: Batch, chunk: list[Message], letters: Writer) -> Iterator[courier.Parcel]:
    """Write mails one by one, as long as the lease is sure to outlast the handing over."""
    for message in chunk:
        if time.monotonic() >= batch.stop_at:
            return
        parcel = batch.parcels[message.pk] = courier.Parcel(letters.write(run=batch.run, message=message))
        yield parcel


def _suppress(batch: Batch, now: dt.datetime) -> None:
    outcomes = batch.outcomes
    for message in batch.messages:
        if (outcome := outcomes.get(message.pk)) and outcome.suppress:
            suppression.suppress(
                email=message.invitation.email,
                scope=Suppression.Scope.ALL,
                reason=outcome.suppress,
                source=f"message:{message.pk}",
                occurred_at=now,
            )


def write_back(batch: Batch, *, now: dt.datetime) -> int:
    """Write what is known of a batch and give the rest back, in one transaction; return how many were still ours.

    A message whose lease was taken away in the meantime is not touched.
    """
    stopped_by = batch.stopped_by
    wait = _delay(1, stopped_by.retry_after) if stopped_by else dt.timedelta()
    unused = {}
    for message in batch.messages:
        parcel = batch.parcels.get(message.pk)
        if message.pk not in batch.written and (parcel is None or not (parcel.is_begun or parcel.outcome)):
            tries = message.tries - (message.pk in batch.begun)
            later = now + wait if wait else message.not_before
            unused[message.pk] = _given_back(later, tries=tries, is_replay=batch.is_replay)
    back = [
        ledger_writes.change(values, pks=pks, states=[State.CLAIMED, State.SENDING], claim=batch.claim)
        for values, pks in grouped(unused)
    ]
    changes = _changes(batch, now)
    outcomes = _outcome_statements(batch, changes)
    touched = ledger_writes.commit(*outcomes, *back)
    _note_written(batch, changes, touched[: len(outcomes)])
    return sum(map(len, touched))


def _changes(batch: Batch, now: dt.datetime) -> dict[uuid.UUID, dict[str, Any]]:
    """Return what the outcomes that are not written yet write into their messages."""
    return {
        message.pk: _after(outcome, message, now, is_replay=batch.is_replay)
        for message in batch.messages
        if message.pk not in batch.written and (outcome := batch.outcome_of(message))
    }


def _outcome_statements(batch: Batch, changes: dict[uuid.UUID, dict[str, Any]]) -> list[Statement]:
    found = []
    for values, pks in grouped(changes):
        names = {pk: batch.parcels[pk].outcome.provider_id for pk in pks}
        if known := {pk: name for pk, name in names.items() if name}:
            values["provider_id"] = ledger_writes.by_message("provider_id", known)
        found.append(ledger_writes.change(values, pks=pks, states=[State.SENDING], claim=batch.claim))
    return found


def _note_written(batch: Batch, changes: dict[uuid.UUID, dict[str, Any]], written: list[set[uuid.UUID]]) -> None:
    if missed := len(changes) - sum(map(len, written)):
        # A webhook was quicker than we are, or the lease was over.
        logger.warning("%d messages of run %s were no longer ours to write", missed, batch.run.pk)
    batch.written |= changes.keys()


def _after(outcome: Outcome, message: Message, now: dt.datetime, *, is_replay: bool) -> dict[str, Any]:
    """Return what an outcome writes into its message."""
    finished = {"error": outcome.error, "finished_at": now}
    free = {"tries": message.tries - 1, "error": outcome.error, "is_replay": is_replay}
    match outcome.verdict:
        case Verdict.ACCEPTED:
            return {"state": State.ACCEPTED} | finished
        case Verdict.UNCERTAIN:
            # Where the provider knows it again, it is asked once more then.
            return {"state": State.UNCERTAIN, "not_before": now + _delay(message.tries, 0)} | finished
        case Verdict.UNREACHABLE | Verdict.REFUSED_ACCOUNT:
            return _given_back(now + _delay(1, 0), **free)
        case Verdict.THROTTLED if not outcome.is_attempt:
            return _given_back(now + _delay(1, outcome.retry_after), **free)
        case Verdict.DEFERRED | Verdict.THROTTLED if message.tries < MAX_TRIES or is_replay:
            # Behind its neighbours, so that one bad recipient does not hold up the rest.
            later = now + _delay(message.tries + 1, outcome.retry_after)
            return _given_back(later, tries=message.tries, error=outcome.error, is_replay=is_replay)
    return {"state": State.FAILED} | finished


def _given_back(not_before: dt.datetime, *, tries: int, error: str = "", is_replay: bool = False) -> dict[str, Any]:
    """Return what puts a message back to where it was claimed from."""
    state = State.UNCERTAIN if is_replay else State.QUEUED
    values = {"state": state, "claim": None, "lease_until": None, "tries": tries, "not_before": not_before}
    return values if is_replay else values | {"error": error}


def _delay(tries: int, retry_after: int) -> dt.timedelta:
    """Return how long to wait: from half a minute, doubled each time up to an hour, and up to a quarter more by chance."""
    seconds = max(retry_after, min(LONGEST_DELAY, SHORTEST_DELAY * 2 ** (tries - 1)))
    return dt.timedelta(seconds=seconds * (1 + secrets.randbelow(250) / 1000))


def _pause(run: Run, reason: Run.PauseReason) -> None:
    try:
        runs.pause(run=run, reason=reason)
    except runs.RunNotInPhase:
        return  # somebody was quicker
    logger.error("Paused run %s: %s", run.pk, reason)


def due_since(*, now: dt.datetime) -> dt.datetime | None:
    """Return since when a mail has been due without being sent, None unless it is long enough to wonder.

    An account with a pace of its own may have to let mails wait, and so may a large run while a sender is at work.
    """
    if pace.per_second(now=now) is not None or heartbeats.is_beating(queue="send", now=now):
        return None
    late = Message.objects.filter(run=OuterRef("pk"), state=State.QUEUED, not_before__lte=now - LATE)
    runs_late = Run.objects.filter(Exists(late), phase=Run.Phase.SENDING).values("pk")
    oldest = Message.objects.filter(run__in=runs_late, state=State.QUEUED).order_by("not_before").first()
    return oldest.not_before if oldest else None


def reap(*, now: dt.datetime) -> int:
    """Mark every message whose worker has vanished while sending as uncertain and return how many.

    None of them is queued again. Those that were only claimed have met no network yet, so they are.
    """
    # What a worker gave back while its run was being ended.
    for phase, state in ((Run.Phase.CANCELLED, State.CANCELLED), (Run.Phase.CLOSED, State.EXPIRED)):
        Message.objects.filter(state=State.QUEUED, run__phase=phase).update(state=state, finished_at=now)
    lost = Message.objects.filter(lease_until__lt=now)
    lost.filter(state=State.CLAIMED).update(state=State.QUEUED, claim=None, lease_until=None)
    return lost.filter(state=State.SENDING).update(
        state=State.UNCERTAIN, finished_at=now, not_before=now, error="The worker vanished while sending."
    )
