"""Enrol the customers of a CSV file; docs/imports.md has the columns."""

from typing import BinaryIO

from django.utils import timezone

from customers import announcements
from customers.import_command import ImportCommand
from customers.import_report import ImportReport
from customers.imports import import_customers


class Command(ImportCommand):
    help = "Enrol the customers of a CSV file. Bad lines are listed and left out; a second run changes nothing."

    def run(self, file: BinaryIO, **options: object) -> ImportReport:
        report = import_customers(file=file, source=f"import:{self.path.name}", **options)
        if not options["is_dry_run"]:
            announcements.import_finished(
                "customers", job_id=None, counts=report.counts, bad_lines=report.bad_lines, at=timezone.now()
            )
        return report
