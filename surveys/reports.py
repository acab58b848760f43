"""What providers report about mails that left: taken in as it comes, understood a moment later, and never going backwards.

A webhook stores one row and is done. The row becomes a delivery event and is gone; one about a message that we do not know
(yet) waits for 24 hours. Opens and clicks are kept as events and decide nothing: mail programs open everything.
"""

import datetime as dt
import hashlib
import logging
import uuid
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.db import transaction
from django.utils import timezone

from surveys import pulse, runs, suppression
from surveys.models import DeliveryEvent, MailReport, Message, Run, Suppression

logger = logging.getLogger(__name__)

# Older reports are replayed ones, and the provider's clock is not so far ahead.
OLDEST, AHEAD = dt.timedelta(days=7), dt.timedelta(minutes=10)
PARKED = dt.timedelta(hours=24)
AT_ONCE = 500
SOFT_BOUNCES, SOFT_DAYS = 3, 30
SOFT = "soft_bounced"  # the kind of a bounce that may pass by itself
State, Reason, Scope = Message.State, Suppression.Reason, Suppression.Scope
# What a message is called after an event; nothing falls back to a lower row.
_RANKS = {State.ACCEPTED: 1, State.DELIVERED: 2, State.FAILED: 3, State.BOUNCED: 3, State.COMPLAINED: 4}
_STATES = {
    EventType.QUEUED: State.ACCEPTED,
    EventType.SENT: State.ACCEPTED,
    EventType.DELIVERED: State.DELIVERED,
    EventType.BOUNCED: State.BOUNCED,
    EventType.REJECTED: State.FAILED,
    EventType.FAILED: State.FAILED,
    EventType.COMPLAINED: State.COMPLAINED,
}
# Why a bounced or rejected mailbox gets no more mail; what is missing (timed out, blocked, other) may pass.
_REASONS = {
    RejectReason.INVALID: Reason.INVALID,
    RejectReason.BOUNCED: Reason.BOUNCED,
    RejectReason.SPAM: Reason.COMPLAINED,
}


def take_in(*, event: AnymailTrackingEvent, esp: str, now: dt.datetime) -> bool:
    """Store one reported event and return whether it was; too old and future ones are not, a second one changes nothing."""
    occurred_at = event.timestamp or now
    if timezone.is_naive(occurred_at):
        occurred_at = occurred_at.replace(tzinfo=dt.UTC)
    if not now - OLDEST <= occurred_at <= now + AHEAD:
        logger.warning("Ignored an event of %s that is too old or lies ahead", esp)
        return False
    row = MailReport(
        esp=esp[:40],
        dedupe_key=_dedupe_key(event, esp),
        kind=SOFT if _is_soft(event) else str(event.event_type)[:30],
        survey_message=_message_id(event),
        email_hash=suppression.email_hash(event.recipient) if event.recipient else "",
        detail={
            "reason": str(event.reject_reason or "")[:30],
            "said": suppression.mask(str(event.mta_response or event.description or ""))[:300],
            "provider_id": str(event.message_id or "")[:200],
        },
        occurred_at=occurred_at,
        received_at=now,
    )
    MailReport.objects.bulk_create([row], ignore_conflicts=True)
    return True


def _dedupe_key(event: AnymailTrackingEvent, esp: str) -> str:
    """Return the event's own id, or what stands for it where the provider gives none (Brevo, mostly Postmark)."""
    if event.event_id:
        return f"{event.event_type}:{event.event_id}"[:200]
    parts = (esp, event.message_id, event.recipient, event.event_type, event.timestamp)
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def _message_id(event: AnymailTrackingEvent) -> str:
    try:
        return str(uuid.UUID(str((event.metadata or {}).get("survey_message", ""))))
    except (ValueError, AttributeError):
        return ""


def _is_soft(event: AnymailTrackingEvent) -> bool:
    """Return whether a bounce may pass by itself; Anymail calls both kinds bounced, the provider's own words differ."""
    if event.event_type != EventType.BOUNCED:
        return False
    if event.reject_reason == RejectReason.TIMED_OUT:
        return True
    raw: Any = event.esp_event if isinstance(event.esp_event, dict) else {}
    inner = raw.get("data") if isinstance(raw.get("data"), dict) else {}
    bounce = inner.get("bounce") if isinstance(inner.get("bounce"), dict) else {}
    said = (
        raw.get("Type"),
        raw.get("event"),
        raw.get("bounceType"),
        bounce.get("type"),
    )  # Postmark, Brevo, SES, Resend
    return any(word in ("SoftBounce", "soft_bounce", "Transient") for word in said)


