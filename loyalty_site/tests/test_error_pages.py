"""Pages for when something went wrong."""

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation
from django.views.defaults import server_error

from customers.tests.factories import create_user

LEADS_HOME = 'class="btn btn-primary" href="/"'


@pytest.mark.django_db
def test_a_lost_page_leads_home_in_both_languages(client):
    assert "This page does not exist" in client.get("/nonsense/").content.decode()
    client.cookies["django_language"] = "zh-hans"
    answer = client.get("/nonsense/")
    assert answer.status_code == 404
    assert "找不到这个页面" in answer.content.decode()


@pytest.mark.django_db
def test_a_form_without_its_token_is_refused_kindly():
    answer = Client(enforce_csrf_checks=True).post("/i18n/", {"language": "en"})
    assert answer.status_code == 403
    assert "Please try again" in answer.content.decode()


def test_a_breakdown_asks_nothing_of_the_database(rf):
    page = server_error(rf.get("/")).content.decode()
    assert "Something went wrong" in page
    assert "出错了" in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words", "place"),
    [("en", "Too many tries for now", "198.51.100.1"), ("zh-hans", "尝试次数过多", "198.51.100.2")],
)
def test_who_tries_too_often_is_told_kindly(client, settings, language, words, place):
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    client.cookies["django_language"] = language
    for _try in range(2):
        answer = client.post("/accounts/login/", {"login": "x", "password": "x"}, REMOTE_ADDR=place)
    assert answer.status_code == 429
    assert words in answer.text
    assert f'<html lang="{language}">' in answer.text
    assert LEADS_HOME in answer.text


@pytest.mark.django_db
def test_a_request_that_cannot_be_read_is_answered_in_both_languages(client, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    answer = client.get("/help/", headers={"host": "nonsense.example"})
    assert answer.status_code == 400
    assert "That did not work" in answer.text
    assert "没有成功" in answer.text


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    ("name", "way_on"),
    [(name, LEADS_HOME) for name in ("400", "403", "403_csrf", "404", "429", "500")]
    + [("offline", 'href="">Try again')],
)
def test_every_page_for_trouble_says_a_way_on(rf, language, name, way_on):
    request = rf.get("/")
    request.user = AnonymousUser()
    with translation.override(language):
        page = render_to_string(f"{name}.html", request=request)
    assert page.startswith("<!doctype html>")
    assert way_on in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/accounts/login/code/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]
)
def test_pages_carry_a_strict_policy_and_nothing_that_it_forbids(client, path):
    answer = client.get(path)
    page = answer.content.decode()
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert " style=" not in page
    assert "<style" not in page
    assert " onclick=" not in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "titles"),
    [
        ("en", ["This page is not open to you", "Please try again", "This page does not exist"]),
        ("zh-hans", ["您无法打开此页面", "请重试", "找不到这个页面"]),
    ],
)
def test_refusals_share_one_look(language, titles):
    headers = {"accept-language": language}
    client = Client(headers=headers, enforce_csrf_checks=True)
    client.force_login(create_user())
    answers = [client.get("/insights/"), client.post("/i18n/", {"language": "en"}), client.get("/nonsense/")]
    assert [answer.status_code for answer in answers] == [403, 403, 404]
    for answer, title in zip(answers, titles, strict=True):
        page = answer.content.decode()
        assert re.search(rf'<div class="door">.*<h1>{title}</h1><p>[^<]+</p><a class="btn btn-primary" href="/">', page)
        assert page.count("<h1") == 1
