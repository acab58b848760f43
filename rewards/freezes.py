"""Stopping all spending at once, and letting it go on: the first thing to do when something is wrong.

Earning, returns and everything that only looks go on. Each process looks at the switch again after two seconds, so that a
till pays nothing for it and spending stops everywhere within five.
"""

import datetime as dt
import time

from django.db import transaction

from customers import staff_mail
from customers.models import User
from rewards.models import SpendingFreeze

SEEN_SECONDS = 2.0
WATCHING = "rewards.add_spendingfreeze"


class _Seen:
    """What this process last saw of the switch."""

    is_frozen = False
    until = 0.0


def is_frozen() -> bool:
    """Return whether spending is stopped, as of two seconds ago at most."""
    if time.monotonic() >= _Seen.until:
        _Seen.is_frozen = current() is not None
        _Seen.until = time.monotonic() + SEEN_SECONDS
    return _Seen.is_frozen


def current() -> SpendingFreeze | None:
    """Return the freeze in force, read from the database."""
    return SpendingFreeze.objects.filter(is_open=True).select_related("frozen_by").first()


def freeze(*, reason: str, by: User | None, now: dt.datetime) -> SpendingFreeze:
    """Stop all spending and return the freeze; again changes nothing."""
    with transaction.atomic():
        row, is_new = SpendingFreeze.objects.get_or_create(
            is_open=True, defaults={"reason": reason, "frozen_by": by, "frozen_at": now}
        )
        if is_new:
            _tell("spending_frozen", row, now)
    look_again()
    return row


def resume(*, by: User | None, now: dt.datetime) -> bool:
    """Let spending go on and return whether it was stopped."""
    with transaction.atomic():
        row = SpendingFreeze.objects.select_for_update().filter(is_open=True).first()
        if row is not None:
            row.is_open, row.resumed_at, row.resumed_by = False, now, by
            row.save(update_fields=["is_open", "resumed_at", "resumed_by"])
            _tell("spending_resumed", row, now)
    look_again()
    return row is not None


def look_again() -> None:
    """Forget what this process has seen of the switch."""
    _Seen.until = 0.0


def _tell(kind: str, row: SpendingFreeze, now: dt.datetime) -> None:
    staff_mail.queue(
        kind=kind,
        source=str(row.pk),
        context={"happened_at": now.isoformat()},
        readers=staff_mail.who_may(WATCHING),
        now=now,
    )
