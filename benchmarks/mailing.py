"""How fast survey mails leave with the whole ledger, against a bare loop over the same bytes and against Django's own send().

    python benchmarks/mailing.py [--databases postgres sqlite] [--mails 5000] [--rounds 5] [--json FILE]

The other end is Postfix's `smtp-sink` (Debian: apt-get install postfix). In every round three senders take turns over the
same mails: *portal* is two worker processes in `mailing.send_due` as Celery calls it, claiming, rechecking consent,
suppression and quarantine, writing mails, handing over and writing back, against a durable database; *bare* is one
smtplib loop that sends the very same bytes, built beforehand, over one kept connection, and keeps no record; *Django*
builds a mail and calls `send()` for each. Figures are medians of the rounds, ratios are taken within each round. *CPU* is
what both workers spent per mail, the database and the sink not counted; *all CPU* counts the database's processes, too.

While the two workers send, one client asks gunicorn (two workers with four threads) in turn for an empty Django page and
for an answer page; *page* is the ratio of the medians, *p95* the slowest twentieth of the answer pages.
"""

import argparse
import http.client
import json
import os
import pickle
import platform
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import production  # noqa: E402
import psutil  # noqa: E402

from tests.servers import Postgres, Server, Valkey, wait_until  # noqa: E402

BARE_BAR, BARE_AIM, DJANGO_BAR, CPU_BAR, PAGE_BAR = 0.5, 1.0, 5.0, 1.2, 4.0
WORKERS = 2
DJANGO_SHARE = 10  # Django gets a tenth of the mails; it would take too long for all

# Programs that run in processes of their own. Each reads the moment to start from its input and answers with a line of JSON.
_TURNS = """
import json, resource, sys, time

def spent():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime

def take_turns(work):
    print("ready", flush=True)
    for line in sys.stdin:
        time.sleep(max(0.0, float(line) - time.time()))
        cpu = spent()
        number = work()
        print(json.dumps({"end": time.time(), "cpu": spent() - cpu, "number": number}), flush=True)
"""
WORKER = (
    _TURNS
    + """
import django
django.setup()
from surveys import mailing

def work():
    while mailing.send_due():
        pass
    return 0

take_turns(work)
"""
)
BARE = (
    _TURNS
    + """
import pickle, smtplib
port, path = int(sys.argv[1]), sys.argv[2]
mails = pickle.load(open(path, "rb"))

def work():
    with smtplib.SMTP("127.0.0.1", port) as server:
        for sender, recipient, raw in mails:
            server.sendmail(sender, [recipient], raw)
    return len(mails)

take_turns(work)
"""
)
DJANGO = (
    _TURNS
    + """
import django
django.setup()
from django.core.mail import EmailMultiAlternatives
from surveys.letters import Letters
from surveys.models import Message
messages = Message.objects.select_related("invitation", "run__campaign", "run__version__survey").order_by("pk")
letters = Letters()
mails = [letters.write(run=row.run, message=row).as_email() for row in messages[: int(sys.argv[1])]]

def work():
    for it in mails:
        mail = EmailMultiAlternatives(it.subject, it.body, it.from_email, it.to, headers=it.extra_headers)
        mail.attach_alternative(it.alternatives[0].content, "text/html")
        mail.send(using="surveys")
    return len(mails)

take_turns(work)
"""
)
PREPARE = """
import pickle, sys
import django
django.setup()
from django.utils import timezone
from customers.models import Consent, Customer, Identifier
from surveys.letters import Letters
from surveys import links
from surveys.models import Message
from surveys.tests.factories import create_run, create_survey
number, path, now = int(sys.argv[1]), sys.argv[2], timezone.now()
customers = Customer.objects.bulk_create(
    [Customer(member_number=f"M{n:07}", name=f"Customer Number {n}", enrolled_at=now) for n in range(number)]
)
Identifier.objects.bulk_create(
    [Identifier(customer=it, kind="email", value=f"c{n}@shop.example", normalised=f"c{n}@shop.example") for n, it in enumerate(customers)]
)
Consent.objects.bulk_create(
    [Consent(customer=it, channel="email", purpose="surveys", is_granted=True, source="test", occurred_at=now) for it in customers]
)
run = create_run(now=now, survey=create_survey(kinds=("nps", "text")), hour_from=0, hour_until=24)
letters = Letters()
messages = list(Message.objects.select_related("invitation", "run__campaign", "run__version__survey").order_by("pk"))
assert len(messages) == number, len(messages)
mails = [letters.write(run=row.run, message=row) for row in messages]
with open(path, "wb") as file:
    pickle.dump([("hello@loyalty.example.com", mail.email, mail.as_bytes()) for mail in mails], file)
print(links.answer_url(messages[0].invitation_id).partition("//")[2].partition("/")[2])
"""
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
RESET = """
import django
django.setup()
from django.db import connection
from surveys.models import Message
left = Message.objects.exclude(state="accepted").count()
Message.objects.update(
    state="queued", claim=None, lease_until=None, finished_at=None, tries=0, error="", provider_id=""
)
with connection.cursor() as cursor:
    cursor.execute("VACUUM ANALYZE surveys_message" if connection.vendor == "postgresql" else "ANALYZE")
    if connection.vendor == "postgresql":
        cursor.execute("CHECKPOINT")
print(left)
"""


