"""Which function imports which kind of file; a worker runs the jobs that wait."""

from typing import BinaryIO

from django.utils import timezone

from customers import customer_rows, import_jobs, imports
from customers.import_report import ImportReport
from customers.models import ImportJob
from rewards import code_import, purchase_import, purchase_rows

COLUMNS = {
    ImportJob.Kind.CUSTOMERS: customer_rows.COLUMNS,
    ImportJob.Kind.PURCHASES: purchase_rows.COLUMNS,
    ImportJob.Kind.COUPONS: code_import.COLUMNS,
}
COUNTS = {
    ImportJob.Kind.CUSTOMERS: imports.COUNTS,
    ImportJob.Kind.PURCHASES: purchase_import.COUNTS,
    ImportJob.Kind.COUPONS: code_import.COUNTS,
}


def run_waiting() -> int:
    """Run every job that waits and return how many; a second worker takes others."""
    ran = 0
    while job := import_jobs.claim(now=timezone.now()):
        import_jobs.run(job=job, importer=import_file)
        ran += 1
    return ran


def import_file(job: ImportJob, *, file: BinaryIO, **options: object) -> ImportReport:
    """Import the file of a job by what is in it."""
    if job.kind == ImportJob.Kind.CUSTOMERS:
        return imports.import_customers(file=file, source=f"import:{job.pk}", **options)
    if job.kind == ImportJob.Kind.COUPONS:
        batch = job.printed_codes.batch
        return code_import.import_codes(file=file, batch=batch, by=job.by, now=timezone.now(), **options)
    return purchase_import.import_purchases(file=file, by_id=job.by_id, **options)
