"""One step of a job on many coupons: what it does to at most 25,000 of them, in sets. rewards/coupon_jobs.py takes the steps."""

import datetime as dt
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from django.db.models import Q

from customers import segments
from customers.models import Customer
from customers.models.customer import CustomerQuerySet
from customers.timezones import programme_date
from rewards import announcements, coupons
from rewards.coupons import validity
from rewards.models import Coupon, CouponHold, CouponJob

# Each commit writes the pages of the index of codes again, so not too few; a till on SQLite waits for one step.
CHUNK = 25_000
TRIES = 5  # for codes that exist already, of which the first is unlikely


class Step(NamedTuple):
    """What a step did: where the next one begins, how many it looked at and changed, and whether there is a next one."""

    cursor: int
    done: int
    changed: int
    is_last: bool


def ends_before(moment: dt.datetime) -> Q:
    """Select the coupons that end before a moment and were not voided."""
    return Q(expires_at__lt=moment) & ~Q(state=Coupon.State.VOIDED)


def _issue_open(job: CouponJob, now: dt.datetime) -> Step:
    """Issue the next codes for nobody in particular; their numbers within the job are their sources."""
    wanted = min(CHUNK, job.total - job.cursor)
    sources = [(f"job:{job.pk}:{number:07}", None) for number in range(job.cursor, job.cursor + wanted)]
    issued = coupons.issue_chunk(batch=job.batch, recipients=sources, now=now, by=job.by)
    cursor = job.cursor + issued
    return Step(cursor, issued, issued, cursor >= job.total)


def _issue_to_list(job: CouponJob, now: dt.datetime) -> Step:
    """Issue to the next customers of a list who are still enrolled; the list is in the order of their keys."""
    later = job.customer_ids[bisect(job.customer_ids, job.cursor) :]
    customers = Customer.objects.enrolled().filter(pk__in=later[:CHUNK])
    ids = list(_without(job, customers).order_by("pk").values_list("pk", flat=True))
    return _issue_to(job, ids, now, cursor=later[:CHUNK][-1] if later else job.cursor, is_last=len(later) <= CHUNK)


def _issue_to_segment(job: CouponJob, now: dt.datetime) -> Step:
    """Issue to the next customers who were in a segment when it was asked for."""
    customers = _without(job, segments.members(job.segment, now=job.created_at)).filter(pk__gt=job.cursor)
    ids = list(customers.order_by("pk").values_list("pk", flat=True)[:CHUNK])
    return _issue_to(job, ids, now, cursor=ids[-1] if ids else job.cursor, is_last=len(ids) < CHUNK)


def _issue_to(job: CouponJob, ids: list[int], now: dt.datetime, *, cursor: int, is_last: bool) -> Step:
    if not ids:
        return Step(cursor, 0, 0, is_last)
    recipients = [(f"job:{job.pk}:{pk}", pk) for pk in ids]
    issued = coupons.issue_chunk(batch=job.batch, recipients=recipients, now=now, by=job.by)
    if issued < len(ids):
        # The limit is full; whoever lets the job go on begins behind the last who got one.
        return Step(ids[issued - 1], issued, issued, False)
    return Step(cursor, issued, issued, is_last)


def _without(job: CouponJob, customers: CustomerQuerySet) -> CustomerQuerySet:
    """Leave out the person who asked: nobody issues to their own card."""
    return customers.exclude(user=job.by_id) if job.by_id is not None else customers


def _extend(job: CouponJob, now: dt.datetime) -> Step:
    """Move the end of the next coupons that the batch's earlier end had cut; valid days still end where they end."""
    rows = Coupon.objects.filter(ends_before(job.ends_at), batch=job.batch, pk__gt=job.cursor).order_by("pk")
    found = list(rows.values_list("pk", "issued_at", "expires_at")[:CHUNK])
    if not found:
        return Step(job.cursor, 0, 0, True)
    last = found[-1][0]
    days = defaultdict(set)
    for __, issued_at, expires_at in found:
        days[programme_date(issued_at), expires_at].add(issued_at)
    changed = 0
    for (__, expires_at), moments in days.items():
        end = validity(job.batch, min(moments))[1]
        if end is not None and end > expires_at:
            first, final = min(moments), max(moments)
            changed += rows.order_by().filter(
                pk__lte=last, expires_at=expires_at, issued_at__gte=first, issued_at__lte=final
            ).update(expires_at=end)  # fmt: skip
    return Step(last, len(found), changed, len(found) < CHUNK)


def _void(job: CouponJob, now: dt.datetime) -> Step:
    """Void the next coupons that are live."""
    live = Coupon.objects.live(now).filter(batch=job.batch, pk__gt=job.cursor)
    found = list(live.order_by("pk").values_list("pk", flat=True)[:CHUNK])
    if not found:
        return Step(job.cursor, 0, 0, True)
    changed = live.filter(pk__lte=found[-1]).update(
        state=Coupon.State.VOIDED, voided_at=now, voided_by=job.by_id, void_reason=job.void_reason,
        reserved_until=None, reservation_key="",
    )  # fmt: skip
    holds = CouponHold.objects.filter(batch=job.batch, coupon_id__gt=job.cursor, coupon_id__lte=found[-1])
    holds.delete()
    announcements.coupons_voided(job.batch, count=changed, at=now)
    return Step(found[-1], len(found), changed, len(found) < CHUNK)


STEPS: dict[str, Callable[[CouponJob, dt.datetime], Step]] = {
    CouponJob.Kind.OPEN: _issue_open,
    CouponJob.Kind.LIST: _issue_to_list,
    CouponJob.Kind.SEGMENT: _issue_to_segment,
    CouponJob.Kind.EXTEND: _extend,
    CouponJob.Kind.VOID: _void,
}
