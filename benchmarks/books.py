"""What the books cost as they grow: the proof, the daily run, and what a customer looks at.

    python benchmarks/books.py [--sizes 10000 100000 1000000] [--databases sqlite postgres] [--json FILE]

For each database and size a fresh portal with so many lots, made by the portal's own set functions: ten for each customer,
one of them due (half become spendable, half expire), and a customer who alone has a tenth of all transactions.

*daily* is `rewards.daily.run`; *raw* is nothing but COPY (PostgreSQL) or executemany (SQLite) of the rows that it wrote and
changed (transactions, allocations, lots, balances) into empty tables with the same constraints and indexes. The bar is
0.25 of raw's speed. A second run must change nothing. *proof* is `prove_books`; *fetch* merely fetches the same rows, all
columns of transactions, lots, allocations and balances, in the same process. The bar is 4 times fetch, and a minute at
a million. *balance*, *statement* and *home* are medians in milliseconds, for a usual customer and for the big one; they may
grow by no more than a factor of 2 from the smallest size to the largest.
"""

import argparse
import json
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import production  # noqa: E402

from tests.servers import Postgres, Valkey  # noqa: E402

LOTS_EACH = 10
AT_ONCE = 20_000
LOOKS = 31
TABLES = ["rewards_pointtransaction", "rewards_lotallocation", "rewards_pointlot", "rewards_pointbalance"]
BARS = {"daily": 0.25, "proof": 4.0, "growth": 2.0, "seconds_for_a_million": 60}


