"""The send loop and everything that can go wrong in it."""

import datetime as dt
import smtplib
from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.test import override_settings

from customers.models import Consent
from surveys import claiming, courier, letters, mailing, runs, suppression
from surveys.models import Invitation, Message, Run, Suppression
from surveys.outcomes import Outcome, Verdict
from surveys.tests.conftest import SMTP
from surveys.tests.factories import NOW, create_asker, create_run

State = Message.State
pytestmark = pytest.mark.django_db
either_way = pytest.mark.parametrize("sink", ["plain", "pipelining"], indirect=True)


def send(now: dt.datetime = NOW) -> bool:
    return mailing.send_due(clock=lambda: now)


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Message.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def send_to(email: str, now: dt.datetime = NOW) -> Message:
    """Send one mail to an address and return its message."""
    create_asker(email=email)
    run = create_run(now=now)
    send(now)
    return run.messages.get()


# The worker dies


def test_a_worker_killed_after_claiming_leaves_uncertain_messages_that_nobody_sends_again(sink):
    for _number in range(3):
        create_asker()
    run = create_run(per_claim=2)
    mailing.begin(claiming.claim(run_id=run.pk, now=NOW), now=NOW)  # and nothing more: kill -9
    assert states() == {"sending": 2, "claimed": 1}
    send()
    assert sink.messages == []
    assert mailing.reap(now=NOW + dt.timedelta(minutes=4)) == 0
    assert mailing.reap(now=NOW + dt.timedelta(minutes=6)) == 2
    assert states() == {"queued": 1, "uncertain": 2}
    send(NOW + dt.timedelta(minutes=7))
    assert len(sink.messages) == 1
    assert states() == {"accepted": 1, "uncertain": 2}


@either_way
def test_a_crash_between_handing_over_and_writing_back_never_sends_twice(sink, monkeypatch):
    create_asker()
    run = create_run()

    def crash(*args, **kwargs):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(mailing, "write_back", crash)
        with pytest.raises(SystemExit):
            send()
    assert len(sink.messages) == 1
    mailing.reap(now=NOW + dt.timedelta(minutes=6))
    send(NOW + dt.timedelta(minutes=7))
    assert len(sink.messages) == 1
    assert run.messages.get().state == State.UNCERTAIN


@either_way
def test_a_shutdown_after_the_second_mail_gives_the_rest_back(sink, monkeypatch):
    for _number in range(3):
        create_asker()
    run = create_run()
    getreply = smtplib.SMTP.getreply

    def interrupted(server):
        reply = getreply(server)
        if len(sink.messages) == 2:
            monkeypatch.undo()
            raise SystemExit
        return reply

    monkeypatch.setattr(smtplib.SMTP, "getreply", interrupted)
    with pytest.raises(SystemExit):
        send()
    assert len(sink.messages) == 2
    assert states() == {"accepted": 1, "sending": 1, "queued": 1}
    assert run.messages.get(state=State.QUEUED).tries == 0


def test_a_worker_frozen_past_its_lease_hands_nothing_over(sink, monkeypatch):
    create_asker()
    run = create_run()
    batch = claiming.claim(run_id=run.pk, now=NOW)
    monkeypatch.setattr(mailing, "MARGIN", claiming.LEASE)
    with courier.Courier() as line:
        mailing.send(batch, connection=line, letters=letters.Letters(), clock=lambda: NOW)
    assert sink.messages == []
    assert run.messages.get().state == State.QUEUED


def test_a_late_worker_does_not_touch_a_message_whose_lease_was_taken(sink):
    create_asker()
    run = create_run()
    batch = claiming.claim(run_id=run.pk, now=NOW)
    [message] = mailing.begin(batch, now=NOW)
    mailing.reap(now=NOW + dt.timedelta(minutes=6))
    mail = letters.Letters().write(run=run, message=message)
    batch.parcels[message.pk] = courier.Parcel(mail, is_begun=True, outcome=Outcome(Verdict.FAILED, "late"))
    assert mailing.write_back(batch, now=NOW) == 0
    assert run.messages.get().state == State.UNCERTAIN


