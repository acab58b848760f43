"""Pages for when something went wrong."""

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.views.defaults import server_error


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


def test_refusals_share_one_look():
    assert "door" in render_to_string("403.html", {"request": None})
