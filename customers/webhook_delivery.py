"""Delivering webhooks: hand events out to their endpoints, take turns, write down what came of each attempt.

At least once: whatever a vanished worker had in hand is sent again under the same message id, by which its receiver knows it.
One endpoint is one turn at a time, leased for two minutes; turns run side by side, so that one that hangs keeps nobody
waiting. The network is never used inside a transaction, and threads never use the database.
"""

import datetime as dt
import json
import logging
import secrets
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from customers import keeping, webhook_endpoints, webhook_secrets
from customers.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from customers.webhook_addresses import Resolve
from customers.webhook_transport import Answer, post

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=2)
LANES = 8
AT_ONCE = 20  # deliveries of one turn
TURN_SECONDS = 30
SPREAD_AT_ONCE = 500
MINUTE, HOUR = 60, 3600
# What lies between the attempts; after the last one the delivery has failed.
DELAYS = (5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
LONGEST_REST = 5 * MINUTE
FAILING_DAYS = dt.timedelta(days=5)
PAUSED_DAYS = dt.timedelta(days=7)
State, Reason = WebhookDelivery.State, WebhookEndpoint.Reason
type Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One endpoint in the hands of one worker; without keys its secret cannot be read."""

    endpoint: WebhookEndpoint
    claim: uuid.UUID
    keys: list[bytes]
    deliveries: list[WebhookDelivery]


def deliver_due(*, clock: Clock = timezone.now, seconds: float = 50, ask: Resolve = socket.getaddrinfo) -> int:
    """Deliver what is due, beginning nothing new after some seconds, and return how many attempts were made.

    Any number of workers may do this at once.
    """
    deadline, made = time.monotonic() + seconds, 0
    running: dict[Future[dict[int, Answer]], Turn] = {}
    with ThreadPoolExecutor(LANES) as lanes:
        while True:
            if time.monotonic() < deadline:
                spread(now=clock())
                for turn in claim(now=clock(), most=LANES - len(running)):
                    running[lanes.submit(send, turn, clock=clock, ask=ask)] = turn
            if not running:
                return made
            done, __ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
            for future in done:
                answers = future.result()
                settle(running.pop(future), answers, now=clock())
                made += len(answers)


def spread(*, now: dt.datetime) -> int:
    """Give each listening endpoint its delivery of the newest events, and return how many events that were."""
    waiting, done = WebhookEvent.objects.filter(spread_at=None).order_by("pk"), 0
    # A look before the transaction: on SQLite it would take the one write lock for nothing.
    while waiting.exists():
        with transaction.atomic():
            events = list(waiting.select_for_update(skip_locked=True)[:SPREAD_AT_ONCE])
            if events:
                rows = _deliveries(events, now)
                WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True, batch_size=SPREAD_AT_ONCE)
                WebhookEvent.objects.filter(pk__in=[event.pk for event in events]).update(spread_at=now)
        done += len(events)
        if len(events) < SPREAD_AT_ONCE:  # the others are in the hands of another worker
            break
    return done


def _deliveries(events: list[WebhookEvent], now: dt.datetime) -> list[WebhookDelivery]:
    endpoints = list(WebhookEndpoint.objects.listening().order_by("pk"))
    return [
        WebhookDelivery(endpoint=endpoint, event=event, next_attempt_at=now)
        for event in events
        for endpoint in endpoints
        if event.type in endpoint.event_types and endpoint.created_at <= event.recorded_at
    ]


def claim(*, now: dt.datetime, most: int = LANES) -> list[Turn]:
    """Take the endpoints that have something due and whose turn nobody else has; who waited longest comes first."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    rested = Q(rests_until=None) | Q(rests_until__lte=now)
    due = WebhookDelivery.objects.filter(state=State.PENDING, next_attempt_at__lte=now)
    endpoints = WebhookEndpoint.objects.filter(free, rested, state=WebhookEndpoint.State.ACTIVE)
    turns: list[Turn] = []
    waiting = endpoints.filter(Exists(due.filter(endpoint=OuterRef("pk"))))
    for endpoint in waiting.order_by(F("delivered_at").asc(nulls_first=True), "pk")[:most]:
        mine = uuid.uuid4()
        if endpoints.filter(pk=endpoint.pk).update(claim=mine, lease_until=now + LEASE):
            deliveries = due.filter(endpoint=endpoint).select_related("event__customer")
            turns.append(
                Turn(
                    endpoint=endpoint, claim=mine, keys=_keys(endpoint, now),
                    deliveries=list(deliveries.order_by("next_attempt_at", "pk")[:AT_ONCE]),
                )
            )  # fmt: skip
    return turns


def _keys(endpoint: WebhookEndpoint, now: dt.datetime) -> list[bytes]:
    try:
        return webhook_endpoints.signing_keys(endpoint=endpoint, now=now)
    except webhook_secrets.SecretUnreadable:
        logger.exception("The secret of webhook endpoint %s cannot be read", endpoint.pk)
        return []


def send(turn: Turn, *, clock: Clock, ask: Resolve = socket.getaddrinfo) -> dict[int, Answer]:
    """Post the deliveries of a turn one after the other and return the answers by key; stops where going on is in vain."""
    answers: dict[int, Answer] = {}
    stop_at = time.monotonic() + TURN_SECONDS
    for delivery in turn.deliveries:
        if answers and time.monotonic() >= stop_at:
            break
        answer = _post(turn, delivery, clock(), ask)
        answers[delivery.pk] = answer
        if answer.is_gone or answer.is_endpoints_fault:
            break
    return answers


def _post(turn: Turn, delivery: WebhookDelivery, now: dt.datetime, ask: Resolve) -> Answer:
    if not turn.keys:
        return Answer(error="secret")
    event, body, timestamp = delivery.event, body_of(delivery.event), int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "loyalty-portal-webhooks",
        "webhook-id": event.uid,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": webhook_secrets.sign(message_id=event.uid, timestamp=timestamp, body=body, keys=turn.keys),
    }
    return post(url=turn.endpoint.url, body=body, headers=headers, ask=ask)


