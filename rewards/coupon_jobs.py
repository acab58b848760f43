"""Work on many coupons: asked for in a row, worked through in the background, stopped and taken up again.

The row holds all state and the task is only a doorbell. A worker claims a job by one conditional UPDATE and works in steps
of 25,000 coupons. Each step is one transaction that locks the job's row, so a job is worked on by one worker at a time, is
stopped between two steps by a word in its row, and goes on after a crash exactly where it stood: never more than was asked.
"""

import datetime as dt
import uuid
from collections.abc import Callable

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext as _

from customers import bulk, segments
from customers.models import User
from rewards import batches, coupon_steps
from rewards.coupons import BatchLimitReached, BatchNotActive
from rewards.models import Coupon, CouponBatch, CouponEvent, CouponJob
from rewards.redemption import KeyConflict

STALE = dt.timedelta(minutes=10)
ATTEMPTS = 3
MOST_CODES = 10_000_000
Kind, State = CouponJob.Kind, CouponJob.State


class JobCannotChange(Exception):
    """The job is in a state that does not lead where it should go."""

    def __init__(self, *, job: CouponJob) -> None:
        self.job = job
        super().__init__(_("The job is %(state)s; that does not go from there.") % {"state": job.get_state_display()})


def ask_open(*, batch: CouponBatch, number: int, key: uuid.UUID, by: User | None, now: dt.datetime) -> CouponJob:
    """Ask for a number of codes that belong to whoever shows them, and return the job; the same key asks once.

    Raises BatchNotActive, BatchLimitReached when the batch has not as many left, KeyConflict, and ValueError.
    """
    if not 1 <= number <= MOST_CODES:
        raise ValueError(f"between 1 and {MOST_CODES} codes at a time")
    _check_active(batch, now)
    if batch.limit is not None and batch.issued + number > batch.limit and not CouponJob.objects.filter(key=key):
        raise BatchLimitReached(batch=batch)
    return _ask(batch=batch, kind=Kind.OPEN, key=key, by=by, now=now, total=number)


def ask_list(
    *, batch: CouponBatch, customer_ids: list[int], key: uuid.UUID, by: User | None, now: dt.datetime
) -> CouponJob:
    """Ask for a coupon for each customer of a list but the person who asks, and return the job; the same key asks once.

    Raises BatchNotActive and KeyConflict.
    """
    _check_active(batch, now)
    ids = sorted(set(customer_ids))
    return _ask(batch=batch, kind=Kind.LIST, key=key, by=by, now=now, total=len(ids), customer_ids=ids)


def ask_segment(*, batch: CouponBatch, segment: str, key: uuid.UUID, by: User | None, now: dt.datetime) -> CouponJob:
    """Ask for a coupon for each customer who is in a segment now, and return the job; the same key asks once.

    Nobody issues to their own card. Raises segments.UnknownSegment, BatchNotActive and KeyConflict.
    """
    _check_active(batch, now)
    total = segments.members(segment, now=now).count()
    return _ask(batch=batch, kind=Kind.SEGMENT, key=key, by=by, now=now, total=total, segment=segment)


def ask_void(*, batch: CouponBatch, reason: str, key: uuid.UUID, by: User | None, now: dt.datetime) -> CouponJob:
    """Ask for the end of all coupons of a batch that are still live, and return the job; the same key asks once.

    A till takes them until the job has come to them; pause the batch first where that matters. Raises KeyConflict.
    """
    total = Coupon.objects.live(now).filter(batch=batch).count()
    return _ask(batch=batch, kind=Kind.VOID, key=key, by=by, now=now, total=total, void_reason=reason)


def ask_extend(
    *, batch: CouponBatch, ends_at: dt.datetime, key: uuid.UUID, by: User | None, now: dt.datetime
) -> CouponJob:
    """Move the end of a batch, and ask for the same of the coupons that it had ended; return the job.

    The same key asks once. Raises batches.EndsEarlier and KeyConflict.
    """
    with transaction.atomic():
        batches.extend(batch=batch, ends_at=ends_at, by=by, now=now)
        total = Coupon.objects.filter(coupon_steps.ends_before(ends_at), batch=batch).count()
        return _ask(batch=batch, kind=Kind.EXTEND, key=key, by=by, now=now, total=total, ends_at=ends_at)


def stop(*, job: CouponJob, now: dt.datetime) -> CouponJob:
    """Stop a job after the step at which it is, and return it; what was done stays. Raises JobCannotChange."""
    return _move(job, (State.WAITING, State.RUNNING), state=State.STOPPED, finished_at=now, claimed_at=None)


def resume(*, job: CouponJob) -> CouponJob:
    """Let a stopped or failed job go on from where it stood, and return it. Raises JobCannotChange."""
    waiting = {"state": State.WAITING, "reason": "", "attempts": 0, "claimed_at": None, "finished_at": None}
    return _move(job, (State.STOPPED, State.FAILED), **waiting)


