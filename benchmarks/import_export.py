"""How many times the speed of django-import-export, as it comes, purchases are imported with.

    python benchmarks/import_export.py [--lines 100000] [--sample 2000] [--databases sqlite postgres] [--json FILE]

For each database: the purchases of the Complete Journey through `manage.py import_purchases`, the whole process, with
customers found, products made and points booked. Then django-import-export takes some of the same receipts once more, under
other numbers, into the same portal: a file of receipts and one of their lines, through the resources that a merchant would
write (benchmarks/resources.py). It makes no products and no points, gets amounts in minor units, and its time is
without the start of the process. *ratio* is of lines per second, *processor* of lines per second of the processor that the
clients take: that is what a busy machine leaves alone, and on PostgreSQL it is without the server's.
"""

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from purchase_import import ROOT, Portal

from tests.servers import Postgres

RECEIPT_COLUMNS = ["store", "reference", "member_number", "occurred_at", "total"]
LINE_COLUMNS = ["store", "reference", "position", "sku", "quantity", "unit_price", "discount", "total"]


@dataclass
class Result:
    """One row of the table; lines per second."""

    database: str
    lines: int
    sample: int
    portal: int
    import_export: int
    ratio: float
    processor: float


def measure(kind: str, data: Path, folder: Path, server: Postgres | None, sample: int) -> Result:
    """Import the file, then some of its receipts once more by django-import-export."""
    home = folder / kind
    home.mkdir()
    portal = Portal(
        home, server.create_database(f"compared_{kind}") if server else f"sqlite:///{home / 'portal.sqlite3'}"
    )
    portal.environment["DJANGO_SETTINGS_MODULE"] = "loyalty_site.settings"
    portal.prepare(data)
    begin = processor_seconds()
    seconds, __, __ = portal.run("manage.py", "import_purchases", str(data / "purchases.csv"))
    worked = processor_seconds() - begin
    with (data / "purchases.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    receipts, lines = home / "receipts.csv", home / "lines.csv"
    written = write_again(rows, sample, receipts, lines)
    __, __, said = portal.run("-m", "benchmarks.resources", str(receipts), str(lines))
    their_seconds, they_worked = map(float, said.rpartition("seconds:")[2].split())
    ours, theirs = len(rows) / seconds, written / their_seconds
    processor = len(rows) / worked / (written / they_worked)
    return Result(kind, len(rows), written, round(ours), round(theirs), round(ours / theirs, 1), round(processor, 1))


def processor_seconds() -> float:
    """Return what the processes have taken that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def write_again(rows: list[dict[str, str]], sample: int, receipts: Path, lines: Path) -> int:
    """Write the first receipts under other numbers, with about `sample` lines, and their lines; return how many lines."""
    chosen: dict[tuple[str, str], list[dict[str, str | int]]] = {}
    for row in rows[:sample]:
        own = chosen.setdefault((row["store"], row["reference"]), [])
        prices = {name: cents(row[name]) for name in ("unit_price", "discount")}
        total = int(row["quantity"]) * prices["unit_price"] - prices["discount"]
        again = {"reference": f"again-{row['reference']}", "position": len(own) + 1, "total": total}
        own.append(row | prices | again)
    headings = [own[0] | {"total": sum(line["total"] for line in own)} for own in chosen.values()]
    write(receipts, RECEIPT_COLUMNS, headings)
    write(lines, LINE_COLUMNS, [line for own in chosen.values() for line in own])
    return sum(map(len, chosen.values()))


def cents(amount: str) -> int:
    whole, __, part = amount.partition(".")
    return int(whole) * 100 + int(part)


def write(file: Path, columns: list[str], rows: list[dict[str, str | int]]) -> None:
    with file.open("w", newline="") as target:
        writer = csv.DictWriter(target, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=100_000, help="lines for import_purchases")
    parser.add_argument("--sample", type=int, default=2_000, help="lines for django-import-export")
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--json", type=Path, default=Path("import_export.json"), help="where to write the figures")
    options = parser.parse_args()
    server = Postgres(durable=True).start() if "postgres" in options.databases else None
    results = []
    with tempfile.TemporaryDirectory(prefix="import-export-") as name:
        data = Path(name) / "journey"
        command = [sys.executable, str(ROOT / "benchmarks/real_data.py"), "complete-journey", "--out", str(data)]
        subprocess.run([*command, "--lines", str(options.lines)], check=True, stdout=subprocess.DEVNULL)
        for kind in options.databases:
            results.append(measure(kind, data, Path(name), server if kind == "postgres" else None, options.sample))
            print(results[-1])
    if server:
        server.close()
    options.json.write_text(json.dumps([asdict(result) for result in results], indent=2))


if __name__ == "__main__":
    main()
