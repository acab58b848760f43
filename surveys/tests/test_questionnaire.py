"""Answering page by page, without script: steps, branches, repeated answers, the way back, another device."""

import re

import pytest
from django.test import Client

from customers.tests.factories import create_user
from surveys import links, trials
from surveys.models import Answer, Response
from surveys.tests.answering import clock, now, path, sent, today
from surveys.tests.factories import create_questions, create_survey

pytestmark = pytest.mark.django_db
WHY = {
    "kind": "text",
    "key": "why",
    "text_en": "Why only {nps}?",
    "show_if_key": "nps",
    "show_if_test": "at_most",
    "show_if_values": "6",
}
WHY_HERE = {**WHY, "text_en": "Why?", "is_required": True}
LIKED = {"kind": "multiple", "key": "liked", "begins_page": True}


def questions_of(invitation):
    return list(invitation.run.version.questions.order_by("position"))


def test_a_question_called_for_on_the_same_page_is_asked_in_a_second_step(client):
    invitation = today(survey=create_questions({"kind": "nps", "is_required": True}, WHY_HERE))
    nps, why = questions_of(invitation)
    first = client.get(path(invitation)).text
    assert re.search(rf'id="q{why.pk}-question"[^>]* hidden disabled', first)
    again = client.post(path(invitation), sent({nps: "3"}, asked=[nps]))
    assert "Your answer brings up another question." in again.text
    assert not re.search(rf'id="q{why.pk}-question"[^>]* hidden', again.text)
    assert Response.objects.get().completed_at is None
    assert "Please answer this question." in client.post(path(invitation), sent({nps: "3"}, asked=[nps, why])).text
    done = client.post(path(invitation), sent({nps: "3", why: "Cold"}, asked=[nps, why]))
    assert "Thank you!" in done.text
    assert Answer.objects.count() == 2


def test_who_is_content_is_not_asked_why(client):
    invitation = today(survey=create_questions({"kind": "nps"}, WHY_HERE))
    nps, _why = questions_of(invitation)
    assert "Thank you!" in client.post(path(invitation), sent({nps: "9"}, asked=[nps])).text
    assert Answer.objects.get().question == nps


def test_an_answer_to_a_question_that_is_no_longer_asked_is_dropped(client):
    invitation = today(survey=create_questions({"kind": "nps"}, WHY_HERE))
    nps, why = questions_of(invitation)
    client.post(path(invitation), sent({nps: "3", why: ""}, asked=[nps, why]))
    client.post(path(invitation), sent({nps: "9", why: "Cold"}, asked=[nps, why]))
    assert Response.objects.get().completed_at is not None
    assert Answer.objects.get().question == nps


def test_pages_follow_each_other_by_address_and_the_way_back_keeps_what_was_said(client):
    invitation = today(survey=create_questions({"kind": "nps", "is_required": True}, WHY, LIKED))
    nps, why, liked = questions_of(invitation)
    step = client.post(path(invitation), sent({nps: "3"}, asked=[nps]))
    assert (step.status_code, step["Location"]) == (303, f"{path(invitation)}?p=2")
    second = client.get(step["Location"]).text
    assert "Why only 3?" in second
    assert "Page 2 of 3" in second
    back = client.post(step["Location"], sent({why: "Cold"}, asked=[why], page=1) | {"do": "back"})
    assert back["Location"] == f"{path(invitation)}?p=1"
    assert client.get(back["Location"]).text.count(" checked") == 1
    # A better number now: the page in between is passed over, and what was said on it is dropped.
    step = client.post(path(invitation), sent({nps: "9"}, asked=[nps]))
    assert step["Location"] == f"{path(invitation)}?p=3"
    client.post(step["Location"], sent({liked: ["0"]}, asked=[liked], page=2))
    assert sorted(Answer.objects.values_list("question__key", flat=True)) == ["liked", "nps"]


def test_a_survey_is_gone_on_with_on_another_device(client):
    invitation = today(survey=create_questions({"kind": "nps"}, {"kind": "text", "begins_page": True}, LIKED))
    nps, text, liked = questions_of(invitation)
    client.post(path(invitation), sent({nps: "0"}, asked=[nps]))
    client.post(path(invitation), sent({text: "Half"}, asked=[text], page=1))
    other = Client()
    assert "Page 3 of 3" in other.get(path(invitation), follow=True).text
    assert "Half" in other.get(path(invitation), {"p": "2"}).text
    assert "Thank you!" in other.post(path(invitation), sent({liked: []}, asked=[liked], page=2)).text
    assert {a.question.key: a.number if a.number is not None else a.text for a in Answer.objects.all()} == {
        "nps": 0, "text": "Half",
    }  # fmt: skip


@pytest.mark.parametrize("page", ["3", "99", "x", "-1", "2²", ""])
def test_nobody_jumps_ahead(client, page):
    invitation = today(survey=create_questions({"kind": "nps", "is_required": True}, LIKED))
    assert "Page 1 of 2" in client.get(path(invitation), {"p": page}, follow=True).text


