"""How fast points are posted one at a time, against the very same SQL without the portal.

    python benchmarks/postings.py [--databases sqlite postgres] [--calls 200] [--rounds 5] [--json FILE]

`ledger.redeem` and `checkout.record_purchase` (three lines and the award) run with one client and with eight processes,
over many customers and over a single one. What they say to the database is written down first, on a copy of it: every
statement with its values and where the transaction begins and ends. *raw* then says exactly that again to another copy
with nothing but psycopg or sqlite3, so it posts the same rows; in the end the tables of all copies agree in number.
Portal and raw take turns within a run; each figure is the median of the rounds, *ratio* is portal over raw (postings per
second, so 1.00 is as fast as the bare statements). On SQLite the slowest 5 % of eight writers are held against the median.
"""

import argparse
import json
import multiprocessing
import os
import platform
import re
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from enum import Enum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import production  # noqa: E402

from tests.servers import Postgres  # noqa: E402

CUSTOMERS = 1_000
CLIENTS = 8
BARS = {1: 0.40, CLIENTS: 0.25}
TAIL_BAR, MANY_BAR = 10.0, 10.0
TABLES = [
    "customers_purchase", "customers_purchaseline", "rewards_pointtransaction", "rewards_pointlot",
    "rewards_lotallocation",
]  # fmt: skip
WARM_UP = 1  # rounds that are not counted
FIRST_KEY = 1_000_000_000  # of purchases, so that no other number is taken for one

type Statement = tuple[str, Any, bool]
# The key of the purchase that came about, 0 for none, and the statements, by whether they are inside a transaction.
type Call = tuple[int, list[tuple[bool, list[Statement]]]]


@dataclass
class Result:
    """One row of the table; postings per second, and milliseconds of a call."""

    database: str
    verb: str
    customers: str
    clients: int
    portal: int
    raw: int
    ratio: float
    bar: float
    statements: int
    median_ms: float
    slowest_ms: float
    raw_tail: float
    tail: float


# What runs in a process of its own: it gets (verb, hot or many, numbers of the calls, when to start), and gives seconds


def portal_client(url: str, home: str, line: Connection) -> None:
    """Post through the portal."""
    run = _portal(url, home)
    while (job := line.recv()) is not None:
        verb, which, numbers, start = job
        line.send(_timed(lambda n: run(verb, which, n), numbers, start))  # noqa: B023 (called at once)


def recorder(url: str, home: str, line: Connection) -> None:
    """Post through the portal and give back what it said to the database, call by call."""
    run = _portal(url, home)
    from django.db import connection

    while (job := line.recv()) is not None:
        verb, which, numbers, __ = job
        said: list[list[tuple[bool, list[Statement]]]] = []

        def note(execute: Callable, sql: str, values: Any, many: bool, context: dict) -> Any:
            call, inside = said[-1], connection.in_atomic_block  # noqa: B023 (called at once)
            if not sql.startswith("BEGIN"):
                if not call or call[-1][0] != inside:
                    call.append((inside, []))
                call[-1][1].append((sql, _plain(list(values or ())), many))
            return execute(sql, values, many, context)

        keys = []
        with connection.execute_wrapper(note):
            for number in numbers:
                said.append([])
                keys.append(run(verb, which, number))
        line.send(list(zip(keys, said, strict=True)))