@dataclass
class Result:
    """One row of the table: mails per second, ratios, processor milliseconds per mail, and the answer page meanwhile."""

    database: str
    mails: int
    bytes_per_mail: int
    portal: int
    bare: int
    django: int
    to_bare: float
    to_django: float
    cpu_ms: float
    all_cpu_ms: float
    page: float
    page_ms: float
    page_p95_ms: float


class Sink(Server):
    """Postfix's smtp-sink: takes mail as fast as it comes and forgets it."""

    def start(self) -> "Sink":
        program = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/postfix/sbin")
        if program is None:
            sys.exit("smtp-sink was not found. It is in Debian's package postfix: apt-get install postfix.")
        as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.process = self.spawn([program, *as_user, f"127.0.0.1:{self.port}", "1000"])
        wait_until(self.answers, process=self.process, name="smtp-sink", log=self.directory / "log", seconds=10)
        return self

    def answers(self) -> bool:
        import smtplib

        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=2) as server:
                return server.ehlo()[0] == 250
        except OSError:
            return False


class Portal(Server):
    """The portal's environment with one prepared run, and gunicorn over it."""

    def __init__(self, database_url: str, redis_url: str, sink: Sink) -> None:
        super().__init__()
        self.environment = production.environment(
            database_url=database_url or f"sqlite:///{self.directory / 'portal.sqlite3'}", directory=self.directory,
            REDIS_URL=redis_url, SURVEY_MAILER="smtp",
            SURVEY_MAILER_OPTIONS=json.dumps({"host": "127.0.0.1", "port": sink.port}),
            PYTHONPATH=f"{ROOT}{os.pathsep}{self.directory}",
        )  # fmt: skip
        (self.directory / "benchmark_urls.py").write_text(URLS)
        (self.directory / "benchmark_wsgi.py").write_text(WSGI)

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)[:200]} failed:\n{done.stderr[-4000:]}")
        return done.stdout

    def start(self) -> "Portal":
        command = [
            sys.executable, "-m", "gunicorn", "benchmark_wsgi", "--bind", f"127.0.0.1:{self.port}", "--worker-class",
            "loyalty_site.web_worker.PatientWorker", "--workers", "2", "--threads", "4", "--keep-alive", "60", "--no-control-socket",
        ]  # fmt: skip
        self.process = self.spawn(command, cwd=ROOT, env=self.environment)
        wait_until(self.answers, process=self.process, name="gunicorn", log=self.directory / "log", seconds=60)
        return self

    def answers(self) -> bool:
        try:
            return Visitor(self.port).ask("/empty") > 0
        except OSError:
            return False


