"""The clock's door to the customers app. Every task may run twice."""

import logging

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from customers import (
    api_requests,
    cohorts,
    devices,
    exports,
    heartbeats,
    notices,
    retention,
    saved_filters,
    staff_mail,
    standings,
    webhook_delivery,
)
from customers.recommendations import nightly

logger = logging.getLogger(__name__)


@shared_task
def send_notices() -> None:
    """Send the mails that are due about customers' own accounts, and those to staff."""
    if lost := notices.reap(now=timezone.now()):
        logger.error("%d notices are uncertain: their worker vanished while sending", lost)
    while notices.send_due() == notices.AT_ONCE:
        pass
    staff_mail.send_due(now=timezone.now())


@shared_task(ignore_result=True)
def beat_heart() -> None:
    """Say that the queue of everyday work is being worked on."""
    heartbeats.beat(queue="web", now=timezone.now())


@shared_task(time_limit=3600)
def forget_api_requests() -> None:
    """Delete the API's stored answers that nobody repeats any more."""
    if forgotten := api_requests.forget_old(now=timezone.now()):
        logger.info("Forgot %d answers of the API", forgotten)


@shared_task(time_limit=4 * 3600)
def recommend() -> None:
    """Do what is left of the night's work on recommendations."""
    if made := nightly.run_due(clock=timezone.now):
        logger.info("Made %d lists of recommendations", made)


@shared_task(time_limit=4 * 3600)
def stand() -> None:
    """Look once a day where customers stand: their rhythm, quintiles and forecasts, and who entered and left saved filters."""
    if changed := standings.run_due(clock=timezone.now):
        logger.info("%d customers stand elsewhere than yesterday", changed)
    if moved := saved_filters.follow_due(now=timezone.now()):
        logger.info("%d customers entered or left saved filters", moved)


@shared_task
def deliver_webhooks() -> None:
    """Deliver the webhooks that are due; what is left after a while the next bell finds."""
    if made := webhook_delivery.deliver_due():
        logger.info("Made %d attempts to deliver webhooks", made)


@shared_task(time_limit=3600)
def tidy_webhooks() -> None:
    """Disable endpoints that were paused for too long, and forget old events."""
    if forgotten := webhook_delivery.tidy(now=timezone.now()):
        logger.info("Forgot %d events of webhooks", forgotten)


@shared_task(time_limit=3600)
def forget_sessions() -> None:
    """Delete the sessions that have ended, with whatever strangers typed into them."""
    SessionStore.clear_expired()
    devices.forget_ended(now=timezone.now())


@shared_task(time_limit=3600)
def make_exports() -> None:
    """Make the exports of personal data that customers and staff asked for."""
    if made := exports.make_waiting(now=timezone.now()):
        logger.info("Made %d exports of personal data", made)


@shared_task(time_limit=3600)
def keep_no_longer() -> None:
    """Take away what is kept no longer, and complete the list of the erased."""
    for name, taken in retention.run(now=timezone.now()).items():
        if taken:
            logger.info("Kept no longer: %d of %s", taken, name)


@shared_task(time_limit=4 * 3600)
def count_who_comes_back() -> None:
    """Count repeat purchases and cohorts of the months that something has changed for."""
    if counted := cohorts.count_due(clock=timezone.now):
        logger.info("Counted who came back in %d months", counted)