def fill(lots: int) -> None:
    """Make customers and their awards, of which every tenth is due tomorrow."""
    import datetime as dt

    from django.utils import timezone

    from customers.models import Customer, User
    from rewards import ledger
    from rewards.ledger import Award
    from rewards.models import Tier

    now = timezone.now()
    number = max(2, lots // LOTS_EACH)
    Customer.objects.bulk_create(
        (Customer(member_number=f"M{n:08}", name="x", enrolled_at=now - dt.timedelta(days=400)) for n in range(number)),
        batch_size=5_000,
    )
    for pk, name in ((Customer.objects.order_by("pk").first().pk, "usual"), (None, "big")):
        user = User.objects.create_user(f"{name}@example.com")
        chosen = Customer.objects.filter(pk=pk) if pk else Customer.objects.filter(member_number=f"M{number - 1:08}")
        chosen.update(user=user)
    Tier.objects.create(name_en="Gold", rank=1, threshold=10**9, metric="spend")
    keys = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
    tomorrow, year = now + dt.timedelta(hours=12), now + dt.timedelta(days=365)

    def award(customer_id: int, place: int, lot: int) -> Award:
        is_due, expires = lot == 0, place % 2
        return Award(
            customer_id=customer_id, points=10, source=f"bench:{place}:{lot}", occurred_at=now - dt.timedelta(days=lot),
            activates_at=tomorrow if is_due and not expires else now - dt.timedelta(days=lot),
            # The days of a year: of so many lots no more than a few hundred end at the same moment.
            expires_at=tomorrow if is_due and expires else year + dt.timedelta(days=place % 365),
        )  # fmt: skip

    waiting: list[Award] = []
    for place, customer_id in enumerate(keys):
        waiting += [award(customer_id, place, lot) for lot in range(LOTS_EACH)]
        if len(waiting) >= AT_ONCE or place == len(keys) - 1:
            ledger.earn_many(waiting)
            waiting = []
    for start in range(0, lots // 10, AT_ONCE):
        ledger.earn_many(award(keys[-1], 10**9 + n, 1) for n in range(start, min(start + AT_ONCE, lots // 10)))


def measure(lots: int) -> dict[str, Any]:
    """Fill this process's portal and measure it."""
    import django

    django.setup()
    import datetime as dt

    from django.db import connection
    from django.utils import timezone

    from rewards import daily, proof

    begin = time.perf_counter()
    fill(lots)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    found: dict[str, Any] = {"database": connection.vendor, "lots": lots, "fill": time.perf_counter() - begin}
    found |= looks()
    newest = last_keys()
    begin = time.perf_counter()
    posted = daily.run(now=timezone.now() + dt.timedelta(days=1))
    found["daily"], found["posted"] = time.perf_counter() - begin, posted
    begin = time.perf_counter()
    assert daily.run(now=timezone.now() + dt.timedelta(days=1)) == 0
    found["again"] = time.perf_counter() - begin
    found["rows"], found["raw"] = write_raw(newest)
    found["fetch"] = fetch_all()
    begin = time.perf_counter()
    proven = proof.prove()
    found["proof"] = time.perf_counter() - begin
    assert proven.is_balanced, proven.faults
    found["transactions"] = proven.transactions
    return found | {"daily_ratio": found["raw"] / found["daily"], "proof_ratio": found["proof"] / found["fetch"]}


def looks() -> dict[str, float]:
    """Time what customers look at, in milliseconds."""
    from django.test import Client

    from customers.models import Customer
    from rewards import statement
    from rewards.models import PointBalance

    found = {}
    for name in ("usual", "big"):
        customer = Customer.objects.get(user__email=f"{name}@example.com")
        client = Client()
        client.force_login(customer.user)
        page, _older = statement.page_of(customer=customer, before=None, size=25)
        assert page
        actions: dict[str, Callable[[], object]] = {
            "balance": lambda customer=customer: PointBalance.objects.get(customer=customer),
            "statement": lambda customer=customer: statement.page_of(customer=customer, before=None, size=25),
            "home": lambda client=client: client.get("/"),
        }
        for what, action in actions.items():
            found[f"{what}_{name}"] = statistics.median(timed(action) for _n in range(LOOKS)) * 1000
        assert client.get("/").status_code == 200
    return found


def timed(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def last_keys() -> dict[str, int]:
    """Return the newest keys, to find later what the run has written."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(id) FROM rewards_pointtransaction")
        (newest,) = cursor.fetchone()
    return {"rewards_pointtransaction": newest}


def written(table: str, newest: dict[str, int]) -> str:
    """Select the rows of a table that the run has written or changed."""
    new = f"SELECT id FROM rewards_pointtransaction WHERE id > {newest['rewards_pointtransaction']}"
    where = {
        "rewards_pointtransaction": f"id IN ({new})",
        "rewards_lotallocation": f"transaction_id IN ({new})",
        # Those that became spendable name their activation, those that expired have an allocation.
        "rewards_pointlot": f"id IN (SELECT lot_id FROM rewards_lotallocation WHERE transaction_id IN ({new})) "
        f"OR 'activate:' || id IN (SELECT source FROM rewards_pointtransaction WHERE id IN ({new}))",
        "rewards_pointbalance": "customer_id IN (SELECT customer_id FROM rewards_pointtransaction "
        f"WHERE id > {newest['rewards_pointtransaction']})",
    }
    return f"SELECT * FROM {table} WHERE {where[table]} ORDER BY 1"


def write_raw(newest: dict[str, int]) -> tuple[int, float]:
    """Write the same rows into empty tables of the same shape, in one transaction per table; return rows and seconds."""
    from django.db import connection

    rows, seconds = 0, 0.0
    connection.ensure_connection()
    raw = connection.connection
    if connection.vendor == "postgresql":
        raw.execute("SET statement_timeout = 0")
        for table in TABLES:
            raw.execute(f"CREATE TABLE raw_{table} (LIKE {table} INCLUDING ALL)")
            keys = raw.execute(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass",
                [table],
            ).fetchall()
            for (definition,) in keys:
                raw.execute(f"ALTER TABLE raw_{table} ADD {definition}")
            with raw.cursor() as cursor, cursor.copy(f"COPY ({written(table, newest)}) TO STDOUT") as copy:
                blocks = [bytes(block) for block in copy]
            begin = time.perf_counter()
            with raw.transaction(), raw.cursor() as cursor:
                with cursor.copy(f"COPY raw_{table} FROM STDIN") as copy:
                    copy.write(b"".join(blocks))
                rows += cursor.rowcount
            seconds += time.perf_counter() - begin
        return rows, seconds
    own = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    own.execute("PRAGMA synchronous = EXTRA")
    own.execute("PRAGMA foreign_keys = ON")
    for table in TABLES:
        objects = own.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC",
            [table],
        ).fetchall()
        for (sql,) in objects:
            own.execute(sql.replace(f'ON "{table}"', f'ON "raw_{table}"').replace('INDEX "', 'INDEX "raw_', 1)
                        .replace(f'TABLE "{table}"', f'TABLE "raw_{table}"', 1))  # fmt: skip
        piece = own.execute(written(table, newest)).fetchall()
        if piece:
            begin = time.perf_counter()
            own.execute("BEGIN IMMEDIATE")
            own.executemany(f"INSERT INTO raw_{table} VALUES ({', '.join('?' * len(piece[0]))})", piece)
            own.execute("COMMIT")
            seconds += time.perf_counter() - begin
        rows += len(piece)
    own.close()
    return rows, seconds


def fetch_all() -> float:
    """Fetch the rows of the books, nothing else, as the portal reads them; return seconds."""
    from rewards.models import LotAllocation, PointBalance, PointLot, PointTransaction

    begin = time.perf_counter()
    for model in (PointTransaction, PointLot, LotAllocation, PointBalance):
        for _row in model.objects.order_by("pk").values_list().iterator(chunk_size=2_000):
            pass
    return time.perf_counter() - begin


def show(results: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(
        f"\n{'database':10} {'lots':>9} {'fill s':>7} {'daily s':>8} {'again s':>8} {'rows':>8} {'raw s':>7} {'ratio':>6} "
        f"{'fetch s':>8} {'proof s':>8} {'times':>6}   balance, statement, home (ms): usual | big"
    )
    for each in results:
        times = " | ".join(
            ", ".join(f"{each[f'{what}_{name}']:.2f}" for what in ("balance", "statement", "home"))
            for name in ("usual", "big")
        )
        print(
            f"{each['database']:10} {each['lots']:9,} {each['fill']:7.1f} {each['daily']:8.2f} {each['again']:8.2f} "
            f"{each['rows']:8,} {each['raw']:7.2f} {each['daily_ratio']:6.2f} {each['fetch']:8.2f} {each['proof']:8.2f} "
            f"{each['proof_ratio']:6.2f}   {times}"
        )


def run(kind: str, lots: int, folder: Path, server: Postgres | None, redis: str) -> dict[str, Any]:
    """Measure one size in a process of its own, over an empty portal."""
    home = folder / f"{kind}-{lots}"
    home.mkdir()
    url = f"sqlite:///{home / 'portal.sqlite3'}" if server is None else server.create_database(f"books{lots}")
    environment = production.environment(
        database_url=url,
        directory=home,
        REDIS_URL=redis,
        DATABASE_STATEMENT_TIMEOUT="30min",
        ALLOWED_HOSTS="testserver",
    )
    (home / "static").mkdir()
    for command in (["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True)
    child = [sys.executable, __file__, "--child", str(lots)]
    done = subprocess.run(child, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="lots")
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--json", type=Path, default=Path("books.json"), help="where to write the figures")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.child)))
        return
    results = []
    redis = Valkey().start()
    server = Postgres(durable=True).start() if "postgres" in options.databases else None
    try:
        with tempfile.TemporaryDirectory(prefix="books-") as name:
            for kind in options.databases:
                for lots in options.sizes:
                    results.append(run(kind, lots, Path(name), server if kind == "postgres" else None, redis.url))
                    show(results[-1:])
    finally:
        redis.close()
        if server:
            server.close()
    show(results)
    versions = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "psycopg": psycopg.__version__}
    print(versions, BARS)
    options.json.write_text(json.dumps({"versions": versions, "bars": BARS, "results": results}, indent=2))


if __name__ == "__main__":
    main()
