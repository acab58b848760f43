"""What /insights/ and the night behind it cost in a large shop, as multiples of one raw aggregate over the same receipts.

    python benchmarks/insights.py [--databases sqlite postgres] [--purchases 10000 100000 1000000] [--json FILE]

A shop of two years in which 25 receipts belong to each customer and three in a hundred came back; a third of the customers is in a
trial of surprises. *raw* is one statement: how many receipts, how many customers and how much money in each month. Each work of
the night is measured for the first time (everything is new), and *again* after a hundred more receipts of today: months that
nothing was added to are not counted again. The pages are asked for by a marketer, first with an empty cache (*cold*) and then ten times
(*warm*, the median); *queries* are counted cold, and must be as many at a million receipts as at ten thousand.
"""

import argparse
import json
import platform
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import api

from tests.servers import Postgres, Valkey

PAGES = ["/insights/", "/insights/points-owed/", "/insights/effects/", "/insights/forecasts/", "/insights/report/"]
PREPARE = """
import datetime as dt, json, random, resource, statistics, sys, time
import django
django.setup()
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from customers import cohorts, standings
from customers.models import Customer, Purchase, Return, Store, User
from loyalty_site.roles import ensure_roles
from rewards import ledger, surprise_plans, trials, vintages
from rewards.models import Surprise
from rewards.trials import Occasion

count, pages, now = int(sys.argv[1]), sys.argv[2:], timezone.now()
rng = random.Random(7)
store = Store.objects.create(code="s", name="S", time_zone="Europe/Berlin")
members = max(count // 25, 10)
born = now - dt.timedelta(days=730)
for begin in range(0, members, 20_000):
    Customer.objects.bulk_create(
        Customer(member_number=f"M{n}", name=f"Member {n}", enrolled_at=born) for n in range(begin, min(begin + 20_000, members))
    )
keys = list(Customer.objects.order_by("pk").values_list("pk", flat=True))


def receipts(first, number, at):
    for begin in range(first, first + number, 20_000):
        rows = []
        for n in range(begin, min(begin + 20_000, first + number)):
            # The first customers come often, the last hardly ever, and each has an end.
            customer = int(members * rng.random() ** 2)
            rows.append(Purchase(
                store=store, reference=f"P{n}", customer_id=keys[customer], occurred_at=at(customer), total=rng.randrange(200, 9_000)
            ))
        Purchase.objects.bulk_create(rows, batch_size=5_000)


def earlier(customer):
    until = 30 + (customer * 7919) % 700
    return now - dt.timedelta(days=730 - rng.random() * (700 if customer % 3 else until))


receipts(0, count, earlier)
back = Purchase.objects.order_by("pk").values_list("pk", "total", "occurred_at")
Return.objects.bulk_create((
    Return(purchase_id=pk, reference=f"R{pk}", occurred_at=at + dt.timedelta(hours=3), total=total if pk % 2 else total // 2)
    for n, (pk, total, at) in enumerate(back.iterator()) if n % 33 == 0
), batch_size=5_000)
for begin in range(0, min(members, 20_000), 5_000):
    ledger.earn_many(
        ledger.Award(customer_id=keys[n], points=50, source=f"a:{n}", occurred_at=now - dt.timedelta(days=rng.randrange(5, 700)))
        for n in range(begin, min(begin + 5_000, members, 20_000))
    )
staff = [User.objects.create_user(email=f"s{n}@example.com", password=None, is_staff=True) for n in range(2)]
staff[0].groups.add(ensure_roles()["marketer"])
draft = Surprise.objects.create(
    name="A pastry", trigger="blue", gift="thing", thing_en="a pastry", cost=80, budget=100_000, channel="till",
    requested_by=staff[0],
)
started = surprise_plans.approve(surprise=draft, version=draft.version, by=staff[1], now=now - dt.timedelta(days=90))
occasions = [Occasion(pk, f"b:{pk}", {}) for pk in keys[::3]]
trials.assign(trial=started.trial, occasions=occasions, now=now - dt.timedelta(days=80))
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")


def timed(work):
    begin = time.perf_counter()
    done = work()
    return time.perf_counter() - begin, done


month = "date_trunc('month', occurred_at)" if connection.vendor == "postgresql" else "substr(occurred_at, 1, 7)"
RAW = f"SELECT {month}, COUNT(*), COUNT(DISTINCT customer_id), SUM(total) FROM customers_purchase GROUP BY 1"


def raw():
    with connection.cursor() as cursor:
        cursor.execute(RAW)
        return cursor.fetchall()


result = {"raw": statistics.median(timed(raw)[0] for _ in range(3)), "works": [], "pages": []}
later = {"now": now}
works = {
    "repeats and cohorts": lambda: cohorts.count_due(clock=lambda: later["now"]),
    "vintages": lambda: vintages.count_due(clock=lambda: later["now"]),
    "standings and forecasts": lambda: standings.run_due(clock=lambda: later["now"]),
}
first = {name: timed(work) for name, work in works.items()}
receipts(count, 100, lambda customer: now)
later["now"] = now + dt.timedelta(days=1)
again = {name: timed(work) for name, work in works.items()}
for name in works:
    result["works"].append([name, first[name][0], again[name][0], first[name][1], again[name][1]])
result["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
browser = Client(headers={"host": "127.0.0.1"})
browser.force_login(staff[0])
for page in pages:
    browser.get(page)
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        cold = timed(lambda: browser.get(page))
    assert cold[1].status_code == 200, page
    warm = statistics.median(timed(lambda: browser.get(page))[0] for _ in range(10))
    result["pages"].append([page, cold[0], warm, len(captured)])
print(json.dumps(result))
"""


