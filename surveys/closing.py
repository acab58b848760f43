"""What is open with a customer who is erased: mails that wait are not sent any more, and nobody has to call."""

import datetime as dt

from customers.models import Customer, User
from surveys.models import Case, Message
from surveys.models.case import OPEN_STATES


def close(*, customer: Customer, by: User | None, now: dt.datetime) -> None:
    """Cancel the mails that wait and close the cases that are open; again changes nothing."""
    waiting = Message.objects.filter(invitation__customer=customer, state=Message.State.QUEUED)
    waiting.update(state=Message.State.CANCELLED, finished_at=now)
    Case.objects.filter(customer=customer, state__in=OPEN_STATES).update(state=Case.State.NO_ACTION, closed_at=now)
