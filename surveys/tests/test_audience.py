"""Who is considered, who is skipped and why."""

import datetime as dt
import uuid
from threading import Barrier, Thread

import pytest
from django.db import connection, connections

from customers import statements
from customers.models import Consent, Customer
from customers.tests.factories import create_customer, create_store
from rewards.models import PointTransaction
from surveys import audience, mailing, planning, responses, runs, suppression, wordings
from surveys.lots import lot
from surveys.models import Message, Run, Suppression
from surveys.tests.factories import NOW, create_asker, create_run

pytestmark = pytest.mark.django_db


def skips(run: Run) -> dict[str, str]:
    """Return the reason of every customer by name."""
    return dict(run.invitations.values_list("customer__name", "skip"))


def test_everybody_considered_gets_a_row_with_the_reason():
    create_asker(name="Alice")
    create_customer(name="No address")
    create_customer(name="Never agreed", email="quiet@shop.example")
    withdrawn = create_asker(name="Withdrew")
    Consent.objects.create(
        customer=withdrawn, channel="email", purpose="surveys", is_granted=False, source="x", occurred_at=NOW
    )
    create_asker(name="Suppressed", email="bounced@shop.example")
    suppression.suppress(
        email="Bounced@shop.example", scope="all", reason=Suppression.Reason.BOUNCED, source="x", occurred_at=NOW
    )
    create_asker(name="Twin", email="ali.ce+tag@gmail.com")
    create_asker(name="Twin of Twin", email="alice@googlemail.com")
    create_asker(name="Broken address", email="alice@")
    run = create_run()
    assert skips(run) == {
        "Alice": "",
        "No address": "invalid_address",
        "Never agreed": "no_consent",
        "Withdrew": "no_consent",
        "Suppressed": "suppressed",
        "Twin": "",
        "Twin of Twin": "duplicate_mailbox",
        "Broken address": "invalid_address",
    }
    assert run.phase == Run.Phase.SENDING
    assert Message.objects.count() == 2


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_preparing_goes_on_where_a_crash_ended_it(chunk):
    for number in range(7):
        create_asker(email=f"{'same' if number % 3 == 0 else number}+{number}@gmail.com")
    run = create_run(prepared=False)
    members = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
    audience._consider_chunk(run, members[:chunk], NOW, wordings.current(campaign=run.campaign))
    run.refresh_from_db()
    assert (run.phase, run.prepared_through) == (Run.Phase.PREPARING, members[:chunk][-1])
    audience.prepare(run=run, now=NOW + dt.timedelta(minutes=1), chunk=chunk)
    audience.prepare(run=run, now=NOW, chunk=chunk)
    assert run.invitations.count() == 7
    assert run.invitations.filter(skip="duplicate_mailbox").count() == 2
    assert run.messages.count() == 5


def test_who_enrols_after_the_planned_time_is_not_in_the_audience():
    create_asker()
    create_asker(enrolled_at=NOW + dt.timedelta(seconds=1))
    assert create_run().invitations.count() == 1


def test_who_was_asked_not_long_ago_is_left_in_peace(sink):
    create_asker(name="Alice")
    create_run(name="First")
    mailing.send_due(clock=lambda: NOW)
    later = NOW + dt.timedelta(days=29)
    assert skips(create_run(name="Second", now=later)) == {"Alice": "quarantine"}
    assert skips(create_run(name="Third", now=later, quarantine_days=0)) == {"Alice": ""}
    assert skips(create_run(name="Fourth", now=NOW + dt.timedelta(days=31))) == {"Alice": ""}


def test_an_uncertain_mail_counts_as_asked(sink):
    create_asker(name="Alice", email="drop-after-dot@shop.example")
    create_run(name="First")
    mailing.send_due(clock=lambda: NOW)
    assert skips(create_run(name="Second", now=NOW + dt.timedelta(days=1))) == {"Alice": "quarantine"}


def test_a_mail_that_failed_does_not_count_as_asked(sink):
    create_asker(name="Alice", email="550-gone@shop.example")
    create_run(name="First")
    mailing.send_due(clock=lambda: NOW)
    assert skips(create_run(name="Second", now=NOW + dt.timedelta(days=1))) == {"Alice": ""}


def test_who_answered_is_left_in_peace_three_times_as_long(sink):
    create_asker(name="Alice")
    run = create_run(name="First")
    mailing.send_due(clock=lambda: NOW)
    responses.complete(invitation=run.invitations.get(), values={}, language="en", now=NOW)
    assert skips(create_run(name="Second", now=NOW + dt.timedelta(days=89))) == {"Alice": "already_answered"}
    assert skips(create_run(name="Third", now=NOW + dt.timedelta(days=91))) == {"Alice": ""}
    assert PointTransaction.objects.count() == 0