# Two at once


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_send_every_message_once(sink):
    for _number in range(60):
        create_asker()
    create_run(per_claim=3)
    barrier = Barrier(4)
    failures: list[BaseException] = []

    def work() -> None:
        barrier.wait()
        try:
            send()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    workers = [Thread(target=work) for _number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    ids = [mail["X-Survey-Message"] for mail in sink.messages]
    assert len(ids) == len(set(ids)) == 60
    assert states() == {"accepted": 60}


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_ask_a_customer_once(sink):
    for _number in range(20):
        create_asker()
    both = [create_run(name=name, per_claim=5) for name in ("One", "Two")]
    barrier = Barrier(2)

    def work(run: Run) -> None:
        barrier.wait()
        with courier.Courier() as line:
            while (batch := claiming.claim(run_id=run.pk, now=NOW)).size:
                mailing.send(batch, connection=line, letters=letters.Letters(), clock=lambda: NOW)
        connections.close_all()

    workers = [Thread(target=work, args=[run]) for run in both]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    asked = [mail["To"] for mail in sink.messages]
    assert len(asked) == len(set(asked)) == 20
    assert states() == {"accepted": 20, "skipped": 20}
    assert Invitation.objects.filter(skip="quarantine").count() == 20


# Between queueing and sending


def test_who_unsubscribes_while_the_mail_waits_gets_none(sink):
    create_asker()
    run = create_run()
    suppression.unsubscribe(invitation=run.invitations.get(), source="test", now=NOW)
    send()
    assert sink.messages == []
    assert run.messages.get().state == State.SKIPPED
    assert run.invitations.get().skip == "unsubscribed"


def test_who_withdraws_consent_while_the_mail_waits_gets_none(sink):
    alice = create_asker()
    run = create_run()
    Consent.objects.create(
        customer=alice, channel="email", purpose="surveys", is_granted=False, source="profile", occurred_at=NOW
    )
    send()
    assert sink.messages == []
    assert run.invitations.get().skip == "no_consent"


def test_a_mail_waits_for_the_customers_morning(sink):
    create_asker(time_zone="America/New_York")  # 08:00 there
    run = create_run()
    send()
    assert sink.messages == []
    assert run.messages.get().not_before == NOW + dt.timedelta(hours=1)
    send(NOW + dt.timedelta(hours=1))
    assert len(sink.messages) == 1


def test_a_mail_that_was_held_up_until_night_waits_for_the_next_morning(sink):
    create_asker()
    run = create_run()
    night = NOW + dt.timedelta(hours=10)  # 23:00 in Berlin
    send(night)
    assert sink.messages == []
    assert run.messages.get().not_before == NOW + dt.timedelta(hours=20)
    assert run.messages.get().tries == 0


def test_a_mail_that_cannot_be_answered_any_more_expires(sink):
    create_asker()
    run = create_run(answer_days=1)
    send(NOW + dt.timedelta(days=2))
    assert sink.messages == []
    assert run.messages.get().state == State.EXPIRED


# What the mail server says


@either_way
@pytest.mark.parametrize("code", ["450", "451", "452"])
def test_a_refusal_for_now_is_tried_again_at_most_eight_times(sink, code):
    message = send_to(f"{code}-busy@shop.example")
    assert (message.state, message.tries) == (State.QUEUED, 1)
    assert dt.timedelta(seconds=30) <= message.not_before - NOW <= dt.timedelta(seconds=80)
    for day in range(1, 12):
        send(NOW + dt.timedelta(days=day))
    message.refresh_from_db()
    assert (message.state, message.tries) == (State.FAILED, 8)
    assert message.error.startswith(code)


@either_way
def test_a_refusal_for_good_fails_and_says_why_without_the_address(sink):
    message = send_to("550-gone@shop.example")
    assert (message.state, message.error) == (State.FAILED, "550 refused for a test")
    assert Suppression.objects.count() == 0


@either_way
def test_a_lost_connection_after_the_text_is_uncertain_and_never_repeated(sink):
    message = send_to("drop-after-dot@shop.example")
    assert message.state == State.UNCERTAIN
    send(NOW + dt.timedelta(hours=1))
    assert len(sink.messages) == 1


@either_way
@pytest.mark.parametrize(
    ("email", "state", "arrived"),
    [("silent-after-dot@shop.example", State.UNCERTAIN, 1), ("silent@shop.example", State.QUEUED, 0)],
)
def test_a_server_that_falls_silent_is_not_waited_for_and_holds_up_nobody(sink, email, state, arrived):
    create_asker(email=email)
    good = [create_asker().identifiers.get().value for _number in range(3)]
    run = create_run()
    with override_settings(MAILERS={"surveys": {"BACKEND": SMTP, "OPTIONS": sink.options | {"timeout": 1}}}):
        send()
        send(NOW + dt.timedelta(seconds=20))
    message = run.messages.get(invitation__email=email)
    assert (message.state, message.tries) == (state, 1)
    assert len(sink.to(email)) == arrived
    assert sorted(mail["X-Recipients"] for mail in sink.messages if mail["X-Recipients"] != email) == sorted(good)


@either_way
def test_one_bad_recipient_does_not_hold_up_the_others(sink):
    for email in ("421-busy@shop.example", "drop@shop.example", "550-gone@shop.example", "451-x@shop.example"):
        create_asker(email=email)
    good = [create_asker().identifiers.get().value for _number in range(30)]
    run = create_run(per_claim=4)
    moment = NOW
    for _round in range(12):
        send(moment)
        moment += dt.timedelta(minutes=20)
    assert sorted(mail["X-Recipients"] for mail in sink.messages) == sorted(good)
    assert runs.counts(run=run).states["accepted"] == 30
    assert max(run.messages.values_list("tries", flat=True)) <= 8


@either_way
def test_a_server_that_is_down_costs_no_attempt_and_stops_the_round(sink):
    for _number in range(5):
        create_asker()
    run = create_run()
    nobody = {"surveys": {"BACKEND": SMTP, "OPTIONS": sink.options | {"port": 9}}}
    with override_settings(MAILERS=nobody):
        assert send() is False
    assert states() == {"queued": 5}
    assert set(run.messages.values_list("tries", flat=True)) == {0}
    assert min(run.messages.values_list("not_before", flat=True)) >= NOW + dt.timedelta(seconds=30)
    send(NOW + dt.timedelta(minutes=2))
    assert states() == {"accepted": 5}


def test_a_refused_account_pauses_the_run(sink):
    create_asker()
    run = create_run()
    broken = {"surveys": {"BACKEND": "anymail.backends.postmark.EmailBackend", "OPTIONS": {}}}
    with override_settings(MAILERS=broken, ANYMAIL={}):
        send()
    run.refresh_from_db()
    assert (run.phase, run.pause_reason) == (Run.Phase.PAUSED, Run.PauseReason.PROVIDER_AUTH)
    assert run.messages.get().state == State.QUEUED
    runs.resume(run=run)
    send(NOW + dt.timedelta(minutes=1))
    assert len(sink.messages) == 1


@either_way
def test_twenty_failures_in_a_row_pause_the_run(sink):
    for number in range(25):
        create_asker(email=f"550-gone{number}@shop.example")
    run = create_run(per_claim=10)
    send()
    run.refresh_from_db()
    assert (run.phase, run.pause_reason) == (Run.Phase.PAUSED, Run.PauseReason.ERROR_RATE)
    assert states() == {"failed": 20, "queued": 5}


def test_runs_take_turns(sink, monkeypatch):
    monkeypatch.setattr(claiming, "ROUNDS", 1)
    # The second asks all seven but for the two whom the first has just asked, in whatever order they lie.
    for name, people, per_claim in (("First", 4, 2), ("Second", 3, 7)):
        for _number in range(people):
            create_asker()
        create_run(name=name, per_claim=per_claim)
    send()
    feedback = [mail["Feedback-ID"].split(":")[0] for mail in sink.messages]
    first, second = feedback[0], feedback[-1]
    assert first != second
    assert feedback == [first] * 2 + [second] * 5


def test_claiming_a_batch_takes_few_queries(sink, django_assert_max_num_queries):
    for _number in range(40):
        create_asker()
    run = create_run(per_claim=40)
    with django_assert_max_num_queries(14):
        batch = claiming.claim(run_id=run.pk, now=NOW)
    assert len(batch.messages) == 40
    assert connection.in_atomic_block  # only the test's own transaction is open
