"""Staff at work in the admin."""

import csv
import datetime as dt
import io

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from customers.models import User
from customers.tests.factories import create_customer, create_user
from surveys import links, mailing, responses, runs
from surveys.admin.results import harmless
from surveys.models import (
    Campaign,
    Case,
    ContactLogEntry,
    DeliveryEvent,
    Message,
    Question,
    Response,
    Run,
    Suppression,
    Survey,
)
from surveys.tests.answering import sent
from surveys.tests.factories import NOW, create_asker, create_campaign, create_run, create_survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    return create_user(email="boss@shop.example", is_staff=True, is_superuser=True)


@pytest.fixture
def office(staff: User) -> Client:
    """The admin as somebody who may do everything sees it."""
    client = Client()
    client.force_login(staff)
    return client


def log_in(*permissions: str) -> Client:
    """Log in as staff with these permissions only."""
    user = create_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def press(client: Client, row, action: str):
    """Press a button on a record."""
    url = reverse(f"admin:surveys_{row._meta.model_name}_change", args=[row.pk])
    return client.post(url, {"CHANGE_FORM-action": action, "_selected_action": str(row.pk)}, follow=True)


def question(number: int, **fields) -> dict[str, str]:
    """The fields of one question in the form of a survey."""
    values = {"kind": "nps", "text_en": f"Question {number}?", "position": str(number)} | fields
    return {f"questions-{number - 1}-{name}": value for name, value in values.items()}


def survey_form(*questions: dict[str, str], initial: int = 0) -> dict[str, str]:
    data = {
        "slug": "visit", "title_en": "Your visit", "anonymity": "identified",
        "questions-TOTAL_FORMS": str(len(questions)), "questions-INITIAL_FORMS": str(initial),
    }  # fmt: skip
    for one in questions:
        data |= one
    return data


def test_a_survey_is_written_published_revised_and_frozen(office):
    add = survey_form(question(1), question(2, kind="text", text_en="Why?"), question(3, kind="nps"))
    page = office.post(reverse("admin:surveys_survey_add"), add, follow=True)
    survey = Survey.objects.get()
    assert page.status_code == 200
    assert list(Question.objects.order_by("position").values_list("position", "key")) == [
        (1, "nps"), (2, "text"), (3, "nps_2"),
    ]  # fmt: skip
    assert "Version 1 is published." in press(office, survey, "publish").text
    url = reverse("admin:surveys_survey_change", args=[survey.pk])
    first, *_others = Question.objects.order_by("position")
    change = survey_form(question(1, text_en="Sneaky?", id=str(first.pk)), initial=1)
    office.post(url, change)
    first.refresh_from_db()
    assert first.text_en == "Question 1?"
    assert "Version 2 begins as a copy" in press(office, survey, "revise").text
    assert Question.objects.count() == 6


def test_questions_change_places_and_close_the_gap_of_a_deleted_one(office):
    survey = create_survey(kinds=("nps", "csat", "text"))
    press(office, survey, "revise")
    draft = survey.versions.get(published_at=None)
    one, two, three = draft.questions.order_by("position")
    data = survey_form(
        question(1, id=str(one.pk), position="3", key="nps-1"),
        question(2, id=str(two.pk), kind="csat", DELETE="on"),
        question(3, id=str(three.pk), kind="text", position="1", key="text-3"),
        question(4, kind="date", position=""),
        initial=3,
    )
    page = office.post(
        reverse("admin:surveys_survey_change", args=[survey.pk]), data | {"slug": survey.slug}, follow=True
    )
    assert page.status_code == 200
    assert list(draft.questions.order_by("position").values_list("position", "kind")) == [
        (1, "text"), (2, "nps"), (3, "date"),
    ]  # fmt: skip


def test_a_choice_without_choices_is_refused(office):
    page = office.post(reverse("admin:surveys_survey_add"), survey_form(question(1, kind="choice")))
    assert "A question with choices needs them" in page.text
    assert Survey.objects.count() == 0


def test_the_preview_shows_the_customers_page_and_records_nothing(office):
    survey = create_survey()
    url = reverse("admin:surveys_survey_preview", args=[survey.pk])
    page = office.get(url, {"a": "9", "lang": "zh-hans"})
    assert "问题1" in page.text
    assert page.text.count(" checked") == 1
    first = survey.versions.get().questions.get(position=1)
    questions = list(survey.versions.get().questions.order_by("position"))
    assert "Thank you!" in office.post(url, sent({first: "3"}, asked=questions)).text
    assert Response.objects.count() == 0


