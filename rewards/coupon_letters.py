"""The mail that goes with the coupons of a plan: queued with them, to those who agreed to offers by mail."""

import datetime as dt

from customers import notices
from customers.models import Customer
from customers.models.customer import CustomerQuerySet
from customers.notices import Letter
from rewards import trials
from rewards.models import Assignment, Coupon, CouponJob, CouponPlan

KIND = "coupon_issued"
PURPOSE = notices.NEEDS_CONSENT[KIND]
AT_ONCE = 1_000


def reachable(customers: CustomerQuerySet) -> CustomerQuerySet:
    """Return those who agreed to offers by mail and have an address."""
    return customers.consenting(channel="email", purpose=PURPOSE).with_contact().exclude(email="")


def queue_for(*, plan: CouponPlan, job: CouponJob, now: dt.datetime) -> int:
    """Queue the mail for every coupon that the plan's job issued and return how many; a second time sends none again."""
    queued, last = 0, 0
    issued = Coupon.objects.filter(batch=plan.batch, customer__isnull=False, source__startswith=f"job:{job.pk}:")
    while rows := list(issued.filter(pk__gt=last).order_by("pk").values_list("pk", "customer_id")[:AT_ONCE]):
        owners = Customer.objects.filter(pk__in=[owner for _pk, owner in rows])
        willing = set(reachable(owners).values_list("pk", flat=True))
        queued += notices.queue(
            (Letter(owner, KIND, f"coupon:{pk}", {"coupon": pk, "plan": plan.pk}) for pk, owner in rows if owner in willing),
            now=now,
        )  # fmt: skip
        if plan.trial_id is not None:
            told = Assignment.objects.filter(trial=plan.trial_id, customer__in=willing)
            trials.note_message(assignment_ids=told.values_list("pk", flat=True), now=now)
        last = rows[-1][0]
    return queued
