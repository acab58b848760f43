"""What the pages for marketers and the nights behind them cost: against an empty page, and against one scan of the same purchases.

    python benchmarks/insights.py [--databases sqlite postgres] [--purchases 10000 1000000] [--requests 40] [--json FILE]

The portal runs as in production (gunicorn, Valkey, every middleware) over two years of purchases by a tenth as many customers, three
surprises with a tenth of them each, and five saved filters. Each page is opened once with nothing kept (*first*) and then takes turns
with an *empty page*: the session, the person and the layout, without content. *ratio* is page over empty page at the median;
*queries* are counted with nothing kept. A *night* is what the clock runs: standings, saved filters, months and cohorts. The
first one reads everything; the next one finds a day's purchases more. *raw* is one scan of all purchases, grouped by customer, in the
same process, and *ratio* the night over it.
"""

import argparse
import http.client
import json
import platform
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from empty_page import StagedPortal

from tests.servers import Postgres, Valkey

PAGES = [
    "/insights/", "/insights/effects/", "/insights/points-owed/", "/insights/forecasts/", "/insights/report/",
    "/admin/customers/savedfilter/",
]  # fmt: skip
PREPARE = """
import datetime as dt, json, resource, statistics, sys, time
import django
django.setup()
import numpy as np
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from customers import bulk, cohorts, saved_filters, standings
from customers.models import Customer, Product, Purchase, SavedFilter, Store, User
from loyalty_site.roles import ensure_roles
from rewards import coins, ledger, surprise_plans, trials, vintages
from rewards.models import Surprise
from rewards.trials import Occasion

size, pages = int(sys.argv[1]), json.loads('PAGES')
chance, day = np.random.default_rng(1), dt.timedelta(days=1)
today = timezone.now().replace(hour=3, minute=0, second=0, microsecond=0)
monday = today - (7 + today.weekday()) * day
people = size // 10
store = Store.objects.create(code="A", name_en="A")
Customer.objects.bulk_create(
    (Customer(member_number=f"M{n}", name=f"Member {n}", enrolled_at=monday - 730 * day) for n in range(people)),
    batch_size=5_000,
)
keys = np.array(Customer.objects.order_by("pk").values_list("pk", flat=True))

def buy(number, begin, end, tag):
    # Some come often and some rarely; within two years one in two stays away from some day on.
    weights = chance.gamma(0.7, 1, people)
    who = chance.choice(people, number, p=weights / weights.sum())
    until = np.where(np.arange(people) % 2, end, begin + (end - begin) * chance.random(people))
    when = np.sort(begin + (until[who] - begin) * chance.random(number))
    one = Purchase(store=store, reference="", total=0, customer_id=0, occurred_at=monday)
    own = ("reference", "customer_id", "total", "occurred_at")
    rest = [field.attname for field in Purchase._meta.concrete_fields if not field.primary_key]
    stored = Purchase._meta.get_field("occurred_at").get_db_prep_save
    rows = (
        (f"{tag}{n}", int(keys[who[n]]), 300 + n % 2_000, str(stored(monday + float(when[n]) * day, connection)))
        for n in range(number)
    )
    with transaction.atomic():
        bulk.copy_in_alike(Purchase, {name: getattr(one, name) for name in rest if name not in own}, own, rows)

buy(size, -730, 0, "P")
ledger.earn_many([
    ledger.Award(customer_id=int(keys[n % people]), points=10 + n % 90, source=f"visit:{n}",
                 occurred_at=monday - (700 - 700 * n / (size / 20)) * day, expires_at=monday + 300 * day)
    for n in range(size // 20)
])
owner, other = (User.objects.create(email=f"{name}@example.com", is_staff=True) for name in ("owner", "other"))
for number in range(3):
    surprise = Surprise.objects.create(
        name=f"Surprise {number}", trigger="purchase", gift="thing", thing_en="a pastry", cost=80, budget=100_000,
        channel="till", requested_by=other, requested_at=monday - 200 * day,
    )
    surprise = surprise_plans.approve(surprise=surprise, version=surprise.version, by=owner, now=monday - 200 * day)
    some = keys[number::10].tolist()
    trials.assign(trial=surprise.trial, occasions=[Occasion(pk, f"x:{pk}", {}) for pk in some], now=monday - 150 * day)
for number, conditions in enumerate((
    {"visits_least": 5}, {"recency_least": 4}, {"rhythm": "lapsing"}, {"monetary_least": 5}, {"frequency_least": 3, "recency_most": 2},
)):
    SavedFilter.objects.create(code=f"f{number}", name_en=f"Filter {number}", conditions=conditions)
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")

def timed(work):
    begin = time.perf_counter()
    work()
    return round(time.perf_counter() - begin, 3)

def raw():
    with connection.cursor() as cursor:
        cursor.execute("SELECT customer_id, COUNT(*), SUM(total), MAX(occurred_at) FROM customers_purchase GROUP BY customer_id")
        cursor.fetchall()

def night(now):
    return {
        "standings": timed(lambda: standings.run_due(clock=lambda: now)), "filters": timed(lambda: saved_filters.follow_due(now=now)),
        "months": timed(lambda: cohorts.count_due(clock=lambda: now)), "raw": statistics.median(timed(raw) for _n in range(3)),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }

nights = {"first": night(monday)}
buy(max(10, size // 730), 0, 0.99, "N")
nights["next"] = night(monday + day)
nights["quiet"] = night(monday + 2 * day)
nights["week"] = night(monday + 7 * day)
cohorts.count_due(clock=timezone.now)
vintages.count_due(clock=timezone.now)
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
owner.groups.add(ensure_roles()["marketer"])
browser = Client(headers={"host": "127.0.0.1"})
browser.force_login(owner)
queries = {}
for page in pages:
    browser.get(page)
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        answer = browser.get(page)
        assert answer.status_code == 200, (page, answer.status_code)
    queries[page] = len(captured)
cache.clear()
print(json.dumps({"session": browser.session.session_key, "queries": queries, "nights": nights}))
""".replace("PAGES", json.dumps(PAGES))