def _plain(value: Any) -> Any:
    """Return a value that travels to a process without Django."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.value if isinstance(value, Enum) else value


def raw_client(url: str, home: str, line: Connection) -> None:
    """Say again what was recorded: `numbers` are calls here."""
    _settle_in(url, home)
    replay = _replay_sqlite(url) if url.startswith("sqlite") else _replay_postgres(url)
    while (job := line.recv()) is not None:
        *__, calls, start = job
        line.send(_timed(replay, calls, start))


def _timed(run: Callable[[Any], None], each: list, start: float) -> tuple[float, float, list[float]]:
    time.sleep(max(0.0, start - time.time()))
    seconds, begin = [], time.time()
    for one in each:
        before = time.perf_counter()
        run(one)
        seconds.append(time.perf_counter() - before)
    return begin, time.time(), seconds


def _settle_in(url: str, home: str) -> None:
    """Give this process the environment of a portal in production with this database."""
    os.environ |= production.environment(database_url=url, directory=home)


def _portal(url: str, home: str) -> Callable[[str, str, int], int]:
    _settle_in(url, home)
    import django

    django.setup()
    from django.utils import timezone

    from customers.models import Customer, Product, Store
    from rewards import checkout, ledger
    from rewards.sale import SoldLine

    # Keys are the same in every copy: nobody asks the database for what a till knows.
    store, products = Store.objects.get(), list(Product.objects.order_by("pk"))
    people = list(Customer.objects.order_by("pk"))

    def run(verb: str, which: str, number: int) -> int:
        customer = people[0 if which == "one" else number * 7919 % CUSTOMERS]
        if verb == "redeem":
            ledger.redeem(customer=customer, points=1, source=f"till:{which}:{number}", occurred_at=timezone.now())
            return 0
        if verb == "earn":
            ledger.earn(customer=customer, points=1, source=f"visit:{which}:{number}", occurred_at=timezone.now())
            return 0
        if verb == "earn_many":
            now = timezone.now()
            ledger.earn_many(
                ledger.Award(
                    customer_id=people[(number * 100 + n) % CUSTOMERS].pk, points=1, source=f"many:{number}:{n}",
                    occurred_at=now,
                )
                for n in range(100)
            )  # fmt: skip
            return 0
        lines = [SoldLine(products[(number + n) % len(products)], n, 100 + number % 4_900) for n in (1, 2, 3)]
        return checkout.record_purchase(
            store=store, reference=f"{which}-{number}", customer=customer, occurred_at=timezone.now(), lines=lines
        ).pk

    return run


def _replay_postgres(url: str) -> Callable[[Call], None]:
    # The cursor that Django's is made of: several statements go out in one message.
    connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor)
    cursor = connection.cursor()

    def say(sql: str, values: Any, many: bool) -> list[list[tuple]]:
        if many:
            cursor.executemany(sql, values)
            return []
        cursor.execute(sql, values)
        found = [cursor.fetchall() if cursor.description else []]
        while cursor.nextset():
            found.append(cursor.fetchall() if cursor.description else [])
        return found

    def replay(call: Call) -> None:
        key, parts = call
        for inside, statements in parts:
            with connection.transaction() if inside else nullcontext():
                own = key
                for sql, values, many in statements:
                    found = say(sql, _own(values, key, own), many)
                    own = next(filter(None, map(_claimed, found)), own) if key else 0

    return replay


def _claimed(rows: list[tuple]) -> int:
    """Return the key of a purchase that was just inserted."""
    return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 and (rows[0][0] or 0) >= FIRST_KEY else 0


def _own(values: list, recorded: int, own: int) -> list:
    """Let lines belong to the purchase that this client made."""
    return values if own == recorded else [own if value == recorded else value for value in values]


def _replay_sqlite(url: str) -> Callable[[Call], None]:
    from loyalty_site.settings import DATABASES

    options = DATABASES["default"]["OPTIONS"]
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=options["timeout"], isolation_level=None)
    connection.executescript(options["init_command"])
    connection.execute("PRAGMA foreign_keys = ON")
    cursor = connection.cursor()

    def replay(call: Call) -> None:
        key, parts = call
        for inside, statements in parts:
            if inside:
                cursor.execute("BEGIN IMMEDIATE")
            own = key
            for sql, values, many in statements:
                (cursor.executemany if many else cursor.execute)(sql, _own(values, key, own))
                own = (_claimed(cursor.fetchall()) or own) if key else 0
            if inside:
                cursor.execute("COMMIT")

    return replay


def for_sqlite(calls: list[Call]) -> list[Call]:
    """Write the places of values as SQLite wants them."""
    return [
        (
            key,
            [
                (
                    inside,
                    [(re.sub(r"(?<!%)%s", "?", sql).replace("%%", "%"), values, many) for sql, values, many in said],
                )
                for inside, said in parts
            ],
        )
        for key, parts in calls
    ]


# What steers them


class Crew:
    """Processes that wait for work."""

    def __init__(self, work: Callable, size: int, url: str, home: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.lines, self.processes = [], []
        for _n in range(size):
            here, there = context.Pipe()
            self.processes.append(context.Process(target=work, args=(url, str(home), there), daemon=True))
            self.processes[-1].start()
            self.lines.append(here)

    def do(self, verb: str, which: str, shares: list[list]) -> tuple[float, list[float]]:
        """Give a share to as many processes and return calls per second of all, and the seconds of every call."""
        start = time.time() + 0.05
        for line, share in zip(self.lines, shares, strict=False):
            line.send((verb, which, share, start))
        answers = [line.recv() for line in self.lines[: len(shares)]]
        wall = max(end for __, end, __ in answers) - min(begin for begin, *__ in answers)
        seconds = [one for *__, each in answers for one in each]
        return len(seconds) / wall, seconds

    def record(self, verb: str, which: str, numbers: list[int]) -> list[Call]:
        self.lines[0].send((verb, which, numbers, 0.0))
        return self.lines[0].recv()

    def dismiss(self) -> None:
        for line in self.lines:
            line.send(None)
        for process in self.processes:
            process.join()


PREPARE = f"""
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.db import connection
from django.utils import timezone
from customers.models import Customer, Product, Store
from rewards import ledger
from rewards.models import EarningRule
now = timezone.now()
with connection.cursor() as cursor:
    if connection.vendor == "postgresql":
        cursor.execute("SELECT setval(pg_get_serial_sequence('customers_purchase', 'id'), {FIRST_KEY})")
    else:
        cursor.execute("DELETE FROM sqlite_sequence WHERE name = 'customers_purchase'")
        cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('customers_purchase', {FIRST_KEY})")
