"""How long what is kept: one table that people read and the nightly task applies. docs/privacy.md explains each line.

`due` counts what a line would take today and `apply` takes it, so the page shows what the night will do.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from customers import api_requests, audit, erasure, exports, import_jobs, keeping, webhook_delivery
from customers.models import (
    ApiRequest,
    AuditEvent,
    Customer,
    DataExport,
    Erasure,
    MailedCode,
    Purchase,
    User,
    WebhookEvent,
)

CHUNK = 1_000
AT_ONCE = 200  # inactive customers erased in one night


@dataclass(frozen=True, kw_only=True)
class Line:
    """One kind of data: how long it is kept, what of it is due at an instant, and what takes it away.

    `kept` is fixed, or filled in by `table` with what the merchant has chosen (customers/keeping.py); None is without end.
    """

    name: str
    what: Any
    kept: dt.timedelta | None = None
    why: Any
    due: Callable[[dt.datetime], int]
    apply: Callable[[dt.datetime], int]


_lines: dict[str, Line] = {}


def keep(line: Line) -> None:
    """Add a line to the table; apps above add theirs."""
    _lines[line.name] = line


def table() -> list[Line]:
    """Return all lines, with the periods that hold today."""
    days = keeping.chosen()
    return [replace(line, kept=_time(days[line.name])) if line.name in days else line for line in _lines.values()]


def _time(days: int | None) -> dt.timedelta | None:
    return None if days is None else dt.timedelta(days=days)


def apply_all(*, now: dt.datetime) -> dict[str, int]:
    """Take away whatever is due and return how much by line; again changes nothing."""
    return {line.name: line.apply(now) for line in _lines.values()}


def run(
    *, now: dt.datetime, place: AuditEvent.Place = AuditEvent.Place.COMMAND, by: User | None = None
) -> dict[str, int]:
    """Do the same, complete the list of the erased, and write into the audit trail how much of each line went."""
    taken = apply_all(now=now)
    erasure.keep_list()
    audit.note(action=AuditEvent.Action.KEPT_NO_LONGER, place=place, customer=None, by=by, now=now, changes=taken)
    return taken


@dataclass(frozen=True, slots=True)
class LastRun:
    """The latest entry about a run, and how much of each line it took."""

    event: AuditEvent
    taken: list[tuple[str, int]]


def last_run() -> LastRun | None:
    """Return the latest run, None before the first."""
    events = AuditEvent.objects.filter(action=AuditEvent.Action.KEPT_NO_LONGER).order_by("-occurred_at", "-pk")
    event = events.first()
    return event and LastRun(event, list(event.changes.items()))


def inactive(*, now: dt.datetime) -> QuerySet[Customer]:
    """Return the customers whom nobody has seen for too long: no purchase, no log-in, enrolled before; none when kept without end."""
    since = keeping.before("inactive", now)
    if since is None:
        return Customer.objects.none()
    bought = Purchase.objects.filter(customer=OuterRef("pk"), occurred_at__gt=since)
    seen = Q(user__last_login__gt=since) | Q(user__is_staff=True)
    quiet = Customer.objects.enrolled().filter(enrolled_at__lte=since).exclude(seen)
    return quiet.filter(~Exists(bought)).order_by("pk")


def _erase_inactive(now: dt.datetime) -> int:
    done = 0
    for customer in inactive(now=now)[:AT_ONCE]:
        try:
            erasure.erase(customer=customer, reason=Erasure.Reason.INACTIVE, by=None, now=now)
        except erasure.FilesBusy:
            break
        done += 1
    return done


def _old_audit(now: dt.datetime) -> QuerySet[AuditEvent]:
    return QuerySet(AuditEvent).filter(occurred_at__lt=keeping.before("audit", now))


def delete(rows: QuerySet[Any]) -> int:
    """Delete rows in chunks, so that nobody waits long for a lock, and return how many."""
    deleted = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        deleted += len(keys)
        QuerySet(rows.model).filter(pk__in=keys).delete()
    return deleted


def _rows(
    name: str, what: Any, kept: dt.timedelta | None, why: Any, old: Callable[[dt.datetime], QuerySet[Any]]
) -> Line:
    return Line(
        name=name, what=what, kept=kept, why=why,
        due=lambda now: old(now).count(), apply=lambda now: delete(old(now)),
    )  # fmt: skip


keep(
    Line(
        name="inactive", what=_("customers whom nobody has seen"),
        why=_("no purchase and no log-in; they are erased like those who ask for it"),
        due=lambda now: inactive(now=now).count(), apply=_erase_inactive,
    )
)  # fmt: skip
keep(
    Line(
        name="erasures", what=_("customers who asked to be erased"), kept=erasure.GRACE,
        why=_("until then they can call it off"),
        due=lambda now: Erasure.objects.filter(state=Erasure.State.WAITING, due_at__lte=now).count(),
        apply=lambda now: erasure.run_due(now=now),
    )
)  # fmt: skip
keep(
    Line(
        name="exports", what=_("files with exported data"), why=_("long enough to fetch them"),
        due=lambda now: DataExport.objects.filter(expires_at__lte=now).exclude(state=DataExport.State.GONE).count(),
        apply=lambda now: exports.forget_due(now=now),
    )
)  # fmt: skip
keep(
    Line(
        name="imports", what=_("files that were handed in"), why=_("to look up a line that was refused"),
        due=lambda now: len(import_jobs.old_files(now=now)), apply=lambda now: import_jobs.forget_files(now=now),
    )
)  # fmt: skip
keep(
    Line(
        name="answers", what=_("stored answers of the API"), kept=api_requests.KEPT, why=_("a repeated request is answered alike"),
        due=lambda now: ApiRequest.objects.filter(recorded_at__lt=now - api_requests.KEPT).count(),
        apply=lambda now: api_requests.forget_old(now=now),
    )
)  # fmt: skip
keep(
    Line(
        name="webhooks", what=_("news for other systems"), why=_("to look up what was told, and when"),
        due=lambda now: WebhookEvent.objects.filter(recorded_at__lt=keeping.before("webhooks", now)).count(),
        apply=lambda now: webhook_delivery.tidy(now=now),
    )
)  # fmt: skip
keep(
    _rows(
        "codes", _("codes that were mailed"), dt.timedelta(days=1), _("digests only; they work for five minutes"),
        lambda now: MailedCode.objects.filter(sent_at__lt=now - dt.timedelta(days=1)),
    )
)  # fmt: skip
keep(
    _rows(
        "admin_log", _("the log of the office pages"), None, _("names records as they were called that day"),
        lambda now: LogEntry.objects.filter(action_time__lt=keeping.before("admin_log", now)),
    )
)  # fmt: skip
keep(
    Line(
        name="audit", what=_("who looked at or changed what, and who signed in"),
        why=_("long enough to look into what somebody did; the database lets nothing newer go"),
        due=lambda now: _old_audit(now).count(), apply=lambda now: delete(_old_audit(now)),
    )
)  # fmt: skip
keep(
    _rows(
        "sessions", _("sessions that have ended"), dt.timedelta(days=30), _("nobody is signed in by them any more"),
        lambda now: Session.objects.filter(expire_date__lt=now),
    )
)  # fmt: skip
