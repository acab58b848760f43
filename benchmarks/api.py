"""What a request of the API costs under gunicorn, as a multiple of an empty Django view in the same run.

    python benchmarks/api.py [--databases sqlite postgres] [--rounds 30] [--requests 40] [--json FILE]

The portal runs as in production (two workers with four threads, durable database, Valkey, every middleware), with one
more address that answers nothing. One client on one kept connection sends rounds of requests in alternation: the empty
view, a balance, a purchase of three lines with its award, a statement page. Each figure is the median of all requests of
its kind; the ratio is that over the empty view's. The bars are 4 for a balance and 8 for a purchase. With 8 clients the
table shows requests per second, and the processor time that the web server's processes took for one request: on a busy
machine a request waits for its turn after every answer of Redis and database, and only that figure says what it costs.
"""

import argparse
import http.client
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import production  # noqa: E402
import psutil  # noqa: E402

from tests.servers import Postgres, Server, Valkey, wait_until  # noqa: E402

BARS = {"balance": 4.0, "purchase": 8.0}
CUSTOMERS = 500
URLS = """
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.urls import path
from loyalty_site.urls import urlpatterns as portal

@login_not_required
def empty(request):
    return HttpResponse()

urlpatterns = [path("empty", empty), *portal]
"""
WSGI = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.ROOT_URLCONF = "benchmark_urls"
application = get_wsgi_application()
"""
PREPARE = f"""
import django
django.setup()
from django.utils import timezone
from customers import api_keys
from customers.models import Customer, Store
from customers.models.api_key import Scope
from rewards.models import EarningRule
now = timezone.now()
store = Store.objects.create(code="harbour", name_en="Harbour")
Customer.objects.bulk_create(Customer(member_number=f"M{{n}}", name="x") for n in range({CUSTOMERS}))
EarningRule.objects.create(key="base", name_en="Base", kind="amount", points=1, per_amount=100, published_at=now)
print(api_keys.create(label="benchmark", scopes=Scope.values, store=store, by=None, now=now).text)
"""


@dataclass
class Result:
    """One row of the table; milliseconds of one client, and requests per second of eight."""

    database: str
    request: str
    milliseconds: float
    ratio: float
    bar: float | None
    per_second: int
    cpu_milliseconds: float
    cpu_ratio: float = 0.0


class Portal(Server):
    """The portal under gunicorn, with the empty view beside it."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        super().__init__()
        self.environment = production.environment(
            database_url=database_url or f"sqlite:///{self.directory / 'portal.sqlite3'}", directory=self.directory,
            REDIS_URL=redis_url, API_REQUESTS_PER_MINUTE="100000000", PYTHONPATH=f"{ROOT}{os.pathsep}{self.directory}",
        )  # fmt: skip
        (self.directory / "benchmark_urls.py").write_text(URLS)
        (self.directory / "benchmark_wsgi.py").write_text(WSGI)
        (self.directory / "static").mkdir()

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)[:200]} failed:\n{done.stderr[-4000:]}")
        return done.stdout

    def start(self) -> "Portal":
        self.run("manage.py", "migrate", "--verbosity", "0")
        self.key = self.run("-c", PREPARE).strip().splitlines()[-1]
        self.serve()
        return self

    def serve(self) -> None:
        """Start the web server and wait until it answers."""
        command = [
            sys.executable, "-m", "gunicorn", "benchmark_wsgi", "--bind", f"127.0.0.1:{self.port}", "--worker-class",
            "loyalty_site.web_worker.PatientWorker", "--workers", "2", "--threads", "4", "--keep-alive", "60", "--no-control-socket",
        ]  # fmt: skip
        self.process = self.spawn(command, cwd=ROOT, env=self.environment)
        wait_until(self.answers, process=self.process, name="gunicorn", log=self.directory / "log", seconds=60)

    def cpu_seconds(self) -> float:
        """Return the processor time of the web server's processes so far."""
        spent = [child.cpu_times() for child in psutil.Process(self.process.pid).children(recursive=True)]
        return sum(times.user + times.system for times in spent)

    def answers(self) -> bool:
        try:
            return Client(self).send("GET", "/empty") == 200
        except OSError:
            return False