Store.objects.create(code="harbour", name_en="Harbour")
Product.objects.bulk_create(Product(sku=f"S{{n}}", name_en="Thing") for n in range(50))
Customer.objects.bulk_create(Customer(member_number=f"M{{n}}", name="x") for n in range({CUSTOMERS}))
EarningRule.objects.create(key="base", name_en="Base", kind="amount", points=1, per_amount=100, published_at=now)
for part in range(2):
    ledger.earn_many(
        ledger.Award(customer_id=pk, points=1_000_000, source=f"start:{{part}}:{{pk}}", occurred_at=now)
        for pk in Customer.objects.values_list("pk", flat=True)
    )
"""


def copies(kind: str, folder: Path, server: Postgres | None, names: list[str]) -> dict[str, str]:
    """Make one database with stores, customers, points and a rule, and give each name a copy of it."""
    home = folder / kind
    home.mkdir()
    file = home / "template.sqlite3"
    url = server.create_database("template") if server else f"sqlite:///{file}"
    child = multiprocessing.get_context("spawn").Process(target=_prepare, args=(url, str(home)))
    child.start()
    child.join()
    if child.exitcode:
        sys.exit("The database could not be prepared.")
    urls = {}
    for name in names:
        if server:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template')
            urls[name] = server.url(name)
        else:
            shutil.copy(file, home / f"{name}.sqlite3")
            urls[name] = f"sqlite:///{home / f'{name}.sqlite3'}"
    return urls


def _prepare(url: str, home: str) -> None:
    _settle_in(url, home)
    exec(PREPARE, {})


@contextmanager
def crews(urls: dict[str, str], home: Path) -> Iterator[tuple[Crew, Crew, Crew]]:
    made = (
        Crew(portal_client, CLIENTS, urls["portal"], home), Crew(raw_client, CLIENTS, urls["raw"], home),
        Crew(recorder, 1, urls["recorded"], home),
    )  # fmt: skip
    try:
        yield made
    finally:
        for crew in made:
            crew.dismiss()


def measure(
    kind: str, verb: str, which: str, clients: int, crew: tuple[Crew, Crew, Crew], options: argparse.Namespace,
    first: int,
) -> Result:  # fmt: skip
    """Let portal and raw take turns over new calls in each round."""
    portal, raw, record = crew
    share = options.calls if clients == 1 else max(10, options.calls // 4)
    rates: list[tuple[float, float]] = []
    ours: list[float] = []
    theirs: list[float] = []
    for turn in range(options.rounds + WARM_UP):
        begin = first + turn * share * clients
        numbers = list(range(begin, begin + share * clients))
        calls = record.record(verb, which, numbers)
        if kind == "sqlite":
            calls = for_sqlite(calls)
        sides = [
            lambda numbers=numbers: portal.do(verb, which, [numbers[n::clients] for n in range(clients)]),
            lambda calls=calls: raw.do(verb, which, [calls[n::clients] for n in range(clients)]),
        ]
        # Who goes first changes from round to round.
        done = [sides[0](), sides[1]()] if turn % 2 else [sides[1](), sides[0]()][::-1]
        if turn >= WARM_UP:
            rates.append((done[0][0], done[1][0]))
            ours += done[0][1]
            theirs += done[1][1]
    median = statistics.median(ours)
    slowest, raw_slowest = (statistics.quantiles(each, n=20)[-1] for each in (ours, theirs))
    return Result(
        database=kind, verb=verb, customers=which, clients=clients,
        portal=round(statistics.median(one for one, __ in rates)),
        raw=round(statistics.median(other for __, other in rates)),
        ratio=round(statistics.median(one / other for one, other in rates), 2), bar=BARS[clients],
        statements=sum(len(said) for __, said in calls[-1][1]), median_ms=round(median * 1000, 2),
        slowest_ms=round(slowest * 1000, 2), tail=round(slowest / median, 1),
        raw_tail=round(raw_slowest / statistics.median(theirs), 1),
    )  # fmt: skip


def many_at_once(portal: Crew, rounds: int) -> float:
    """Return how much longer 100 awards in one call take than one."""
    ratios, number = [], 0
    for _turn in range(rounds + WARM_UP):
        one, many = list(range(number, number + 50)), list(range(number, number + 20))
        number += 50
        seconds = [portal.do(verb, "many", [each])[1] for verb, each in (("earn", one), ("earn_many", many))]
        ratios.append(statistics.median(seconds[1]) / statistics.median(seconds[0]))
    return round(statistics.median(ratios[WARM_UP:]), 1)


def counts(url: str) -> list[int]:
    """Return how many rows the tables hold."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else psycopg.connect(url)
    found = [connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in TABLES]
    connection.close()
    return found


