"""The life of a coupon batch: drafted, active, paused and active again, closed for good; and its end, moved."""

import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from customers.models import User
from rewards.models import CouponBatch, CouponEvent

State = CouponBatch.State

STATES_BEFORE = {
    State.ACTIVE: (State.DRAFT, State.PAUSED),
    State.PAUSED: (State.ACTIVE,),
    State.CLOSED: (State.DRAFT, State.ACTIVE, State.PAUSED),
}
EVENT_OF_STATE = {
    State.ACTIVE: CouponEvent.Kind.ACTIVATED,
    State.PAUSED: CouponEvent.Kind.PAUSED,
    State.CLOSED: CouponEvent.Kind.CLOSED,
}


class BatchCannotChange(Exception):
    """The batch is in a state that does not lead where it should go."""

    def __init__(self, *, batch: CouponBatch) -> None:
        self.batch = batch
        super().__init__(
            _("“%(batch)s” is %(state)s; that does not go from there.")
            % {"batch": batch.name, "state": batch.get_state_display()}
        )


class EndsEarlier(Exception):
    """An end can only be moved to a later moment: what customers hold in their hands is never cut short."""

    def __init__(self, *, batch: CouponBatch) -> None:
        self.batch = batch
        super().__init__(_("“%(batch)s” can only be given a later end than it has.") % {"batch": batch.name})


def can_become(batch: CouponBatch, state: State) -> bool:
    """Return whether a batch may go to a state from where it is."""
    return batch.state in STATES_BEFORE[state]


def activate(*, batch: CouponBatch, now: dt.datetime, by: User | None = None) -> CouponBatch:
    """Let coupons be issued and redeemed, and return the batch. Raises BatchCannotChange."""
    return _move(batch, State.ACTIVE, now, by)


def pause(*, batch: CouponBatch, now: dt.datetime, by: User | None = None) -> CouponBatch:
    """Stop issuing and redeeming for a while, and return the batch. Raises BatchCannotChange."""
    return _move(batch, State.PAUSED, now, by)


def close(*, batch: CouponBatch, now: dt.datetime, by: User | None = None) -> CouponBatch:
    """Stop issuing and redeeming for good, and return the batch. Raises BatchCannotChange."""
    return _move(batch, State.CLOSED, now, by)


def extend(*, batch: CouponBatch, ends_at: dt.datetime, now: dt.datetime, by: User | None = None) -> CouponBatch:
    """Move the end of a batch to a later moment and return it; the same end again changes nothing.

    The coupons already issued follow by coupon_jobs.ask_extend. Raises EndsEarlier, also for a batch without an end.
    """
    with transaction.atomic():
        earlier = Q(ends_at__lt=ends_at)
        changed = CouponBatch.objects.filter(earlier, pk=batch.pk).exclude(state=State.CLOSED).update(ends_at=ends_at)
        batch.refresh_from_db()
        if changed:
            note(batch=batch, kind=CouponEvent.Kind.EXTENDED, by=by, now=now, note=ends_at.isoformat())
    if batch.ends_at != ends_at:
        raise EndsEarlier(batch=batch)
    return batch


def note(
    *, batch: CouponBatch, kind: CouponEvent.Kind, by: User | None, now: dt.datetime, count: int = 0, note: str = ""
) -> CouponEvent:
    """Write down what happened to a whole batch."""
    count = count or batch.issued
    return CouponEvent.objects.create(batch=batch, kind=kind, by=by, happened_at=now, count=count, note=note[:200])


def _move(batch: CouponBatch, state: State, now: dt.datetime, by: User | None) -> CouponBatch:
    with transaction.atomic():
        changed = CouponBatch.objects.filter(pk=batch.pk, state__in=STATES_BEFORE[state]).update(state=state)
        batch.refresh_from_db()
        if changed:
            note(batch=batch, kind=EVENT_OF_STATE[state], by=by, now=now)
    if not changed:
        raise BatchCannotChange(batch=batch)
    return batch
