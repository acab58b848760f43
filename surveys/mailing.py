"""The send loop: claim in batches, write down the intent, hand over, write down what happened.

At most once: a message is `sending` in the database before the network hears of it, and whatever is still `sending` after
its lease is uncertain, never queued. docs/surveys.md tells the story with its states.
"""

import datetime as dt
import logging
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from customers import heartbeats, statements
from customers.models import Customer
from customers.statements import Statement
from surveys import batches, courier, ledger_writes, pace, preferences, pulse, runs, suppression, windows
from surveys.letters import Letters
from surveys.models import Invitation, Message, Response, Run, Suppression
from surveys.outcomes import STOPPING, Outcome, Verdict
from surveys.quarantine import recently_asked

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=5)
# So long before the end of its lease a worker stops handing over; longer than a hand-over can last.
MARGIN = dt.timedelta(seconds=60)
MAX_TRIES = 8
SHORTEST_DELAY, LONGEST_DELAY = 30, 3600  # seconds
# A batch holds so many hand-overs of the size a crash may leave uncertain; consents are looked at once for each batch.
ROUNDS = 10
# So long the last look at consents holds; what has not left by then is looked at again.
FRESH = 5.0  # seconds
MOST = 500
# A mail that has been due for so long says that no sender is at work.
LATE = dt.timedelta(minutes=5)
# Providers that know a message again keep it for 24 hours (Resend).
REPLAY = dt.timedelta(hours=23)
State = Message.State
Clock = Callable[[], dt.datetime]


@dataclass
class Batch:
    """Messages in the hands of one worker, and what became of each."""

    run: Run
    claim: uuid.UUID
    checked_at: float  # on the monotonic clock
    messages: list[Message]
    dropped: int = 0
    is_replay: bool = False  # of uncertain messages, at a provider that knows them again
    stop_at: float = 0.0  # on the monotonic clock
    begun: set[uuid.UUID] = field(default_factory=set)  # `sending` in the database
    parcels: dict[uuid.UUID, courier.Parcel] = field(default_factory=dict)
    written: set[uuid.UUID] = field(default_factory=set)

    @property
    def size(self) -> int:
        """How many messages were looked at."""
        return len(self.messages) + self.dropped

    def outcome_of(self, message: Message) -> Outcome | None:
        """What became of a message, as far as it is known."""
        parcel = self.parcels.get(message.pk)
        return parcel.outcome if parcel else None

    @property
    def outcomes(self) -> dict[uuid.UUID, Outcome]:
        """What is known so far, by message."""
        return {pk: parcel.outcome for pk, parcel in self.parcels.items() if parcel.outcome is not None}

    @property
    def stopped_by(self) -> Outcome | None:
        """The outcome that says that the mails behind it would fare no better."""
        return next((outcome for outcome in self.outcomes.values() if outcome.verdict in STOPPING), None)


