"""Wake the worker for what staff asked for. The rows are written already, so a broker that is away only means a little later."""

from contextlib import suppress

from django.db import transaction
from kombu.exceptions import OperationalError

from rewards import tasks


def ring() -> None:
    """Let the worker look at plans and jobs now instead of within a minute."""
    transaction.on_commit(_ring)


def _ring() -> None:
    with suppress(OperationalError):
        tasks.work_on_coupons.delay()