class Client:
    """One kept connection."""

    numbers = count(1)

    def __init__(self, portal: Portal) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=60)
        self.headers = {"Authorization": f"Bearer {getattr(portal, 'key', '')}", "Content-Type": "application/json"}

    def send(self, method: str, path: str, body: dict | None = None, **headers: str) -> int:
        data = None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, body=data, headers=self.headers | headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status

    def empty(self) -> None:
        assert self.send("GET", "/empty") == 200

    def balance(self) -> None:
        assert self.send("GET", f"/api/v1/customers/M{random.randrange(CUSTOMERS)}/balance") == 200

    def statement(self) -> None:
        assert self.send("GET", f"/api/v1/customers/M{random.randrange(CUSTOMERS)}/statement") == 200

    def purchase(self) -> None:
        number = f"{threading.get_ident()}-{next(self.numbers)}"
        lines = [
            {"sku": f"S{random.randrange(50)}", "quantity": n, "unit_price": random.randrange(100, 5000)}
            for n in (1, 2, 3)
        ]
        body = {
            "reference": number, "member_number": f"M{random.randrange(CUSTOMERS)}", "lines": lines,
            "occurred_at": "2026-03-10T12:00:00Z",
        }  # fmt: skip
        headers = {"Idempotency-Key": number}
        assert self.send("POST", "/api/v1/purchases", body, **headers) == 201


KINDS: list[Callable[[Client], None]] = [Client.empty, Client.balance, Client.purchase, Client.statement]


def measure(kind: str, portal: Portal, rounds: int, requests: int) -> list[Result]:
    """Send the requests in alternation and return a row for each kind."""
    client, times = Client(portal), {send.__name__: [] for send in KINDS}
    for turn in range(rounds + 2):
        for send in KINDS:
            for _n in range(requests):
                begin = time.perf_counter()
                send(client)
                if turn >= 2:  # the first rounds make the products and warm everything
                    times[send.__name__].append(time.perf_counter() - begin)
    medians = {name: statistics.median(values) for name, values in times.items()}
    rows = []
    for send in KINDS:
        name = send.__name__
        per_second, cpu = throughput(portal, send, seconds=3)
        ratio = medians[name] / medians["empty"]
        rows.append(
            Result(
                kind, name, round(medians[name] * 1000, 2), round(ratio, 2), BARS.get(name), per_second, round(cpu, 2)
            )
        )
    for row in rows:
        row.cpu_ratio = round(row.cpu_milliseconds / rows[0].cpu_milliseconds, 2)
    return rows


def throughput(portal: Portal, send: Callable[[Client], None], *, seconds: float) -> tuple[int, float]:
    """Return the requests per second of eight clients, each with a kept connection, and the server's CPU ms for one."""
    cpu, begin, done = portal.cpu_seconds(), time.perf_counter(), []

    def work() -> None:
        client, number = Client(portal), 0
        while time.perf_counter() < begin + seconds:
            send(client)
            number += 1
        done.append(number)

    threads = [threading.Thread(target=work) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(done) / (time.perf_counter() - begin)), (portal.cpu_seconds() - cpu) * 1000 / sum(done)


def show(results: list[Result]) -> None:
    """Print the table."""
    print(
        f"\n{'database':9} {'request':10} {'ms':>7} {'ratio':>6} {'bar':>4} {'8 clients/s':>12} {'CPU ms':>7} {'ratio':>6}"
    )
    for row in results:
        bar = f"{row.bar:.0f}" if row.bar else ""
        verdict = "" if row.bar is None else "  ok" if row.ratio <= row.bar else "  MISSED"
        print(
            f"{row.database:9} {row.request:10} {row.milliseconds:7.2f} {row.ratio:6.2f} {bar:>4} {row.per_second:12,} {row.cpu_milliseconds:7.2f} {row.cpu_ratio:6.2f}{verdict}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--requests", type=int, default=40, help="of each kind in a round")
    parser.add_argument("--json", type=Path, default=Path("api.json"), help="where to write the figures")
    options = parser.parse_args()
    results = []
    with ExitStack() as servers:
        redis = servers.enter_context(Valkey())
        for kind in options.databases:
            url = servers.enter_context(Postgres(durable=True)).create_database("api") if kind == "postgres" else ""
            with Portal(url, redis.url) as portal:
                results += measure(kind, portal, options.rounds, options.requests)
    show(results)
    figures = {"python": platform.python_version(), "results": [asdict(row) for row in results]}
    options.json.write_text(json.dumps(figures, indent=2))
    if any(row.bar is not None and row.ratio > row.bar for row in results):
        sys.exit("A bar was missed.")


if __name__ == "__main__":
    main()
