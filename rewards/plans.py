"""What happens with a drafted batch: who gets its coupons, which mail goes with them, and who approves that.

A draft is approved by somebody else than who wrote it, and only in the version that this person has seen. Approving it
activates the batch; the worker then carries the plan out, once, under the plan's key.
"""

import datetime as dt
from contextlib import suppress
from dataclasses import asdict, dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from customers import segments
from customers.models import Customer, User
from customers.models.customer import CustomerQuerySet
from rewards import batches, coins, coupon_jobs, coupon_letters, coupons, estimates, trials
from rewards.estimates import Estimate
from rewards.models import Assignment, CouponBatch, CouponJob, CouponPlan, Trial
from rewards.trials import Occasion

Audience = CouponPlan.Audience


class OwnPlan(Exception):
    """Somebody tried to approve what they drafted themselves."""

    def __init__(self, *, plan: CouponPlan) -> None:
        self.plan = plan
        super().__init__(_("You drafted this yourself: another person has to approve it."))


class PlanChanged(Exception):
    """The plan is no longer what the approver saw; nothing was activated."""

    def __init__(self, *, plan: CouponPlan) -> None:
        self.plan = plan
        super().__init__(_("The offer was changed in the meantime: please look at the new figures."))


class PlanApproved(Exception):
    """The plan was approved before and can no longer change."""

    def __init__(self, *, plan: CouponPlan) -> None:
        self.plan = plan
        super().__init__(_("This offer is approved already."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How many get a coupon now, and how many of them a mail: those who agreed to offers and have an address."""

    coupons: int
    mails: int


def recipients(*, plan: CouponPlan, by: User, now: dt.datetime) -> CustomerQuerySet:
    """Return the customers whom the plan means now, never who drafted it. Raises segments.UnknownSegment."""
    if plan.audience == Audience.SEGMENT:
        return segments.members(plan.segment, now=now).exclude(user=by)
    if plan.audience == Audience.LIST:
        return Customer.objects.enrolled().filter(pk__in=plan.customer_ids).exclude(user=by)
    return Customer.objects.none()


def reach(*, plan: CouponPlan, by: User, now: dt.datetime) -> Reach:
    """Count whom the plan reaches now. Raises segments.UnknownSegment."""
    if plan.audience == Audience.CODES:
        return Reach(coupons=plan.codes, mails=0)
    customers = recipients(plan=plan, by=by, now=now)
    mails = coupon_letters.reachable(customers).count() if plan.has_mail else 0
    share = coins.ALL - plan.holdout
    return Reach(coupons=customers.count() * share // coins.ALL, mails=mails * share // coins.ALL)


def left_out(*, batch: CouponBatch, customers: CustomerQuerySet, now: dt.datetime) -> int:
    """Count those of some customers who are being compared with whoever got the batch's coupons: these should get none."""
    of_batch = Q(trial__plan__batch=batch) | Q(trial__surprise__batch=batch)
    compared = Assignment.objects.counted().filter(of_batch, is_gift=False, closes_at__gt=now)
    return compared.filter(customer__in=customers.values("pk")).values("customer").distinct().count()


def redraft(*, plan: CouponPlan, by: User, now: dt.datetime) -> CouponPlan:
    """Write down that a plan or its batch was changed, with the figures of this moment, and return the plan.

    An approval that somebody is about to give for what they saw before no longer fits. Raises PlanApproved.
    """
    with transaction.atomic():
        current = CouponPlan.objects.select_for_update().get(pk=plan.pk)
        if current.approved_at is not None:
            raise PlanApproved(plan=current)
        plan.version = current.version + 1
        plan.requested_by, plan.requested_at = by, now
        plan.estimate = figures(plan=plan, now=now)
        plan.save(update_fields=["version", "requested_by", "requested_at", "estimate"])
    return plan


def figures(*, plan: CouponPlan, now: dt.datetime) -> dict[str, int | bool]:
    """Return reach and cost of a plan as they are now, to be kept with it."""
    found = reach(plan=plan, by=plan.requested_by, now=now)
    cost: Estimate = estimates.estimate(batch=plan.batch, coupons=found.coupons)
    return {**asdict(cost), "mails": found.mails, "cost": cost.cost}


def approve(*, plan: CouponPlan, version: int, by: User, now: dt.datetime) -> CouponPlan:
    """Activate the plan's batch and let the worker issue; return the plan.

       In a shop of one person (FOUR_EYES off) that is who drafted it.
    Raises OwnPlan, PlanChanged when `version` is not the current one, PlanApproved, and batches.BatchCannotChange.
    """
    with transaction.atomic():
        current = CouponPlan.objects.select_for_update(of=("self",)).select_related("batch").get(pk=plan.pk)
        if current.approved_at is not None:
            raise PlanApproved(plan=current)
        if current.version != version:
            raise PlanChanged(plan=current)
        if settings.FOUR_EYES and by.pk in (current.requested_by_id, current.batch.by_id):
            raise OwnPlan(plan=current)
        batches.activate(batch=current.batch, by=by, now=now)
        current.approved_by, current.approved_at = by, now
        if current.holdout:
            current.trial = trials.open_trial(
                kind=Trial.Kind.COUPONS, name=current.batch.name, now=now, by=by, odds=coins.ALL - current.holdout
            )
        current.save(update_fields=["approved_by", "approved_at", "trial"])
    return current


def carry_out_waiting(*, now: dt.datetime) -> None:
    """Go on with every approved plan that is not finished; one whose batch is paused waits with it."""
    for plan in CouponPlan.objects.waiting().select_related("batch", "requested_by", "trial").order_by("pk"):
        with suppress(coupons.BatchNotActive):
            carry_out(plan=plan, now=now)


def carry_out(*, plan: CouponPlan, now: dt.datetime) -> bool:
    """Ask for the coupons of an approved plan and, once these are out, queue their mail; return whether all is done.

    Again changes nothing. Raises coupons.BatchNotActive while the batch is paused or closed.
    """
    job = _job(plan, now)
    if job is not None and job.is_running:
        return False
    if job is not None and plan.has_mail:
        coupon_letters.queue_for(plan=plan, job=job, now=now)
    CouponPlan.objects.filter(pk=plan.pk, finished_at=None).update(finished_at=now)
    return True


def _job(plan: CouponPlan, now: dt.datetime) -> CouponJob | None:
    """Ask for the plan's coupons, once; nobody issues to their own card, and that is who drafted it."""
    if job := CouponJob.objects.filter(key=plan.key).first():
        return job
    asked = {"batch": plan.batch, "key": plan.key, "by": plan.requested_by, "now": now}
    if plan.trial is not None:
        return coupon_jobs.ask_list(customer_ids=_toss(plan, plan.trial, now), **asked)
    match plan.audience:
        case Audience.SEGMENT:
            return coupon_jobs.ask_segment(segment=plan.segment, **asked)
        case Audience.LIST:
            return coupon_jobs.ask_list(customer_ids=plan.customer_ids, **asked)
        case Audience.CODES:
            return coupon_jobs.ask_open(number=plan.codes, **asked)
    return None


def _toss(plan: CouponPlan, trial: Trial, now: dt.datetime) -> list[int]:
    """Toss the coin for everybody whom the plan means, before anything is issued, and return who gets a coupon.

    Each thousand is a transaction of its own; after a crash the others follow. Then nobody is added any more.
    """
    customers = recipients(plan=plan, by=plan.requested_by, now=now).order_by("pk")
    occasions = [Occasion(pk, f"plan:{plan.pk}:{pk}", {}) for pk in customers.values_list("pk", flat=True)]
    trials.assign(trial=trial, occasions=occasions, now=now)
    trials.close(trial=trial, now=now, is_cut_short=False)
    chosen = Assignment.objects.filter(trial=trial, is_gift=True).order_by("customer")
    return list(chosen.values_list("customer", flat=True))


def resume(*, job: CouponJob) -> CouponJob:
    """Let a stopped or failed job go on, with the mails of its plan, and return it. Raises coupon_jobs.JobCannotChange."""
    with transaction.atomic():
        CouponPlan.objects.filter(key=job.key).update(finished_at=None)
        return coupon_jobs.resume(job=job)


def of(batch: CouponBatch) -> CouponPlan | None:
    """Return the plan of a batch; those made by code have none."""
    return CouponPlan.objects.filter(batch=batch).select_related("batch", "requested_by", "approved_by").first()
