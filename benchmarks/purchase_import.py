"""How fast purchases come in, against the fastest way to write the same rows at all.

    python benchmarks/purchase_import.py [--lines 10000 100000 1000000] [--databases sqlite postgres] [--json FILE]

For each database and size: a fresh portal, the customers and then the purchases of the Complete Journey through
`manage.py import_purchases` (time, lines per second, memory of the whole process), the same file again, `prove_books`,
and an independent recount. Then the rows that came about (purchases, lines, products, transactions, lots, balances) are
written into a second empty portal with nothing but COPY (PostgreSQL) or executemany (SQLite), the same tables with the
same constraints. The ratio is that time over the import's time.
"""

import argparse
import csv
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import production  # noqa: E402

from tests.servers import Postgres  # noqa: E402

ALL = 1_460_467
# In the order in which rows may point at each other.
TABLES = [
    "customers_category",
    "customers_product",
    "customers_purchase",
    "customers_purchaseline",
    "rewards_pointtransaction",
    "rewards_pointlot",
    "rewards_pointbalance",
]
PREPARE = """
import csv, sys
from django.utils import timezone
from customers.models import Store
from rewards.models import EarningRule
with open(sys.argv[1]) as file:
    Store.objects.bulk_create(
        Store(code=row["code"], name_en=row["name"], time_zone=row["time_zone"]) for row in csv.DictReader(file)
    )
EarningRule.objects.create(
    key="base", name_en="One point per full unit", kind="amount", points=1, per_amount=100, published_at=timezone.now()
)
"""


@dataclass
class Result:
    """One row of the table; seconds and megabytes."""

    database: str
    lines: int
    rows: int
    import_seconds: float
    lines_per_second: int
    megabytes: int
    again_seconds: float
    raw_seconds: float
    ratio: float
    prove_seconds: float
    books_balance: bool
    recount_agrees: bool


