"""Real servers, and everything that can break breaks while mails leave: Celery workers are killed, the broker loses all it
knows, the database is restarted. The mail server and the provider are the referees; surveys/proof.py names what went wrong.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from celery import Celery
from django.conf import settings
from django.db import connection

from tests.mail_provider import TAKES, MailProvider
from tests.servers import Postgres, Server, SmtpSink, Valkey

PROCESSES = 2
# Every so-manieth mail of a run over HTTP goes to an address at which the provider takes the mail and says so badly.
ODD = 60
STARTS = 90.0  # seconds that a fresh worker may take until its first mail
STALL = 6.0  # seconds without a mail: what is left lies in the hands of the dead

MIGRATE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""
PREPARE = """
import json, sys
import django
django.setup()
from django.utils import timezone
from customers.models import Consent, Customer, Identifier
from surveys.tests.factories import create_run
addresses, per_claim, now = json.loads(sys.argv[1]), int(sys.argv[2]), timezone.now()
people = Customer.objects.bulk_create(
    [Customer(member_number=f"M{n:07}", name=f"Customer {n}", enrolled_at=now) for n, _it in enumerate(addresses)]
)
Identifier.objects.bulk_create(
    [Identifier(customer=it, kind="email", value=to, normalised=to) for it, to in zip(people, addresses)]
)
Consent.objects.bulk_create(
    [Consent(customer=it, channel="email", purpose="surveys", is_granted=True, source="test", occurred_at=now) for it in people]
)
run = create_run(now=now, per_claim=per_claim, hour_from=0, hour_until=24)
print(run.messages.filter(state="queued").count())
"""
# The lease of what a dead worker held is over at some time; a test does not wait for it.
REAP = """
import datetime, django
django.setup()
from django.utils import timezone
from surveys import mailing
from surveys.models import Message
mailing.reap(now=timezone.now() + datetime.timedelta(minutes=6))
Message.objects.filter(state="queued").update(not_before=timezone.now())
print(Message.objects.filter(state__in=["queued", "claimed", "sending"]).count())
"""
REPORT = """
import json, sys
import django
django.setup()
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from django.utils import timezone
from surveys import reports
view = PostmarkTrackingWebhookView()
for pk in json.load(open(sys.argv[1])):
    body = {"RecordType": "Delivery", "MessageID": pk, "DeliveredAt": timezone.now().isoformat(), "Metadata": {"survey_message": pk}}
    reports.take_in(event=view.esp_to_anymail_event(body), esp="Postmark", now=timezone.now())
while reports.work(now=timezone.now()):
    pass
