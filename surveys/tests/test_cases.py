"""Cases, uncertain messages and versions: what staff decide."""

import datetime as dt

import pytest

from customers.tests.factories import create_user
from surveys import cases, claiming, mailing, runs, uncertain, versions
from surveys.models import Case, DeliveryEvent, Message
from surveys.tests.factories import NOW, create_asker, create_run, create_survey

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2026-03-09 10:00", "2026-03-11 10:00"),  # Monday
        ("2026-03-12 10:00", "2026-03-16 10:00"),  # Thursday
        ("2026-03-14 10:00", "2026-03-17 10:00"),  # Saturday
        ("2026-03-27 10:00", "2026-03-31 09:00"),  # over the change of clocks: the same hour in Berlin
    ],
)
def test_a_case_is_due_in_two_working_days(opened, due):
    def utc(text: str) -> dt.datetime:
        return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)

    assert cases.add_working_days(utc(opened), 2) == utc(due)


def test_a_case_closes_with_an_outcome_and_opens_again():
    case = cases.open_case(customer=create_asker(), subject="Cold coffee", now=NOW)
    with pytest.raises(cases.OutcomeMissing):
        cases.move(case=case, state=Case.State.RESOLVED, now=NOW)
    case.outcome = "A new one, with an apology."
    with pytest.raises(cases.OutcomeMissing):
        cases.move(case=case, state=Case.State.RESOLVED, now=NOW)
    case.cause = "The machine was cold."
    cases.move(case=case, state=Case.State.RESOLVED, now=NOW)
    cases.move(case=case, state=Case.State.NO_ACTION, now=NOW + dt.timedelta(days=1))
    case.refresh_from_db()
    assert case.closed_at == NOW
    cases.move(case=case, state=Case.State.WAITING, now=NOW)
    case.refresh_from_db()
    assert case.closed_at is None
    assert Case.objects.open().count() == 1


def lost_message() -> Message:
    create_asker()
    run = create_run()
    mailing.begin(claiming.claim(run_id=run.pk, now=NOW), now=NOW)
    mailing.reap(now=NOW + dt.timedelta(minutes=6))
    return run.messages.select_related("run").get()


def test_an_uncertain_message_is_written_off_by_a_person_who_is_remembered():
    message, staff = lost_message(), create_user(is_staff=True)
    uncertain.write_off(message=message, by=staff, now=NOW)
    event = DeliveryEvent.objects.get()
    assert (event.message, event.kind, event.detail["by"]) == (message, "written_off", staff.pk)
    with pytest.raises(uncertain.MessageNotUncertain):
        uncertain.send_again(message=message, by=staff, now=NOW)


def test_an_uncertain_message_is_sent_again_only_by_a_person(sink):
    message, staff = lost_message(), create_user(is_staff=True)
    uncertain.send_again(message=message, by=staff, now=NOW)
    mailing.send_due(clock=lambda: NOW)
    assert [mail["X-Survey-Message"] for mail in sink.messages] == [str(message.pk)]
    assert DeliveryEvent.objects.get().kind == "requeued"


def test_nothing_is_sent_again_when_the_run_is_over():
    message = lost_message()
    runs.close(run=message.run, now=NOW)
    message = Message.objects.select_related("run").get()
    with pytest.raises(uncertain.RunOver):
        uncertain.send_again(message=message, by=create_user(), now=NOW)


def test_a_new_version_begins_with_the_questions_of_the_last_and_changes_nothing_in_it():
    survey = create_survey(kinds=("nps", "choice"))
    draft = versions.revise(survey=survey)
    assert versions.revise(survey=survey) == draft
    draft.questions.filter(position=1).update(text_en="Changed?")
    assert versions.latest(survey=survey).questions.get(position=1).text_en == "Question 1 (nps)?"
    versions.publish(survey=survey, by=None, now=NOW)
    assert versions.latest(survey=survey) == draft
    with pytest.raises(versions.NoDraft):
        versions.publish(survey=survey, by=None, now=NOW)


def test_a_survey_without_questions_is_not_published():
    survey = create_survey()
    versions.revise(survey=survey).questions.all().delete()
    with pytest.raises(versions.NoQuestions):
        versions.publish(survey=survey, by=None, now=NOW)