def test_who_sends_the_last_page_first_is_led_to_what_is_missing(client):
    invitation = today(survey=create_questions({"kind": "nps", "is_required": True}, LIKED))
    _nps, liked = questions_of(invitation)
    step = client.post(path(invitation), sent({liked: ["0"]}, asked=[liked], page=1))
    assert step["Location"] == f"{path(invitation)}?p=1"
    assert Response.objects.filter(completed_at__isnull=False).count() == 0


def test_a_repeated_answer_is_escaped(client):
    again = {"kind": "number", "text_en": "You wrote {text} and {text}?"}
    invitation = today(survey=create_questions({"kind": "text"}, again))
    text, _number = questions_of(invitation)
    step = client.post(path(invitation), sent({text: "<script>alert(1)</script>{nps}"}, asked=[text]))
    page = client.get(step["Location"]).text
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;{nps}") >= 2


def test_a_matrix_and_a_ranking_say_what_is_missing(client):
    fields = {"is_required": True}
    invitation = today(survey=create_questions({"kind": "matrix", **fields}, {"kind": "ranking", **fields}))
    both = matrix, ranking = questions_of(invitation)
    page = client.post(path(invitation), sent({matrix: {0: "1"}, ranking: {0: "1", 1: "1", 2: "2"}}, asked=both)).text
    assert "Please answer every row." in page
    assert "Give every line a place of its own, or none at all." in page
    page = client.post(path(invitation), sent({matrix: {0: "1", 1: "3"}, ranking: {}}, asked=both)).text
    assert "Choose one of the answers shown." in page
    assert "Please answer this question." in page
    done = client.post(
        path(invitation), sent({matrix: {0: "1", 1: "0"}, ranking: {0: "2", 1: "3", 2: "1"}}, asked=both)
    )
    assert "Thank you!" in done.text
    assert list(Answer.objects.order_by("question__position").values_list("chosen", flat=True)) == [[1, 0], [2, 0, 1]]


@pytest.mark.parametrize(
    ("value", "sentence"), [("0", "At least 1, please."), ("11", "At most 10, please."), ("10", "")]
)
def test_a_number_stays_within_its_bounds(client, value, sentence):
    invitation = today(survey=create_questions({"kind": "number", "least": 1, "most": 10}))
    [number] = questions_of(invitation)
    assert (sentence or "Thank you!") in client.post(path(invitation), sent({number: value}, asked=[number])).text


@pytest.mark.usefixtures("still_clock")
def test_the_way_of_answering_is_told_from_viewed_to_completed(client):
    invitation = today(survey=create_questions({"kind": "nps"}, LIKED))
    nps, liked = questions_of(invitation)
    client.get(path(invitation))
    assert client.post(path(invitation), {"do": "look"}).status_code == 204
    invitation.refresh_from_db()
    viewed_at = invitation.viewed_at
    assert viewed_at is not None
    client.post(path(invitation), {"do": "look"})
    client.post(path(invitation), sent({nps: "9"}, asked=[nps], seconds=7))
    response = Response.objects.get()
    assert (response.page, response.seconds, response.completed_at) == (1, 7, None)
    client.post(path(invitation), sent({liked: ["0"]}, asked=[liked], page=1, seconds=5))
    response.refresh_from_db()
    invitation.refresh_from_db()
    assert (response.seconds, invitation.viewed_at) == (12, viewed_at)
    assert response.completed_at is not None


def test_who_would_rather_not_answer_is_left_alone_and_may_change_their_mind(client):
    invitation = today()
    assert "That is fine" in client.post(path(invitation), {"do": "decline"}).text
    declined_at = Response.objects.get().declined_at
    client.post(path(invitation), {"do": "decline"})
    assert Response.objects.get().declined_at == declined_at
    nps, text = questions_of(invitation)
    assert "Thank you!" in client.post(path(invitation), sent({nps: "9"}, asked=[nps, text])).text
    response = Response.objects.get()
    assert response.declined_at is None
    assert response.completed_at is not None


@pytest.mark.parametrize("forged", ["", "x", "1", clock(-10_000)], ids=["none", "letter", "number", "future"])
def test_a_forged_clock_tells_no_time(client, forged):
    invitation = today()
    nps, text = questions_of(invitation)
    client.post(path(invitation), sent({nps: "9"}, asked=[nps, text]) | {"t": forged})
    assert Response.objects.get().seconds == 0


def test_a_test_is_answered_like_any_survey_marked_and_never_counted(client):
    survey = create_survey()
    version = survey.versions.get()
    response = trials.begin(version=version, by=create_user(is_staff=True), language="en", now=now())
    url = links.test_url(response.pk).removeprefix("http://localhost:8000")
    assert "This is a test" in client.get(url).text
    nps, text = version.questions.order_by("position")
    assert "nothing of it is counted" in client.post(url, sent({nps: "1"}, asked=[nps, text])).text
    response.refresh_from_db()
    assert response.is_test
    assert response.completed_at is not None
    assert Response.objects.completed().count() == 0
    token = url.split("/")[2]
    assert client.get(f"/s/{token}/").status_code == 404
    Response.objects.update(started_at=now() - trials.LASTS)
    assert client.get(url).status_code == 404