def test_a_campaign_shows_its_audience_and_is_scheduled_and_cancelled(office):
    create_asker()
    create_customer()
    campaign = create_campaign(scheduled_at=dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    url = reverse("admin:surveys_campaign_change", args=[campaign.pk])
    page = office.get(url).text
    assert "of 2 in the audience" in page
    review = press(office, campaign, "schedule")
    assert "Look it over" in review.text
    assert "“Spring” is scheduled." in office.post(review.redirect_chain[-1][0], follow=True).text
    office.post(url, {"name": "Later", "points": "9999", "subject_en": "Changed"})
    campaign.refresh_from_db()
    assert (campaign.name, campaign.points, campaign.subject_en) == ("Later", 0, "How was it?")
    assert "is cancelled" in press(office, campaign, "cancel").text
    copied = press(office, campaign, "copy")
    assert "This is the copy" in copied.text
    assert Campaign.objects.get(state="draft").scheduled_at is None
    assert LogEntry.objects.count() >= 3


def test_times_are_typed_in_the_programmes_time_zone(office):
    survey = create_survey()
    data = {
        "name": "Spring", "survey": survey.pk, "segment": "everyone", "scheduled_at_0": "2026-07-01",
        "scheduled_at_1": "10:00", "sample": "100", "holdout": "0", "quarantine_days": "30", "subject_en": "Hello",
        "points": "0", "hour_from": "9", "hour_until": "20", "answer_days": "30", "per_claim": "20",
        "trigger": "one_off", "delay_days": "1", "delay_days_web": "7", "on_quarantine": "drop", "priority": "5",
        "answered_days": "90", "spread_days": "1", "reminders": "1", "reminder_days": "4",
        "quick_seconds": "3", "thanks_holdout": "0",
    }  # fmt: skip
    page = office.post(reverse("admin:surveys_campaign_add"), data)
    assert page.status_code == 302, page.context["errors"]
    campaign = Campaign.objects.get()
    assert campaign.scheduled_at == dt.datetime(2026, 7, 1, 8, tzinfo=dt.UTC)
    assert (campaign.sample, campaign.by.email) == (10_000, "boss@shop.example")


def test_the_test_mail_goes_to_whoever_asks(office, sink):
    campaign = create_campaign()
    assert "on its way to boss@shop.example" in press(office, campaign, "send_test").text
    [mail] = sink.to("boss@shop.example")
    assert mail["Subject"] == "Test: How was it?"
    response = Response.objects.get()
    assert (response.is_test, response.by.email, response.campaign) == (True, "boss@shop.example", campaign)
    assert links.test_url(response.pk) in mail.get_body(("plain",)).get_content()


def test_a_run_shows_states_and_reasons_and_is_paused_and_resumed(office, sink):
    create_asker()
    create_asker(email="drop-after-dot@shop.example")
    create_asker(time_zone="America/New_York")
    create_customer(email="quiet@shop.example")
    run = create_run()
    mailing.send_due(clock=lambda: NOW)
    page = office.get(reverse("admin:surveys_run_change", args=[run.pk])).text
    for words in ("uncertain", "did not agree to surveys", "accepted by the provider", "sending"):
        assert words in page
    assert 'class="uncertain"' in page
    assert "The run is paused." in press(office, run, "pause").text
    assert "paused: by hand" in office.get(reverse("admin:surveys_run_changelist")).text
    assert "The run is sending." in press(office, run, "resume").text
    assert "The run is cancelled." in press(office, run, "cancel").text
    assert runs.counts(run=run).states["cancelled"] == 1


def test_an_uncertain_message_is_decided_by_a_button(office, sink):
    create_asker(email="drop-after-dot@shop.example")
    run = create_run(now=dt.datetime.now(dt.UTC), hour_from=0, hour_until=24)
    mailing.send_due()
    message = run.messages.get()
    assert (
        "Send again, knowing it may be the second"
        in office.get(reverse("admin:surveys_message_change", args=[message.pk])).text
    )
    assert "The message is queued." in press(office, message, "send_again").text
    assert DeliveryEvent.objects.get().kind == "requeued"
    assert "Nothing has to be decided" in press(office, message, "write_off").text


def answered_run(*, anonymity: str = "identified", answers: int = 12) -> Run:
    for _number in range(answers):
        create_asker()
    survey = create_survey(kinds=("nps", "choice", "text"), anonymity=anonymity)
    run = create_run(survey=survey)
    run.messages.update(state="accepted")
    questions = list(run.version.questions.order_by("position"))
    for number, invitation in enumerate(run.invitations.filter(skip="")):
        values = dict(zip(questions, [9, number % 3, f"=HYPERLINK({number})"], strict=True))
        responses.complete(invitation=invitation, values=values, language="en", now=NOW)
    return run


def test_the_results_show_score_interval_and_what_was_written(office):
    run = answered_run()
    page = office.get(reverse("admin:surveys_run_results", args=[run.pk]))
    assert page.status_code == 200
    for words in (
        "+100",
        "with 95% certainty",
        "12 answers",
        "too few to build on",
        "Coffee",
        "=HYPERLINK(3)",
        "100.0%",
    ):
        assert words in page.text
    assert "style=" not in page.text.split("<main")[-1]


def test_few_answers_have_no_score(office):
    page = office.get(reverse("admin:surveys_run_results", args=[answered_run(answers=3).pk])).text
    assert "3 answers: too few for a score." in page
    assert "certainty" not in page


def test_confidential_answers_are_never_named_and_hidden_when_few(office):
    run = answered_run(anonymity="confidential")
    page = office.get(reverse("admin:surveys_run_results", args=[run.pk])).text
    assert "=HYPERLINK(3)" in page
    assert not any(invitation.customer.member_number in page for invitation in run.invitations.all())
    assert "2026-03" not in office.get(reverse("admin:surveys_run_answers", args=[run.pk])).text
    few = answered_run(anonymity="confidential", answers=2)
    assert "shown from 10 answers on" in office.get(reverse("admin:surveys_run_results", args=[few.pk])).text
    assert office.get(reverse("admin:surveys_run_answers", args=[few.pk])).text.count("\n") == 1
    assert office.get(reverse("admin:surveys_response_changelist")).context["cl"].result_count == 0


def test_the_export_starts_no_formula_and_names_nobody(office):
    run = answered_run()
    page = office.get(reverse("admin:surveys_run_answers", args=[run.pk]))
    rows = list(csv.reader(io.StringIO(page.text.removeprefix("\ufeff"))))
    assert rows[0] == ["language", "completed_at", "nps-1", "choice-2", "text-3"]
    assert len(rows) == 13
    assert all(row[4].startswith("'=HYPERLINK") and row[2] == "9" for row in rows[1:])
    assert "shop.example" not in page.text
    assert LogEntry.objects.filter(change_message__contains="Exported").count() == 1


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", " =1", "\t=1", "\rx", "＝1", "|cmd"])
def test_a_cell_that_begins_like_a_formula_is_quoted(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "fine", "5 - 3 = 2", "很好"])
def test_an_ordinary_cell_stays_as_it_is(text):
    assert harmless(text) == text


