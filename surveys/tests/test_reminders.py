"""Reminders go to those who got the mail and have not answered, and to nobody else."""

import datetime as dt

import pytest

from surveys import mailing, proof, reminders, responses, runs
from surveys.models import Invitation, Message, Run, SurveyPreference
from surveys.tests.factories import NOW, create_asker, create_run

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def send(moment: dt.datetime) -> None:
    assert mailing.send_due(clock=lambda: moment) is False


@pytest.fixture
def run(sink) -> Run:
    """Three people got the mail; Answered has answered, Quiet wants no reminders."""
    create_asker(name="Alice", email="alice@shop.example")
    create_asker(name="Answered", email="answered@shop.example")
    quiet = create_asker(name="Quiet", email="quiet@shop.example")
    SurveyPreference.objects.create(customer=quiet, has_no_reminders=True)
    run = create_run(reminders=2)
    send(NOW)
    answered = run.invitations.get(customer__name="Answered")
    responses.complete(invitation=answered, values={}, language="en", now=NOW + DAY)
    return run


def test_a_reminder_comes_after_four_days_with_another_subject_and_the_same_link(run, sink):
    assert reminders.plan_due(now=NOW + 4 * DAY - dt.timedelta(seconds=1)) == 0
    assert reminders.plan_due(now=NOW + 4 * DAY) == 1
    assert reminders.plan_due(now=NOW + 4 * DAY) == 0
    send(NOW + 4 * DAY)
    [first, reminder] = sink.to("alice@shop.example")
    assert first["Subject"] == "How was it?"
    assert reminder["Subject"] == "Your opinion counts: How was it?"
    links = [
        next(line for line in mail.get_body(("plain",)).get_content().splitlines() if "/s/" in line)
        for mail in (first, reminder)
    ]
    assert links[0] == links[1]
    assert first["Message-ID"] != reminder["Message-ID"]


def test_there_are_two_at_most_each_days_after_the_one_before(run, sink):
    for day in range(4, 29, 1):
        reminders.plan_due(now=NOW + day * DAY)
        send(NOW + day * DAY)
    sent = Message.objects.filter(kind="reminder").order_by("number")
    assert [(message.number, message.finished_at - NOW) for message in sent] == [(1, 4 * DAY), (2, 8 * DAY)]
    assert len(sink.to("answered@shop.example")) == len(sink.to("quiet@shop.example")) == 1
    assert proof.all_of_it() == {}
    counts = runs.counts(run=run)
    assert (counts.states, counts.reminders) == ({"accepted": 3}, {"accepted": 2})


def test_who_answers_or_unsubscribes_while_it_waits_gets_none_and_keeps_the_link(run, sink):
    reminders.plan_due(now=NOW + 4 * DAY)
    invitation = run.invitations.get(customer__name="Alice")
    responses.complete(invitation=invitation, values={}, language="en", now=NOW + 4 * DAY)
    send(NOW + 4 * DAY)
    assert len(sink.to("alice@shop.example")) == 1
    assert Message.objects.get(kind="reminder").state == "skipped"
    # The first mail had left: the books still say so.
    invitation.refresh_from_db()
    assert invitation.skip == ""
    assert proof.all_of_it() == {}


def test_nobody_is_reminded_of_a_mail_that_may_not_have_come(sink):
    create_asker(email="550-gone@shop.example")
    create_asker(email="drop-after-dot@shop.example")
    create_run()
    send(NOW)
    assert reminders.plan_due(now=NOW + 10 * DAY) == 0


@pytest.mark.parametrize("phase", ["paused", "cancelled", "closed"])
def test_a_run_that_is_stopped_reminds_nobody(run, phase):
    Run.objects.update(phase=phase, pause_reason="manual" if phase == "paused" else "")
    assert reminders.plan_due(now=NOW + 4 * DAY) == 0


def test_none_are_planned_where_the_campaign_wants_none(sink):
    create_asker()
    create_run(reminders=0)
    send(NOW)
    assert reminders.plan_due(now=NOW + 10 * DAY) == 0
    assert Invitation.objects.count() == 1
