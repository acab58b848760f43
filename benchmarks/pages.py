"""What a customer's pages cost in a large shop: server time against an empty page, queries, bytes and the largest paint.

    python benchmarks/pages.py [--databases sqlite postgres] [--transactions 10000 1000000] [--requests 200] [--json FILE]

The portal runs as in production (gunicorn, durable database, Valkey, every middleware). One customer has a hundredth of all point
transactions, 10,000 at a million, and 40 coupons; the rest belongs to a thousand others. On one kept connection the pages take turns
with an *empty page*: the session, the person and the layout, without content. *ratio* is page over empty page, at the median; the bar
is 6. *queries* are counted once in the same database. *first* and *next* are the bytes that a browser loads on its first visit of
the home page and on the one after, and *paint* is its largest contentful paint on the phone that Lighthouse takes for the usual one: slow
4G of 1.6 Mbit/s and 150 ms for each request, and a processor four times as slow as this one. Connecting is not counted; with TLS it
takes two or three such latencies, once.
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
from playwright.sync_api import sync_playwright

from tests.servers import BROWSER_FLAGS, Postgres, Valkey, find_browser

BAR = 6.0
PAGES = ["/", "/coupons/", "/points/"]
PREPARE = """
import datetime as dt, json, sys
import django
django.setup()
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from customers.accounts import ensure_user
from customers.models import Customer, Identifier
from rewards import coupons, ledger
from rewards.models import CouponBatch

count, now = int(sys.argv[1]), timezone.now()
Customer.objects.bulk_create(Customer(member_number=f"M{n}", name=f"Member {n}", enrolled_at=now) for n in range(1_000))
keys = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
own = keys[0]
Identifier.objects.create(customer_id=own, kind="email", value="alice@example.com", normalised="alice@example.com")
for begin in range(0, count, 20_000):
    ledger.earn_many(
        ledger.Award(
            customer_id=own if n % 100 == 0 else keys[1 + n % 999], points=1 + n % 90, source=f"visit:{n}",
            occurred_at=now - dt.timedelta(minutes=count - n), expires_at=now + dt.timedelta(days=30 + n % 300),
        )
        for n in range(begin, min(begin + 20_000, count))
    )
batch = CouponBatch.objects.create(name_en="Five off", value_kind="amount", value=500, state="active")
alice = Customer.objects.get(pk=own)
for n in range(40):
    coupons.issue(batch=batch, customer=alice, source=f"bench:{n}", now=now, by=None)
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
browser = Client(headers={"host": "127.0.0.1"})
browser.force_login(ensure_user(email="alice@example.com"))
queries = {}
for page in ["/", "/coupons/", "/points/"]:
    browser.get(page)
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(page).status_code == 200, page
    queries[page] = len(captured)
print(json.dumps({"session": browser.session.session_key, "queries": queries}))
"""


@dataclass
class Result:
    """One row of the table; milliseconds of one client."""

    database: str
    transactions: int
    page: str
    milliseconds: float
    ratio: float
    queries: int


@dataclass
class Visit:
    """What a browser loads of the home page."""

    database: str
    transactions: int
    first_bytes: int
    next_bytes: int
    paint_ms: int


class CustomerPortal(StagedPortal):
    """The portal with a long history, and a customer who has signed in."""

    prepare = PREPARE


def measure(kind: str, portal: CustomerPortal, requests: int) -> list[Result]:
    """Take turns, one request of each page at a time, and return a row for each."""
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=60)
    headers = {"Cookie": f"session={portal.stage['session']}; django_language=en"}
    times: dict[str, list[float]] = {page: [] for page in ["/empty-page", *PAGES]}
    for turn in range(requests + 20):
        for page, seconds in times.items():
            begin = time.perf_counter()
            connection.request("GET", page, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                sys.exit(f"{page}: {answer.status} {answer.getheader('Location')} {body[-500:]!r}")
            if turn >= 20:  # the first warm everything
                seconds.append(time.perf_counter() - begin)
    medians = {page: statistics.median(seconds) * 1000 for page, seconds in times.items()}
    return [
        Result(
            kind, portal.size, page, round(median, 2), round(median / medians["/empty-page"], 2),
            portal.stage["queries"].get(page, 0),
        )
        for page, median in medians.items()
    ]  # fmt: skip


def visit(kind: str, portal: CustomerPortal, program: str) -> Visit:
    """Open the home page twice in a browser on a slow line."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=BROWSER_FLAGS)
        url = f"http://127.0.0.1:{portal.port}"
        context = browser.new_context(viewport={"width": 390, "height": 844}, service_workers="block")
        context.add_cookies([{"name": "session", "value": portal.stage["session"], "url": url}])
        page = context.new_page()
        line = context.new_cdp_session(page)
        line.send("Network.enable")
        loaded = [0]
        line.on("Network.loadingFinished", lambda event: loaded.__setitem__(0, loaded[0] + event["encodedDataLength"]))
        slow = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000}
        line.send("Network.emulateNetworkConditions", slow)
        line.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        page.goto(url, wait_until="load")
        page.wait_for_timeout(500)
        paint = page.evaluate(
            """() => new Promise(done => new PerformanceObserver(list => done(list.getEntries().at(-1).startTime))
            .observe({type: "largest-contentful-paint", buffered: true}))"""
        )
        first, loaded[0] = loaded[0], 0
        page.goto(url, wait_until="load")
        page.wait_for_timeout(500)
        browser.close()
        return Visit(kind, portal.size, int(first), int(loaded[0]), round(paint))


def show(results: list[Result], visits: list[Visit]) -> None:
    """Print both tables."""
    print(f"\n{'database':9} {'transactions':>12} {'page':12} {'ms':>7} {'ratio':>6} {'queries':>7}")
    for row in results:
        verdict = "" if row.page not in PAGES else "  ok" if row.ratio <= BAR else "  MISSED"
        print(f"{row.database:9} {row.transactions:12,} {row.page:12} {row.milliseconds:7.2f} {row.ratio:6.2f} {row.queries:7}{verdict}")  # fmt: skip
    print(f"\n{'database':9} {'transactions':>12} {'first':>9} {'next':>9} {'paint':>9}")
    for one in visits:
        print(f"{one.database:9} {one.transactions:12,} {one.first_bytes:9,} {one.next_bytes:9,} {one.paint_ms:6,} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--transactions", nargs="+", type=int, default=[10_000, 1_000_000])
    parser.add_argument("--requests", type=int, default=200, help="of each page")
    parser.add_argument("--json", type=Path, default=Path("pages.json"), help="where to write the figures")
    options = parser.parse_args()
    results, visits, program = [], [], find_browser()
    with ExitStack() as servers:
        redis = servers.enter_context(Valkey())
        for kind in options.databases:
            for transactions in options.transactions:
                with ExitStack() as own:
                    postgres = kind == "postgres" and own.enter_context(Postgres(durable=True))
                    url = postgres.create_database("pages") if postgres else ""
                    portal = own.enter_context(CustomerPortal(url, redis.url, transactions))
                    results += measure(kind, portal, options.requests)
                    if program:
                        visits.append(visit(kind, portal, program))
    show(results, visits)
    figures = {
        "python": platform.python_version(), "results": [asdict(row) for row in results],
        "visits": [asdict(one) for one in visits],
    }  # fmt: skip
    options.json.write_text(json.dumps(figures, indent=2))
    if any(row.page in PAGES and row.ratio > BAR for row in results):
        sys.exit("The bar was missed.")


if __name__ == "__main__":
    main()