def test_results_need_their_own_permission():
    run = answered_run(answers=1)
    url = reverse("admin:surveys_run_results", args=[run.pk])
    assert log_in("view_run").get(url).status_code == 403
    assert log_in("view_run", "view_response").get(url).status_code == 200
    # Taking the answers away is a right of its own.
    assert (
        log_in("view_run", "view_response").get(reverse("admin:surveys_run_answers", args=[run.pk])).status_code == 403
    )


def test_buttons_need_their_permission():
    campaign = create_campaign()
    page = press(log_in("view_campaign", "change_campaign"), campaign, "schedule")
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT
    assert "No action selected" in page.text


def test_a_case_is_closed_with_its_outcome_and_talks_are_logged(office, staff):
    alice = create_asker(name="Alice")
    case = Case.objects.create(customer=alice, subject="Cold coffee", due_at=NOW)
    url = reverse("admin:surveys_case_change", args=[case.pk])
    data = {
        "customer": alice.pk, "subject": "Cold coffee", "state": "resolved", "owner": staff.pk, "due_at_0": "2026-03-12",
        "due_at_1": "12:00", "cause": "", "outcome": "", "contacts-TOTAL_FORMS": "1", "contacts-INITIAL_FORMS": "0",
        "contacts-0-channel": "hotline", "contacts-0-direction": "out", "contacts-0-topic": "Apology",
        "contacts-0-occurred_at_0": "2026-03-11", "contacts-0-occurred_at_1": "12:00",
    }  # fmt: skip
    page = office.post(url, data).text
    assert "Write down what went wrong" in page
    assert "Write down what was done" in page
    assert office.post(url, data | {"cause": "A cold machine", "outcome": "A new cup."}).status_code == 302
    case.refresh_from_db()
    assert case.closed_at is not None
    entry = ContactLogEntry.objects.get()
    assert (entry.customer, entry.case, entry.by) == (alice, case, staff)


def test_an_address_is_suppressed_by_hand_and_found_by_its_whole_spelling(office):
    office.post(reverse("admin:surveys_suppression_add"), {"email": "Bob@Shop.example", "scope": "all"})
    assert Suppression.objects.get().reason == "staff"
    url = reverse("admin:surveys_suppression_changelist")
    assert office.get(url, {"q": "bob@shop.example"}).context["cl"].result_count == 1
    assert office.get(url, {"q": "bob"}).context["cl"].result_count == 0


@pytest.mark.parametrize(
    "name",
    [
        "survey",
        "campaign",
        "run",
        "message",
        "invitation",
        "deliveryevent",
        "suppression",
        "response",
        "case",
        "contactlogentry",
    ],
)
def test_every_list_opens_in_a_constant_number_of_queries(office, sink, name, django_assert_max_num_queries):
    for round_ in range(3):
        run = answered_run(answers=2)
        Case.objects.create(customer=run.invitations.first().customer, subject="x", due_at=NOW)
        ContactLogEntry.objects.create(customer=run.invitations.first().customer, channel="store", topic="x")
        assert round_ >= 0
    with django_assert_max_num_queries(16):
        page = office.get(reverse(f"admin:surveys_{name}_changelist"))
    assert page.status_code == 200
    with django_assert_max_num_queries(30):
        for row in page.context["cl"].queryset[:1]:
            assert office.get(reverse(f"admin:surveys_{name}_change", args=[row.pk])).status_code == 200


def test_history_is_read_only(office):
    run = create_run()
    create_asker()
    for name in ("message", "invitation", "deliveryevent", "response", "run"):
        assert office.get(reverse(f"admin:surveys_{name}_add")).status_code == 403
    assert Message.objects.count() == 0
    assert office.post(reverse("admin:surveys_run_delete", args=[run.pk])).status_code == 403
