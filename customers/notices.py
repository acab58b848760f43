"""Mails about the customer's own account: queued with their cause, sent by the clock, never twice by themselves.

The row is `sending` in the database before the mail server hears of it; whatever is still `sending` after its lease is
uncertain and stays for staff to see.
"""

import datetime as dt
import logging
import smtplib
from collections.abc import Iterable
from itertools import batched
from typing import Any, NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone, translation

from customers import consents, looks, opt_out
from customers.models import Consent, Customer, Notice

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=5)
MAX_TRIES = 8
AT_ONCE = 200
State = Notice.State
# Notices that are offers and not about the account: kind -> the purpose that the customer must have agreed to.
NEEDS_CONSENT = {
    "coupon_issued": Consent.Purpose.MARKETING.value,
    "birthday": Consent.Purpose.MARKETING.value,
    "surprise": Consent.Purpose.MARKETING.value,
}
# Reminders, which a customer may switch off on the profile.
REMINDERS = {"points_expiring"}


class Letter(NamedTuple):
    """A notice to be queued; `context` holds numbers and keys only."""

    customer_id: int
    kind: str
    source: str
    context: dict[str, Any]


def queue(letters: Iterable[Letter], *, now: dt.datetime) -> int:
    """Queue notices, each once per customer, kind and source, and return how many were given.

    Call it in the transaction of the cause.
    """
    given = 0
    for some in batched(letters, AT_ONCE, strict=False):
        rows = [
            Notice(
                customer_id=it.customer_id,
                kind=it.kind,
                source=it.source,
                context=it.context,
                not_before=now,
                queued_at=now,
            )
            for it in some
        ]
        Notice.objects.bulk_create(rows, ignore_conflicts=True)
        given += len(rows)
    return given


def send_due(*, now: dt.datetime | None = None) -> int:
    """Send what is due, one mail at a time, and return how many notices were dealt with."""
    moment = now or timezone.now()
    due = Notice.objects.filter(state=State.QUEUED, not_before__lte=moment).order_by("not_before", "pk")
    done = 0
    for pk in list(due.values_list("pk", flat=True)[:AT_ONCE]):
        claimed = Notice.objects.filter(pk=pk, state=State.QUEUED).update(
            state=State.SENDING, lease_until=moment + LEASE, tries=F("tries") + 1
        )
        if claimed:
            notice = Notice.objects.get(pk=pk)
            finish(notice, _send(notice), now=now or timezone.now())
            done += 1
    return done


def finish(notice: Notice, outcome: tuple[str, str], *, now: dt.datetime) -> None:
    """Write down what became of a notice, unless its lease was taken away in the meantime."""
    state, error = outcome
    values: dict[str, Any] = {"state": state, "error": error[:300], "finished_at": now}
    if state == State.QUEUED and notice.tries >= MAX_TRIES:
        values["state"] = State.FAILED
    elif state == State.QUEUED:
        later = now + dt.timedelta(seconds=30 * 2**notice.tries)
        values = {"state": state, "error": error[:300], "not_before": later, "lease_until": None}
    Notice.objects.filter(pk=notice.pk, state=State.SENDING, lease_until=notice.lease_until).update(**values)


def reap(*, now: dt.datetime) -> int:
    """Mark notices whose worker vanished as uncertain and return how many; none is sent again by itself."""
    return Notice.objects.filter(state=State.SENDING, lease_until__lt=now).update(
        state=State.UNCERTAIN, finished_at=now, error="The worker vanished while sending."
    )


def compose(*, notice: Notice, customer: Customer, email: str) -> EmailMultiAlternatives:
    """Write a notice in its customer's language."""
    purpose = NEEDS_CONSENT.get(notice.kind)
    with translation.override(customer.mail_language):
        context = notice.context | {
            "customer": customer,
            "programme_name": looks.name(),
            "postal_address": settings.POSTAL_ADDRESS,
            "site_url": settings.SITE_URL,
            "opt_out_url": opt_out.url(customer_id=customer.pk, purpose=purpose) if purpose else "",
        }
        subject, text, page = (
            render_to_string(f"emails/{notice.kind}/{part}", context)
            for part in ("subject.txt", "body.txt", "body.html")
        )
    mail = EmailMultiAlternatives(
        " ".join(subject.split()),
        text,
        to=[email],
        headers={"Auto-Submitted": "auto-generated", "X-Notice": str(notice.pk)}
        | (opt_out.headers(customer_id=customer.pk, purpose=purpose) if purpose else {}),
    )
    mail.attach_alternative(page, "text/html")
    return mail


def _send(notice: Notice) -> tuple[str, str]:
    """Hand one notice over and return its state and what went wrong, without any address."""
    customer = Customer.objects.enrolled().with_contact().filter(pk=notice.customer_id).first()
    if customer is None or not customer.email:
        return State.SKIPPED, "no address"
    if notice.kind in REMINDERS and not customer.wants_reminders:
        return State.SKIPPED, "no reminders wanted"
    purpose = NEEDS_CONSENT.get(notice.kind)
    if purpose and not consents.is_granted(customer=customer, channel=Consent.Channel.EMAIL, purpose=purpose):
        return State.SKIPPED, "no consent"
    mail = compose(notice=notice, customer=customer, email=customer.email)
    try:
        mail.send()
    except (ConnectionRefusedError, smtplib.SMTPConnectError, smtplib.SMTPSenderRefused) as error:
        return State.QUEUED, type(error).__name__
    except smtplib.SMTPRecipientsRefused as error:
        code, __ = next(iter(error.recipients.values()))
        return (State.QUEUED if 400 <= code < 500 else State.FAILED), f"{type(error).__name__} {code}"
    except smtplib.SMTPResponseException as error:
        return (
            State.QUEUED if 400 <= error.smtp_code < 500 else State.FAILED
        ), f"{type(error).__name__} {error.smtp_code}"
    except Exception as error:
        # It may have been taken: a second mail would be worse than a row that staff can see.
        logger.exception("Notice %s is uncertain", notice.pk)
        return State.UNCERTAIN, type(error).__name__
    return State.SENT, ""
