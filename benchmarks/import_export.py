"""How many times the speed of django-import-export, as it comes, purchases are imported with.

    python benchmarks/import_export.py [--lines 100000] [--sample 2000] [--databases sqlite postgres] [--json FILE]

For each database: the purchases of the Complete Journey through `manage.py import_purchases`, the whole process, with
customers found, products made and points booked. Then django-import-export's plain ModelResource imports lines of the same
receipts from a CSV into the same portal: only the rows of one table, their keys given, no receipt, no product, no points, and
without the start of the process. The ratio is of lines per second.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from purchase_import import ROOT, Portal

from tests.servers import Postgres

COLUMNS = ["purchase", "position", "product", "quantity", "unit_price", "discount", "total", "is_excluded"]
IMPORT = """
import sys, time
from import_export import resources
from tablib import Dataset
from customers.models import PurchaseLine

class LineResource(resources.ModelResource):
    class Meta:
        model = PurchaseLine

with open(sys.argv[1]) as file:
    text = "id," + "\\n,".join(file.read().splitlines())
begin = time.perf_counter()
found = LineResource().import_data(Dataset().load(text, format="csv"), raise_errors=True)
seconds = time.perf_counter() - begin
assert found.totals["new"] == int(sys.argv[2]), found.totals
print("seconds:", seconds)
"""


@dataclass
class Result:
    """One row of the table; lines per second."""

    database: str
    lines: int
    sample: int
    portal: int
    import_export: int
    ratio: float


def measure(kind: str, data: Path, folder: Path, server: Postgres | None, sample: int) -> Result:
    """Import the file, then some of its lines once more by django-import-export, on receipts that are there."""
    home = folder / kind
    home.mkdir()
    portal = Portal(
        home, server.create_database(f"compared_{kind}") if server else f"sqlite:///{home / 'portal.sqlite3'}"
    )
    portal.environment["DJANGO_SETTINGS_MODULE"] = "loyalty_site.settings"
    portal.prepare(data)
    seconds, __, __ = portal.run("manage.py", "import_purchases", str(data / "purchases.csv"))
    with (data / "purchases.csv").open() as file:
        lines = sum(1 for __ in csv.reader(file)) - 1
    file = home / "lines.csv"
    written = write_lines(portal, file, sample)
    __, __, said = portal.run("-c", f"import django; django.setup()\n{IMPORT}", str(file), str(written))
    theirs = written / float(said.rpartition("seconds:")[2])
    ours = lines / seconds
    return Result(kind, lines, written, round(ours), round(theirs), round(ours / theirs, 1))


def write_lines(portal: Portal, file: Path, sample: int) -> int:
    """Write lines of receipts, at positions that are free; return how many."""
    connection = portal.connect()
    rows = connection.execute(
        "SELECT purchase_id, position + 10000, product_id, quantity, unit_price, discount, total, is_excluded "
        f"FROM customers_purchaseline ORDER BY id LIMIT {sample}"
    ).fetchall()
    connection.close()
    with file.open("w", newline="") as target:
        csv.writer(target, lineterminator="\n").writerows([COLUMNS, *([*row[:-1], int(row[-1])] for row in rows)])
    return len(rows)


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
