"""The page behind the link: for people, not for scanners."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from customers.models import Consent
from rewards.models import Assignment, PointTransaction
from rewards.tests.surprise_factories import create_surprise
from surveys import responses, runs
from surveys.models import Answer, Case, Invitation, Response, Suppression
from surveys.tests.answering import answers, path, today, unsubscribe_path
from surveys.tests.factories import create_asker, create_survey

pytestmark = pytest.mark.django_db
ALL_KINDS = (
    "nps",
    "csat",
    "ces",
    "stars",
    "choice",
    "multiple",
    "text",
    "number",
    "date",
    "scale",
    "matrix",
    "ranking",
)


def now() -> dt.datetime:
    """The pages look at the clock, so these runs are of today."""
    return dt.datetime.now(dt.UTC)


def test_every_kind_of_question_is_answered_and_recorded(client):
    invitation = today(survey=create_survey(kinds=ALL_KINDS))
    sent = answers(invitation, "9", "5", "7", "4", "1", ["0", "2"], "Lovely", "3", "2026-11-22", "6", {0: "2"},
                   {0: "3", 1: "1", 2: "2"})  # fmt: skip
    assert client.post(path(invitation), sent).status_code == 200
    recorded = Answer.objects.order_by("question__position").values_list("number", "chosen", "text")
    assert list(recorded) == [
        (9, None, ""), (5, None, ""), (7, None, ""), (4, None, ""), (None, [1], ""),
        (None, [0, 2], ""), (None, None, "Lovely"), (3, None, ""), (None, None, "2026-11-22"),
        (6, None, ""), (None, [2, None], ""), (None, [1, 2, 0], ""),
    ]  # fmt: skip
    response = Response.objects.get()
    assert (response.customer, response.language, response.channel) == (invitation.customer, "en", "email")


def test_zero_is_an_answer(client):
    invitation = today()
    assert client.post(path(invitation), answers(invitation, "0", "")).status_code == 200
    assert Answer.objects.get().number == 0


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("",), "Please answer this question."),
        (("11",), "Choose one of the answers shown."),
        (("-1",), "Choose one of the answers shown."),
        (("５",), "Choose one of the answers shown."),
        (("9", "6"), "Choose one of the answers shown."),
        (("9", "", "", "", "", ["0", "9"]), "Choose among the answers shown."),
        (("9", "", "", "", "", [], "x" * 5001), "This is too long: at most 5000 characters."),
        (("9", "", "", "", "", [], "", "3.5"), "Write a whole number, such as 3."),
        (("9", "", "", "", "", [], "", "", "2026-02-30"), "Write a date such as 2026-11-22."),
    ],
)
def test_a_wrong_answer_is_explained_and_only_the_right_ones_are_kept(client, values, sentence):
    invitation = today(survey=create_survey(kinds=ALL_KINDS), points=5)
    page = client.post(path(invitation), answers(invitation, *values))
    assert page.status_code == 200
    assert sentence in page.text
    assert Response.objects.get().completed_at is None
    assert PointTransaction.objects.count() == 0
    kept = Answer.objects.values_list("question__position", "number")
    assert list(kept) == ([(1, 9)] if values[0] == "9" else [])
    assert client.post(path(invitation), answers(invitation, "9")).status_code == 200


def test_scanners_that_press_every_link_record_nothing(client):
    invitation = today(points=5)
    for _twice in range(2):
        for number in range(11):
            for method in (client.get, client.head):
                assert method(f"{path(invitation)}?a={number}").status_code == 200
        for method in (client.get, client.head):
            assert method(unsubscribe_path(invitation)).status_code == 200
    assert Response.objects.count() == Suppression.objects.count() == PointTransaction.objects.count() == 0
    assert Consent.objects.filter(is_granted=False).count() == 0
    page = client.get(f"{path(invitation)}?a=9").text
    assert 'value="9" id=' in page
    assert page.count(" checked") == 1
    assert client.post(path(invitation), answers(invitation, "9")).status_code == 200


@pytest.mark.parametrize("value", ["11", "-1", "x", "", "٣", "9" * 100, "<script>"])
def test_a_rating_that_is_none_preselects_nothing(client, value):
    page = client.get(path(today()), {"a": value})
    assert " checked" not in page.text
    assert "<script>" not in page.text.replace("<script src", "")


def test_pressing_twice_answers_once_and_thanks_once(client):
    invitation = today(points=5)
    client.post(path(invitation), answers(invitation, "9"))
    again = client.post(path(invitation), answers(invitation, "1"))
    assert "You answered already, thank you!" in again.text
    assert Answer.objects.get().number == 9
    assert PointTransaction.objects.count() == 1
    assert Case.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_pressing_many_times_at_once_answers_once_and_thanks_once():
    invitation = today(points=5)

    def press(number: int) -> int:
        try:
            return Client().post(path(invitation), answers(invitation, str(number))).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(press, range(8))) == {200}
    assert Response.objects.count() == Answer.objects.count() == 1
    assert [row.points for row in PointTransaction.objects.all()] == [5]


def test_the_page_says_what_happens_with_the_answers(client):
    assert "together with your name" in client.get(path(today())).text
    confidential = today(survey=create_survey(anonymity="confidential"))
    assert "never who wrote them" in client.get(path(confidential)).text


def test_a_confidential_answer_is_thanked_but_neither_named_nor_followed_up(client):
    invitation = today(survey=create_survey(anonymity="confidential"), points=5)
    client.post(path(invitation), answers(invitation, "0", "Awful"))
    assert Response.objects.get().customer is None
    assert Case.objects.count() == 0
    assert PointTransaction.objects.count() == 1


@pytest.mark.parametrize(
    ("kinds", "value", "cases"),
    [(("nps",), "6", 1), (("nps",), "7", 0), (("csat",), "2", 1), (("csat",), "3", 0), (("stars",), "1", 0)],
)
def test_an_unhappy_answer_opens_a_case(client, kinds, value, cases):
    invitation = today(survey=create_survey(kinds=kinds))
    client.post(path(invitation), answers(invitation, value))
    assert Case.objects.count() == cases


@pytest.mark.parametrize(("value", "drawn"), [("2", 1), ("9", 0)])
def test_an_unhappy_answer_may_be_followed_by_a_surprise_once(client, django_capture_on_commit_callbacks, value, drawn):
    create_surprise(trigger="unhappy", now=now() - dt.timedelta(days=1))
    alice = create_asker(enrolled_at=now() - dt.timedelta(days=9))
    invitation = today(survey=create_survey(kinds=("nps",)), customer=alice)
    for _again in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            client.post(path(invitation), answers(invitation, value))
    assert Assignment.objects.filter(customer=alice, key__startswith=f"unhappy:{alice.pk}:").count() == drawn


def test_the_page_speaks_the_language_of_the_mail_and_switches_without_a_cookie(client):
    invitation = today(customer=create_asker(language="zh-hans"))
    page = client.get(path(invitation), {"a": "3"})
    assert '<html lang="zh-hans">' in page.text
    assert "问题1" in page.text
    english = client.get(path(invitation), {"a": "3", "lang": "en"})
    assert '<html lang="en">' in english.text
    assert "?a=3&amp;lang=zh-hans" in english.text
    assert client.cookies == {}


def test_the_page_is_private(client):
    invitation = today()
    for page in (client.get(path(invitation)), client.get("/s/nonsense/"), client.get(unsubscribe_path(invitation))):
        assert page["Cache-Control"] == "no-store"
        assert page["Referrer-Policy"] == "no-referrer"
        assert "noindex" in page["X-Robots-Tag"]


def test_a_forwarded_link_shows_nothing_of_the_person(client):
    alice = create_asker(name="Alice Liddell", email="alice@shop.example", phone="+493012345")
    page = client.get(path(today(customer=alice))).text
    assert not any(secret in page for secret in ("Alice", "alice@", alice.member_number, "3012345"))


def test_wrong_closed_and_skipped_links_show_the_same_page(client):
    def page(address: str) -> tuple[int, str]:
        answer = client.get(address)
        return answer.status_code, answer.text

    closed, skipped = today(), today()
    runs.close(run=closed.run, now=now())
    Invitation.objects.filter(pk=skipped.pk).update(skip="quarantine")
    wrong = page("/s/" + "A" * 47 + "/")
    assert wrong[0] == 404
    assert page(path(closed)) == page(path(skipped)) == wrong
    assert client.post(path(closed), answers(closed, "9")).status_code == 404
    assert Response.objects.count() == 0


def test_the_links_of_a_cancelled_run_can_still_be_answered(client):
    invitation = today()
    runs.cancel(run=invitation.run, now=now())
    assert client.post(path(invitation), answers(invitation, "9")).status_code == 200


def test_answering_after_the_time_is_refused_by_the_domain_too():
    invitation = today(answer_days=1)
    with pytest.raises(responses.InvitationClosed):
        responses.complete(invitation=invitation, values={}, language="en", now=now() + dt.timedelta(days=2))


def test_other_methods_are_refused(client):
    assert client.put(path(today())).status_code == 405


# One-click unsubscribing


def test_one_click_unsubscribes_without_cookie_token_or_redirect():
    invitation = today()
    client = Client(enforce_csrf_checks=True)
    for _twice in range(2):
        done = client.post(unsubscribe_path(invitation), {"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
    assert "You get no more survey mails" in done.text
    [withdrawn] = Consent.objects.filter(is_granted=False)
    assert (withdrawn.customer, withdrawn.purpose) == (invitation.customer, "surveys")
    [suppressed] = Suppression.objects.all()
    assert (suppressed.scope, suppressed.reason) == ("surveys", "unsubscribed")
    assert client.cookies == {}


def test_the_unsubscribe_link_works_for_ever(client):
    invitation = today()
    runs.close(run=invitation.run, now=now())
    assert client.post(unsubscribe_path(invitation)).status_code == 200
    assert Suppression.objects.count() == 1


def test_an_answer_link_does_not_unsubscribe(client):
    invitation = today()
    token = path(invitation).split("/")[2]
    assert client.post(f"/u/{token}/").status_code == 404
    assert Suppression.objects.count() == 0
