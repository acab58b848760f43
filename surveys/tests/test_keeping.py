"""Conversations, reports about mails, and the way from an answer to its person end when the office says so, and never by themselves."""

import datetime as dt

import pytest

from customers import keeping, retention
from customers.models import Customer
from customers.tests.factories import create_customer
from surveys import cases, responses
from surveys.models import Case, ContactLogEntry, DeliveryEvent, Invitation, Message, Response, Run
from surveys.tests.answering import answers, now, path, today

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def choose(name: str, days: int) -> None:
    keeping.choose(name=name, days=days, by=None, now=now())


def night(at: dt.datetime, name: str) -> int:
    due = {line.name: line.due(at) for line in retention.table()}[name]
    taken = retention.apply_all(now=at)[name]
    assert due == taken
    return taken


class TestConversations:
    def talk(self, **fields) -> ContactLogEntry:
        customer = fields.pop("customer", None) or Customer.objects.first() or create_customer()
        return ContactLogEntry.objects.create(
            customer=customer, channel="phone", topic="tea", occurred_at=now(), **fields
        )

    def test_they_stay_until_somebody_says_how_long(self):
        self.talk()
        assert night(now() + 5000 * DAY, "contacts") == 0

    def test_old_ones_go_but_for_open_cases_and_calls_to_come(self):
        later = now() + 101 * DAY
        case = cases.open_case(customer=create_customer(), subject="Late", now=now(), owner=None)
        kept = {self.talk(case=case).pk, self.talk(follow_up_date=later.date()).pk}
        self.talk()
        self.talk(follow_up_date=now().date())
        choose("contacts", 100)
        assert night(later, "contacts") == 2
        assert set(ContactLogEntry.objects.values_list("pk", flat=True)) == kept


def test_reports_go_and_how_the_mail_ended_stays():
    message = Message.objects.filter(invitation=today()).get()
    Message.objects.filter(pk=message.pk).update(state="delivered")
    DeliveryEvent.objects.create(
        message=message, esp="test", dedupe_key="1", kind="opened", occurred_at=now(), recorded_at=now()
    )
    assert night(now() + 5000 * DAY, "mail_reports") == 0
    choose("mail_reports", 60)
    assert night(now() + 59 * DAY, "mail_reports") == 0
    assert night(now() + 61 * DAY, "mail_reports") == 1
    assert Message.objects.get(pk=message.pk).state == "delivered"


class TestWhoAnswered:
    @pytest.fixture
    def invitation(self, client) -> Invitation:
        invitation = today()
        client.post(path(invitation), answers(invitation, 9, "The tea was hot"))
        return invitation

    def test_it_stays_until_somebody_says_how_long(self, invitation):
        assert night(now() + 5000 * DAY, "answers_link") == 0

    def test_then_the_answer_is_nobodys_and_still_counts(self, invitation):
        choose("answers_link", 90)
        assert night(now() + 89 * DAY, "answers_link") == 0
        assert night(now() + 91 * DAY, "answers_link") == 1
        row = Response.objects.get()
        assert (row.customer, row.invitation, row.run) == (None, None, invitation.run)
        assert row.answers.count() == 2
        assert not row.is_anonymous

    @pytest.mark.parametrize("what", ["run", "case"])
    def test_while_something_is_open_it_stays(self, invitation, what):
        later = now() + 91 * DAY
        if what == "run":
            Run.objects.update(closes_at=later + DAY)
        else:
            case = cases.open_case(customer=invitation.customer, subject="Cold", now=now(), owner=None)
            Case.objects.filter(pk=case.pk).update(response=Response.objects.get())
        choose("answers_link", 90)
        assert night(later, "answers_link") == 0
        assert Response.objects.get().invitation == invitation

    def test_a_closed_case_keeps_its_customer_and_lets_the_answer_go(self, invitation):
        case = cases.open_case(customer=invitation.customer, subject="Cold", now=now(), owner=None)
        Case.objects.filter(pk=case.pk).update(response=Response.objects.get(), state="no_action", closed_at=now())
        choose("answers_link", 90)
        assert night(now() + 91 * DAY, "answers_link") == 1
        case.refresh_from_db()
        assert (case.customer, case.response) == (invitation.customer, None)

    def test_who_comes_back_by_the_old_link_is_thanked_and_answers_no_second_time(self, invitation, client):
        choose("answers_link", 90)
        night(now() + 91 * DAY, "answers_link")
        assert client.get(path(invitation)).status_code == 200
        assert client.post(path(invitation), answers(invitation, 9, "Again")).status_code in (200, 302)
        with pytest.raises(responses.InvitationClosed):
            responses.complete(invitation=invitation, values={}, language="en", now=now())
        assert Response.objects.count() == 1
