"""The checks of the ledger find what they are for: one right history, and one thing wrong at a time."""

import datetime as dt
import uuid

import pytest

from customers.models import Consent
from surveys import proof
from surveys.models import Invitation, Message
from surveys.tests.factories import NOW, create_asker, create_run

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def sent():
    """Two mails to Alice, thirty days apart, each accepted."""
    alice = create_asker()
    for moment in (NOW, NOW + 30 * DAY):
        run = create_run(now=moment)
        run.messages.update(state=Message.State.ACCEPTED, finished_at=moment)
    return alice


def second() -> Message:
    return Message.objects.order_by("finished_at").last()


def test_a_right_history_passes(sent):
    ids = list(Message.objects.values_list("pk", flat=True))
    assert proof.all_of_it() == {}
    assert proof.arrived_twice(mails=ids) == proof.accepted_but_nowhere(mails=ids) == []
    assert proof.does_not_add_up(run=second().run) == 0


def test_a_mail_inside_the_quarantine_is_found(sent):
    Message.objects.filter(pk=second().pk).update(finished_at=NOW + 29 * DAY)
    assert proof.asked_too_soon() == [second().pk]


def test_a_mail_within_a_day_is_found_without_any_quarantine(sent):
    message = second()
    message.run.campaign.quarantine_days = 0
    message.run.campaign.save()
    assert proof.asked_too_soon() == []
    Message.objects.filter(pk=message.pk).update(finished_at=NOW + dt.timedelta(hours=23))
    assert proof.asked_too_soon() == [message.pk]


def test_a_mail_after_unsubscribing_is_found_unless_the_customer_came_back(sent):
    fields = {"channel": "email", "purpose": "surveys", "source": "test"}
    Consent.objects.create(customer=sent, is_granted=False, occurred_at=NOW + DAY, **fields)
    assert proof.mailed_after_unsubscribing(grace=dt.timedelta(minutes=5)) == [second().pk]
    Consent.objects.create(customer=sent, is_granted=True, occurred_at=NOW + 2 * DAY, **fields)
    assert proof.mailed_after_unsubscribing(grace=dt.timedelta(minutes=5)) == []


def test_a_customer_without_mail_and_without_reason_is_found(sent):
    invitation = second().invitation
    Message.objects.filter(pk=second().pk).update(state=Message.State.SKIPPED)
    assert proof.unaccounted() == proof.unaccounted(run=invitation.run) == [invitation.pk]
    assert proof.does_not_add_up(run=invitation.run) == 1
    Invitation.objects.filter(pk=invitation.pk).update(skip=Invitation.Skip.HOLDOUT)
    assert proof.unaccounted() == []


def test_what_the_mail_server_saw_is_compared(sent):
    [one, two] = Message.objects.order_by("pk").values_list("pk", flat=True)
    assert proof.arrived_twice(mails=[one, one, two]) == [one]
    assert proof.accepted_but_nowhere(mails=[one, uuid.uuid4()]) == [two]


def test_a_reminder_without_a_first_mail_is_found(sent):
    message = second()
    Message.objects.create(
        run=message.run, invitation=message.invitation, kind="reminder", state="accepted", not_before=NOW,
        finished_at=message.finished_at + 4 * DAY,
    )  # fmt: skip
    assert proof.reminded_in_vain() == []
    Message.objects.filter(pk=message.pk).update(state=Message.State.CANCELLED)
    assert len(proof.reminded_in_vain()) == 1
