"""How fast coupons are issued and redeemed, against the fastest way to do the same to the database at all.

    python benchmarks/coupons.py [--sizes 10000 100000 1000000] [--databases sqlite postgres] [--rounds 5] [--json FILE]

Issue: a job for so many codes in a fresh portal, in the steps and transactions that a worker takes (time, coupons per
second, memory of the process). Then the same rows are written into a second portal with nothing but COPY (PostgreSQL) or
executemany (SQLite): the same table, constraints and indexes. The ratio is that time over the job's; the bar is 0.40.

Redeem, on PostgreSQL: find a coupon by its code, validate it and redeem it, by one client and by eight, with coupons of 64
batches and of a single one, against a loop of psycopg that sends the same statements and thinks nothing. Rounds in
alternation, the median counts; the bars are 0.40 with one client and 0.25 with eight.
"""

import argparse
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.purchase_import import Portal  # noqa: E402
from tests.servers import Postgres  # noqa: E402

BARS = {"issue": 0.40, 1: 0.40, 8: 0.25}
ISSUE = """
import json, resource, sys, time, uuid
import django; django.setup()
from django.utils import timezone
from rewards import coupon_jobs
from rewards.models import CouponBatch
batch = CouponBatch.objects.create(name_en="Card", value_kind="amount", value=500, state="active")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin = time.perf_counter()
job = coupon_jobs.ask_open(batch=batch, number=int(sys.argv[1]), key=uuid.uuid4(), by=None, now=timezone.now())
job = coupon_jobs.run(job=coupon_jobs.claim(now=timezone.now(), job=job), clock=timezone.now)
seconds = time.perf_counter() - begin
assert job.state == "done", job.reason
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"seconds": seconds, "megabytes": grown // 1024}))
"""
BATCH = """
import django; django.setup()
from rewards.models import CouponBatch
CouponBatch.objects.create(name_en="Card", value_kind="amount", value=500, state="active")
"""
PREPARE = """
import json, sys, uuid
import django; django.setup()
from django.utils import timezone
from rewards import codes, coupon_jobs
from rewards.models import Coupon, CouponBatch
for n in range(int(sys.argv[1])):
    batch = CouponBatch.objects.create(name_en="Card", value_kind="amount", value=500, state="active")
    job = coupon_jobs.ask_open(batch=batch, number=int(sys.argv[2]), key=uuid.uuid4(), by=None, now=timezone.now())
    coupon_jobs.run(job=coupon_jobs.claim(now=timezone.now(), job=job), clock=timezone.now)
rows = Coupon.objects.order_by("issued_at", "code_tail", "pk").values_list("pk", "batch_id", "code_sealed")
print(json.dumps([[pk, batch_id, codes.unseal(sealed), bytes(sealed).hex()] for pk, batch_id, sealed in rows]))
"""


@dataclass
class Issued:
    """One row of the table of issuing; seconds and megabytes."""

    database: str
    coupons: int
    seconds: float
    per_second: int
    grown_megabytes: int
    raw_seconds: float
    ratio: float


@dataclass
class Redeemed:
    """One row of the table of redeeming: coupons per second, and the ratio's median."""

    clients: int
    batches: int
    per_second: int
    raw_per_second: int
    ratio: float