def send_due(*, clock: Clock = timezone.now, seconds: float = 200, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Send every message that is due, at most for some seconds, and return whether the time ran out with some left.

    Runs take turns, a batch each, as fast as the account may. Any number of workers may do this at once.
    """
    deadline = time.monotonic() + seconds
    resting: set[int] = set()
    letters = Letters()
    with batches.courier() as connection:
        while due := [pk for pk in _due_runs(clock()) if pk not in resting]:
            for run_id in due:
                if time.monotonic() > deadline:
                    return True
                heartbeats.beat(queue="send", now=clock())
                tokens = pace.lease(wanted=MOST, now=clock())
                if not tokens:
                    sleep(min(1.0, 1 / (pace.per_second(now=clock()) or 1.0)))
                    continue
                batch = claim(run_id=run_id, now=clock(), most=tokens)
                if not batch.size or not send(batch, connection=connection, letters=letters, clock=clock):
                    resting.add(run_id)
                pace.give_back(tokens=tokens - len(batch.begun))
    return False


def _due_runs(now: dt.datetime) -> list[int]:
    due = Message.objects.filter(run=OuterRef("pk"), state=State.QUEUED, not_before__lte=now)
    sending = Run.objects.filter(Exists(due), phase=Run.Phase.SENDING)
    # Campaigns of higher priority first: whoever comes second finds that the customer has been asked.
    return list(sending.order_by("campaign__priority", "pk").values_list("pk", flat=True))


def claim(*, run_id: int, now: dt.datetime, most: int = MOST) -> Batch:
    """Take the next messages of a run, drop those that must no longer leave, and commit the rest as `claimed`.

    The last look at consent, suppression, window and quarantine happens here, with the customers' rows locked, so that
    two runs cannot both find that somebody has not been asked yet.
    """
    batch = Batch(run=Run(pk=run_id), claim=uuid.uuid4(), checked_at=time.monotonic(), messages=[])
    with transaction.atomic(durable=True):
        batch.run = Run.objects.select_related("campaign", "version__survey").get(pk=run_id)
        messages = _lock_next(batch.run, now, most)
        fates = _recheck(batch.run, messages, now)
        leaving = [message for message in messages if message.pk not in fates]
        batch.dropped = _drop(fates, messages, now)
        # On PostgreSQL the rows are locked, on SQLite the transaction is alone; the condition holds the line on both.
        batch.messages = leaving if _take(batch, leaving, now) else []
    return batch


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


def _lock_next(run: Run, now: dt.datetime, most: int) -> list[Message]:
    """Lock the next messages that nobody else is claiming."""
    if run.phase != Run.Phase.SENDING:
        return []
    due = run.messages.filter(state=State.QUEUED, not_before__lte=now).order_by("not_before", "pk")
    return list(
        due.select_for_update(skip_locked=True, of=("self",)).select_related("invitation")[
            : min(most, run.campaign.per_claim * ROUNDS)
        ]
    )


def _take(batch: Batch, leaving: list[Message], now: dt.datetime) -> bool:
    """Put messages into the batch's hands and return whether they were all still to be had."""
    values = {"state": State.CLAIMED, "claim": batch.claim, "lease_until": now + LEASE}
    if not leaving:
        return True
    claimed = ledger_writes.change(values, pks=[message.pk for message in leaving], states=[State.QUEUED])
    return len(statements.run(claimed)[0]) == len(leaving)


def _lock_customers(customer_ids: Iterable[int]) -> set[int]:
    """Lock customers, always in the order of their keys, and return those who are gone: erased, or merged into another."""
    customers = Customer.objects.filter(pk__in=set(customer_ids)).select_for_update(no_key=True).order_by("pk")
    rows = customers.values_list("pk", "erased_at", "merged_into")
    return {pk for pk, erased_at, merged_into in rows if erased_at or merged_into}


def _recheck(run: Run, messages: list[Message], now: dt.datetime) -> dict[uuid.UUID, dict[str, Any]]:
    """Lock the customers and return, for the messages that must not leave now, what to write into them instead."""
    invitations = [message.invitation for message in messages]
    customer_ids = [invitation.customer_id for invitation in invitations]
    gone = _lock_customers(customer_ids)
    suppressed = suppression.suppressed(emails=[invitation.email for invitation in invitations])
    consents = suppression.latest_consents(customer_ids=customer_ids)
    recent = recently_asked(campaign=run.campaign, run=run, customer_ids=customer_ids, now=now)
    recent |= preferences.unwilling(campaign=run.campaign, customer_ids=customer_ids, now=now)
    answered = {invitation.pk for invitation in invitations if invitation.has_answered}
    if reminded := [message.invitation_id for message in messages if message.kind == Message.Kind.REMINDER]:
        declined = Response.objects.filter(invitation__in=reminded, declined_at__isnull=False)
        answered |= set(declined.values_list("invitation", flat=True))
        quiet = preferences.without_reminders(customer_ids=customer_ids)
        answered |= {
            it.invitation_id for it in messages if it.invitation_id in reminded and it.invitation.customer_id in quiet
        }
    hours = {"hour_from": run.campaign.hour_from, "hour_until": run.campaign.hour_until}
    zones = {invitation.time_zone for invitation in invitations}
    openings = {zone: windows.next_opening(moment=now, time_zone=zone, **hours) for zone in zones}
    fates = {}
    for message, invitation in zip(messages, invitations, strict=True):
        opening = openings[invitation.time_zone]
        skip = suppression.refusal(
            suppression=suppressed.get(invitation.email_normalised), consent=consents.get(invitation.customer_id)
        )
        skip = skip or recent.get(invitation.customer_id, "")
        if invitation.customer_id in gone:
            skip = Invitation.Skip.NO_CONSENT
        if invitation.pk in answered:
            skip = Invitation.Skip.ALREADY_ANSWERED
        if max(opening, now) >= run.closes_at:
            fates[message.pk] = {"state": State.EXPIRED, "finished_at": now}
        elif skip:
            fates[message.pk] = {"state": State.SKIPPED, "finished_at": now, "error": skip}
        elif opening > now:
            fates[message.pk] = {"not_before": opening}
    return fates


def _drop(fates: dict[uuid.UUID, dict[str, Any]], messages: list[Message], now: dt.datetime) -> int:
    by_pk = {message.pk: message for message in messages}
    for values, pks in _grouped(fates):
        skip = values.pop("error", "")
        Message.objects.filter(pk__in=pks, state=State.QUEUED).update(**values)
        if skip:
            # Only the first mail: a link that has left stays open, also for who gets no reminder.
            first = [by_pk[pk].invitation_id for pk in pks if by_pk[pk].kind == Message.Kind.INVITE]
            Invitation.objects.filter(pk__in=first).update(skip=skip)
    return len(fates)


def _grouped(
    changes: dict[uuid.UUID, dict[str, Any]],
) -> Iterable[tuple[dict[str, Any], list[uuid.UUID]]]:
    """Return the rows that get the same values together."""
    groups: dict[tuple[tuple[str, Any], ...], list[uuid.UUID]] = {}
    for pk, values in changes.items():
        groups.setdefault(tuple(values.items()), []).append(pk)
    return [(dict(values), pks) for values, pks in groups.items()]


def send(batch: Batch, *, connection: courier.Deliverer, letters: Letters, clock: Clock = timezone.now) -> bool:
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


def send_begun(batch: Batch, *, connection: courier.Deliverer, letters: Letters, clock: Clock) -> bool:
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
        pace.throttled(observed=len(batch.outcomes) / max(seconds, 0.001), now=now)
    return stopped_by is None


def _parcels(batch: Batch, chunk: list[Message], letters: Letters) -> Iterator[courier.Parcel]:
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
        for values, pks in _grouped(unused)
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
    for values, pks in _grouped(changes):
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
