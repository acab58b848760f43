"""Everything the portal knows of a customer, in a file: JSON for programs, a page to read in each language, zipped.

The walk goes over customers.privacy, so a new model is in it once it has its rule. A small one is made at once, a large one
by a worker; the row is the state, and the file goes after seven days.
"""

import datetime as dt
import json
import os
import secrets
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from customers import audit, keeping, looks, privacy
from customers.models import AuditEvent, Customer, DataExport, User

STALE = dt.timedelta(minutes=10)
ATTEMPTS = 3
SMALL = 300  # rows of purchases and movements that are written within a request
PER_DAY = 3
State = DataExport.State


class TooManyExports(Exception):
    """The customer has asked three times within a day; nothing was made."""

    def __init__(self) -> None:
        super().__init__(_("You have asked for your data several times today. Please use the file that is ready."))


def ask(
    *, customer: Customer, now: dt.datetime, by: User | None = None, reason: str = "", place: AuditEvent.Place
) -> DataExport:
    """Note that an export is wanted, write down who wants it, and return it. Raises TooManyExports for a customer."""
    with transaction.atomic():
        lately = DataExport.objects.filter(customer=customer, by=None, asked_at__gt=now - dt.timedelta(days=1))
        if by is None and lately.exclude(state=State.FAILED).count() >= PER_DAY:
            raise TooManyExports
        row = DataExport.objects.create(
            customer=customer, token=secrets.token_hex(16), asked_at=now, expires_at=now + kept(), by=by, reason=reason
        )
        audit.note(
            action=AuditEvent.Action.EXPORTED, place=place, customer=customer, by=by or customer.user, now=now,
            reason=reason, reference=f"export:{row.pk}",
        )  # fmt: skip
    return row


def kept() -> dt.timedelta:
    """Return how long a file can be fetched."""
    return keeping.kept("exports") or dt.timedelta()


def is_small(*, customer: Customer) -> bool:
    """Return whether an export is written in a moment."""
    return all(
        len(rule.rows(customer_id=customer.pk).values_list("pk", flat=True)[: SMALL + 1]) <= SMALL
        for rule in privacy.rules()
        if rule.link == "customer"
    )


def make_waiting(*, now: dt.datetime) -> int:
    """Make the exports that wait or whose worker fell silent, and return how many."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - STALE)
    made = 0
    for row in DataExport.objects.filter(free, state=State.WAITING).order_by("pk"):
        made += make(export=row, now=now)
    return made


def make(*, export: DataExport, now: dt.datetime) -> bool:
    """Write the file of an export that waits and return whether it is ready now; a failure is kept, and raised.

    Nothing is left of it when the customer is erased meanwhile.
    """
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - STALE)
    mine = DataExport.objects.filter(free, pk=export.pk, state=State.WAITING)
    if export.attempts >= ATTEMPTS:
        mine.update(state=State.FAILED)
        return False
    if not mine.update(claimed_at=now, attempts=F("attempts") + 1):
        return False
    with open(export.unfinished_path, "wb", opener=_private) as file:
        write(file, customer=export.customer, now=now, by_staff=export.get_reason_display() if export.by_id else "")
        size = file.tell()
    try:
        export.unfinished_path.replace(export.path)
    except FileNotFoundError:
        # An erasure took it; should that be taken back, the export is made anew once its claim is old.
        return False
    wanted = DataExport.objects.filter(pk=export.pk, state=State.WAITING)
    if wanted.update(state=State.READY, ready_at=now, size=size, claimed_at=None):
        return True
    export.remove_files()
    return False


def forget_due(*, now: dt.datetime) -> int:
    """Delete the files that were ready for as long as they are kept, and return how many."""
    due = DataExport.objects.filter(expires_at__lte=now).exclude(state__in=[State.GONE])
    for export in due:
        export.remove_files()
    return due.update(state=State.GONE, size=0)


def write(file: BinaryIO, *, customer: Customer, now: dt.datetime, by_staff: str = "") -> None:
    """Write the zip about a customer. `by_staff` is the reason when staff made it; it stands in the file."""
    head = {
        "programme": looks.name(), "member_number": customer.member_number, "written_at": now.isoformat(),
        "currency": settings.PROGRAMME_CURRENCY, "made_by_the_shop_because": by_staff or None,
    }  # fmt: skip
    found = list(_walk(customer))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        data = {rule.model: [_plain(rule, row) for row in rows] for rule, rows in found}
        archive.writestr("data.json", json.dumps(head | {"data": data}, ensure_ascii=False, indent=1))
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                sections = [_section(rule, rows) for rule, rows in found]
                context = {
                    "customer": customer, "sections": sections, "language": language, "written_at": _moment(now),
                    "programme_name": looks.name(), "by_staff": by_staff,
                    "currency": settings.PROGRAMME_CURRENCY,
                }  # fmt: skip
                archive.writestr(f"data.{language}.html", render_to_string("customers/export.html", context))


def _walk(customer: Customer) -> Iterator[tuple[privacy.Rule, list[models.Model]]]:
    """Give every rule of customers with the rows about this one and about records merged into theirs."""
    people = Customer.objects.of_one_person(customer.pk)
    for rule in privacy.rules():
        if not rule.link:
            continue
        named = [each.name for each in rule.exported() if each.is_relation and _is_told(each)]
        rows = models.QuerySet(rule.model_class).filter(**{f"{rule.link}__in": people}).order_by("pk")
        if found := list(rows.select_related(*named) if named else rows):
            yield rule, found


def _is_told(each: models.Field) -> bool:
    """Return whether a key is told by the name of what it points to: stores, products, offers; never a person."""
    rule = privacy.rule_of(each.related_model)
    return rule is not None and not rule.link and rule.erase is None


def _plain(rule: privacy.Rule, row: models.Model) -> dict[str, Any]:
    """Return a row as a program reads it."""
    found: dict[str, Any] = {}
    for each in rule.exported():
        value = getattr(row, each.attname)
        if each.is_relation and value is not None and _is_told(each):
            value = str(getattr(row, each.name))
        elif isinstance(value, dt.date | dt.datetime):
            value = value.isoformat()
        elif not isinstance(value, str | int | bool | list | dict | None):
            value = str(value)
        found[each.name] = value
    return found


def _section(rule: privacy.Rule, rows: list[models.Model]) -> dict[str, Any]:
    """Return the rows as a person reads them, in the language of the moment, without columns that are empty throughout."""
    fields = [each for each in rule.exported() if not each.primary_key]
    cells = [[_readable(row, each) for each in fields] for row in rows]
    filled = [n for n in range(len(fields)) if any(line[n] for line in cells)]
    return {
        "title": rule.model_class._meta.verbose_name_plural,
        "columns": [fields[n].verbose_name for n in filled],
        "rows": [[line[n] for n in filled] for line in cells],
    }


def _readable(row: models.Model, each: models.Field) -> str:
    value = getattr(row, each.attname)
    if value is None or value == "":
        return ""
    if each.is_relation:
        return str(getattr(row, each.name)) if _is_told(each) else f"#{value}"
    if in_words := getattr(row, f"get_{each.name}_display", None):
        return str(in_words())
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dt.datetime):
        return _moment(value)
    if isinstance(value, dt.date):
        return date_format(value, "DATE_FORMAT")
    if isinstance(value, int):
        return number_format(value, use_l10n=True)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return str(value)


def _moment(at: dt.datetime) -> str:
    return date_format(localtime(at), "DATETIME_FORMAT")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
