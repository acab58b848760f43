"""Answering a write once: its key, what was asked, the effect and the answer are one transaction.

A repeated key gets the first answer again, word for word. Who comes while the first is at work waits for it (PostgreSQL at
the unique index, SQLite at its one write lock) and then finds the answer. A crash before the commit leaves nothing behind.
docs/api.md says which refusals are remembered.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import NamedTuple

from django.db import OperationalError, connection, transaction

from customers import statements
from customers.models import ApiKey, ApiRequest
from customers.statements import Rows, Statement

KEPT = dt.timedelta(days=30)
CHUNK = 5_000
# Every write passes here, so that its statements are written out instead of put together each time.
TABLE = ApiRequest._meta.db_table
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's lock_timeout has passed


class Answer(NamedTuple):
    """Status and body of a reply."""

    status: int
    body: str
    is_replayed: bool = False


class Refused(Exception):
    """The work was refused: nothing of it stays but the answer, which a repetition gets again."""

    def __init__(self, *, answer: Answer) -> None:
        self.answer = answer
        super().__init__(answer.status)


class KeyReused(Exception):
    """The idempotency key was used for another request; nothing was done."""


class StillRunning(Exception):
    """The first request with this idempotency key has not been answered yet; nothing was done."""


class Request(NamedTuple):
    """Who asks what; `fingerprints` are the digests under the present key and earlier ones, the present one first."""

    api_key: ApiKey
    key: str
    fingerprints: Sequence[bytes]
    now: dt.datetime


def answer_once(*, request: Request, work: Callable[[list[Rows]], Answer], asked: Sequence[Statement] = ()) -> Answer:
    """Do the work once per client and key, and return its answer or the one that was given before.

    What is `asked` comes along with the message that takes the key, and is handed to the work. Raises KeyReused and StillRunning; whatever else `work` raises, except Refused, leaves nothing behind.
    """
    # A repetition must not queue for SQLite's one write lock; PostgreSQL says it when the key is taken.
    if connection.vendor == "sqlite" and (earlier := _answered(request)):
        return earlier
    try:
        with transaction.atomic():
            row, found = _claim(request, asked)
            if row is None:
                return _answered_meanwhile(request)
            answer = work(found)
            _keep(row, answer)
            return answer
    except Refused as refused:
        # The work is undone; only the answer stays, unless another repetition was quicker.
        if not statements.run(_insert(request, refused.answer))[0]:
            return _answered_meanwhile(request)
        return refused.answer


def forget_old(*, now: dt.datetime) -> int:
    """Delete the answers that are older than 30 days, in chunks, and return how many.

    What moved points or coupons stays guarded for ever by keys of its own: receipts, returns, redemptions and sources.
    """
    forgotten = 0
    old = ApiRequest.objects.filter(recorded_at__lt=now - KEPT).order_by("recorded_at")
    while ids := list(old.values_list("pk", flat=True)[:CHUNK]):
        forgotten += ApiRequest.objects.filter(pk__in=ids).delete()[0]
    return forgotten


def _answered(request: Request) -> Answer | None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT fingerprint, status, body FROM {TABLE} WHERE client = %s AND key = %s",  # noqa: S608 (our own name)
            [request.api_key.client, request.key],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    fingerprint, status, body = row
    if bytes(fingerprint) not in request.fingerprints:
        raise KeyReused
    return Answer(status, body, is_replayed=True)


def _answered_meanwhile(request: Request) -> Answer:
    answer = _answered(request)
    if answer is None:
        raise StillRunning
    return answer


def _claim(request: Request, asked: Sequence[Statement]) -> tuple[int | None, list[Rows]]:
    """Take the key for this transaction; None when it was taken before. PostgreSQL waits here for whoever has it."""
    try:
        claimed, *found = statements.run(_insert(request, Answer(0, "")), *asked)
        return (claimed[0][0] if claimed else None), found
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == LOCK_NOT_AVAILABLE:
            raise StillRunning from error
        raise


def _insert(request: Request, answer: Answer) -> Statement:
    moment = connection.ops.adapt_datetimefield_value(request.now)
    values = (
        request.api_key.client, request.key, request.api_key.pk, request.fingerprints[0], answer.status, answer.body, moment
    )  # fmt: skip
    return Statement(
        f"INSERT INTO {TABLE} (client, key, api_key_id, fingerprint, status, body, recorded_at) "  # noqa: S608
        "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
        values,
    )


def _keep(row: int, answer: Answer) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE} SET status = %s, body = %s WHERE id = %s",  # noqa: S608 (our own name)
            [answer.status, answer.body, row],
        )
