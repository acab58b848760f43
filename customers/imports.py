"""Take customers over from a file: new ones are enrolled, known ones completed, nothing that the portal knows is overwritten.

docs/imports.md has the columns and rules for people.
"""

import datetime as dt
import itertools
import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import bulk
from customers.csv_rows import CsvRows, file_size
from customers.customer_rows import COLUMNS, CustomerRow, read_customer
from customers.import_report import ImportReport
from customers.models import Consent, Customer, Identifier
from customers.models.customer import fold

CHUNK = 2_000
ATTEMPTS = 3
COUNTS = {
    "lines": gettext_lazy("Lines in the file"),
    "new": gettext_lazy("New customers"),
    "completed": gettext_lazy("Customers completed"),
    "unchanged": gettext_lazy("Customers known before"),
}

type Progress = Callable[[int, int], None]
"""Told how much is done, and out of how much."""


def import_customers(
    *,
    file: BinaryIO,
    source: str,
    is_dry_run: bool = False,
    now: dt.datetime | None = None,
    progress: Progress = lambda done, total: None,
) -> ImportReport:
    """Enrol the customers of a CSV file and return what was done; a second run changes nothing.

    `source` is what consents note as their origin. Each chunk is a transaction of its own. Counts: new, completed,
    unchanged. Raises UnreadableFile when the first line does not fit.
    """
    report, seen, now = ImportReport(COUNTS), SeenKeys(), now or timezone.now()
    size = file_size(file)
    rows = CsvRows(file, columns=COLUMNS)
    good = _good_rows(rows, report, seen, now)
    while chunk := list(itertools.islice(good, CHUNK)):
        _take_over(chunk, report, source=source, now=now, is_dry_run=is_dry_run)
        progress(rows.bytes_read, size)
    if not is_dry_run:
        bulk.refresh_statistics(Customer, Identifier, Consent)
    return report


