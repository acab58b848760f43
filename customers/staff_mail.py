"""Mails to staff about what they have to look at: queued with their cause, sent by the clock.

Unlike a customer's mail one may arrive twice: a worker that vanishes while sending leaves the row queued, and it is sent
again after its lease. Nobody minds a second warning; everybody minds none.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.utils import translation

from customers import looks
from customers.models import StaffNotice, User

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=5)
MAX_TRIES = 8
AT_ONCE = 100
State = StaffNotice.State


class Attachment(NamedTuple):
    """A file that goes with a mail."""

    name: str
    content: bytes
    media_type: str


# Kind of notice -> what makes its file, in the reader's language; whoever makes one registers it when the site starts.
ATTACHMENTS: dict[str, Callable[[StaffNotice], Attachment]] = {}


def who_may(permission: str, *, but: User | None = None) -> list[User]:
    """Return the staff who may do something, `app.codename`; the owner, who may do everything, only if nobody else may."""
    app, codename = permission.split(".")
    staff = User.objects.filter(is_staff=True, is_active=True).exclude(pk=but.pk if but else None).order_by("pk")
    permits = [{f"{path}codename": codename, f"{path}content_type__app_label": app} for path in PATHS]
    found = staff.filter(is_superuser=False).filter(Q(**permits[0]) | Q(**permits[1])).distinct()
    return list(found) or list(staff.filter(is_superuser=True))


PATHS = ("groups__permissions__", "user_permissions__")


def owners() -> list[User]:
    """Return those who may do everything."""
    return list(User.objects.filter(is_superuser=True, is_active=True).order_by("pk"))


def queue(*, kind: str, source: str, context: dict[str, Any], readers: Iterable[User], now: dt.datetime) -> None:
    """Queue a mail to some staff, each once per kind and source; in the transaction of its cause.

    `context` holds numbers and keys only; an instant is written in ISO 8601 under a name that ends in `_at`.
    """
    rows = [
        StaffNotice(
            reader=reader, kind=StaffNotice.Kind(kind), source=source, context=context, not_before=now, queued_at=now
        )
        for reader in readers
    ]
    StaffNotice.objects.bulk_create(rows, ignore_conflicts=True)


def send_due(*, now: dt.datetime) -> int:
    """Send what is due, one mail at a time, and return how many were dealt with."""
    due = StaffNotice.objects.filter(state=State.QUEUED, not_before__lte=now)
    done = 0
    for notice in list(due.select_related("reader").order_by("not_before", "pk")[:AT_ONCE]):
        claimed = due.filter(pk=notice.pk).update(not_before=now + LEASE, tries=F("tries") + 1)
        if claimed:
            _send(notice, now)
            done += 1
    return done


def compose(*, notice: StaffNotice) -> EmailMultiAlternatives:
    """Write a notice in its reader's language."""
    with translation.override(notice.reader.language or settings.LANGUAGE_CODE):
        context = {
            name: dt.datetime.fromisoformat(value) if name.endswith("_at") else value
            for name, value in notice.context.items()
        } | {
            "programme_name": looks.name(),
            "postal_address": settings.POSTAL_ADDRESS,
            "site_url": settings.SITE_URL,
        }
        subject, text, page = (
            render_to_string(f"emails/{notice.kind}/{part}", context)
            for part in ("subject.txt", "body.txt", "body.html")
        )
        attachment = ATTACHMENTS[notice.kind](notice) if notice.kind in ATTACHMENTS else None
    headers = {"Auto-Submitted": "auto-generated", "X-Notice": f"staff-{notice.pk}"}
    mail = EmailMultiAlternatives(" ".join(subject.split()), text, to=[notice.reader.email], headers=headers)
    mail.attach_alternative(page, "text/html")
    if attachment is not None:
        mail.attach(*attachment)
    return mail


def _send(notice: StaffNotice, now: dt.datetime) -> None:
    row, tries = StaffNotice.objects.filter(pk=notice.pk, state=State.QUEUED), notice.tries + 1
    try:
        compose(notice=notice).send()
    except Exception as error:
        # Whatever it was, it is tried again: the row says what became of it.
        values: dict[str, Any] = {
            "error": type(error).__name__,
            "not_before": now + dt.timedelta(seconds=30) * 2**tries,
        }
        if tries >= MAX_TRIES:
            logger.error("Staff notice %s could not be sent", notice.pk)
            values |= {"state": State.FAILED, "finished_at": now}
        row.update(**values)
    else:
        row.update(state=State.SENT, finished_at=now)