"""
CHECK = """
import datetime, json, sys, uuid
import django
django.setup()
from django.test import Client
from django.test.utils import setup_test_environment
from customers.models import User
from surveys import proof, runs
from surveys.models import Message, Run
setup_test_environment()
mails, run = [uuid.UUID(pk) for pk in json.load(open(sys.argv[1]))], Run.objects.get()
owner = User.objects.filter(is_superuser=True).first() or User.objects.create_superuser("owner@shop.example", "x" * 20)
client = Client()
client.force_login(owner)
page = client.get("/admin/surveys/message/?state__exact=uncertain", headers={"host": "localhost"})
print(json.dumps({
    "I1": list(map(str, proof.arrived_twice(mails=mails))),
    "I2": [*map(str, proof.unaccounted(run=run)), *([proof.does_not_add_up(run=run)] if proof.does_not_add_up(run=run) else [])],
    "I3": list(map(str, proof.accepted_but_nowhere(mails=mails))),
    "I5": list(map(str, proof.mailed_after_unsubscribing(grace=datetime.timedelta(minutes=5)))),
    "I6": list(map(str, proof.asked_too_soon())),
    "I7": proof.thanked_without_answering(),
    "states": runs.counts(run=run).states,
    "listed": page.context["cl"].result_count,
    "uncertain_arrived": Message.objects.filter(state="uncertain", pk__in=mails).count(),
    "phase": run.phase,
}))
"""


class Office:
    """A portal's environment with a Celery worker of two processes, and a bell that rings all the time."""

    def __init__(self, directory: Path, database_url: str, broker: Valkey, mailer: str, options: dict) -> None:
        self.broker, self.kills, self.restarts = broker, 0, 0
        self.worker: subprocess.Popen | None = None
        self.log = (directory / "worker.log").open("ab")
        self.environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
            "DEBUG": "True", "VAR_DIR": str(directory), "DATABASE_URL": database_url, "REDIS_URL": broker.url,
            "MAILER": mailer, "MAILER_OPTIONS": json.dumps(options), "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "loyalty_site.settings", "ANYMAIL_WEBHOOK_SECRET": "shop:secret",
        }  # fmt: skip
        self._is_over = threading.Event()
        self._bell = threading.Thread(target=self._ring, daemon=True)

    def try_run(self, code: str, *arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(
            command, cwd=settings.BASE_DIR, env=self.environment, capture_output=True, text=True, check=False
        )

    def run(self, code: str, *arguments: str) -> str:
        done = self.try_run(code, *arguments)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""

    def start(self) -> None:
        command = [
            sys.executable, "-m", "celery", "--quiet", "--app", "loyalty_site", "worker", "--queues", "web,send",
            "--concurrency", str(PROCESSES), "--loglevel", "ERROR", "--without-gossip", "--without-mingle",
        ]  # fmt: skip
        self.worker = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        if not self._bell.is_alive():
            self._bell.start()

    def _ring(self) -> None:
        """Do what beat does, more often."""
        app = Celery(broker=self.broker.url, set_as_current=False)
        app.conf.broker_connection_retry = False
        while not self._is_over.wait(0.5):
            with suppress(Exception), app.connection_for_write(connect_timeout=1) as line:
                app.send_task("surveys.tasks.send_due", queue="send", connection=line, retry=False)

    def children(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.worker.pid).children(recursive=True)
        return []

    def kill_one(self, chance: random.Random) -> None:
        """Kill one of the worker's processes, as the kernel does when memory runs out."""
        if victims := self.children():
            with suppress(psutil.NoSuchProcess):
                chance.choice(sorted(victims, key=lambda it: it.pid)).kill()
                self.kills += 1

    def kill_all(self) -> None:
        """Kill the whole worker, as a power cut does."""
        with suppress(ProcessLookupError):
            os.killpg(self.worker.pid, signal.SIGKILL)
        self.worker.wait()
        self.kills += 1

    def stop(self, *, is_patient: bool) -> None:
        """Stop the worker as a new version does, and as somebody does who will not wait until it has finished."""
        self.worker.terminate()
        if not is_patient:
            time.sleep(0.3)
            with suppress(ProcessLookupError):
                self.worker.terminate()
        self.worker.wait(timeout=60)
        self.kills += not is_patient

    def freeze_one(self, chance: random.Random) -> None:
        """Let one of the worker's processes stand still until its lease is over and everything it held was given up.

        Where it stands still inside a transaction, nobody can take anything from it; then another moment is tried.
        """
        give_up_at = time.monotonic() + STARTS
        while time.monotonic() < give_up_at:
            victims = sorted(self.children(), key=lambda it: it.pid)
            if not victims:  # it is only starting
                time.sleep(0.2)
                continue
            with suppress(psutil.NoSuchProcess):
                victim = chance.choice(victims)
                victim.suspend()
                try:
                    is_reaped = self.try_run(REAP).returncode == 0
                finally:
                    victim.resume()
                self.kills += 1
                if is_reaped:
                    return
        raise AssertionError("nothing could be taken from a worker that stood still")

    def close(self) -> None:
        self._is_over.set()
        if self.worker and self.worker.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.worker.pid, signal.SIGKILL)
            self.worker.wait()
        if self._bell.is_alive():
            self._bell.join()
        self.log.close()


