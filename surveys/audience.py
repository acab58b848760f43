"""Preparing a run: everybody in the audience gets a row, invited or skipped with the reason, once and for all."""

import datetime as dt
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched

from django.db import connection, transaction
from django.db.models import QuerySet

from customers import segments
from customers.bulk import large_sets, uncollected
from customers.models import Customer
from surveys import planning, wordings
from surveys.models import Run, Wording

# PostgreSQL does best with large sets; SQLite has one writer, whom nobody should have to wait for.
CHUNKS = {"postgresql": 10_000, "sqlite": 10_000}


def prepare(*, run: Run, now: dt.datetime, chunk: int | None = None) -> int:
    """Consider the whole audience and return how many customers were considered by this call.

    Goes through the customers in the order of their keys, one transaction for each chunk; after a crash the next call
    goes on where the last chunk ended, and of two calls at once one steps back or they take turns.
    """
    run.refresh_from_db()
    if run.phase != Run.Phase.PREPARING:
        return 0
    chunk = chunk or CHUNKS[connection.vendor]
    considered = 0
    with large_sets():
        texts = wordings.current(campaign=run.campaign)
        for turn, members in enumerate(_chunks(run, chunk)):
            with uncollected():
                size = _consider_chunk(run, members, now, texts, turn=turn)
            if size is None:
                break
            considered += size
        else:
            whole = Run.objects.filter(pk=run.pk, phase=Run.Phase.PREPARING)
            whole.update(phase=Run.Phase.SENDING, prepared_at=now)
    run.refresh_from_db()
    return considered


def _chunks(run: Run, size: int) -> Iterator[tuple[int, ...]]:
    """Yield the keys of the audience. It is worked out once, for a segment that sums purchases up is costly to ask again.

    PostgreSQL keeps what was not fetched yet. On SQLite an open query would keep this connection from writing once others
    have written, so the keys come at once, eight bytes each.
    """
    keys: Iterable[int] = members_of(run).values_list("pk", flat=True).iterator(chunk_size=size)
    return batched(array("q", keys) if connection.vendor == "sqlite" else keys, size)


def members_of(run: Run) -> QuerySet[Customer]:
    """Return the audience as of the planned moment, so that it does not move while it is considered, in keyset order."""
    members = segments.members(run.campaign.segment, now=run.audience_at or run.planned_at, store=run.campaign.store)
    # Apart, so that whatever the segment joins or groups by cannot get in the way of the order.
    ours = Customer.objects.enrolled().filter(pk__in=members.order_by().values("pk"), pk__gt=run.prepared_through)
    return ours.order_by("pk")


def _consider_chunk(
    run: Run, members: Sequence[int], now: dt.datetime, texts: Sequence[Wording], *, turn: int = 0
) -> int | None:
    """Consider these customers; None when the run is not, or no longer, being prepared, or somebody else does it.

    The keys of each turn begin a microsecond later, so that in every index they stand behind those of the turns before,
    whose pages are not written again.
    """
    # Before the lock: SQLite's one writer must not wait for what is only read.
    known = planning.facts(run=run, members=members, now=now, wordings=texts)
    with transaction.atomic():
        locked = Run.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        held = locked.select_related("campaign").filter(pk=run.pk, phase=Run.Phase.PREPARING).first()
        if held is None:
            return None
        ours = [fact for fact in known if fact[0] > held.prepared_through]
        planning.consider(run=held, known=ours, now=now, keyed_at=now + dt.timedelta(microseconds=turn))
        held.prepared_through = max(held.prepared_through, members[-1])
        held.save(update_fields=["prepared_through"])
    return len(ours)
