"""Imports that staff start in the admin and a worker runs: take the file in, check it, import it, watch it.

The row holds all state and the task is only a doorbell: a worker claims a job by one conditional UPDATE, shows signs of
life while it runs, and a job without one for ten minutes may be claimed again (running an import twice changes nothing).
"""

import datetime as dt
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from customers import announcements, keeping
from customers.csv_rows import UnreadableFile
from customers.import_report import ImportReport
from customers.models import ImportJob, User
from customers.models.import_job import folder

STALE = dt.timedelta(minutes=10)
ATTEMPTS = 3
SCRATCH_KEPT = dt.timedelta(days=1)
State = ImportJob.State

type Importer = Callable[..., ImportReport]
"""Called with the job, its open file, is_dry_run and progress."""


class NotChecked(Exception):
    """The file was not checked yet, or its import has begun already."""

    def __init__(self) -> None:
        super().__init__(_("Only a file that was checked can be imported, and only once."))


def accept(*, job: ImportJob, upload: UploadedFile, by: User, language: str, now: dt.datetime) -> ImportJob:
    """Keep a file that was handed in and note that it wants to be checked; return the saved job."""
    job.name = upload.name[-200:]
    job.token = secrets.token_hex(16)
    job.language, job.by, job.created_at = language, by, now
    with open(job.path, "xb", opener=private_opener) as file:
        for chunk in upload.chunks():
            file.write(chunk)
        job.size = file.tell()
    job.save()
    return job


def start(*, job: ImportJob) -> None:
    """Import a file that was checked. Raises NotChecked."""
    checked = ImportJob.objects.filter(pk=job.pk, state=State.CHECKED)
    if not checked.update(state=State.IMPORTING, claimed_at=None, attempts=0, steps_done=0, finished_at=None):
        raise NotChecked


def claim(*, now: dt.datetime) -> ImportJob | None:
    """Take the oldest job that waits or whose worker fell silent; None when there is none."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - STALE)
    waiting = ImportJob.objects.filter(free, state__in=[State.CHECKING, State.IMPORTING])
    for job in waiting.order_by("pk"):
        if job.attempts >= ATTEMPTS:
            with translation.override(job.language):
                _fail(job, _("The import was broken off again and again; the log of the worker says why."), now)
        elif ImportJob.objects.filter(free, pk=job.pk, state=job.state).update(
            claimed_at=now, attempts=job.attempts + 1
        ):
            return job
    return None


def run(*, job: ImportJob, importer: Importer) -> None:
    """Check or import the file of a claimed job and keep the report; what goes wrong is kept as well, and raised."""
    with translation.override(job.language):
        try:
            with job.path.open("rb") as file:
                report = importer(job, file=file, is_dry_run=job.state == State.CHECKING, progress=SignOfLife(job))
        except FileNotFoundError:
            _fail(job, _("The file is gone; please hand it in again."), timezone.now())
        except UnreadableFile as error:
            _fail(job, str(error), timezone.now())
        except Exception:
            _fail(job, _("Something unexpected went wrong; the log of the worker says what."), timezone.now())
            raise
        else:
            _finish(job, report)


class SignOfLife:
    """Writes the progress down, at most once a second."""

    def __init__(self, job: ImportJob) -> None:
        self._job = job
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 1
            ImportJob.objects.filter(pk=self._job.pk).update(steps_done=done, steps=total, claimed_at=timezone.now())


def _finish(job: ImportJob, report: ImportReport) -> None:
    is_check = job.state == State.CHECKING
    report.write_csv(job.errors_path)
    now = timezone.now()
    with transaction.atomic():
        ImportJob.objects.filter(pk=job.pk).update(
            state=State.CHECKED if is_check else State.DONE,
            counts=dict(report.counts),
            bad_lines=report.bad_lines,
            claimed_at=None,
            finished_at=now,
        )
        if not is_check:
            announcements.import_finished(
                job.kind, job_id=job.pk, counts=report.counts, bad_lines=report.bad_lines, at=now
            )
    if not is_check:
        job.path.unlink(missing_ok=True)


def _fail(job: ImportJob, reason: str, now: dt.datetime) -> None:
    ImportJob.objects.filter(pk=job.pk).update(
        state=State.FAILED, reason=reason[:500], claimed_at=None, finished_at=now
    )


def forget_files(*, now: dt.datetime) -> int:
    """Delete what lies in the folder for longer than it may, since it holds personal data, and return how many files.

    What a killed worker left of its scratch goes after a day.
    """
    old = old_files(now=now)
    for path in old:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return len(old)


def old_files(*, now: dt.datetime) -> list[Path]:
    """Return the files that lie in the folder for longer than they may, and the scratch of more than a day."""
    kept = keeping.kept("imports") or dt.timedelta()
    return [
        path
        for path in folder().iterdir()
        if dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC) < now - (SCRATCH_KEPT if path.is_dir() else kept)
    ]


def private_opener(path: str, flags: int) -> int:
    """Open a file that only the portal's own user can read."""
    return os.open(path, flags, 0o600)
