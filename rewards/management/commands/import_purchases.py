"""Record the receipts of a CSV file, with the points they earn; docs/imports.md has the columns."""

from typing import BinaryIO

from django.utils import timezone

from customers import announcements
from customers.import_command import ImportCommand
from customers.import_report import ImportReport
from rewards.purchase_import import import_purchases


class Command(ImportCommand):
    help = "Record the receipts of a CSV file, with points. Bad lines are listed and left out; a second run changes nothing."

    def run(self, file: BinaryIO, **options: object) -> ImportReport:
        report = import_purchases(file=file, **options)
        if not options["is_dry_run"]:
            announcements.import_finished(
                "purchases", job_id=None, counts=report.counts, bad_lines=report.bad_lines, at=timezone.now()
            )
        return report