@dataclass
class Page:
    """One row of the first table; milliseconds of one client."""

    database: str
    purchases: int
    page: str
    first_ms: float
    milliseconds: float
    ratio: float
    queries: int


@dataclass
class Night:
    """One row of the second table, in seconds; memory in MB, the highest so far of the process."""

    database: str
    purchases: int
    night: str
    standings: float
    filters: float
    months: float
    raw: float
    ratio: float
    memory: int


class MarketersPortal(StagedPortal):
    """The portal with two years of purchases, and a marketer who has signed in."""

    template = "bare.html"
    prepare = PREPARE

    def __init__(self, *arguments: str | int) -> None:
        super().__init__(*arguments)
        self.environment["STAFF_MFA_REQUIRED"] = "False"  # the marketer has no second factor to show


def measure(kind: str, portal: MarketersPortal, requests: int) -> list[Page]:
    """Open each page with nothing kept, then take turns, one request of each page at a time."""
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=300)
    headers = {"Cookie": f"session={portal.stage['session']}; django_language=en"}

    def milliseconds(page: str) -> float:
        begin = time.perf_counter()
        connection.request("GET", page, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"{page}: {answer.status} {answer.getheader('Location')} {body[-500:]!r}")
        return (time.perf_counter() - begin) * 1000

    for _n in range(20):
        milliseconds("/empty-page")
    first = {page: milliseconds(page) for page in ["/empty-page", *PAGES]}
    turns = [[milliseconds(page) for page in first] for _n in range(requests)]
    medians = dict(zip(first, map(statistics.median, zip(*turns, strict=True)), strict=True))
    return [
        Page(
            kind, portal.size, page, round(first[page], 1), round(median, 2), round(median / medians["/empty-page"], 2),
            portal.stage["queries"].get(page, 0),
        )
        for page, median in medians.items()
    ]  # fmt: skip


def nights_of(kind: str, portal: MarketersPortal) -> list[Night]:
    """Return what the nights took while the stage was set."""
    return [
        Night(
            kind, portal.size, name, **took,
            ratio=round((took["standings"] + took["filters"] + took["months"]) / took["raw"], 1),
        )
        for name, took in portal.stage["nights"].items()
    ]  # fmt: skip


def show(pages: list[Page], nights: list[Night]) -> None:
    """Print both tables."""
    print(f"\n{'database':9} {'purchases':>10} {'page':30} {'first ms':>9} {'ms':>8} {'ratio':>6} {'queries':>7}")
    for row in pages:
        print(f"{row.database:9} {row.purchases:10,} {row.page:30} {row.first_ms:9.1f} {row.milliseconds:8.2f} {row.ratio:6.2f} {row.queries:7}")  # fmt: skip
    print(f"\n{'database':9} {'purchases':>10} {'night':6} {'standings':>9} {'filters':>8} {'months':>8} {'raw':>7} {'ratio':>6} {'MB':>6}")  # fmt: skip
    for one in nights:
        print(f"{one.database:9} {one.purchases:10,} {one.night:6} {one.standings:9.2f} {one.filters:8.2f} {one.months:8.2f} {one.raw:7.3f} {one.ratio:6.1f} {one.memory:6}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--purchases", nargs="+", type=int, default=[10_000, 1_000_000])
    parser.add_argument("--requests", type=int, default=40, help="of each page")
    parser.add_argument("--json", type=Path, default=Path("insights.json"), help="where to write the figures")
    options = parser.parse_args()
    pages, nights = [], []
    with ExitStack() as servers:
        redis = servers.enter_context(Valkey())
        for kind in options.databases:
            for purchases in options.purchases:
                with ExitStack() as own:
                    postgres = kind == "postgres" and own.enter_context(Postgres(durable=True))
                    url = postgres.create_database("insights") if postgres else ""
                    portal = own.enter_context(MarketersPortal(url, redis.url, purchases))
                    pages += measure(kind, portal, options.requests)
                    nights += nights_of(kind, portal)
    show(pages, nights)
    figures = {
        "python": platform.python_version(), "pages": [asdict(row) for row in pages],
        "nights": [asdict(one) for one in nights],
    }  # fmt: skip
    options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
