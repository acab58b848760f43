"""Take over codes that are printed already: cards that a printer has numbered, or the coupons of an earlier system.

docs/imports.md has the column and the rules for people.
"""

import datetime as dt
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.csv_rows import CsvRows, file_size
from customers.import_report import ImportReport
from customers.imports import SeenKeys
from customers.models import User
from rewards import codes, coupons
from rewards.coupons import BatchLimitReached, BatchNotActive
from rewards.models import Coupon, CouponBatch

COLUMNS = ("code",)
CHUNK = 2_000
ATTEMPTS = 3
COUNTS = {
    "lines": gettext_lazy("Lines in the file"),
    "new": gettext_lazy("New coupons"),
    "unchanged": gettext_lazy("Coupons known before"),
}

type Progress = Callable[[int, int], None]
"""Told how much is done, and out of how much."""


class PrintedCode(NamedTuple):
    """A code of a file, sealed."""

    line: int
    sealed: bytes
    tail: str

    @property
    def source(self) -> str:
        """The cause of its coupon: the code itself, unreadable, so that a second import issues nothing."""
        return "printed:" + hashlib.blake2b(self.sealed, digest_size=16).hexdigest()


def import_codes(
    *,
    file: BinaryIO,
    batch: CouponBatch,
    now: dt.datetime,
    by: User | None = None,
    is_dry_run: bool = False,
    progress: Progress = lambda done, total: None,
) -> ImportReport:
    """Issue a coupon of the batch for each code of a CSV file and return what was done; a second run changes nothing.

    Each chunk is a transaction of its own. Counts: new, unchanged. Raises UnreadableFile when the first line does not fit;
    what the batch no longer takes is refused line by line.
    """
    report, size = ImportReport(COUNTS), file_size(file)
    rows = CsvRows(file, columns=COLUMNS)
    good = _good_codes(rows, report, SeenKeys(), batch.prefix)
    while chunk := list(itertools.islice(good, CHUNK)):
        _take_over(chunk, report, batch, now, by, is_dry_run=is_dry_run)
        progress(rows.bytes_read, size)
    return report


def _good_codes(
    rows: Iterable[tuple[int, list[str], str]], report: ImportReport, seen: SeenKeys, prefix: str
) -> Iterator[PrintedCode]:
    for line, fields, trouble in rows:
        report.counts["lines"] += 1
        if trouble:
            report.refuse(line, "", trouble)
            continue
        try:
            code = codes.parse_printed(fields[0], prefix=prefix)
        except ValueError as error:
            report.refuse(line, "code", str(error))
            continue
        if (first := seen.first_line("code", code, line)) != line:
            report.refuse(line, "code", _("Line %(line)s has the same.") % {"line": first})
            continue
        yield PrintedCode(line, codes.seal(code), codes.tail(code))


def _take_over(
    chunk: list[PrintedCode],
    report: ImportReport,
    batch: CouponBatch,
    now: dt.datetime,
    by: User | None,
    *,
    is_dry_run: bool,
) -> None:
    """Write one chunk; when somebody issued one of its codes in between, look again."""
    for attempt in range(ATTEMPTS):
        known = dict(
            Coupon.objects.filter(code_sealed__in=[code.sealed for code in chunk]).values_list(
                "code_sealed", "batch_id"
            )
        )
        owners = {bytes(sealed): batch_id for sealed, batch_id in known.items()}
        new = [code for code in chunk if code.sealed not in owners]
        try:
            issued, why = _issue(batch, new, now, by, before=report.counts["new"] if is_dry_run else None)
            break
        except IntegrityError:
            if attempt == ATTEMPTS - 1:
                raise
    for code in chunk:
        if owners.get(code.sealed, batch.pk) != batch.pk:
            report.refuse(code.line, "code", _("This code belongs to another offer."))
    for code in new[issued:]:
        report.refuse(code.line, "", why)
    report.counts.update(new=issued, unchanged=sum(owner == batch.pk for owner in owners.values()))


def _issue(
    batch: CouponBatch, new: list[PrintedCode], now: dt.datetime, by: User | None, *, before: int | None
) -> tuple[int, str]:
    """Issue as many as the batch takes; return how many, and why no more. `before` is what a dry run would have issued."""
    if not new:
        return 0, ""
    try:
        with transaction.atomic():
            room = coupons.room_of(batch=batch, now=now)
            granted = new if room is None else new[: max(0, room - (before or 0))]
            if before is None and granted:
                coupons.count_issued(batch=batch, number=len(granted))
                coupons.insert(
                    batch=batch,
                    sealed=[(code.sealed, code.tail) for code in granted],
                    recipients=[(code.source, None) for code in granted],
                    now=now,
                    by=by,
                )
    except BatchNotActive as error:
        return 0, str(error)
    return len(granted), str(BatchLimitReached(batch=batch)) if len(granted) < len(new) else ""
