"""A file's receipts, put in order on disk: lines of one receipt may stand anywhere in the file, and memory must stay flat.

A private SQLite file beside the uploads, gone when the import ends. Numbers of receipts and products are its own. Lines of
one receipt that stand together, as they mostly do, are packed into one row.
"""

import json
import sqlite3
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

SCHEMA = """
CREATE TABLE receipt (
    id INTEGER PRIMARY KEY, store INTEGER, reference TEXT, member TEXT, occurred INTEGER, first_line INTEGER,
    spoiled_by INTEGER, UNIQUE (store, reference)
);
CREATE TABLE part (
    receipt INTEGER, first_line INTEGER, size INTEGER, lines BLOB, PRIMARY KEY (receipt, first_line)
) WITHOUT ROWID;
CREATE TABLE product (id INTEGER PRIMARY KEY, sku TEXT UNIQUE, name TEXT, category TEXT);
CREATE TABLE spoil (store INTEGER, reference TEXT, line INTEGER);
CREATE TABLE ordered (position INTEGER PRIMARY KEY, receipt INTEGER, lines INTEGER);
"""
BUFFER = 5_000


class ScratchLine(NamedTuple):
    """One line of a receipt: its place in the file, the file's number of the product; money in minor units."""

    number: int
    product: int
    quantity: int
    unit_price: int
    discount: int


class ScratchReceipt(NamedTuple):
    """One receipt; occurred is in microseconds since 1970."""

    store: int
    reference: str
    member: str
    occurred: int
    lines: list[tuple[int, int, int, int, int]]  # as ScratchLine, plain because there are millions


class ReceiptScratch:
    """Collect lines in any order, then give whole receipts by time. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=folder, prefix="receipts-")
        self._database = sqlite3.connect(Path(self._folder.name) / "receipts.sqlite3", isolation_level=None)
        self._run = self._database.execute
        self._run("PRAGMA journal_mode = OFF")
        self._run("PRAGMA synchronous = OFF")
        self._run("PRAGMA cache_size = -24000")
        self._database.executescript(SCHEMA)
        self._run("BEGIN")
        self._receipt = 0
        self._lines = array("q")
        self._parts: list[tuple[int, int, int, bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()
        self._folder.cleanup()

    def receipt(
        self, *, store: int, reference: str, member: str, occurred: int, line: int
    ) -> tuple[int, str, int, int]:
        """Find or open a receipt; return its number, and member, time and first line as it was opened."""
        found = self._run(
            "INSERT INTO receipt (store, reference, member, occurred, first_line) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING RETURNING id",
            (store, reference, member, occurred, line),
        ).fetchone()
        if found:
            return found[0], member, occurred, line
        return self._run(
            "SELECT id, member, occurred, first_line FROM receipt WHERE store = ? AND reference = ?", (store, reference)
        ).fetchone()

    def product(self, *, sku: str, name: str, category: str) -> int:
        """Find or add a product; the first name and category of the file stay."""
        found = self._run(
            "INSERT INTO product (sku, name, category) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
            (sku, name, category),
        ).fetchone()
        return (found or self._run("SELECT id FROM product WHERE sku = ?", (sku,)).fetchone())[0]

    def add_line(self, receipt: int, line: tuple[int, int, int, int, int]) -> None:
        """Add a line, in the order of ScratchLine, to a receipt."""
        if receipt != self._receipt:
            self._close_part()
            self._receipt = receipt
        self._lines.extend(line)

    def _close_part(self) -> None:
        if self._lines:
            size = len(self._lines) // len(ScratchLine._fields)
            self._parts.append((self._receipt, self._lines[0], size, self._lines.tobytes()))
            self._lines = array("q")
            if len(self._parts) >= BUFFER:
                self._flush()

    def _flush(self) -> None:
        self._database.executemany("INSERT INTO part VALUES (?, ?, ?, ?)", self._parts)
        self._parts.clear()

    def spoil(self, *, store: int, reference: str, line: int) -> None:
        """Note that a line of a receipt is bad, whether the receipt is known by now or comes later."""
        self._run("INSERT INTO spoil VALUES (?, ?, ?)", (store, reference, line))

    def finish(self, *, most_lines: int) -> None:
        """Mark the spoiled receipts and put the others in order."""
        self._close_part()
        self._flush()
        self._run(
            "UPDATE receipt SET spoiled_by = bad.line FROM "
            "(SELECT store, reference, MIN(line) AS line FROM spoil GROUP BY 1, 2) AS bad "
            "WHERE receipt.store = bad.store AND receipt.reference = bad.reference"
        )
        self._run("CREATE TABLE size AS SELECT receipt, SUM(size) AS lines FROM part GROUP BY 1")
        self._run(
            "UPDATE receipt SET spoiled_by = 0 WHERE id IN (SELECT receipt FROM size WHERE lines > ?)", (most_lines,)
        )
        self._run(
            "INSERT INTO ordered (receipt, lines) SELECT receipt, lines FROM size JOIN receipt ON receipt.id = receipt "
            "WHERE spoiled_by IS NULL ORDER BY occurred, store, reference"
        )

    def held_back(self) -> Iterator[tuple[int, int]]:
        """Give the good lines of spoiled receipts, each with the bad line, or with 0 for a receipt of too many lines."""
        for lines, spoiled_by in self._run(
            "SELECT lines, spoiled_by FROM receipt JOIN part ON part.receipt = receipt.id WHERE spoiled_by IS NOT NULL"
        ):
            for line in unpacked(lines):
                yield line[0], spoiled_by

    def counts(self) -> tuple[int, int]:
        """Return how many receipts and lines are in order."""
        return self._run("SELECT COUNT(*), COALESCE(SUM(lines), 0) FROM ordered").fetchone()

    def products(self, numbers: Iterable[int]) -> list[tuple[int, str, str, str]]:
        """Return number, SKU, name and category of some products."""
        wanted = json.dumps(sorted(numbers))
        return self._run(
            "SELECT id, sku, name, category FROM product WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (wanted,),
        ).fetchall()

    def chunks(self, *, lines: int, receipts: int) -> Iterator[list[ScratchReceipt]]:
        """Give the receipts by time, in chunks of about so many lines and at most so many receipts."""
        first, size, last = 1, 0, 0
        for last, count in self._run("SELECT position, lines FROM ordered ORDER BY position"):
            size += count
            if size >= lines or last - first + 1 >= receipts:
                yield self._receipts(first, last)
                first, size = last + 1, 0
        if size:
            yield self._receipts(first, last)

    def _receipts(self, first: int, last: int) -> list[ScratchReceipt]:
        receipts = {
            position: ScratchReceipt(*heading, [])
            for position, *heading in self._run(
                "SELECT position, store, reference, member, occurred FROM ordered JOIN receipt ON id = receipt "
                "WHERE position BETWEEN ? AND ? ORDER BY position",
                (first, last),
            )
        }
        for position, lines in self._run(
            "SELECT position, part.lines FROM ordered CROSS JOIN part ON part.receipt = ordered.receipt "
            "WHERE position BETWEEN ? AND ? ORDER BY position, first_line",
            (first, last),
        ):
            receipts[position].lines.extend(unpacked(lines))
        return list(receipts.values())


def unpacked(lines: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Give the lines of a part as plain tuples in the order of ScratchLine."""
    numbers = iter(array("q", lines))
    return zip(*[numbers] * len(ScratchLine._fields), strict=True)
