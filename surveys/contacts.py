"""The contact log: every conversation with a customer, on whatever channel, in one place."""

import datetime as dt
import uuid
from typing import Any

from customers.models import Customer, User
from surveys.models import Case, ContactLogEntry


def log(
    *,
    customer: Customer,
    channel: str,
    direction: str,
    topic: str,
    by: User | None,
    now: dt.datetime,
    case: Case | None = None,
    key: uuid.UUID | None = None,
    **fields: Any,
) -> ContactLogEntry:
    """Write down a conversation and return the entry; the same key writes once.

    `fields` are text, link, duration_minutes, follow_up_date and occurred_at, which is now when it is not given.
    """
    values = {
        "customer": customer, "channel": channel, "direction": direction, "topic": topic[:100], "case": case, "by": by,
        "occurred_at": now, "recorded_at": now,
    } | fields  # fmt: skip
    if key is None:
        return ContactLogEntry.objects.create(**values)
    return ContactLogEntry.objects.get_or_create(key=key, defaults=values)[0]