def work(*, now: dt.datetime) -> int:
    """Understand the stored reports, oldest first, and return how many; those about unknown messages go on waiting."""
    done, touched = 0, set()
    for pk in list(MailReport.objects.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            report = MailReport.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
            if report is None:
                continue
            message = _message(report)
            if message is None and report.survey_message and now - report.received_at < PARKED:
                continue
            done += 1
            if _record(report, message):
                _follow(report, message, now)
                if message is not None:
                    touched.add(message.run_id)
            report.delete()
    for run in Run.objects.filter(pk__in=touched, phase=Run.Phase.SENDING):
        _pause_if_ill(run)
    return done


def _message(report: MailReport) -> Message | None:
    if not report.survey_message:
        return None
    locked = Message.objects.select_for_update(of=("self",)).select_related("invitation")
    return locked.filter(pk=report.survey_message).first()


def _record(report: MailReport, message: Message | None) -> bool:
    """Keep a report as an event, and return whether it is news."""
    if DeliveryEvent.objects.filter(esp=report.esp, dedupe_key=report.dedupe_key).exists():
        return False
    DeliveryEvent.objects.create(
        esp=report.esp,
        dedupe_key=report.dedupe_key,
        message=message,
        kind=report.kind,
        detail={name: value for name, value in report.detail.items() if value},
        occurred_at=report.occurred_at,
    )
    return True


def _follow(report: MailReport, message: Message | None, now: dt.datetime) -> None:
    """Draw the conclusions of a report: the message's state, and who gets no more mail."""
    state = _STATES.get(report.kind)
    if message is not None and state and _RANKS[state] > _RANKS.get(State(message.state), 0):
        if message.state == State.SKIPPED:
            message.invitation.skip = ""
            message.invitation.save(update_fields=["skip"])
        message.state, message.claim, message.lease_until = state, None, None
        message.provider_id = message.provider_id or report.detail.get("provider_id", "")
        message.finished_at = message.finished_at or now
        message.error = report.detail.get("said", "") if state in (State.FAILED, State.BOUNCED) else ""
        message.save(update_fields=["state", "claim", "lease_until", "provider_id", "finished_at", "error"])
    reason = report.detail.get("reason", "")
    source = f"event:{report.esp}:{report.dedupe_key}"
    if report.kind == EventType.UNSUBSCRIBED or reason == RejectReason.UNSUBSCRIBED:
        if message is not None:
            suppression.unsubscribe(invitation=message.invitation, source=source, now=now)
        else:
            _suppress(report, None, Scope.SURVEYS, Reason.UNSUBSCRIBED, source)
    elif report.kind == EventType.COMPLAINED:
        _suppress(report, message, Scope.ALL, Reason.COMPLAINED, source)
    elif report.kind in (EventType.BOUNCED, EventType.REJECTED) and reason in _REASONS:
        _suppress(report, message, Scope.ALL, _REASONS[reason], source)
    elif report.kind == SOFT and message is not None and _soft_bounces(report, message) >= SOFT_BOUNCES:
        _suppress(report, message, Scope.SURVEYS, Reason.BOUNCED, source)


def _soft_bounces(report: MailReport, message: Message) -> int:
    """Count the soft bounces of a mailbox within thirty days."""
    invitation = message.invitation
    return DeliveryEvent.objects.filter(
        kind=SOFT,
        occurred_at__gt=report.occurred_at - dt.timedelta(days=SOFT_DAYS),
        message__invitation__customer=invitation.customer_id,
        message__invitation__email_normalised=invitation.email_normalised,
    ).count()


def _suppress(report: MailReport, message: Message | None, scope: Scope, reason: Reason, source: str) -> None:
    """Suppress the mailbox that we wrote to; the reported one where we do not know the message."""
    email = message.invitation.email if message is not None else ""
    hashed = suppression.email_hash(email) if email else report.email_hash
    if hashed:
        suppression.suppress_hash(
            email_hash=hashed, scope=scope, reason=reason, source=source, occurred_at=report.occurred_at
        )


def _pause_if_ill(run: Run) -> None:
    if reason := pulse.reputation(run=run).reason_to_pause:
        try:
            runs.pause(run=run, reason=reason)
        except runs.RunNotInPhase:
            return  # somebody was quicker
        logger.error("Paused run %s: %s", run.pk, reason)
