"""How long conversations, reports about mails and the way from an answer to its person are kept (customers/retention.py)."""

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from customers.keeping import YEARS, Period, before, offer
from customers.retention import CHUNK, Line, delete, keep
from surveys.models import Case, ContactLogEntry, DeliveryEvent, Response
from surveys.models.case import OPEN_STATES


def _older(model: type, field: str, name: str, now: dt.datetime, **fields: Any) -> QuerySet[Any]:
    since = before(name, now)
    rows = QuerySet(model)
    return rows.none() if since is None else rows.filter(**{f"{field}__lt": since}, **fields)


def contacts(now: dt.datetime) -> QuerySet[ContactLogEntry]:
    """Return the conversations that are kept no longer; those of an open case, or to be followed up yet, stay."""
    old = _older(ContactLogEntry, "occurred_at", "contacts", now)
    return old.exclude(case__state__in=OPEN_STATES).exclude(follow_up_date__gte=now.date())


def reports(now: dt.datetime) -> QuerySet[DeliveryEvent]:
    """Return what providers reported about mails long ago; how each mail ended stays with the mail."""
    return _older(DeliveryEvent, "occurred_at", "mail_reports", now)


def responses(now: dt.datetime) -> QuerySet[Response]:
    """Return the answers that still lead to a person and shall no longer; those of an open run or case stay."""
    old = _older(Response, "started_at", "answers_link", now)
    led = Q(customer__isnull=False) | Q(invitation__isnull=False)
    return old.filter(led).exclude(run__closes_at__gte=now).exclude(case__state__in=OPEN_STATES)


def unlink(now: dt.datetime) -> int:
    """Let old answers be nobody's and return how many; what was answered stays in every result."""
    done = 0
    while keys := list(responses(now).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        Case.objects.filter(response__in=keys).update(response=None)
        done += Response.objects.filter(pk__in=keys).update(customer=None, invitation=None)
    return done


offer(
    "contacts",
    Period(
        usual=lambda: None, least=90, most=10 * YEARS, may_be_endless=True,
        then=_("The conversation is deleted, unless its case is open or somebody still has to call."),
    ),
)  # fmt: skip
offer(
    "mail_reports",
    Period(
        usual=lambda: None, least=60, most=10 * YEARS, may_be_endless=True,
        then=_("Single reports are deleted; how each mail ended stays."),
    ),
)  # fmt: skip
offer(
    "answers_link",
    Period(
        usual=lambda: None, least=90, most=10 * YEARS, may_be_endless=True,
        then=_("The answers stay in all results, and nobody can see any more whose they are."),
    ),
)  # fmt: skip
keep(
    Line(
        name="contacts", what=_("conversations that staff wrote down"), why=_("so that you need not tell it twice"),
        due=lambda now: contacts(now).count(), apply=lambda now: delete(contacts(now)),
    )
)  # fmt: skip
keep(
    Line(
        name="mail_reports", what=_("reports of mail providers, opened and clicked among them"),
        why=_("to see whether mails arrive"),
        due=lambda now: reports(now).count(), apply=lambda now: delete(reports(now)),
    )
)  # fmt: skip
keep(
    Line(
        name="answers_link", what=_("whose answers to a survey are whose"), why=_("so that the shop can get back to you"),
        due=lambda now: responses(now).count(), apply=unlink,
    )
)  # fmt: skip
