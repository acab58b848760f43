"""Uncertain mails that settle themselves: a provider that knows a message again is asked once more.

It answers as it did the first time, or takes the mail if it never got it; either way it leaves once. Only within the time
that the provider keeps its keys, only at the account that had the message, and only while the run is being sent.
"""

import datetime as dt
import time
import uuid

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from surveys import courier, suppression
from surveys.claiming import LEASE, Batch
from surveys.letters import Letters
from surveys.mailing import MARGIN, Clock, send_begun
from surveys.models import Message, Run

AT_ONCE = 20


def replay_due(*, clock: Clock = timezone.now) -> int:
    """Ask again about the uncertain messages that allow it and return how many were asked about."""
    asked = 0
    with courier.Courier() as connection:
        if not connection.replay_account:
            return 0
        while (batch := _claim(account=connection.replay_account, now=clock())) is not None:
            asked += len(batch.messages)
            if not send_begun(batch, connection=connection, letters=Letters(), clock=clock):
                break
    return asked


def _claim(*, account: str, now: dt.datetime) -> Batch | None:
    """Take uncertain messages of one run and commit them as being sent; None when there are none."""
    due = Message.objects.filter(
        state=Message.State.UNCERTAIN,
        replay_until__gt=now + LEASE,
        replay_account=account,
        not_before__lte=now,
        run__phase=Run.Phase.SENDING,
    )
    with transaction.atomic(durable=True):
        run_id = due.order_by("run").values_list("run", flat=True).first()
        if run_id is None:
            return None
        locked = due.filter(run=run_id).select_for_update(skip_locked=True, of=("self",)).order_by("pk")
        messages = list(locked.select_related("invitation")[:AT_ONCE])
        # Whoever wants no more mail gets none from us now, though the first one may have arrived.
        unwilling = [message.pk for message in messages if _is_unwilling(message)]
        Message.objects.filter(pk__in=unwilling).update(replay_until=None)
        messages = [message for message in messages if message.pk not in unwilling]
        run = Run.objects.select_related("campaign", "version__survey").get(pk=run_id)
        batch = Batch(run=run, claim=uuid.uuid4(), checked_at=time.monotonic(), messages=messages, is_replay=True)
        batch.begun = {message.pk for message in messages}
        batch.stop_at = time.monotonic() + (LEASE - MARGIN).total_seconds()
        Message.objects.filter(pk__in=batch.begun).update(
            state=Message.State.SENDING, claim=batch.claim, lease_until=now + LEASE, tries=F("tries") + 1
        )
    for message in messages:
        message.tries += 1
    return batch


def _is_unwilling(message: Message) -> bool:
    invitation = message.invitation
    suppressed = suppression.suppressed(emails=[invitation.email]).get(invitation.email_normalised)
    consents = suppression.latest_consents(customer_ids=[invitation.customer_id])
    return bool(suppression.refusal(suppression=suppressed, consent=consents.get(invitation.customer_id)))