@dataclass
class Work:
    """One work of the night, or one page; seconds, and as multiples of the raw aggregate."""

    database: str
    purchases: int
    what: str
    first: float
    again: float
    ratio_first: float
    ratio_again: float
    queries: int | None


def measure(kind: str, purchases: int, database_url: str, redis_url: str) -> tuple[list[Work], int]:
    """Return a row for each work and page, and the most memory in MB."""
    with api.Portal(database_url, redis_url) as portal:
        portal.environment |= {"DATABASE_STATEMENT_TIMEOUT": "30min"}
        portal.run("manage.py", "migrate", "--verbosity", "0")
        portal.run("manage.py", "collectstatic", "--noinput", "--verbosity", "0")
        found = json.loads(portal.run("-c", PREPARE, str(purchases), *PAGES).strip().splitlines()[-1])
    raw = found["raw"]
    rows = [Work(kind, purchases, "raw aggregate", raw, raw, 1, 1, None)]
    for what, first, again, *_counts in found["works"]:
        rows.append(Work(kind, purchases, what, first, again, first / raw, again / raw, None))
    for what, first, again, queries in found["pages"]:
        rows.append(Work(kind, purchases, what, first, again, first / raw, again / raw, queries))
    return rows, found["memory"]


def show(rows: list[Work]) -> None:
    """Print the table."""
    print(
        f"\n{'database':9} {'purchases':>10} {'what':24} {'first':>9} {'again':>9} {'ratio':>7} {'ratio':>7} {'queries':>7}"
    )
    for row in rows:
        queries = "" if row.queries is None else row.queries
        print(f"{row.database:9} {row.purchases:10,} {row.what:24} {row.first:8.3f}s {row.again:8.3f}s {row.ratio_first:7.2f} {row.ratio_again:7.2f} {queries:>7}")  # fmt: skip


def grown(rows: list[Work]) -> list[str]:
    """Return the pages that asked more often in a larger shop."""
    asked: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        if row.queries is not None:
            asked.setdefault((row.database, row.what), set()).add(row.queries)
    return [f"{page} on {database}: {sorted(counts)}" for (database, page), counts in asked.items() if len(counts) > 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--purchases", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--json", type=Path, default=Path("insights.json"), help="where to write the figures")
    options = parser.parse_args()
    rows: list[Work] = []
    with ExitStack() as servers:
        redis = servers.enter_context(Valkey())
        for kind in options.databases:
            for purchases in options.purchases:
                with ExitStack() as own:
                    postgres = kind == "postgres" and own.enter_context(Postgres(durable=True))
                    url = postgres.create_database("insights") if postgres else ""
                    measured, memory = measure(kind, purchases, url, redis.url)
                    rows += measured
                    print(f"{kind}, {purchases:,} purchases: {memory} MB at most", flush=True)
    show(rows)
    figures = {"python": platform.python_version(), "results": [asdict(row) for row in rows]}
    options.json.write_text(json.dumps(figures, indent=2))
    if wrong := grown(rows):
        sys.exit("More queries in a larger shop: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
