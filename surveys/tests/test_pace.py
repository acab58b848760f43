"""How fast mails leave, and what makes a run pause by itself."""

import datetime as dt

import pytest
from django.db import IntegrityError

from surveys import claiming, letters, mailing, pace, pulse, runs
from surveys.courier import Parcel
from surveys.models import MailAccount, Message, Run
from surveys.outcomes import Outcome, Verdict
from surveys.tests.factories import NOW, create_asker, create_run

pytestmark = pytest.mark.django_db


def later(**passed: float) -> dt.datetime:
    return NOW + dt.timedelta(**passed)


def limit(most_per_second: int) -> MailAccount:
    return MailAccount.objects.create(mailer="surveys", most_per_second=most_per_second, counted_at=NOW)


class Line:
    """A courier that gives the outcomes it was told to, in turn, and the last one from then on."""

    replay_account = ""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.taken = 0

    def deliver(self, parcels) -> None:
        for parcel in parcels:
            parcel.is_begun = True
            parcel.outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
            self.taken += 1
            if parcel.outcome.verdict == Verdict.THROTTLED:
                return


def send_batch(run: Run, line: Line, now: dt.datetime = NOW) -> bool:
    return mailing.send(
        claiming.claim(run_id=run.pk, now=now), connection=line, letters=letters.Letters(), clock=lambda: now
    )


def test_without_a_limit_there_are_always_tokens():
    assert pace.lease(wanted=500, now=NOW) == 500
    assert pace.per_second(now=NOW) is None
    assert not MailAccount.objects.exists()


def test_a_bucket_fills_by_the_second_and_holds_a_second():
    limit(10)
    assert pace.lease(wanted=20, now=NOW) == 0
    assert pace.lease(wanted=20, now=later(seconds=0.5)) == 5
    assert pace.lease(wanted=20, now=later(seconds=0.55)) == 0
    assert pace.lease(wanted=20, now=later(seconds=0.65)) == 1
    assert pace.lease(wanted=20, now=later(hours=1)) == 10
    assert pace.lease(wanted=4, now=later(hours=2)) == 4
    pace.give_back(tokens=3)
    assert pace.lease(wanted=20, now=later(hours=2)) == 9


def test_a_clock_that_jumps_back_makes_no_tokens():
    limit(10)
    assert pace.lease(wanted=20, now=later(seconds=60)) == 10
    assert pace.lease(wanted=20, now=NOW) == 0
    assert pace.lease(wanted=20, now=later(seconds=60)) == 0


def test_no_more_mails_leave_in_a_stretch_of_time_than_the_account_allows():
    limit(7)
    sent = sum(pace.lease(wanted=20, now=later(milliseconds=step * 37)) for step in range(1_000))
    assert sent <= 7 * 37 + 7
    assert sent >= 7 * 37 - 7


def test_throttling_halves_the_pace_once_and_it_grows_back():
    limit(100)
    assert pace.throttled(observed=80, now=NOW) == 50
    assert pace.throttled(observed=80, now=later(seconds=5)) < 51  # another worker heard of the same
    assert pace.per_second(now=later(minutes=1)) == pytest.approx(62.5)
    assert pace.throttled(observed=80, now=later(minutes=1)) == pytest.approx(31.25)
    assert pace.per_second(now=later(minutes=30)) == 100


def test_throttling_without_a_limit_begins_at_what_was_observed_and_is_forgotten():
    assert pace.throttled(observed=30, now=NOW) == 15
    assert pace.per_second(now=later(minutes=1)) == pytest.approx(18.75)
    assert pace.per_second(now=later(minutes=7)) is None


def test_the_pace_never_stands_still():
    for minute in range(20):
        pace.throttled(observed=0, now=later(seconds=minute * 11))
    assert pace.per_second(now=later(seconds=220)) >= pace.SLOWEST / 2
    assert pace.lease(wanted=1, now=later(minutes=6)) == 1


def test_sending_waits_for_tokens(sink):
    for _number in range(5):
        create_asker()
    create_run()
    limit(2)
    moment = [NOW]

    def sleep(seconds: float) -> None:
        moment[0] += dt.timedelta(seconds=seconds)

    mailing.send_due(clock=lambda: moment[0], sleep=sleep)
    assert len(sink.messages) == 5
    assert moment[0] - NOW >= dt.timedelta(seconds=2)


