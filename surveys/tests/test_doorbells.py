"""Messages to workers are only doorbells: one that never rang delays a mail and loses none; a deaf worker hears again.

Rows C3 to C5 of the threats in docs/security-tests.md.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from customers.models import Heartbeat
from surveys import campaigns, tasks
from surveys.models import Message, Run
from surveys.tests.factories import create_asker, create_campaign
from surveys.tests.test_faults import Office, database  # noqa: F401 (a fixture)
from tests.servers import SmtpSink, Valkey

pytestmark = pytest.mark.django_db
RESUMES = 60.0  # seconds within which work goes on after Redis is back
ASK = """
import sys
import django
django.setup()
from django.utils import timezone

from customers.models import Consent, Customer, Identifier
from surveys.models import Survey
from surveys.tests.factories import create_run
number, now = int(sys.argv[1]), timezone.now()
to = f"round{number}@shop.example"
customer = Customer.objects.create(member_number=f"M{number:07}", enrolled_at=now)
Identifier.objects.create(customer=customer, kind="email", value=to, normalised=to)
Consent.objects.create(customer=customer, channel="email", purpose="surveys", is_granted=True, source="test", occurred_at=now)
# Each round is a process of its own; the survey of the first serves them all.
run = create_run(now=now, survey=Survey.objects.first(), hour_from=0, hour_until=24, name=f"Round {number}")
print(run.messages.filter(state="queued").count())
"""
BEATS = """
import django
django.setup()
from customers.models import Heartbeat
print(Heartbeat.objects.get(queue="send").beat_at.timestamp())
"""


def due_campaign():
    """A campaign whose time has come, at whatever hour the test runs."""
    create_asker(email="alice@shop.example")
    return create_campaign(scheduled_at=timezone.now(), hour_from=0, hour_until=24)


def test_a_crash_between_the_commit_and_the_bell_loses_no_mail(sink, monkeypatch):
    campaign = due_campaign()
    campaigns.schedule(campaign=campaign, by=None, now=timezone.now())

    def die(task: object) -> None:
        raise SystemExit("killed before the bell")

    with monkeypatch.context() as patched:
        patched.setattr(tasks, "ring", die)
        with pytest.raises(SystemExit):
            tasks.plan_runs()
    assert list(Message.objects.values_list("state", flat=True)) == ["queued"]
    assert sink.messages == []
    # Nobody rang; the clock looks.
    for _bell in range(2):
        tasks.send_due()
    assert len(sink.to("alice@shop.example")) == 1


def test_what_was_rolled_back_is_never_sent(sink):
    campaign = due_campaign()

    with transaction.atomic():
        campaigns.schedule(campaign=campaign, by=None, now=timezone.now())
        campaigns.plan_due_runs(now=timezone.now())
        transaction.set_rollback(True)
    tasks.plan_runs()
    tasks.send_due()
    assert (Run.objects.count(), sink.messages) == (0, [])


def test_a_bell_rung_many_times_sends_once(sink):
    campaigns.schedule(campaign=due_campaign(), by=None, now=timezone.now())
    for _bell in range(3):
        tasks.plan_runs()
        tasks.send_due()
    assert len(sink.messages) == 1
    assert Heartbeat.objects.filter(queue="send").exists()


@pytest.mark.parametrize(
    "drops",
    [(1.0, 3.0), pytest.param((1.0, 5.0, 10.0, 20.0, 30.0), marks=pytest.mark.long)],
    ids=["twice", "five times"],
)
def test_a_worker_that_lost_redis_works_on_within_a_minute(database, tmp_path: Path, drops):  # noqa: F811
    """C3 and C4: mails due while Redis is away wait, and leave by themselves once it is back."""
    url, server = database
    with ExitStack() as stack:
        sink = SmtpSink(pipelining=True)
        stack.callback(sink.close)
        broker = stack.enter_context(Valkey())
        office = Office(tmp_path, url, broker, "smtp", sink.options)
        stack.callback(office.close)
        if server:
            from surveys.tests.test_faults import MIGRATE

            office.run(MIGRATE)
        assert office.run(ASK, "0") == "1"
        office.start()
        wait_for(lambda: sink.to("round0@shop.example"), seconds=90, what="the first mail")
        for number, seconds in enumerate(drops, start=1):
            broker.kill()
            since = time.monotonic()
            assert office.run(ASK, str(number)) == "1", "asking needs no Redis"
            time.sleep(max(0.0, seconds - (time.monotonic() - since)))
            assert not sink.to(f"round{number}@shop.example")
            before = time.time()
            broker.start()
            wait_for(
                lambda number=number: sink.to(f"round{number}@shop.example"), seconds=RESUMES, what=f"mail {number}"
            )
            # The row is written once in ten seconds at most, so the mail may be earlier than the next beat.
            wait_for(
                lambda before=before: float(office.run(BEATS)) > before, seconds=RESUMES, what="a beat of the worker"
            )
        assert len(sink.messages) == len(drops) + 1, "none twice"


def wait_for(is_there: Callable[[], object], *, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not is_there():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.1)
