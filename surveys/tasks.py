"""What the clock rings for. The database holds all state: a doorbell lost, doubled or late changes nothing."""

import logging

from celery import Task, shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from customers import heartbeats
from surveys import (
    audience,
    campaigns,
    cases,
    mailing,
    notifier,
    reminders,
    replays,
    reports,
    runs,
    stalls,
    thanks,
    uncertain,
    verbatims,
)
from surveys.models import Run

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def plan_runs() -> None:
    """Create the runs that are due, consider audiences and occasions, remind, and close the runs whose time is over."""
    now = timezone.now()
    campaigns.plan_due_runs(now=now)
    for run in Run.objects.filter(phase=Run.Phase.PREPARING).order_by("campaign__priority", "pk"):
        audience.prepare(run=run, now=now)
    campaigns.follow_occasions(now=now)
    reminders.plan_due(now=now)
    runs.close_due(now=now)
    ring(send_due)


@shared_task(ignore_result=True)
def find_occasions() -> None:
    """Look through all of the last weeks for what triggered campaigns ask about: whatever came late is found now."""
    campaigns.follow_occasions(now=timezone.now(), is_thorough=True)


@shared_task(ignore_result=True)
def send_due() -> None:
    """Send what is due for up to 200 seconds; ring again when something is left."""
    heartbeats.beat(queue="send", now=timezone.now())
    replays.replay_due()
    if mailing.send_due():
        ring(send_due)


@shared_task(ignore_result=True)
def reap_messages() -> None:
    """Mark messages whose worker has vanished as uncertain."""
    if lost := mailing.reap(now=timezone.now()):
        logger.error("%d messages are uncertain: their worker vanished while sending", lost)


@shared_task(ignore_result=True)
def tell_of_a_stall() -> None:
    """Tell staff when mails are due and nobody sends them."""
    stalls.tell(now=timezone.now())


@shared_task(ignore_result=True)
def release_thanks() -> None:
    """Give the thanks that only waited for another day's budget."""
    thanks.release_due(now=timezone.now())


@shared_task(ignore_result=True)
def read_reports() -> None:
    """Understand what the mail provider's webhooks brought."""
    reports.work(now=timezone.now())


@shared_task(ignore_result=True)
def tell_of_mails() -> None:
    """Tell staff once a day which mails they have to decide about."""
    uncertain.tell(now=timezone.now())


def ring(task: Task) -> None:
    """Wake a worker up; when the broker is away the clock rings soon."""
    try:
        task.delay()
    except OperationalError:
        # The clock rings within seconds anyway.
        logger.warning("The broker cannot be reached")


@shared_task(ignore_result=True)
def index_verbatims() -> None:
    """Make what was written searchable."""
    while verbatims.index_new() == verbatims.AT_ONCE:
        pass


@shared_task(ignore_result=True)
def escalate_cases() -> None:
    """Tell the managers of cases that are overdue, once each."""
    cases.escalate(now=timezone.now())


@shared_task(ignore_result=True)
def send_chat_posts() -> None:
    """Post the links that wait for a chat group."""
    notifier.send_due()
