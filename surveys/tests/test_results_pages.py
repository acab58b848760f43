"""The pages of results, as staff open them."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.tests.factories import create_user
from surveys import responses
from surveys.models import Survey
from surveys.tests.factories import create_asker, create_run, create_survey

pytestmark = pytest.mark.django_db
PAGES = ("dashboard", "reach", "report")


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(create_user(email="owner@example.com", is_staff=True, is_superuser=True))
    return client


def log_in(*permissions: str) -> Client:
    user = create_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def answered(*, anonymity: str = "identified", answers: int = 12, survey: Survey | None = None) -> Survey:
    """A run whose invited have all answered, now."""
    now = timezone.now()
    survey = survey or create_survey(kinds=("nps", "choice", "text"), anonymity=anonymity)
    for _number in range(answers):
        create_asker()
    run = create_run(survey=survey, now=now, quarantine_days=0, hour_from=0, hour_until=24)
    run.messages.update(state="accepted")
    questions = list(run.version.questions.order_by("position"))
    for number, invitation in enumerate(run.invitations.filter(skip="")):
        values = dict(zip(questions, [9 - number % 4, number % 3, "The coffee was cold"], strict=True))
        responses.complete(invitation=invitation, values=values, language="en", now=now)
    return survey


def page(client: Client, survey: Survey, name: str, **query: str) -> str:
    answer = client.get(reverse(f"admin:surveys_survey_{name}", args=[survey.pk]), query)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_results_opens_without_inline_styles_in_both_languages(office, name):
    survey = answered()
    for language, word in (("en", "Results"), ("zh-hans", "结果")):
        office.cookies["django_language"] = language
        text = page(office, survey, name)
        assert word in text
        assert "style=" not in text.split("<main")[-1]


def test_the_dashboard_shows_score_interval_change_trend_and_splits(office):
    text = page(office, answered(), "dashboard", period="30")
    for words in (
        "mean 7.50",
        "with 95% certainty",
        "12 answers",
        "too few to build on",
        "How it went",
        "<polyline",
        "Coffee",
    ):
        assert words in text
    assert "By what made them answer" not in text  # one group only says nothing


def test_the_dashboard_is_narrowed_by_what_is_asked_and_ignores_nonsense(office):
    survey = answered()
    assert "12 answers" in page(office, survey, "dashboard", channel="email", mode="web", language="en")
    assert "0 answers" in page(office, survey, "dashboard", channel="wechat")
    assert "12 answers" in page(office, survey, "dashboard", channel="§", campaign="x", period="-5")


def test_who_answered_shows_the_funnel_and_the_mix(office):
    text = page(office, answered(), "reach")
    for words in ("100.0%", "12 of 12 whose mail arrived", "had never bought", "after a reminder", "no deliveries"):
        assert words in text


@pytest.mark.parametrize("anonymity", ["confidential", "anonymous"])
def test_a_promised_survey_shows_nothing_of_few(office, anonymity):
    few = answered(anonymity=anonymity, answers=4)
    for name in PAGES:
        text = page(office, few, name)
        assert "results are shown from 10 answers on" in text
        assert "Coffee" not in text
    many = answered(anonymity=anonymity)
    text = page(office, many, "dashboard")
    assert "Coffee" in text
    assert "scope-period" not in text


def test_pages_of_results_need_their_permission():
    survey = answered(answers=1)
    for name in PAGES:
        url = reverse(f"admin:surveys_survey_{name}", args=[survey.pk])
        assert log_in("view_survey").get(url).status_code == 403
        assert log_in("view_response").get(url).status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_more_answers_ask_no_more_questions(office, name, django_assert_max_num_queries):
    survey = answered(answers=10)
    page(office, survey, name)  # what the process keeps for ever
    with django_assert_max_num_queries(60) as first:
        page(office, survey, name)
    answered(survey=survey, answers=40)
    with django_assert_max_num_queries(len(first.captured_queries)):
        page(office, survey, name)
