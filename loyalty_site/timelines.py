"""Everything that happened with one customer, in the order in which it happened."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from customers.admin_panels import may_view, record_url
from customers.models import Customer, Purchase, User
from customers.templatetags.loyalty import money
from rewards.models import Coupon, CouponUse
from surveys import channels
from surveys.models import Case, ContactLogEntry, Response, Survey

AT_ONCE = 30


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    occurred_at: dt.datetime
    kind: str
    title: str
    url: str = ""
    text: str = ""
    by: str = ""


def timeline(
    *, customer: Customer, reader: User, before: dt.datetime | None = None
) -> tuple[list[Event], dt.datetime | None]:
    """Return the newest events that a reader may see, and from where to go on with the older ones, None at the end.

    One question for each kind of event, whatever there is.
    """
    found = [event for events in SOURCES for event in events(customer, reader, before)]
    found.sort(key=lambda event: event.occurred_at, reverse=True)
    shown = found[:AT_ONCE]
    return shown, shown[-1].occurred_at if len(found) > AT_ONCE else None


def _newest(rows: Any, moment: str, before: dt.datetime | None) -> Any:
    if before is not None:
        rows = rows.filter(**{f"{moment}__lt": before})
    return rows.order_by(f"-{moment}", "-pk")[: AT_ONCE + 1]


def _purchases(customer: Customer, reader: User, before: dt.datetime | None) -> Iterator[Event]:
    if may_view(reader, Purchase):
        rows = Purchase.objects.filter(customer=customer).select_related("store")
        for row in _newest(rows, "occurred_at", before):
            yield Event(row.occurred_at, _("Purchase"), f"{money(row.total)} · {row.store}", record_url(row))


def _coupons(customer: Customer, reader: User, before: dt.datetime | None) -> Iterator[Event]:
    if may_view(reader, Coupon):
        rows = Coupon.objects.filter(customer=customer).select_related("batch")
        for row in _newest(rows, "issued_at", before):
            yield Event(row.issued_at, _("Coupon issued"), row.batch.name, record_url(row))
        uses = CouponUse.objects.filter(coupon__customer=customer, redeemed_at__isnull=False)
        for use in _newest(uses.select_related("coupon__batch"), "redeemed_at", before):
            yield Event(use.redeemed_at, _("Coupon used"), use.coupon.batch.name, record_url(use.coupon))


def _answers(customer: Customer, reader: User, before: dt.datetime | None) -> Iterator[Event]:
    """Give the answered surveys; of a promised one nobody learns who answered."""
    if may_view(reader, Response):
        rows = Response.objects.completed().filter(
            customer=customer, version__survey__anonymity=Survey.Anonymity.IDENTIFIED
        )
        for row in _newest(rows.select_related("version__survey"), "completed_at", before):
            channel = channels.words([row.channel])[row.channel]
            yield Event(
                row.completed_at, _("Survey answered"), f"{row.version.survey.title} · {channel}", record_url(row)
            )


def _cases(customer: Customer, reader: User, before: dt.datetime | None) -> Iterator[Event]:
    if may_view(reader, Case):
        rows = Case.objects.filter(customer=customer).select_related("owner")
        for row in _newest(rows, "opened_at", before):
            yield Event(
                row.opened_at, _("Case opened"), row.subject, record_url(row), by=str(row.owner) if row.owner else ""
            )
        for row in _newest(rows.filter(closed_at__isnull=False), "closed_at", before):
            yield Event(
                row.closed_at,
                _("Case closed"),
                f"{row.get_state_display()} · {row.subject}",
                record_url(row),
                row.outcome,
            )


def _contacts(customer: Customer, reader: User, before: dt.datetime | None) -> Iterator[Event]:
    if may_view(reader, ContactLogEntry):
        rows = ContactLogEntry.objects.filter(customer=customer).select_related("by")
        for row in _newest(rows, "occurred_at", before):
            title = f"{row.get_channel_display()}, {row.get_direction_display()} · {row.topic}"
            by = str(row.by) if row.by else ""
            yield Event(row.occurred_at, _("Conversation"), title, record_url(row), row.text, by)


SOURCES = (_purchases, _coupons, _answers, _cases, _contacts)
