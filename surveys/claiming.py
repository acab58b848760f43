"""Taking the next mails of a run into one worker's hands, after the last look at whether they may still leave.

At most once: a message is claimed before anything is written for it, and a claim whose worker has vanished is taken back
by `surveys.mailing.reap`. docs/surveys.md tells the story with its states.
"""

import datetime as dt
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from customers import statements
from customers.models import Customer
from surveys import channels, courier, ledger_writes, preferences, suppression, windows
from surveys.ledger_writes import grouped
from surveys.models import Invitation, Message, Response, Run
from surveys.outcomes import STOPPING, Outcome
from surveys.quarantine import recently_asked

LEASE = dt.timedelta(minutes=5)
# A batch holds so many hand-overs of the size a crash may leave uncertain; consents are looked at once for each batch.
ROUNDS = 10
MOST = 500
State = Message.State


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
    channel = channels.way_of(run.campaign).consent
    consents = suppression.latest_consents(customer_ids=customer_ids, channel=channel)
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
    for values, pks in grouped(fates):
        skip = values.pop("error", "")
        Message.objects.filter(pk__in=pks, state=State.QUEUED).update(**values)
        if skip:
            # Only the first mail: a link that has left stays open, also for who gets no reminder.
            first = [by_pk[pk].invitation_id for pk in pks if by_pk[pk].kind == Message.Kind.INVITE]
            Invitation.objects.filter(pk__in=first).update(skip=skip)
    return len(fates)
