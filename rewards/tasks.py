"""The clock's door to the rewards app. Every task may run twice."""

import logging

from celery import shared_task
from django.utils import timezone

from customers import import_jobs
from rewards import (
    adjustments,
    coupon_jobs,
    days,
    digests,
    holds,
    import_runner,
    merging,
    plans,
    proof,
    surprise_gifts,
    surprise_occasions,
    vintages,
)

logger = logging.getLogger(__name__)


@shared_task
def run_daily() -> None:
    """Book what is due; once a day also birthdays, sign-ups, tiers and notices."""
    if changed := days.run_due(now=timezone.now()):
        logger.info("Daily run made %d changes", changed)


@shared_task
def release_holds() -> None:
    """Give back the points of holds past their deadline, and carry on what reached a record that was merged."""
    if released := holds.release_lapsed(now=timezone.now()):
        logger.info("Released %d lapsed holds", released)
    if carried := merging.carry_over(now=timezone.now()):
        logger.info("Carried %d movements to records that were kept", carried)


@shared_task
def lapse_adjustment_requests() -> None:
    """Close the requests on which nobody decided in time."""
    if lapsed := adjustments.lapse_due(now=timezone.now()):
        logger.info("%d adjustment requests lapsed", lapsed)


@shared_task(time_limit=3600)
def prove_books() -> None:
    """Prove the books, keep the result and mail the digest."""
    found = proof.record(proof=proof.prove())
    if not found.is_balanced:
        logger.error("The books do not balance: %d faults", len(found.faults))
    digests.mail_digest(proof=found)


@shared_task(time_limit=4 * 3600)
def count_vintages() -> None:
    """Count what became of the points of each month, where something was booked since."""
    if counted := vintages.count_due(clock=timezone.now):
        logger.info("Counted the points of %d months", counted)


@shared_task
def work_on_surprises() -> None:
    """Look at the purchases since the last look, and give what waits for its hour."""
    if drawn := surprise_occasions.look_at_purchases(now=timezone.now()):
        logger.info("Drew %d customers for surprises", drawn)
    if moved := surprise_gifts.deliver_due(now=timezone.now()):
        logger.info("%d gifts of surprises moved on", moved)


@shared_task(time_limit=4 * 3600)
def work_on_coupons() -> None:
    """Carry out the approved plans and work on the jobs that wait; a second worker takes other jobs."""
    plans.carry_out_waiting(now=timezone.now())
    if ran := coupon_jobs.run_waiting(clock=timezone.now):
        logger.info("Ran %d coupon jobs", ran)
        plans.carry_out_waiting(now=timezone.now())


@shared_task(time_limit=4 * 3600)
def run_imports() -> None:
    """Check and import the files that wait, and forget old ones."""
    ran = import_runner.run_waiting()
    if ran:
        logger.info("Ran %d import jobs", ran)
    import_jobs.forget_files(now=timezone.now())