def test_a_throttled_batch_halves_the_pace_and_costs_no_attempt():
    for _number in range(4):
        create_asker()
    run = create_run()
    refused = Outcome(Verdict.THROTTLED, "429", retry_after=120, is_attempt=False)
    assert send_batch(run, Line(Outcome(Verdict.ACCEPTED), refused)) is False
    assert MailAccount.objects.get().throttled_at == NOW
    left = run.messages.filter(state=Message.State.QUEUED)
    assert set(left.values_list("tries", flat=True)) == {0}
    assert left.count() == 3
    assert min(left.values_list("not_before", flat=True)) >= later(seconds=120)


def test_five_percent_of_the_last_five_hundred_pause_the_run(monkeypatch):
    for _number in range(120):
        create_asker()
    run = create_run(per_claim=10)
    good, bad = Outcome(Verdict.ACCEPTED), Outcome(Verdict.FAILED, "550")
    line = Line(*[bad if number % 4 == 0 else good for number in range(120)])
    send_batch(run, line)
    run.refresh_from_db()
    assert (run.phase, run.pause_reason) == (Run.Phase.PAUSED, Run.PauseReason.ERROR_RATE)
    assert line.taken == 100  # the 25th failure was the 97th mail: nothing behind its ten was begun
    assert runs.counts(run=run).states == {"accepted": 75, "failed": 25, "queued": 20}


def test_a_few_errors_pause_nothing():
    healthy = pulse.Pulse()
    run = Run(pk=1, created_at=NOW)
    outcomes = [Outcome(Verdict.FAILED)] * 19 + [Outcome(Verdict.ACCEPTED)] * 500 + [Outcome(Verdict.FAILED)] * 19
    assert not any(healthy.is_ill(run=run, outcomes=[outcome]) for outcome in outcomes)
    assert healthy.is_ill(run=run, outcomes=[Outcome(Verdict.UNCERTAIN)])
    assert not healthy.is_ill(run=run, outcomes=[Outcome(Verdict.FAILED)])  # counted anew after a pause


@pytest.mark.parametrize(
    ("left", "bounced", "complained", "reason", "is_worrying"),
    [
        (1_000, 49, 0, None, False),
        (1_000, 50, 0, "bounce_rate", False),
        (100, 9, 0, None, False),  # few mails say little
        (1_000, 0, 1, None, True),
        (10_000, 0, 9, None, False),
        (10_000, 0, 29, None, True),
        (10_000, 0, 30, "complaint_rate", True),
        (50, 0, 2, None, True),
        (50, 20, 3, "complaint_rate", True),
    ],
)
def test_bounces_and_complaints_have_limits(left, bounced, complained, reason, is_worrying):
    reputation = pulse.Reputation(left=left, bounced=bounced, complained=complained)
    assert (reputation.reason_to_pause, reputation.is_worrying) == (reason, is_worrying)


def test_a_pause_is_seen_before_the_next_few_leave():
    for _number in range(9):
        create_asker()
    run = create_run(per_claim=3)

    class Paused(Line):
        def deliver(self, parcels) -> None:
            super().deliver(parcels)
            if self.taken == 3:
                runs.pause(run=run, reason=Run.PauseReason.MANUAL)

    line = Paused(Outcome(Verdict.ACCEPTED))
    send_batch(run, line)
    assert line.taken == 3
    assert runs.counts(run=run).states == {"accepted": 3, "queued": 6}
    assert set(run.messages.values_list("tries", flat=True)) == {0, 1}


def test_a_run_cancelled_in_the_middle_keeps_nothing_queued():
    for _number in range(4):
        create_asker()
    run = create_run(per_claim=2)

    class Cancelled(Line):
        def deliver(self, parcels) -> None:
            runs.cancel(run=run, now=NOW)  # both are `sending`: the first leaves, the second is given back
            parcel: Parcel = next(iter(parcels))
            parcel.is_begun, parcel.outcome = True, Outcome(Verdict.ACCEPTED)

    send_batch(run, Cancelled(Outcome(Verdict.ACCEPTED)))
    mailing.reap(now=later(seconds=30))
    assert runs.counts(run=run).states == {"accepted": 1, "cancelled": 3}


def test_an_account_sends_at_least_something():
    with pytest.raises(IntegrityError):
        MailAccount.objects.create(mailer="other", most_per_second=0)