class Faults(Server):
    """One run of mails, with faults in the middle of it."""

    def __init__(self, *, mails: int, kills: int, per_claim: int, flushes: int, restarts: int, seed: int) -> None:
        super().__init__()
        self.mails, self.kills, self.per_claim = mails, kills, per_claim
        self.chance = random.Random(seed)
        faults = ["child"] * (kills - kills // 3) + ["worker"] * (kills // 3)
        self.chance.shuffle(faults)
        for name, number in (("flush", flushes), ("restart", restarts), ("cold stop", 1), ("freeze", 1)):
            for part in range(number):
                faults.insert((part + 1) * len(faults) // (number + 1), name)
        self.faults = [*faults, "stop"]  # the last, since a worker that stops finishes first

    def commit(self, office: Office, arrived: Callable[[], int], database: Postgres | None) -> None:
        """Let it rain, then let the living finish what is left."""
        office.start()
        self._wait(office, arrived, until=1, patience=STARTS)
        for number, fault in enumerate(self.faults):
            self._wait(office, arrived, until=(number + 1) * self.mails // (len(self.faults) + 3))
            if fault == "child":
                office.kill_one(self.chance)
            elif fault == "worker":
                office.kill_all()
                office.start()
            elif fault == "freeze":
                office.freeze_one(self.chance)
            elif fault in ("stop", "cold stop"):
                office.stop(is_patient=fault == "stop")
                office.start()
            elif fault == "flush":
                office.broker.kill()
                office.broker.start()
            elif database is not None:
                database.kill()
                database.start()
                office.restarts += 1
        for _round in range(6):
            self._wait(office, arrived, until=self.mails)
            office.kill_all()
            left = office.run(REAP)
            if left == "0":
                return
            office.start()
            self._wait(office, arrived, until=arrived() + 1, patience=STARTS)
        raise AssertionError(f"{left} mails are still on their way")

    def _wait(self, office: Office, arrived: Callable[[], int], *, until: int, patience: float = STALL) -> None:
        """Wait until so many mails arrived, or no more do."""
        seen, since = arrived(), time.monotonic()
        while seen < until and time.monotonic() - since < patience:
            time.sleep(0.02)
            if arrived() > seen:
                seen, since = arrived(), time.monotonic()


@pytest.fixture
def database(tmp_path: Path, db: None) -> Iterator[tuple[str, Postgres | None]]:
    """A database of the kind that this run tests; PostgreSQL on a server that can be killed."""
    if "DATABASE_URL" not in os.environ:
        path = tmp_path / "faults.sqlite3"
        shutil.copy(connection.settings_dict["NAME"], path)
        yield f"sqlite:///{path}", None
        return
    with Postgres(durable=True) as server:
        yield server.create_database("faults"), server


def check(office: Office, faults: Faults, mails: list[str], directory: Path, *, odd: int = 0) -> dict:
    """Hold the invariants I1 to I7 against what really arrived, and return the figures."""
    (directory / "mails.json").write_text(json.dumps(mails))
    found = json.loads(office.run(CHECK, str(directory / "mails.json")))
    for name in ("I1", "I2", "I3", "I5", "I6", "I7"):
        assert not found[name], f"{name}: {found[name]}"
    states = found["states"]
    assert set(states) <= {"accepted", "delivered", "uncertain"}, states
    assert sum(states.values()) == faults.mails
    most = (office.kills + office.restarts) * PROCESSES * faults.per_claim + odd
    uncertain = states.get("uncertain", 0)
    assert uncertain <= most, f"I4: {uncertain} of at most {most}"
    assert found["listed"] == uncertain, "not every uncertain mail is listed to staff"
    assert found["phase"] == "sending"
    assert office.kills >= faults.kills
    figures = {
        "mails": faults.mails,
        "kills": office.kills,
        "restarts": office.restarts,
        "states": states,
        "most": most,
    }
    print(json.dumps(figures | {"arrived of the uncertain": found["uncertain_arrived"]}))  # noqa: T201 (shown by -s)
    return found


SMALL = {"mails": 120, "kills": 2, "per_claim": 4, "flushes": 1, "restarts": 1, "seed": 20261122}
LARGE = {"mails": 5_000, "kills": 20, "per_claim": 20, "flushes": 2, "restarts": 1, "seed": 20261123}
sizes = pytest.mark.parametrize("size", [SMALL, pytest.param(LARGE, marks=pytest.mark.long)], ids=["small", "large"])


@sizes
def test_mails_to_a_mail_server_arrive_once_whatever_breaks(database, tmp_path, size):
    url, server = database
    with ExitStack() as stack:
        sink = SmtpSink(pipelining=True)
        stack.callback(sink.close)
        broker, faults = stack.enter_context(Valkey()), Faults(**size)
        office = Office(tmp_path, url, broker, "smtp", sink.options)
        stack.callback(office.close)
        if server:
            office.run(MIGRATE)
        addresses = [f"c{number}@shop.example" for number in range(size["mails"])]
        assert office.run(PREPARE, json.dumps(addresses), str(size["per_claim"])) == str(size["mails"])
        faults.commit(office, lambda: len(sink.messages), server)
        check(office, faults, [mail["X-Survey-Message"] for mail in sink.messages], tmp_path)


@pytest.mark.parametrize(
    "size", [SMALL | {"mails": 60, "kills": 1}, pytest.param(LARGE, marks=pytest.mark.long)], ids=["small", "large"]
)
def test_mails_to_a_provider_arrive_once_whatever_breaks_and_its_reports_settle_the_rest(database, tmp_path, size):
    url, server = database
    with ExitStack() as stack:
        provider = MailProvider()
        stack.callback(provider.close)
        broker, faults = stack.enter_context(Valkey()), Faults(**size)
        options = {"server_token": "x", "api_url": provider.url, "timeout": 2}
        office = Office(tmp_path, url, broker, "postmark", options)
        stack.callback(office.close)
        if server:
            office.run(MIGRATE)
        ways = [TAKES[number // ODD % len(TAKES)] if number % ODD == 0 else "c" for number in range(size["mails"])]
        addresses = [f"{way}-{number}@shop.example" for number, way in enumerate(ways)]
        assert office.run(PREPARE, json.dumps(addresses), str(size["per_claim"])) == str(size["mails"])
        faults.commit(office, lambda: len(provider.accepted), server)
        odd = sum(way in TAKES for way in ways)
        found = check(office, faults, provider.accepted, tmp_path, odd=odd)
        assert found["uncertain_arrived"] >= odd
        office.run(REPORT, str(tmp_path / "mails.json"))
        settled = check(office, faults, provider.accepted, tmp_path)["states"]
        assert settled["delivered"] == len(provider.accepted)
        assert settled.get("uncertain", 0) == found["states"].get("uncertain", 0) - found["uncertain_arrived"]
