"""Is anybody at work in the background? Each queue has a row that its workers touch; a worker that is deaf touches none.

Written by what a worker does, not by a thread beside it: a process that is connected and hears nothing is as good as gone.
"""

import datetime as dt

from customers.models import Heartbeat

# After so long without a beat no worker is at work; the clock rings for a beat every thirty seconds.
SILENT = dt.timedelta(minutes=2)
# A busy worker beats with each batch; the row is written no oftener than this.
OFTENEST = dt.timedelta(seconds=10)


def beat(*, queue: str, now: dt.datetime) -> None:
    """Note that a worker of this queue is at work, with one write in ten seconds at most."""
    row = Heartbeat.objects.filter(queue=queue)
    if row.filter(beat_at__gt=now - OFTENEST).exists():
        return
    if not row.update(beat_at=now):
        Heartbeat.objects.bulk_create([Heartbeat(queue=queue, beat_at=now)], ignore_conflicts=True)


def is_beating(*, queue: str, now: dt.datetime) -> bool:
    """Return whether a worker of this queue was at work within the last two minutes."""
    return Heartbeat.objects.filter(queue=queue, beat_at__gt=now - SILENT).exists()


def silent_since(*, now: dt.datetime) -> dt.datetime | None:
    """Return since when the queue that is silent for longest was not heard, None while all beat.

    A queue that never beat is not known to be silent: a new installation has none.
    """
    oldest = Heartbeat.objects.order_by("beat_at", "pk").first()
    return oldest.beat_at if oldest and oldest.beat_at <= now - SILENT else None