class Portals:
    """Fresh portals of one kind of database, cloned from one that was migrated once."""

    def __init__(self, kind: str, folder: Path, server: Postgres | None) -> None:
        self.kind, self.folder, self.server = kind, folder, server
        self.template = Portal(self._home("template"), self._url("template"))

    def clone(self, name: str) -> Portal:
        """Return an empty portal with a database of its own."""
        portal = Portal.__new__(Portal)
        home = self._home(name)
        if self.server is None:
            shutil.copy(self.folder / "sqlite-template/portal.sqlite3", home / "portal.sqlite3")
            portal.url = self._url(name)
        else:
            with psycopg.connect(self.server.url(), autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template_of_portals')
            portal.url = self.server.url(name)
        portal.environment = self.template.environment | {
            "VAR_DIR": str(home), "DATABASE_URL": portal.url, "DJANGO_SETTINGS_MODULE": "loyalty_site.settings",
        }  # fmt: skip
        return portal

    def _home(self, name: str) -> Path:
        home = self.folder / f"{self.kind}-{name}"
        home.mkdir()
        return home

    def _url(self, name: str) -> str:
        if self.server is None:
            return f"sqlite:///{self.folder / f'{self.kind}-{name}' / 'portal.sqlite3'}"
        return self.server.create_database("template_of_portals")


def measure_issue(portals: Portals, size: int, number: int) -> Issued:
    """Issue in one portal, then write the same rows raw into another."""
    issued, raw = (portals.clone(f"{name}_{size}_{number}") for name in ("issued", "raw"))
    __, __, said = issued.run("-c", ISSUE, str(size))
    figures = json.loads(said.splitlines()[-1])
    raw.run("-c", BATCH)
    write = write_raw_postgres if portals.server else write_raw_sqlite
    seconds = write(issued, raw, portals.folder)
    return Issued(
        portals.kind, size, round(figures["seconds"], 2), round(size / figures["seconds"]), figures["megabytes"],
        round(seconds, 2), round(seconds / figures["seconds"], 2),
    )  # fmt: skip


def write_raw_postgres(issued: Portal, raw: Portal, folder: Path) -> float:
    """Copy the table out, then time copying it in."""
    file = folder / "table.copy"
    with issued.connect() as source, file.open("wb") as target, source.cursor() as cursor:
        names = [column.name for column in cursor.execute("SELECT * FROM rewards_coupon LIMIT 0").description]
        columns = ", ".join(f'"{name}"' for name in names)
        with cursor.copy(f"COPY (SELECT {columns} FROM rewards_coupon ORDER BY id) TO STDOUT") as copy:
            for block in copy:
                target.write(block)
    with raw.connect() as target, file.open("rb") as source, target.cursor() as cursor:
        begin = time.perf_counter()
        with cursor.copy(f"COPY rewards_coupon ({columns}) FROM STDIN") as copy:
            while block := source.read(1 << 20):
                copy.write(block)
        target.commit()
        return time.perf_counter() - begin


def write_raw_sqlite(issued: Portal, raw: Portal, folder: Path) -> float:
    """Read the table in pieces, and time writing each piece with executemany."""
    seconds, source, target = 0.0, issued.connect(), raw.connect()
    target.execute("PRAGMA cache_size = -32768")  # what the portal allows itself for large sets
    cursor = source.execute("SELECT * FROM rewards_coupon ORDER BY id")
    names = ", ".join(f'"{column[0]}"' for column in cursor.description)
    insert = f"INSERT INTO rewards_coupon ({names}) VALUES ({', '.join('?' * len(cursor.description))})"
    while piece := cursor.fetchmany(100_000):
        begin = time.perf_counter()
        target.execute("BEGIN IMMEDIATE")
        target.executemany(insert, piece)
        target.execute("COMMIT")
        seconds += time.perf_counter() - begin
    source.close()
    target.close()
    return seconds


def measure_redeem(portals: Portals, clients: int, batches: int, rounds: int, each: int) -> Redeemed:
    """Let clients of both kinds take turns; each redeems coupons that nobody else touches."""
    portal = portals.clone(f"redeem_{clients}_{batches}")
    total = 2 * rounds * clients * each
    __, __, said = portal.run("-c", PREPARE, str(batches), str(-(-total // batches)))
    rows = json.loads(said.splitlines()[-1])
    # Every client meets the batches in the same order: neighbours wait for each other as often as they can.
    rows.sort(key=lambda row: (row[0] * 7919) % 1_000_003)
    speeds: dict[str, list[float]] = {"portal": [], "raw": []}
    for __ in range(rounds):
        for kind, found in speeds.items():
            work = [[rows.pop() for __ in range(each)] for __ in range(clients)]
            found.append(race(kind, portal, work))
    ratio = statistics.median(ours / raw for ours, raw in zip(speeds["portal"], speeds["raw"], strict=True))
    median = {kind: statistics.median(found) for kind, found in speeds.items()}
    return Redeemed(clients, batches, round(median["portal"]), round(median["raw"]), round(ratio, 2))


def race(kind: str, portal: Portal, work: list[list[Any]]) -> float:
    """Start a process for each client, let them begin together, and return redemptions per second of the slowest."""
    command = [sys.executable, __file__, "--client", kind]
    processes = [
        subprocess.Popen(
            command, cwd=ROOT, env=portal.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for __ in work
    ]
    for process, rows in zip(processes, work, strict=True):
        process.stdin.write(json.dumps({"rows": rows, "url": portal.url}) + "\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    seconds = [float(process.stdout.readline()) for process in processes]
    for process in processes:
        process.stdin.close()
        process.stdout.close()
        assert process.wait() == 0
    return sum(map(len, work)) / max(seconds)


def be_client(kind: str) -> None:
    """Work through the coupons on standard input as soon as told to."""
    import django

    django.setup()
    given = json.loads(sys.stdin.readline())
    one = portal_client() if kind == "portal" else raw_client(given["url"])
    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.perf_counter()
    for row in given["rows"]:
        one(*row)
    print(time.perf_counter() - begin, flush=True)


def portal_client() -> Any:
    """Find, validate and redeem as the portal does."""
    from django.db import connection
    from django.utils import timezone

    from rewards import coupons, redemption
    from rewards.redemption import Situation

    connection.ensure_connection()

    def one(pk: int, batch_id: int, code: str, sealed: str) -> None:
        now = timezone.now()
        coupon = coupons.find(code)
        assert redemption.refusal(coupon, Situation(now=now, basket=2_000, discount=500)) is None
        redemption.redeem(coupon=coupon, request_key=f"till:{pk}", now=now, basket=2_000, discount=500)

    return one


def raw_client(url: str) -> Any:
    """Send the statements of the portal, and nothing else."""
    from django.utils import timezone

    from rewards import coupon_rows

    connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor)
    find, look = coupon_rows.find_statement(), coupon_rows.look_statement()

    def one(pk: int, batch_id: int, code: str, sealed: str) -> None:
        now, key = timezone.now(), f"till:{pk}"
        cursor = connection.cursor()
        cursor.execute(find, [bytes.fromhex(sealed), b""]).fetchone()
        cursor.execute(look, [None, "", pk]).fetchone()
        cursor.execute(look, [None, key, pk]).fetchone()
        with connection.transaction():
            cursor.execute(coupon_rows.COUNT, [500, batch_id, 500])
            cursor.execute(coupon_rows.TAKE, [pk, now, now, now, "", now, ""]).fetchone()
            cursor.execute(
                coupon_rows.RECORD, [pk, batch_id, pk, key, None, None, None, 500, now, now, None]
            ).fetchone()

    return one


def show(issued: list[Issued], redeemed: list[Redeemed]) -> None:
    """Print the tables, and how the cost of a coupon grows with their number."""
    if issued:
        print(f"\n{'database':9} {'coupons':>9} {'s':>7} {'coupons/s':>10} {'MB grown':>9} {'raw s':>7} {'ratio':>6}")
    for row in issued:
        print(
            f"{row.database:9} {row.coupons:9,} {row.seconds:7.2f} {row.per_second:10,} {row.grown_megabytes:9} "
            f"{row.raw_seconds:7.2f} {row.ratio:6.2f}"
        )
    for kind in dict.fromkeys(row.database for row in issued):
        costs = [f"{row.seconds / row.coupons * 1e6:.1f}" for row in issued if row.database == kind]
        print(f"{kind}: microseconds per coupon by size {', '.join(costs)}")
    if redeemed:
        print(f"\n{'clients':>7} {'batches':>8} {'portal/s':>9} {'raw/s':>7} {'ratio':>6}")
    for row in redeemed:
        print(f"{row.clients:7} {row.batches:8} {row.per_second:9,} {row.raw_per_second:7,} {row.ratio:6.2f}")


def median_of(rows: list[Issued]) -> Issued:
    """Return the row with the middle ratio."""
    return sorted(rows, key=lambda row: row.ratio)[len(rows) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--each", type=int, default=400, help="coupons of a client in a round")
    parser.add_argument("--json", type=Path, default=Path("coupons.json"), help="where to write the figures")
    parser.add_argument("--client", choices=["portal", "raw"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        be_client(options.client)
        return
    issued, redeemed = [], []
    server = Postgres(durable=True).start() if "postgres" in options.databases else None
    with tempfile.TemporaryDirectory(prefix="coupons-") as name:
        folder = Path(name)
        portals = {kind: Portals(kind, folder, server if kind == "postgres" else None) for kind in options.databases}
        for size in options.sizes:
            for home in portals.values():
                issued.append(median_of([measure_issue(home, size, n) for n in range(options.rounds)]))
                show(issued[-1:], [])
        for clients, batches in ((1, 64), (8, 64), (8, 1)) if server else ():
            redeemed.append(measure_redeem(portals["postgres"], clients, batches, options.rounds, options.each))
            show([], redeemed[-1:])
    show(issued, redeemed)
    versions = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "psycopg": psycopg.__version__}
    if server:
        with psycopg.connect(server.url()) as connection:
            versions["postgresql"] = connection.execute("SHOW server_version").fetchone()[0]
        server.close()
    print(versions, f"load {os.getloadavg()[0]:.1f}")
    figures = {
        "versions": versions,
        "issued": [asdict(row) for row in issued],
        "redeemed": [asdict(row) for row in redeemed],
    }
    options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
