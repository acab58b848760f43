"""What is published does not change, whoever tries by whichever way, on both databases; drafts do."""

import pytest
from django.db import IntegrityError, connection, transaction

from surveys import frozen, versions
from surveys.models import Question, Survey, SurveyVersion
from surveys.tests.factories import NOW, create_survey

pytestmark = pytest.mark.django_db


def question(survey: Survey) -> Question:
    return survey.versions.get(number=1).questions.order_by("position").first()


def reword(survey: Survey) -> None:
    Question.objects.filter(pk=question(survey).pk).update(text_en="Did you love it?")


def add(survey: Survey) -> None:
    Question.objects.create(version=survey.versions.get(number=1), position=9, key="more", kind="text", text_en="More?")


def take_away(survey: Survey) -> None:
    Question.objects.filter(pk=question(survey).pk).delete()


def move_into(survey: Survey) -> None:
    draft = versions.revise(survey=survey)
    draft.questions.filter(position=1).update(version=survey.versions.get(number=1), position=8, key="moved")


def unpublish(survey: Survey) -> None:
    SurveyVersion.objects.filter(survey=survey).update(published_at=None)


def drop(survey: Survey) -> None:
    version = create_survey().versions.get()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM surveys_surveyversion WHERE id = %s", [version.pk])


def break_the_promise(survey: Survey) -> None:
    Survey.objects.filter(pk=survey.pk).update(anonymity="identified")


@pytest.mark.parametrize(
    "change",
    [reword, add, take_away, move_into, unpublish, drop, break_the_promise],
    ids=lambda change: change.__name__,
)
def test_a_published_version_and_its_promise_stay(change):
    survey = create_survey(anonymity="anonymous")
    with pytest.raises(IntegrityError, match="a published survey does not change"), transaction.atomic():
        change(survey)


def test_the_next_version_is_written_published_and_then_frozen_too():
    survey = create_survey()
    draft = versions.revise(survey=survey)
    draft.questions.filter(position=1).update(text_en="Changed?")
    draft.questions.filter(position=2).delete()
    Question.objects.create(version=draft, position=3, key="more", kind="text", text_en="More?")
    versions.publish(survey=survey, by=None, now=NOW)
    Survey.objects.filter(pk=survey.pk).update(title_en="Another title")
    with pytest.raises(IntegrityError), transaction.atomic():
        draft.questions.filter(position=1).update(text_en="Again?")


def test_a_draft_may_promise_another_thing():
    survey = Survey.objects.create(slug="draft", title_en="Draft", anonymity="anonymous")
    survey.versions.create(number=1)
    Survey.objects.filter(pk=survey.pk).update(anonymity="identified")


def test_without_the_triggers_the_same_would_pass_and_the_site_is_not_ready(client):
    """The control: it is the triggers that refuse, and /readyz that misses them."""
    survey = create_survey(anonymity="anonymous")
    frozen.remove(connection)
    try:
        reword(survey)
        break_the_promise(survey)
        assert frozen.present(connection) == set()
        assert client.get("/readyz").status_code == 503
    finally:
        frozen.install(connection)
    assert frozen.present(connection) == frozen.expected()
    assert client.get("/readyz").status_code == 200
