"""Uncertain messages: nobody knows whether they left, so a person decides, and the decision is kept."""

import datetime as dt
import uuid
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from customers import staff_mail
from customers.models import User
from customers.timezones import programme_date
from surveys.models import DeliveryEvent, Message, Run

# Failed messages are counted in runs no older than this; the others have long been read about.
YOUNG = dt.timedelta(days=90)
STAFF = "staff"  # stands where a provider's name stands for reported events


class MessageNotUncertain(Exception):
    """Nothing has to be decided about this message."""

    def __init__(self, *, message: Message) -> None:
        self.message = message
        super().__init__(
            _("Nothing has to be decided: this message is %(state)s.") % {"state": message.get_state_display()}
        )


class RunOver(Exception):
    """Its run sends nothing any more."""

    def __init__(self, *, message: Message) -> None:
        self.message = message
        super().__init__(_("The run of this message is over, so it can only be written off."))


def write_off(*, message: Message, by: User, now: dt.datetime) -> Message:
    """Leave it at that: the message is not sent again. Raises MessageNotUncertain."""
    return _decide(message, by, now, state=Message.State.WRITTEN_OFF, kind="written_off")


def send_again(*, message: Message, by: User, now: dt.datetime) -> Message:
    """Queue the message once more, knowing that it may be the second one for the customer.

    It keeps its Message-ID, so that a mailbox which has it already may drop the copy. Raises MessageNotUncertain, RunOver.
    """
    if message.run.phase not in (Run.Phase.SENDING, Run.Phase.PAUSED) or message.run.closes_at <= now:
        raise RunOver(message=message)
    return _decide(message, by, now, state=Message.State.QUEUED, kind="requeued")


def tell(*, now: dt.datetime) -> bool:
    """Mail staff who may decide, at most once a day, how many messages are uncertain and how many failed since yesterday.

    Silent when there is nothing to look at; returns whether there was.
    """
    waiting = Message.objects.filter(state=Message.State.UNCERTAIN).count()
    day = now - dt.timedelta(days=1)
    failed = Message.objects.filter(state=Message.State.FAILED, finished_at__gt=day, run__created_at__gt=now - YOUNG)
    context: dict[str, Any] = {"uncertain": waiting, "failed": failed.count()}
    if not any(context.values()):
        return False
    context["query"] = f"?state__exact={Message.State.UNCERTAIN if waiting else Message.State.FAILED}"
    readers = staff_mail.who_may("surveys.change_run")
    staff_mail.queue(
        kind="survey_mails", source=programme_date(now).isoformat(), context=context, readers=readers, now=now
    )
    return True


def _decide(message: Message, by: User, now: dt.datetime, *, state: Message.State, kind: str) -> Message:
    with transaction.atomic():
        message = Message.objects.select_for_update(of=("self",)).get(pk=message.pk)
        if message.state != Message.State.UNCERTAIN:
            raise MessageNotUncertain(message=message)
        message.state, message.claim, message.lease_until = state, None, None
        if state == Message.State.QUEUED:
            message.not_before, message.finished_at, message.tries = now, None, 0
        message.save()
        DeliveryEvent.objects.create(
            esp=STAFF,
            dedupe_key=str(uuid.uuid4()),
            message=message,
            kind=kind,
            detail={"by": by.pk, "error": message.error},
            occurred_at=now,
        )
    return message