def claim(*, now: dt.datetime, job: CouponJob | None = None) -> CouponJob | None:
    """Take a job, by default the oldest, that waits or whose worker fell silent; None when there is none."""
    free = Q(state=State.WAITING) | Q(state=State.RUNNING, claimed_at__lt=now - STALE)
    waiting = CouponJob.objects.filter(free) if job is None else CouponJob.objects.filter(free, pk=job.pk)
    for found in waiting.order_by("pk"):
        if found.attempts >= ATTEMPTS:
            with translation.override(found.language):
                _end(
                    found,
                    State.FAILED,
                    now,
                    _("The job was broken off again and again; the log of the worker says why."),
                )
        elif CouponJob.objects.filter(free, pk=found.pk).update(
            state=State.RUNNING, claimed_at=now, attempts=F("attempts") + 1
        ):
            found.refresh_from_db()
            return found
    return None


def run(
    *, job: CouponJob, clock: Callable[[], dt.datetime], progress: Callable[[int, int], None] | None = None
) -> CouponJob:
    """Work on a claimed job until it is done, stopped or cannot go on, and return it as it is then.

    After each step `progress(done, total)` is called. What goes wrong is kept with the job; the unexpected is raised, too.
    """
    with translation.override(job.language), bulk.large_sets():
        try:
            goes_on = True
            while goes_on:
                done = job.done
                goes_on = step(job=job, now=clock())
                if progress is not None and job.done != done:
                    progress(job.done, job.total)
        except (BatchNotActive, BatchLimitReached, segments.UnknownSegment) as error:
            _end(job, State.STOPPED, clock(), str(error))
        except OperationalError:
            raise  # The database is away: whoever finds the job silent takes it up.
        except Exception:
            _end(job, State.FAILED, clock(), _("Something unexpected went wrong; the log of the worker says what."))
            raise
    job.refresh_from_db()
    return job


def run_waiting(*, clock: Callable[[], dt.datetime]) -> int:
    """Run every job that waits and return how many; a second worker takes others."""
    ran = 0
    while job := claim(now=clock()):
        run(job=job, clock=clock)
        ran += 1
    return ran


def step(*, job: CouponJob, now: dt.datetime) -> bool:
    """Do the next step of a running job, all or nothing; return whether there may be another. The job is brought up to date.

    A code that exists already is made anew: the unique index says so, nobody looks it up.
    """
    for again in range(coupon_steps.TRIES):
        try:
            with transaction.atomic():
                return _step(job, now)
        except IntegrityError:
            if again == coupon_steps.TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _step(job: CouponJob, now: dt.datetime) -> bool:
    current = CouponJob.objects.select_for_update(no_key=True).get(pk=job.pk)
    is_ours = (current.state, current.cursor) == (State.RUNNING, job.cursor)
    if not is_ours:
        return False
    taken = coupon_steps.STEPS[job.kind](current, now)
    job.cursor, job.done, job.changed = taken.cursor, current.done + taken.done, current.changed + taken.changed
    changes = {"cursor": job.cursor, "done": job.done, "changed": job.changed, "claimed_at": now, "attempts": 0}
    if taken.is_last:
        job.state = State.DONE
        changes |= {"state": State.DONE, "claimed_at": None, "finished_at": now}
        if job.kind == Kind.VOID and job.changed:
            batches.note(batch=job.batch, kind=CouponEvent.Kind.VOIDED, by=job.by, now=now, count=job.changed,
                         note=job.void_reason)  # fmt: skip
    CouponJob.objects.filter(pk=job.pk).update(**changes)
    return not taken.is_last


def _check_active(batch: CouponBatch, now: dt.datetime) -> None:
    batch.refresh_from_db(fields=["state", "ends_at", "limit", "issued"])
    if batch.state != CouponBatch.State.ACTIVE or (batch.ends_at is not None and batch.ends_at <= now):
        raise BatchNotActive(batch=batch)


def _ask(
    *, batch: CouponBatch, kind: Kind, key: uuid.UUID, by: User | None, now: dt.datetime, total: int, **rest: object
) -> CouponJob:
    language = translation.get_language() or "en"
    values = {"batch": batch, "kind": kind, "by": by, "created_at": now, "total": total, "language": language, **rest}
    job, is_new = CouponJob.objects.get_or_create(key=key, defaults=values)
    if not is_new:
        # The number of a segment's customers may be another one by now.
        meaning = ("kind", "batch", *rest) if kind != Kind.OPEN else ("kind", "batch", "total")
        if any(getattr(job, name) != values[name] for name in meaning):
            raise KeyConflict(key=str(key))
    return job


def _move(job: CouponJob, before: tuple[State, ...], **values: object) -> CouponJob:
    changed = CouponJob.objects.filter(pk=job.pk, state__in=before).update(**values)
    job.refresh_from_db()
    if not changed:
        raise JobCannotChange(job=job)
    return job


def _end(job: CouponJob, state: State, now: dt.datetime, reason: str) -> None:
    CouponJob.objects.filter(pk=job.pk, state__in=[State.WAITING, State.RUNNING]).update(
        state=state, reason=reason[:500], claimed_at=None, finished_at=now
    )