def test_a_later_yes_lifts_an_unsubscription_and_a_second_no_counts_again():
    alice = create_asker(name="Alice")
    invitation = create_run(name="First").invitations.get()
    suppression.unsubscribe(invitation=invitation, source="test", now=NOW)
    assert skips(create_run(name="Second")) == {"Alice": "unsubscribed"}
    later = NOW + dt.timedelta(days=1)
    Consent.objects.create(
        customer=alice, channel="email", purpose="surveys", is_granted=True, source="profile", occurred_at=later
    )
    assert skips(create_run(name="Third")) == {"Alice": ""}
    suppression.unsubscribe(invitation=invitation, source="test", now=later + dt.timedelta(days=1))
    assert skips(create_run(name="Fourth")) == {"Alice": "unsubscribed"}


def test_the_lot_is_drawn_the_same_for_ever_and_fairly():
    drawn = [lot("holdout", 7, customer) for customer in range(20_000)]
    assert drawn == [lot("holdout", 7, customer) for customer in range(20_000)]
    assert drawn[:3] == [lot("holdout", 7, 0), lot("holdout", 7, 1), lot("holdout", 7, 2)]
    assert 0.09 < sum(number < 1000 for number in drawn) / 20_000 < 0.11
    other = [lot("holdout", 8, customer) for customer in range(20_000)]
    both = sum(a < 1000 and b < 1000 for a, b in zip(drawn, other, strict=True))
    assert both < 300  # another run keeps others apart


def test_holdout_and_sample_leave_people_out():
    for _number in range(60):
        create_asker()
    run = create_run(holdout=5000, sample=5000)
    counts = runs.counts(run=run)
    assert counts.considered == 60
    draws = [
        (lot("holdout", run.pk, pk), lot("sample", run.pk, pk)) for pk in Customer.objects.values_list("pk", flat=True)
    ]
    assert counts.skips["holdout"] == sum(held < 5_000 for held, _asked in draws)
    assert counts.skips["not_sampled"] == sum(held >= 5_000 and asked >= 5_000 for held, asked in draws)
    assert counts.skipped + sum(counts.states.values()) == 60


def test_a_store_narrows_the_audience():
    create_asker()
    assert create_run(store=create_store()).invitations.count() == 0


def test_the_keys_of_a_run_begin_with_its_time_and_differ():
    for _number in range(30):
        create_asker()
    run = create_run()
    keys = [*run.invitations.values_list("pk", flat=True), *run.messages.values_list("pk", flat=True)]
    assert {(key.version, key.variant) for key in keys} == {(7, uuid.RFC_4122)}
    assert {key.int >> 80 for key in keys} == {int(NOW.timestamp() * 1000)}
    assert len(set(keys)) == 60


def test_the_keys_of_a_chunk_stand_behind_those_of_the_chunks_before():
    for _number in range(9):
        create_asker()
    run = create_run(prepared=False)
    audience.prepare(run=run, now=NOW, chunk=3)
    times = [key.int >> 64 for key in run.invitations.order_by("customer").values_list("pk", flat=True)]
    assert times == sorted(times)
    assert len(set(times)) == 3


def test_preparing_a_chunk_takes_few_queries(django_assert_max_num_queries):
    for _number in range(50):
        create_asker()
    run = create_run(prepared=False)
    members = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
    texts = wordings.current(campaign=run.campaign)
    # SQLite, which is no journey away, lays the facts out in a table first.
    with django_assert_max_num_queries(9 if connection.vendor == "postgresql" else 14):
        assert audience._consider_chunk(run, members, NOW, texts) == 50


def test_facts_beyond_one_statement_are_considered_too(monkeypatch):
    monkeypatch.setattr(planning, "ROWS_AT_ONCE", 4)
    for number in range(11):
        create_asker(email=f"{number}@shop.example")
    run = create_run()
    assert sorted(run.invitations.values_list("email", flat=True)) == sorted(
        f"{number}@shop.example" for number in range(11)
    )
    assert run.messages.count() == 11


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite filters so")
def test_a_chunk_does_not_read_all_invitations_of_its_run():
    for _number in range(20):
        create_asker()
    run = create_run()
    with connection.cursor() as cursor:
        # Only with statistics does it weigh a filter of the whole run.
        cursor.execute("ANALYZE")
    source, values = planning._source([])
    messages = planning._messages(run, source, values, NOW, planning.fresh_key(NOW))
    [plan] = statements.run(messages._replace(sql=f"EXPLAIN QUERY PLAN {messages.sql}"))
    assert "SEARCH i USING INDEX" in str(plan)
    assert "BLOOM FILTER" not in str(plan)


@pytest.mark.django_db(transaction=True)
def test_two_clocks_preparing_at_once_consider_everybody_once():
    for _number in range(40):
        create_asker()
    run = create_run(prepared=False)
    barrier, failures = Barrier(3), []

    def prepare() -> None:
        barrier.wait()
        try:
            audience.prepare(run=Run.objects.get(pk=run.pk), now=NOW, chunk=3)
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    clocks = [Thread(target=prepare) for _number in range(3)]
    for clock in clocks:
        clock.start()
    for clock in clocks:
        clock.join()
    audience.prepare(run=run, now=NOW)
    assert failures == []
    assert (run.phase, run.invitations.count(), run.messages.count()) == (Run.Phase.SENDING, 40, 40)
