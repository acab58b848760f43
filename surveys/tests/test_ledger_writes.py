"""What a sender writes down for twenty mails is one commit: all of it or nothing, and for good."""

import pytest
from django.db import IntegrityError, connection, transaction

from surveys import claiming, courier, ledger_writes, letters, mailing, runs
from surveys.models import Message, Run
from surveys.tests.factories import NOW, create_asker, create_run

State = Message.State
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def batch() -> claiming.Batch:
    """Two mails in one worker's hands."""
    for _person in range(2):
        create_asker()
    return claiming.claim(run_id=create_run(per_claim=1).pk, now=NOW)


def states() -> list[str]:
    return sorted(Message.objects.values_list("state", flat=True))


def test_changes_are_written_together_or_not_at_all(batch):
    [first, second] = [message.pk for message in batch.messages]
    good = ledger_writes.intent({"lease_until": NOW + claiming.LEASE}, pks=[first], claim=batch.claim)
    bad = ledger_writes.change({"lease_until": None}, pks=[second], states=[State.CLAIMED], claim=batch.claim)
    with pytest.raises(IntegrityError):
        ledger_writes.commit(good, bad)
    assert states() == ["claimed", "claimed"]
    assert ledger_writes.commit(good) == [{first}]
    assert states() == ["claimed", "sending"]


def test_nothing_is_written_inside_a_transaction_that_could_still_undo_it(batch):
    intent = ledger_writes.intent({}, pks=[batch.messages[0].pk], claim=batch.claim)
    with transaction.atomic(), pytest.raises(RuntimeError):
        ledger_writes.commit(intent)
    assert states() == ["claimed", "claimed"]


def test_a_paused_run_and_somebody_elses_claim_touch_nothing(batch):
    pks = [message.pk for message in batch.messages]
    other = ledger_writes.intent({}, pks=pks, claim=batch.run.messages.first().invitation_id)
    assert ledger_writes.commit(other) == [set()]
    runs.pause(run=batch.run, reason=Run.PauseReason.MANUAL)
    assert ledger_writes.commit(ledger_writes.intent({}, pks=pks, claim=batch.claim)) == [set()]


def test_each_message_gets_the_name_that_the_provider_gave_it(batch):
    [first, second] = [message.pk for message in batch.messages]
    names = ledger_writes.by_message("provider_id", {first: "one"})
    ledger_writes.commit(ledger_writes.change({"provider_id": names}, pks=[first, second], states=[State.CLAIMED]))
    assert dict(Message.objects.values_list("pk", "provider_id")) == {first: "one", second: ""}


def test_outcomes_and_the_next_intent_are_one_message_to_postgresql(batch, sink, django_assert_num_queries):
    with courier.Courier() as line:
        [message] = mailing.begin(batch, now=NOW)
        line.deliver(mailing._parcels(batch, [message], letters.Letters()))
        # SQLite is no journey away: it begins, writes the two and commits.
        with django_assert_num_queries(1 if connection.vendor == "postgresql" else 4):
            assert len(mailing.begin(batch, now=NOW)) == 1
    assert states() == ["accepted", "sending"]
