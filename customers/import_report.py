"""What an import did: counts, and every bad line with field and reason; kept on disk, so that a bad file costs no memory."""

import csv
import sqlite3
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from django.utils.translation import gettext as _


class Fault(NamedTuple):
    """One thing that is wrong with one line; field is empty when it is the line as a whole."""

    line: int
    field: str
    reason: str


class ImportReport:
    """Counts and faults of one import. Faults come out by line, whatever the order in which they were found."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = labels
        self.counts: Counter[str] = Counter()
        # An empty name is a private file that SQLite keeps in memory while it is small and deletes when closed.
        self._faults = sqlite3.connect("", isolation_level=None)
        weakref.finalize(self, self._faults.close)
        self._faults.execute("PRAGMA cache_size = -2000")
        self._faults.execute("BEGIN")
        self._faults.execute("CREATE TABLE fault (line INTEGER, field TEXT, reason TEXT)")

    def refuse(self, line: int, field: str, reason: str) -> None:
        """Note that a line is not imported, and why."""
        self._faults.execute("INSERT INTO fault VALUES (?, ?, ?)", (line, field, reason))

    @property
    def bad_lines(self) -> int:
        """How many lines of the file are not imported."""
        return self._faults.execute("SELECT COUNT(DISTINCT line) FROM fault").fetchone()[0]

    def words(self) -> list[tuple[str, int]]:
        """Return each count with its label, in the order of the labels, and the bad lines."""
        return [
            *((str(label), self.counts[name]) for name, label in self._labels.items()),
            (_("Bad lines"), self.bad_lines),
        ]

    def faults(self, limit: int = -1) -> Iterator[Fault]:
        """Give the faults by line."""
        rows = self._faults.execute("SELECT line, field, reason FROM fault ORDER BY line, rowid LIMIT ?", (limit,))
        for row in rows:
            yield Fault._make(row)

    def write_csv(self, path: Path) -> None:
        """Write all faults as a table that a spreadsheet opens; reasons quote the file, so none may start a formula."""
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([_("line"), _("field"), _("reason")])
            for fault in self.faults():
                reason = "'" + fault.reason if fault.reason[:1] in "=+-@\t\r\n" else fault.reason
                writer.writerow([fault.line, fault.field, reason])
