"""Writing surveys in the admin: starting points, conditions, previews, tests to oneself, promises that stay."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from customers.tests.factories import create_user
from rewards.models import PointTransaction
from surveys import branching, starters, thanks, trials, versions
from surveys.models import Answer, Question, Response, RewardGrant, Survey
from surveys.tests.answering import answers, now, path, sent, today
from surveys.tests.factories import NOW, create_questions, create_survey
from surveys.tests.test_admin import log_in, office, press, question, staff, survey_form  # noqa: F401

pytestmark = pytest.mark.django_db


def change_url(survey: Survey) -> str:
    return reverse("admin:surveys_survey_change", args=[survey.pk])


@pytest.mark.parametrize("starter", starters.STARTERS)
def test_every_starting_point_is_complete_in_both_languages_and_ready_to_publish(office, starter):  # noqa: F811
    page = office.post(reverse("admin:surveys_survey_start"), {"starter": starter}, follow=True)
    assert "This is your draft" in page.text
    survey = Survey.objects.get()
    draft = survey.versions.get()
    assert branching.problems(list(draft.questions.order_by("position"))) == []
    for row in [survey, *draft.questions.all()]:
        for field in row._meta.concrete_fields:
            if field.name.endswith("_en"):
                english, chinese = getattr(row, field.name), getattr(row, f"{field.name[:-3]}_zh")
                assert bool(english) == bool(chinese), field.name
                assert len(english.splitlines()) == len(chinese.splitlines())
    assert f"Version {draft.number} is published." in press(office, survey, "publish").text
    assert LogEntry.objects.count() == 2


def test_starting_twice_makes_two_surveys(office):  # noqa: F811
    for _twice in range(2):
        office.post(reverse("admin:surveys_survey_start"), {"starter": "nps"})
    assert sorted(Survey.objects.values_list("slug", flat=True)) == ["how-do-you-like-us", "how-do-you-like-us-2"]
    assert office.post(reverse("admin:surveys_survey_start"), {"starter": "nothing"}).status_code == 200
    assert Survey.objects.count() == 2


def test_who_may_not_write_surveys_cannot_start_one():
    client = log_in("view_survey")
    assert client.get(reverse("admin:surveys_survey_start")).status_code == 403
    assert client.post(reverse("admin:surveys_survey_start"), {"starter": "nps"}).status_code == 403


def test_a_condition_is_written_and_checked_where_it_stands(office):  # noqa: F811
    why = {"kind": "text", "show_if_key": "score", "show_if_test": "at_most", "show_if_values": "11"}
    url = reverse("admin:surveys_survey_add")
    page = office.post(url, survey_form(question(1, key="score"), question(2, **why)))
    assert "The earlier question has no such answer." in page.text
    assert Survey.objects.count() == 0
    # The same condition before the question that it looks at.
    page = office.post(url, survey_form(question(1, key="score", position="2"), question(2, **why, position="1")))
    assert "There is no earlier question with the key “score”." in page.text
    half = why | {"show_if_test": ""}
    assert "A condition needs both" in office.post(url, survey_form(question(1, key="score"), question(2, **half))).text
    office.post(url, survey_form(question(1, key="score"), question(2, **why | {"show_if_values": "6"})))
    assert Question.objects.get(kind="text").show_if_values == "6"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "matrix", "choices_en": "Good"}, "A matrix needs rows, one per line."),
        ({"kind": "ranking"}, "A question with choices needs them"),
        ({"kind": "scale", "least": "0", "most": "20"}, "A scale needs its two ends, between 0 and 10."),
        ({"kind": "scale", "least": "5"}, "A scale needs its two ends, between 0 and 10."),
        ({"kind": "number", "least": "5", "most": "5"}, "The highest number must be above the lowest."),
        ({"kind": "text", "text_en": "Why {colour}?"}, "“{colour}” names no earlier question."),
    ],
)
def test_what_a_kind_of_question_needs_is_said(office, fields, sentence):  # noqa: F811
    page = office.post(reverse("admin:surveys_survey_add"), survey_form(question(1, **fields)))
    assert sentence in page.text
    assert Survey.objects.count() == 0


def test_a_draft_that_cannot_be_asked_is_not_published():
    survey = create_survey()
    draft = versions.revise(survey=survey)
    draft.questions.filter(position=2).update(show_if_key="gone", show_if_test="answered")
    with pytest.raises(versions.QuestionsUnclear, match="There is no earlier question with the key “gone”"):
        versions.publish(survey=survey, by=None, now=NOW)


def test_the_preview_shows_two_phones_and_may_stand_in_a_frame_of_ours_alone(office):  # noqa: F811
    survey = create_questions({"kind": "nps"}, {"kind": "text", "begins_page": True, "text_en": "Why only {nps}?"})
    page = press(office, survey, "preview").text
    assert page.count("<iframe") == 2
    preview = office.get(reverse("admin:surveys_survey_preview", args=[survey.pk]), {"lang": "zh-hans"})
    assert preview["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in preview["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in office.get(change_url(survey))["Content-Security-Policy"]
    nps, text = survey.versions.get().questions.order_by("position")
    url = reverse("admin:surveys_survey_preview", args=[survey.pk])
    first = sent({nps: "3"}, asked=[nps])
    assert "Why only 3?" in office.post(url, first).text
    assert "Thank you!" in office.post(url, first | sent({text: "x"}, asked=[text], page=1)).text
    assert Response.objects.count() == Answer.objects.count() == 0


def test_a_draft_is_sent_to_oneself_and_still_changes(office, sink):  # noqa: F811
    survey = create_survey()
    draft = versions.revise(survey=survey)
    assert "on its way to boss@shop.example" in press(office, survey, "send_test").text
    response = Response.objects.get()
    assert (response.version, response.is_test) == (draft, True)
    [mail] = sink.to("boss@shop.example")
    assert mail["Subject"] == "Test: Your visit"
    one, two = draft.questions.order_by("position")
    trials.finish(response=response, values={one: 3, two: "x"}, language="en", now=now(), seconds=5)
    data = survey_form(
        question(1, id=str(one.pk), key=one.key, text_en="New?"),
        question(2, id=str(two.pk), kind="text", key=two.key, DELETE="on"), initial=2,
    )  # fmt: skip
    office.post(change_url(survey), data | {"slug": survey.slug})
    assert list(draft.questions.values_list("text_en", flat=True)) == ["New?"]


def test_what_was_promised_to_those_who_answered_stays_and_a_copy_may_promise_another_thing(office):  # noqa: F811
    survey = create_survey(anonymity="confidential")
    office.post(change_url(survey), {"slug": survey.slug, "title_en": "Changed", "anonymity": "identified",
                                     "questions-TOTAL_FORMS": "0", "questions-INITIAL_FORMS": "0"})  # fmt: skip
    survey.refresh_from_db()
    assert survey.anonymity == "confidential"
    assert "This is the copy" in press(office, survey, "copy").text
    copied = Survey.objects.exclude(pk=survey.pk).get()
    assert copied.versions.get().questions.count() == 2
    assert not copied.versions.get().is_published
    data = survey_form(*[{"questions-0-id": ""}]) | {"slug": copied.slug, "questions-TOTAL_FORMS": "0"}
    office.post(change_url(copied), data)
    copied.refresh_from_db()
    assert copied.anonymity == "identified"


def test_held_thanks_are_decided_by_staff(office, client):  # noqa: F811
    held = []
    for _number in range(2):
        invitation = today(points=5)
        client.post(path(invitation), answers(invitation, "9", seconds=0))
        held.append(RewardGrant.objects.get(invitation=invitation))
    page = office.get(reverse("admin:surveys_rewardgrant_changelist"), {"state": "held"}).text
    assert page.count("answered in less than three seconds") == 2
    press(office, held[0], "release")
    press(office, held[1], "refuse")
    assert [RewardGrant.objects.get(pk=row.pk).state for row in held] == ["granted", "refused"]
    assert PointTransaction.objects.get().points == 5
    assert "These thanks are decided already: refused." in press(office, held[1], "release").text
    assert RewardGrant.objects.filter(by=None).count() == 0
    thanks_list = reverse("admin:surveys_rewardgrant_changelist")
    assert log_in("view_run").get(thanks_list).status_code == 403
    assert create_user().has_perm("surveys.change_rewardgrant") is False
    assert thanks.release_due(now=now()) == 0