class SeenKeys:
    """Where each member number, address and phone number first stood; on disk when it grows."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        weakref.finalize(self, self._database.close)
        self._database.execute("BEGIN")
        self._database.execute(
            "CREATE TABLE seen (kind TEXT, value TEXT, line INTEGER, PRIMARY KEY (kind, value)) WITHOUT ROWID"
        )

    def first_line(self, kind: str, value: str, line: int) -> int:
        """Return the line on which a key stood first; this one, if it is new."""
        self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (kind, value, line))
        return self._database.execute("SELECT line FROM seen WHERE kind = ? AND value = ?", (kind, value)).fetchone()[0]


def _good_rows(
    rows: Iterable[tuple[int, list[str], str]], report: ImportReport, seen: SeenKeys, now: dt.datetime
) -> Iterator[CustomerRow]:
    for line, fields, trouble in rows:
        report.counts["lines"] += 1
        if trouble:
            report.refuse(line, "", trouble)
            continue
        row, faults = read_customer(line, fields, now=now)
        if not faults:
            for kind, value in row.unique_keys:
                if (first := seen.first_line(kind, value, line)) != line:
                    faults.append((kind, _("Line %(line)s has the same.") % {"line": first}))
        for field, reason in faults:
            report.refuse(line, field, reason)
        if not faults:
            yield row


def _take_over(
    chunk: list[CustomerRow], report: ImportReport, *, source: str, now: dt.datetime, is_dry_run: bool
) -> None:
    """Write one chunk; when somebody else enrolled one of its customers in between, look again."""
    for attempt in range(ATTEMPTS):
        plan = Plan.of(chunk)
        if is_dry_run:
            break
        try:
            with transaction.atomic():
                plan.write(source=source, now=now)
            break
        except IntegrityError:
            if attempt == ATTEMPTS - 1:
                raise
    for line, field, reason in plan.faults:
        report.refuse(line, field, reason)
    report.counts.update(new=len(plan.new), completed=len(plan.completed), unchanged=plan.unchanged)


@dataclass
class Plan:
    """What one chunk would change."""

    new: list[CustomerRow]
    completed: list[tuple[Customer, list[str], CustomerRow]]
    contacts: list[tuple[Customer, str, str, str]]
    consents: list[tuple[Customer, bool]]
    unchanged: int
    faults: list[tuple[int, str, str]]

    @classmethod
    def of(cls, chunk: list[CustomerRow]) -> "Plan":
        """Compare a chunk with what the portal knows."""
        plan = cls([], [], [], [], 0, [])
        known = {
            customer.member_number: customer
            for customer in Customer.objects.filter(member_number__in=[row.member_number for row in chunk])
        }
        ids = [customer.pk for customer in known.values()]
        contacts = {
            (pk, kind) for pk, kind in Identifier.objects.filter(customer__in=ids).values_list("customer", "kind")
        }
        consented = set(Consent.objects.filter(customer__in=ids, channel="email").values_list("customer", flat=True))
        owners = dict(_owners(chunk))
        for row in chunk:
            customer = known.get(row.member_number)
            if customer and customer.erased_at:
                plan.faults.append(
                    (row.line, "member_number", _("This member was erased; the number is not used again."))
                )
                continue
            taken = [
                kind
                for kind, __, normalised in row.contacts()
                if owners.get((kind, normalised), row.member_number) != row.member_number
            ]
            if taken:
                plan.faults += [(row.line, kind, _("This belongs to another customer.")) for kind in taken]
            elif customer is None:
                plan.new.append(row)
            else:
                plan._complete(customer, row, contacts, consented)
        return plan

    def _complete(
        self, customer: Customer, row: CustomerRow, contacts: set[tuple[int, str]], consented: set[int]
    ) -> None:
        """Plan to fill in what the portal does not know of a customer."""
        fields = [
            field for field in ("name", "language", "birthday") if getattr(row, field) and not getattr(customer, field)
        ]
        missing = [contact for contact in row.contacts() if (customer.pk, contact[0]) not in contacts]
        is_consent_new = row.email_consent is not None and customer.pk not in consented
        if not (fields or missing or is_consent_new):
            self.unchanged += 1
            return
        self.completed.append((customer, fields, row))
        self.contacts += [(customer, *contact) for contact in missing]
        if is_consent_new:
            self.consents.append((customer, row.email_consent))

    def write(self, *, source: str, now: dt.datetime) -> None:
        """Write it; call it inside a transaction."""
        ids = bulk.reserve_ids(Customer, len(self.new))
        bulk.copy_in(
            Customer,
            (
                "id",
                "member_number",
                "name",
                "name_folded",
                "language",
                "time_zone",
                "birthday",
                "is_personalised",
                "enrolled_at",
                "recorded_at",
            ),
            [
                (
                    pk,
                    row.member_number,
                    row.name,
                    fold(row.name),
                    row.language,
                    "",
                    row.birthday,
                    True,
                    row.enrolled_at,
                    now,
                )
                for pk, row in zip(ids, self.new, strict=True)
            ],
        )
        for customer, fields, row in self.completed:
            for field in fields:
                setattr(customer, field, getattr(row, field))
            if fields:
                customer.save(update_fields=fields)
        contacts = [(pk, *contact, now) for pk, row in zip(ids, self.new, strict=True) for contact in row.contacts()]
        contacts += [(customer.pk, *contact, now) for customer, *contact in self.contacts]
        bulk.copy_in(Identifier, ("customer_id", "kind", "value", "normalised", "recorded_at"), contacts)
        consents = [
            (pk, row.email_consent) for pk, row in zip(ids, self.new, strict=True) if row.email_consent is not None
        ]
        consents += [(customer.pk, is_granted) for customer, is_granted in self.consents]
        bulk.copy_in(
            Consent,
            ("customer_id", "channel", "purpose", "is_granted", "wording", "source", "occurred_at", "recorded_at"),
            [
                (pk, "email", purpose, is_granted, "", source[:200], now, now)
                for pk, is_granted in consents
                for purpose in ("marketing", "surveys")
            ],
        )


def _owners(chunk: list[CustomerRow]) -> Iterator[tuple[tuple[str, str], str]]:
    """Find who has the contacts of a chunk today."""
    values = [normalised for row in chunk for __, __, normalised in row.contacts()]
    found = Identifier.objects.filter(normalised__in=values).values_list(
        "kind", "normalised", "customer__member_number"
    )
    return (((kind, normalised), member_number) for kind, normalised, member_number in found)