class Portal:
    """A portal with a database of its own; commands run in processes of their own, as a merchant's do."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.environment = production.environment(database_url=url, directory=folder)
        self.run("manage.py", "migrate", "--verbosity", "0")

    def run(self, *command: str) -> tuple[float, int, str]:
        """Run a Python program; return seconds, megabytes at most, and what it said."""
        with tempfile.TemporaryFile("w+") as output:
            begin = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
            __, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begin
            output.seek(0)
            text = output.read()
        if status:
            raise SystemExit(f"{' '.join(command)} failed:\n{text[-4000:]}")
        return seconds, usage.ru_maxrss // 1024, text

    def prepare(self, data: Path) -> None:
        """Make the stores, a rule of one point per full currency unit, and the customers."""
        self.run("-c", f"import django; django.setup()\n{PREPARE}", str(data / "stores.csv"))
        self.run("manage.py", "import_customers", str(data / "customers.csv"))

    def connect(self) -> psycopg.Connection | sqlite3.Connection:
        if self.url.startswith("postgres"):
            return psycopg.connect(self.url)
        connection = sqlite3.connect(self.url.removeprefix("sqlite:///"), isolation_level=None)
        # What the portal itself sets.
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection


def measure(kind: str, data: Path, folder: Path, server: Postgres | None) -> Result:
    """Import into a fresh portal, then write the same rows raw into another one."""
    portals = []
    for name in ("imported", "raw"):
        home = folder / f"{kind}-{data.name}-{name}"
        home.mkdir()
        url = f"sqlite:///{home / 'portal.sqlite3'}" if server is None else server.create_database(home.name)
        portals.append(Portal(home, url))
        portals[-1].environment["DJANGO_SETTINGS_MODULE"] = "loyalty_site.settings"
        portals[-1].prepare(data)
    imported, raw = portals
    purchases = data / "purchases.csv"
    seconds, megabytes, __ = imported.run("manage.py", "import_purchases", str(purchases))
    again, __, said = imported.run("manage.py", "import_purchases", str(purchases))
    assert "New receipts: 0" in said, said
    prove_seconds, __, proof = imported.run("manage.py", "prove_books")
    write = write_raw_postgres if server else write_raw_sqlite
    rows, raw_seconds = write(imported, raw, folder)
    with purchases.open() as file:
        lines = sum(1 for __ in csv.reader(file)) - 1
    return Result(
        database=kind,
        lines=lines,
        rows=rows,
        import_seconds=round(seconds, 2),
        lines_per_second=round(lines / seconds),
        megabytes=megabytes,
        again_seconds=round(again, 2),
        raw_seconds=round(raw_seconds, 2),
        ratio=round(raw_seconds / seconds, 2),
        prove_seconds=round(prove_seconds, 2),
        books_balance="the books balance" in proof,
        recount_agrees=agrees(imported, purchases, data / "customers.csv"),
    )


def write_raw_postgres(imported: Portal, raw: Portal, folder: Path) -> tuple[int, float]:
    """Copy the tables out, then time copying them in; return rows and seconds."""
    rows, seconds = 0, 0.0
    for table in TABLES:
        file = folder / "table.copy"
        with imported.connect() as source, file.open("wb") as target, source.cursor() as cursor:
            names = [column.name for column in cursor.execute(f"SELECT * FROM {table} LIMIT 0").description]
            columns = ", ".join(f'"{name}"' for name in names)
            with cursor.copy(f"COPY (SELECT {columns} FROM {table} ORDER BY 1) TO STDOUT") as copy:
                for block in copy:
                    target.write(block)
        with raw.connect() as target, file.open("rb") as source, target.cursor() as cursor:
            begin = time.perf_counter()
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                while block := source.read(1 << 20):
                    copy.write(block)
            rows += cursor.rowcount
            target.commit()
            seconds += time.perf_counter() - begin
    return rows, seconds


def write_raw_sqlite(imported: Portal, raw: Portal, folder: Path) -> tuple[int, float]:
    """Read the tables in pieces, and time writing each piece with executemany; return rows and seconds."""
    rows, seconds = 0, 0.0
    source, target = imported.connect(), raw.connect()
    for table in TABLES:
        cursor = source.execute(f"SELECT * FROM {table} ORDER BY 1")
        names = ", ".join(f'"{column[0]}"' for column in cursor.description)
        insert = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(cursor.description))})"
        while piece := cursor.fetchmany(100_000):
            begin = time.perf_counter()
            target.execute("BEGIN IMMEDIATE")
            target.executemany(insert, piece)
            target.execute("COMMIT")
            seconds += time.perf_counter() - begin
            rows += len(piece)
    source.close()
    target.close()
    return rows, seconds


def agrees(portal: Portal, purchases: Path, customers: Path) -> bool:
    """Compare the database with the recount in pandas: receipts, lines, money, points, and the members with most points."""
    # In a process of its own: a child's memory is measured from its parent's, so this one stays small.
    command = [
        sys.executable,
        str(ROOT / "benchmarks/recount.py"),
        str(purchases),
        "--customers",
        str(customers),
        "--top",
        "20",
    ]
    counted = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    connection = portal.connect()

    def ask(query: str) -> list[tuple]:
        return [
            tuple(int(value) if str(value).isdigit() else value for value in row) for row in connection.execute(query)
        ]

    top = {
        member: points
        for member, points in ask(
            "SELECT member_number, active FROM rewards_pointbalance JOIN customers_customer ON id = customer_id"
        )
        if member in counted["top"]
    }
    found = (
        ask("SELECT COUNT(*), SUM(total) FROM customers_purchase"),
        ask("SELECT COUNT(*), SUM(total), SUM(discount) FROM customers_purchaseline"),
        ask("SELECT COUNT(*), SUM(points) FROM rewards_pointtransaction"),
        top,
    )
    connection.close()
    return found == (
        [(counted["receipts"], counted["total"])],
        [(counted["lines"], counted["total"], counted["discount"])],
        [(counted["earning_receipts"], counted["points"])],
        {member: figures["points"] for member, figures in counted["top"].items()},
    )


def show(results: list[Result]) -> None:
    """Print the table, and how the cost of a line grows with the size."""
    print(
        f"\n{'database':9} {'lines':>9} {'import s':>9} {'lines/s':>8} {'MB':>5} {'again s':>8} {'raw s':>7} {'ratio':>6} {'proof s':>8}  books  recount"
    )
    for result in results:
        print(
            f"{result.database:9} {result.lines:9,} {result.import_seconds:9.1f} {result.lines_per_second:8,} {result.megabytes:5} "
            f"{result.again_seconds:8.1f} {result.raw_seconds:7.1f} {result.ratio:6.2f} {result.prove_seconds:8.1f}  "
            f"{'yes' if result.books_balance else 'NO':5}  {'yes' if result.recount_agrees else 'NO'}"
        )
    for kind in dict.fromkeys(result.database for result in results):
        costs = [f"{result.import_seconds / result.lines * 1e6:.0f}" for result in results if result.database == kind]
        print(f"{kind}: microseconds per line by size {', '.join(costs)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--lines", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="sizes; 0 is everything"
    )
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--json", type=Path, default=Path("purchase_import.json"), help="where to write the figures")
    options = parser.parse_args()
    results = []
    server = Postgres(durable=True).start() if "postgres" in options.databases else None
    with tempfile.TemporaryDirectory(prefix="purchase-import-") as name:
        folder = Path(name)
        for limit in options.lines:
            data = folder / f"journey{limit or ALL}"
            command = [sys.executable, str(ROOT / "benchmarks/real_data.py"), "complete-journey", "--out", str(data)]
            subprocess.run(
                [*command, *(["--lines", str(limit)] if limit else [])], check=True, stdout=subprocess.DEVNULL
            )
            for kind in options.databases:
                results.append(measure(kind, data, folder, server if kind == "postgres" else None))
                show(results[-1:])
    show(results)
    versions = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "psycopg": psycopg.__version__}
    if server:
        with psycopg.connect(server.url()) as connection:
            versions["postgresql"] = connection.execute("SHOW server_version").fetchone()[0]
        server.close()
    print(versions)
    options.json.write_text(
        json.dumps({"versions": versions, "results": [asdict(result) for result in results]}, indent=2)
    )


if __name__ == "__main__":
    main()
