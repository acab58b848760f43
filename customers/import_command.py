"""What the two import commands share: a file, a progress bar, a summary, and the list of bad lines."""

from pathlib import Path
from typing import BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from tqdm import tqdm

from customers.csv_rows import UnreadableFile
from customers.import_report import ImportReport

FIRST_FAULTS = 50


class ImportCommand(BaseCommand):
    """Read a file line by line; exit with 1 only when nothing of it could be read."""

    path: Path

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the CSV file, UTF-8")
        parser.add_argument("--dry-run", action="store_true", help="check everything and write nothing")
        parser.add_argument("--errors", type=Path, help="where to list all bad lines (default: FILE.errors.csv)")

    def handle(self, *args: object, **options: object) -> None:
        self.path = options["file"]
        try:
            with self.path.open("rb") as file, self._progress_bar() as bar:
                report = self.run(
                    file,
                    is_dry_run=options["dry_run"],
                    progress=lambda done, total: bar.update_to(done, total),
                )
        except OSError as error:
            raise CommandError(f"{self.path}: {error.strerror}") from error
        except UnreadableFile as error:
            raise CommandError(f"{self.path}: {error}") from error
        self._tell(report, options["errors"] or self.path.with_name(self.path.name + ".errors.csv"), options["dry_run"])

    def run(self, file: BinaryIO, **options: object) -> ImportReport:
        """Import the file; subclasses call their domain function."""
        raise NotImplementedError

    def _progress_bar(self) -> "ProgressBar":
        return ProgressBar(file=self.stderr._out, mininterval=0.5, unit=" steps", unit_scale=True, disable=None)

    def _tell(self, report: ImportReport, errors: Path, is_dry_run: bool) -> None:
        for fault in report.faults(FIRST_FAULTS):
            self.stdout.write(f"{_('line')} {fault.line}: {f'{fault.field}: ' if fault.field else ''}{fault.reason}")
        bad_lines = report.bad_lines
        if bad_lines:
            report.write_csv(errors)
            self.stdout.write(_("All bad lines: %(file)s") % {"file": errors})
        for label, count in report.words():
            self.stdout.write(f"{label}: {count:,}")
        if is_dry_run:
            self.stdout.write(_("Dry run: nothing was written."))
        if bad_lines and bad_lines == report.counts["lines"]:
            raise CommandError(_("Nothing of the file could be imported."))


class ProgressBar(tqdm):
    """A bar that is told where it stands."""

    def update_to(self, done: int, total: int) -> None:
        self.total = total
        self.update(done - self.n)
