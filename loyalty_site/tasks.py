"""The clock's door to what shows all apps together. Every task may run twice."""

import logging

from celery import shared_task
from django.utils import timezone

from loyalty_site.insights import monthly

logger = logging.getLogger(__name__)


@shared_task(time_limit=3600)
def report_month() -> None:
    """Queue the report of last month, once for each reader."""
    if queued := monthly.send_due(now=timezone.now()):
        logger.info("Queued the monthly report for %d readers", queued)