class Visitor:
    """One kept connection to gunicorn."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, path: str) -> float:
        """Return how many seconds a page took."""
        begin = time.perf_counter()
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        answer.read()
        assert answer.status == 200, f"{path} answered {answer.status}"
        return time.perf_counter() - begin


class Sender:
    """A program that sends when told to."""

    def __init__(self, program: str, *arguments: str, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout.readline().strip() == "ready"

    def begin(self, moment: float) -> None:
        self.process.stdin.write(f"{moment}\n")
        self.process.stdin.flush()

    def done(self) -> dict[str, float]:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("A sender died; its complaint is above.")
        return json.loads(line)

    def is_done(self) -> bool:
        import select

        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=30)


def run_together(senders: list[Sender]) -> tuple[float, float, float]:
    """Let senders begin at one moment; return the seconds until the last is done, their CPU seconds, and their mails."""
    moment = time.time() + 0.2
    for sender in senders:
        sender.begin(moment)
    answers = [sender.done() for sender in senders]
    return (
        max(it["end"] for it in answers) - moment,
        sum(it["cpu"] for it in answers),
        sum(it["number"] for it in answers),
    )


def cpu_of(process: subprocess.Popen | None) -> float:
    """Return the processor seconds of a server with all that it ever started."""
    if process is None:
        return 0.0
    spent, times = 0.0, psutil.Process(process.pid).cpu_times()
    spent += times.user + times.system + times.children_user + times.children_system
    for child in psutil.Process(process.pid).children(recursive=True):
        times = child.cpu_times()
        spent += times.user + times.system
    return spent


def watch_pages(portal: Portal, senders: list[Sender], path: str) -> tuple[list[float], list[float]]:
    """Ask in turn for an empty page and an answer page for as long as the senders send."""
    visitor = Visitor(portal.port)
    for _n in range(20):
        visitor.ask("/empty"), visitor.ask(path)
    moment = time.time() + 0.2
    for sender in senders:
        sender.begin(moment)
    time.sleep(0.3)
    empty, answer = [], []
    while not any(sender.is_done() for sender in senders):
        empty.append(visitor.ask("/empty"))
        answer.append(visitor.ask(path))
    for sender in senders:
        sender.done()
    return empty, answer


def measure(kind: str, database: Postgres | None, redis_url: str, mails: int, rounds: int) -> Result:
    """Prepare one run, let the three senders take turns, then look at the pages during one more sending."""
    with ExitStack() as stack:
        sink = stack.enter_context(Sink())
        portal = Portal(database.create_database("mailing") if database else "", redis_url, sink)
        stack.callback(portal.close)
        bytes_file = portal.directory / "mails"
        portal.run("manage.py", "migrate", "--verbosity", "0")
        portal.run("manage.py", "collectstatic", "--noinput", "--verbosity", "0")
        answer_path = "/" + portal.run("-c", PREPARE, str(mails), str(bytes_file)).strip().splitlines()[-1]
        written = pickle.loads(bytes_file.read_bytes())
        share = max(mails // DJANGO_SHARE, 100)
        workers = [Sender(WORKER, environment=portal.environment) for _n in range(WORKERS)]
        bare = Sender(BARE, str(sink.port), str(bytes_file), environment=portal.environment)
        django = Sender(DJANGO, str(share), environment=portal.environment)
        rows = []
        for number in range(rounds + 1):
            before = cpu_of(database.process if database else None)
            seconds, cpu, _none = run_together(workers)
            database_cpu = cpu_of(database.process if database else None) - before
            left = int(portal.run("-c", RESET).strip().splitlines()[-1])
            assert left == 0, f"{left} mails were not accepted"
            bare_seconds, _cpu, _number = run_together([bare])
            django_seconds, _cpu, _number = run_together([django])
            if number:  # the first round warms everything
                rows.append(
                    (mails / seconds, mails / bare_seconds, share / django_seconds, cpu * 1000 / mails,
                     (cpu + database_cpu) * 1000 / mails)
                )  # fmt: skip
                print(f"  round {number}: portal {rows[-1][0]:,.0f}/s, bare {rows[-1][1]:,.0f}/s", flush=True)
        stack.enter_context(portal)
        empty, answer = watch_pages(portal, workers, answer_path)
        for sender in (*workers, bare, django):
            sender.close()
    middle = statistics.median
    answer.sort()
    return Result(
        database=kind,
        mails=mails,
        bytes_per_mail=round(statistics.mean(len(raw) for _from, _to, raw in written)),
        portal=round(middle(row[0] for row in rows)),
        bare=round(middle(row[1] for row in rows)),
        django=round(middle(row[2] for row in rows)),
        to_bare=round(middle(row[0] / row[1] for row in rows), 2),
        to_django=round(middle(row[0] / row[2] for row in rows), 1),
        cpu_ms=round(middle(row[3] for row in rows), 2),
        all_cpu_ms=round(middle(row[4] for row in rows), 2),
        page=round(middle(answer) / middle(empty), 2),
        page_ms=round(middle(answer) * 1000, 1),
        page_p95_ms=round(answer[int(len(answer) * 0.95)] * 1000, 1),
    )


def misses(row: Result) -> list[str]:
    """Return the bars that a row misses."""
    checks = [
        ("portal/bare", row.to_bare >= BARE_BAR),
        ("portal/Django", row.to_django >= DJANGO_BAR),
        ("CPU", row.cpu_ms <= CPU_BAR),
        ("page", row.page <= PAGE_BAR),
    ]
    return [name for name, holds in checks if not holds]


def show(results: list[Result]) -> None:
    """Print the table."""
    print(
        f"\n{'database':9} {'mails':>7} {'bytes':>6} {'portal/s':>9} {'bare/s':>7} {'Django/s':>9} {'to bare':>8} "
        f"{'to Django':>10} {'CPU ms':>7} {'all CPU':>8} {'page':>5} {'page ms':>8} {'p95 ms':>7}"
    )
    for row in results:
        missed = misses(row)
        verdict = f"MISSED: {', '.join(missed)}" if missed else "ok, aim met" if row.to_bare >= BARE_AIM else "ok"
        print(
            f"{row.database:9} {row.mails:7,} {row.bytes_per_mail:6,} {row.portal:9,} {row.bare:7,} {row.django:9,} "
            f"{row.to_bare:8.2f} {row.to_django:10.1f} {row.cpu_ms:7.2f} {row.all_cpu_ms:8.2f} {row.page:5.2f} "
            f"{row.page_ms:8.1f} {row.page_p95_ms:7.1f}  {verdict}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["postgres"])
    parser.add_argument("--mails", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("mailing.json"), help="where to write the figures")
    options = parser.parse_args()
    results = []
    with Valkey() as redis:
        for kind in options.databases:
            with ExitStack() as stack:
                database = stack.enter_context(Postgres(durable=True)) if kind == "postgres" else None
                results.append(measure(kind, database, redis.url, options.mails, options.rounds))
    show(results)
    figures = {"python": platform.python_version(), "results": [asdict(row) for row in results]}
    options.json.write_text(json.dumps(figures, indent=2))
    if any(misses(row) for row in results):
        sys.exit("A bar was missed.")


if __name__ == "__main__":
    main()