def body_of(event: WebhookEvent) -> bytes:
    """Return what is sent of an event, the same bytes at every attempt: a member number never changes."""
    data = event.data if event.customer is None else {"member_number": event.customer.member_number, **event.data}
    occurred_at = event.occurred_at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    body = {"type": event.type, "timestamp": occurred_at, "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def settle(turn: Turn, answers: Mapping[int, Answer], *, now: dt.datetime) -> None:
    """Write down what came of a turn and give the endpoint back; what a quicker worker wrote meanwhile stands."""
    with transaction.atomic(durable=True):
        for delivery in turn.deliveries:
            if answer := answers.get(delivery.pk):
                rows = WebhookDelivery.objects.filter(pk=delivery.pk, state=State.PENDING, attempts=delivery.attempts)
                rows.update(**_after(delivery, answer, now))
        values = _endpoint_after(turn.endpoint, list(answers.values()), now)
        held = WebhookEndpoint.objects.filter(pk=turn.endpoint.pk, claim=turn.claim)
        if not held.update(claim=None, lease_until=None, **values):
            logger.warning("Lost the lease of webhook endpoint %s", turn.endpoint.pk)
            return
        if reason := _end(answers, values, now):
            with suppress(webhook_endpoints.WrongState):
                webhook_endpoints.disable(endpoint=turn.endpoint, reason=reason, now=now)
                logger.error("Disabled webhook endpoint %s: %s", turn.endpoint.pk, reason)


def _after(delivery: WebhookDelivery, answer: Answer, now: dt.datetime) -> dict[str, Any]:
    """Return what an answer writes into its delivery."""
    attempts = delivery.attempts + 1
    known = {"attempts": attempts, "attempted_at": now, "status": answer.status, "error": _word(answer)}
    if answer.is_delivered:
        return {"state": State.DELIVERED, "finished_at": now} | known
    if attempts > len(DELAYS):
        return {"state": State.FAILED, "finished_at": now} | known
    return {"next_attempt_at": now + _later(DELAYS[attempts - 1], answer.retry_after)} | known


def _word(answer: Answer) -> str:
    if answer.status is not None and 300 <= answer.status < 400:
        return "redirect"
    return answer.error


def _endpoint_after(endpoint: WebhookEndpoint, answers: list[Answer], now: dt.datetime) -> dict[str, Any]:
    """Return what a turn writes into its endpoint: after a fault of its own it rests, longer each time."""
    if not answers:
        return {}
    if any(answer.is_delivered for answer in answers):
        values: dict[str, Any] = {"delivered_at": now, "failing_since_at": None, "failures": 0, "rests_until": None}
    else:
        values = {"failing_since_at": endpoint.failing_since_at or now, "failures": 0, "rests_until": None}
    if answers[-1].is_endpoints_fault:
        failures = 1 if "delivered_at" in values else endpoint.failures + 1
        rest = min(LONGEST_REST, DELAYS[0] * 2 ** min(failures - 1, 10))
        values |= {"failures": failures, "rests_until": now + _later(rest, answers[-1].retry_after)}
    return values


def _end(answers: Mapping[int, Answer], values: Mapping[str, Any], now: dt.datetime) -> Reason | None:
    """Return why nothing more is to be sent, None when the endpoint goes on."""
    if any(answer.is_gone for answer in answers.values()):
        return Reason.GONE
    since = values.get("failing_since_at")
    return Reason.FAILING if since is not None and since <= now - FAILING_DAYS else None


def _later(seconds: int, retry_after: int = 0) -> dt.timedelta:
    """Return how long to wait: never less, and up to a tenth more by chance, so that not all come back at once."""
    return dt.timedelta(seconds=max(seconds, retry_after) * (1 + secrets.randbelow(100) / 1000))


def tidy(*, now: dt.datetime) -> int:
    """Disable what was paused for too long, and delete events that are kept no longer; return how many events went."""
    for endpoint in WebhookEndpoint.objects.filter(
        state=WebhookEndpoint.State.PAUSED, changed_at__lte=now - PAUSED_DAYS
    ).order_by("pk"):
        with suppress(webhook_endpoints.WrongState):
            webhook_endpoints.disable(endpoint=endpoint, reason=Reason.PAUSED_TOO_LONG, now=now)
    waiting = WebhookDelivery.objects.filter(event=OuterRef("pk"), state=State.PENDING)
    old = WebhookEvent.objects.filter(
        ~Exists(waiting), recorded_at__lt=keeping.before("webhooks", now), spread_at__isnull=False
    )
    forgotten = 0
    while keys := list(old.order_by("pk").values_list("pk", flat=True)[:SPREAD_AT_ONCE]):
        WebhookEvent.objects.filter(pk__in=keys).delete()
        forgotten += len(keys)
    return forgotten
