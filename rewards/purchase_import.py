"""Take purchases over from a file, whole receipts at a time, with their points in the same transaction.

The file is read once into a scratch on disk, which puts the receipts in order of time; then chunks of receipts are compared
with what is recorded and written in sets. docs/imports.md has the columns and rules for people.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import BinaryIO

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import bulk, webhooks
from customers.csv_rows import CsvRows, file_size
from customers.import_report import ImportReport
from customers.models import Customer, Product, Purchase, PurchaseLine, Store
from customers.models.import_job import folder
from customers.timezones import zone
from rewards import checkout
from rewards.articles import Articles
from rewards.models import EarningRule, PointBalance, PointLot, PointTransaction
from rewards.purchase_rows import COLUMNS, EPOCH, PurchaseRows
from rewards.purchase_scratch import ReceiptScratch, ScratchReceipt
from rewards.sale import Receipt, SoldLine

CHUNK_LINES = 30_000  # a second or so of the one write lock that SQLite has
CHUNK_RECEIPTS = 5_000  # each with its award in memory
MEMBERS = 100_000  # kept in memory
COUNTS = {
    "lines": gettext_lazy("Lines in the file"),
    "new": gettext_lazy("New receipts"),
    "new_lines": gettext_lazy("Lines of new receipts"),
    "guests": gettext_lazy("New receipts without a known member"),
    "products": gettext_lazy("New products"),
    "unchanged": gettext_lazy("Receipts recorded before"),
}
ATTEMPTS = 3

type Progress = Callable[[int, int], None]
"""Told how much is done, and out of how much."""


def import_purchases(
    *,
    file: BinaryIO,
    is_dry_run: bool = False,
    by_id: int | None = None,
    now: dt.datetime | None = None,
    progress: Progress = lambda done, total: None,
) -> ImportReport:
    """Record the receipts of a CSV file with the points they earn and return what was done; a second run changes nothing.

    A receipt is recorded whole or not at all, and each chunk of receipts is a transaction of its own, so that an import
    that was cut off is simply run again. Counts: lines, new, unchanged, new_lines, guests, products. Raises UnreadableFile
    when the first line does not fit.
    """
    report, size = ImportReport(COUNTS), file_size(file)
    stores = {store.code: store for store in Store.objects.all()}  # closed ones too: history was made there
    with ReceiptScratch(folder()) as scratch, bulk.large_sets():
        rows = CsvRows(file, columns=COLUMNS, progress=lambda done: progress(done, 2 * size))
        PurchaseRows(
            scratch=scratch,
            report=report,
            stores={code: (store.pk, zone(store.time_zone)) for code, store in stores.items()},
            digits=settings.PROGRAMME_CURRENCY_DIGITS,
            now=now or timezone.now(),
        ).read(rows)
        recorder = Recorder(
            scratch, report, stores={store.pk: store for store in stores.values()}, is_dry_run=is_dry_run, by_id=by_id
        )
        done, (__, lines) = 0, scratch.counts()
        for chunk in scratch.chunks(lines=CHUNK_LINES, receipts=CHUNK_RECEIPTS):
            with bulk.uncollected():
                recorder.record(chunk)
            done += sum(len(receipt.lines) for receipt in chunk)
            progress(size + size * done // lines, 2 * size)
    if not is_dry_run:
        bulk.refresh_statistics(Purchase, PurchaseLine, Product, PointTransaction, PointLot, PointBalance)
    return report


class Recorder:
    """Compares chunks of receipts with what is recorded, and records the new ones."""

    def __init__(
        self,
        scratch: ReceiptScratch,
        report: ImportReport,
        *,
        stores: dict[int, Store],
        is_dry_run: bool,
        by_id: int | None,
    ) -> None:
        self._report = report
        self._stores = stores
        self._is_dry_run = is_dry_run
        self._by_id = by_id
        self._rules = list(EarningRule.objects.live())
        self._members: dict[str, int | None] = {}
        self._articles = Articles(scratch)

    def record(self, chunk: list[ScratchReceipt]) -> None:
        """Record one chunk; when somebody else wrote one of its receipts or holds a lock, look again."""
        for attempt in range(ATTEMPTS):
            new, counts, conflicts = self._compare(chunk)
            products = {line[1] for receipt in new for line in receipt.lines}
            if self._is_dry_run:
                counts["products"] = self._articles.count_missing(products)
                break
            try:
                with transaction.atomic(), webhooks.hushed():
                    counts["products"] = self._articles.create(products)
                    checkout.record_many([self._receipt(receipt) for receipt in new], rules=self._rules)
                break
            except (IntegrityError, OperationalError):
                if attempt == ATTEMPTS - 1:
                    raise
                self._articles.forget()
        self._report.counts.update(counts)
        for receipt in conflicts:
            for line in receipt.lines:
                self._report.refuse(line[0], "reference", _("This receipt was recorded before with other contents."))

    def _compare(self, chunk: list[ScratchReceipt]) -> tuple[list[ScratchReceipt], Counter[str], list[ScratchReceipt]]:
        """Return what is new, the counts, and the receipts that are recorded with other contents."""
        self._find_members({receipt.member for receipt in chunk})
        self._articles.find({line[1] for receipt in chunk for line in receipt.lines})
        recorded = recorded_digests([(receipt.store, receipt.reference) for receipt in chunk])
        new, conflicts, counts = [], [], Counter()
        for receipt in chunk:
            digest = recorded.get((receipt.store, receipt.reference))
            if digest is None:
                new.append(receipt)
                counts["new_lines"] += len(receipt.lines)
                counts["guests"] += self._members[receipt.member] is None
            elif self._is_same(receipt, digest):
                counts["unchanged"] += 1
            else:
                conflicts.append(receipt)
        counts["new"] = len(new)
        return new, counts, conflicts

    def _is_same(self, receipt: ScratchReceipt, digest: str) -> bool:
        """Return whether a recorded receipt says the same; who was a guest then stays one, even if enrolled since."""
        if any(self._articles[line[1]].pk == 0 for line in receipt.lines):
            return False
        found = self._receipt(receipt)
        return digest == replace(found, customer_id=None).digest or found.says(digest)

    def _receipt(self, receipt: ScratchReceipt) -> Receipt:
        articles = self._articles.found
        return Receipt(
            store=self._stores[receipt.store],
            reference=receipt.reference,
            customer_id=self._members[receipt.member],
            occurred_at=EPOCH + dt.timedelta(microseconds=receipt.occurred),
            lines=[
                SoldLine(articles[product], quantity, unit_price, discount)
                for __, product, quantity, unit_price, discount in receipt.lines
            ],
            by_id=self._by_id,
        )

    def _find_members(self, numbers: set[str]) -> None:
        """Look up who the member numbers are; an unknown or erased one is a guest, a merged one is who they became."""
        if len(self._members) > MEMBERS:
            self._members.clear()
        missing = numbers - self._members.keys()
        self._members.update(dict.fromkeys(missing))
        found = Customer.objects.filter(member_number__in=missing, erased_at=None).select_related("merged_into")
        for customer in found:
            person = customer.survivor
            self._members[customer.member_number] = None if person.erased_at else person.pk


def recorded_digests(keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Return the digests of the receipts that are recorded, by store and reference."""
    values = ", ".join(["(%s, %s)"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH wanted (store_id, reference) AS (VALUES {values}) "  # noqa: S608 (placeholders only)
            "SELECT purchase.store_id, purchase.reference, purchase.digest FROM wanted JOIN customers_purchase AS purchase "
            "ON purchase.store_id = wanted.store_id AND purchase.till = '' AND purchase.reference = wanted.reference",
            [value for key in keys for value in key],
        )
        return {(store, reference): digest for store, reference, digest in cursor.fetchall()}