def show(results: list[Result]) -> None:
    """Print the table."""
    print(
        f"\n{'database':9} {'call':9} {'customers':9} {'clients':>7} {'portal/s':>9} {'raw/s':>7} {'ratio':>6} {'bar':>5} "
        f"{'statements':>10} {'median ms':>9} {'95 % ms':>8} {'tail':>5} {'raw tail':>8}"
    )
    for row in results:
        print(
            f"{row.database:9} {row.verb:9} {row.customers:9} {row.clients:7} {row.portal:9,} {row.raw:7,} {row.ratio:6.2f} "
            f"{row.bar:5.2f} {row.statements:10} {row.median_ms:9.2f} {row.slowest_ms:8.2f} {row.tail:5.1f} "
            f"{row.raw_tail:8.1f}{'' if is_met(row) else '  MISSED'}"
        )


def is_met(row: Result) -> bool:
    """Whether a row keeps to its bars; the tail counts for SQLite, which has one writer at a time."""
    return row.ratio >= row.bar and (row.database != "sqlite" or row.clients == 1 or row.tail < TAIL_BAR)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument(
        "--calls", type=int, default=200, help="of one client in a round; each of eight makes a quarter"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, CLIENTS], choices=[1, CLIENTS])
    parser.add_argument("--json", type=Path, default=Path("postings.json"), help="where to write the figures")
    options = parser.parse_args()
    results, many = [], {}
    versions = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "psycopg": psycopg.__version__}
    with tempfile.TemporaryDirectory(prefix="postings-") as name:
        for kind in options.databases:
            server = Postgres(durable=True).start() if kind == "postgres" else None
            urls = copies(kind, Path(name), server, ["portal", "raw", "recorded"])
            with crews(urls, Path(name)) as crew:
                first = 0
                for verb in ("redeem", "purchase"):
                    for which in ("many", "one"):
                        for clients in options.clients:
                            results.append(measure(kind, verb, which, clients, crew, options, first))
                            first += 1_000_000
                            show(results[-1:])
                agreed = len({tuple(counts(url)) for url in urls.values()}) == 1
                many[kind] = many_at_once(crew[0], options.rounds)
            if not agreed:
                sys.exit("The copies do not hold as many rows as each other: raw did not post what the portal posts.")
            if server:
                with psycopg.connect(server.url()) as connection:
                    versions["postgresql"] = connection.execute("SHOW server_version").fetchone()[0]
                server.close()
    show(results)
    for kind, ratio in many.items():
        print(f"{kind}: 100 awards in one call cost {ratio} x one (bar {MANY_BAR:.0f})")
    print(versions)
    figures = {"versions": versions, "many": many, "results": [asdict(row) for row in results]}
    options.json.write_text(json.dumps(figures, indent=2))
    if not all(map(is_met, results)) or max(many.values()) > MANY_BAR:
        sys.exit("A bar was missed.")


if __name__ == "__main__":
    main()
