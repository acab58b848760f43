"""Lists and records say things in words: no codes of languages and channels, no moments as machines write them."""

import pytest
from django.urls import reverse

from surveys.models import Answer, Case, Message, Response, Run
from surveys.tests.factories import NOW, create_asker, create_run
from surveys.tests.test_public_links import make_link
from surveys.tests.test_results_pages import office  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def answered() -> Response:
    create_asker(language="zh-hans")
    create_asker()
    run = create_run()
    invitation = run.invitations.order_by("pk").first()
    response = Response.objects.create(
        version=run.version, invitation=invitation, customer=invitation.customer, campaign=run.campaign, run=run,
        channel="receipt", language="zh-hans", started_at=NOW, completed_at=NOW,
    )  # fmt: skip
    Answer.objects.create(response=response, question=run.version.questions.last(), text="Cold coffee")
    return response


def test_a_list_of_mails_tells_them_apart(office, answered):  # noqa: F811
    page = office.get(reverse("admin:surveys_message_changelist")).text
    assert all(f"…{str(pk)[-8:]}" in page for pk in Message.objects.values_list("pk", flat=True))
    assert "2026-03-10 13:00" in page
    assert "2026-03-10T13:00" not in page


def test_a_response_is_told_in_words(office, answered):  # noqa: F811
    for page in (
        office.get(reverse("admin:surveys_response_changelist")).text,
        office.get(reverse("admin:surveys_response_change", args=[answered.pk])).text,
    ):
        assert "receipt" in page
        assert "Simplified Chinese" in page
        assert ">zh-hans<" not in page
    assert "2026-03-10 13:00" in str(answered)  # the programme's time, not UTC
    assert "Cold coffee" in str(answered.answers.get())


def test_an_invitation_and_a_run_are_told_in_words(office, answered):  # noqa: F811
    page = office.get(reverse("admin:surveys_invitation_changelist")).text
    assert "Simplified Chinese" in page
    run = Run.objects.get()
    for address in (reverse("admin:surveys_run_changelist"), reverse("admin:surveys_run_change", args=[run.pk])):
        assert "2026-03-10T13:00" not in office.get(address).text


def test_the_list_of_cases_says_when_one_is_due_as_it_says_every_other_time(office, answered):  # noqa: F811
    Case.objects.create(customer=answered.customer, subject="Cold coffee", due_at=NOW)
    page = office.get(reverse("admin:surveys_case_changelist")).text
    assert '<span class="uncertain">March 10, 2026, 1 p.m. overdue</span>' in page


def test_a_link_is_called_by_the_words_for_its_place(office):  # noqa: F811
    link = make_link(channel="wechat")
    assert str(link).endswith("· WeChat")
    page = office.get(reverse("admin:surveys_surveylink_changelist"), headers={"accept-language": "zh-hans"}).text
    assert "微信" in page
    assert "wechat" not in page.replace("channel=wechat", "")
    assert "序号" not in page  # a place in the world, not in a row


def test_a_rating_of_zero_is_its_own_words():
    assert str(Answer(question_id=1, number=0)) == "1: 0"
