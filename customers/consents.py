"""What customers agreed to: every change is a new row, the latest counts."""

import datetime as dt

from django.db import transaction

from customers.models import Consent, Customer, User


def is_granted(*, customer: Customer, channel: str, purpose: str) -> bool:
    """Return whether the customer's latest word on a channel and purpose is yes; silence is no."""
    latest = _latest(customer, channel, purpose)
    return latest is not None and latest.is_granted


def latest(*, customer: Customer) -> dict[tuple[str, str], Consent]:
    """Return the customer's latest word on every channel and purpose that they ever spoke about."""
    return {(word.channel, word.purpose): word for word in customer.consents.order_by("pk")}


def grant(
    *, customer: Customer, channel: str, purpose: str, wording: str, source: str, by: User | None, now: dt.datetime
) -> Consent:
    """Record a yes and return the row that says so.

    `wording` is the key and version of the sentence that was shown. Saying it again in the same words adds no row.
    """
    return _say(True, customer, channel, purpose, wording, source, by, now)


def withdraw(
    *, customer: Customer, channel: str, purpose: str, wording: str, source: str, by: User | None, now: dt.datetime
) -> Consent:
    """Record a no and return the row that says so; it works from the next mail on. Saying it again adds no row."""
    return _say(False, customer, channel, purpose, wording, source, by, now)


def _say(
    is_granted: bool,
    customer: Customer,
    channel: str,
    purpose: str,
    wording: str,
    source: str,
    by: User | None,
    now: dt.datetime,
) -> Consent:
    with transaction.atomic():
        # Two answers at once: the second waits, and then sees the first.
        Customer.objects.select_for_update().only("pk").get(pk=customer.pk)
        latest = _latest(customer, channel, purpose)
        if latest is not None and (latest.is_granted, latest.wording) == (is_granted, wording):
            return latest
        return Consent.objects.create(
            customer=customer,
            channel=channel,
            purpose=purpose,
            is_granted=is_granted,
            wording=wording,
            source=source,
            by=by,
            occurred_at=now,
        )


def _latest(customer: Customer, channel: str, purpose: str) -> Consent | None:
    return customer.consents.filter(channel=channel, purpose=purpose).order_by("-pk").first()
