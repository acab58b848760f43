"""The first page behind a mail's link is printed once for all, and shows nobody what is another's."""

import datetime as dt

import pytest
from django.test import Client

from customers import looks
from customers.models import Look
from rewards.tests.coupon_factories import create_batch
from surveys import links
from surveys.models import Intent, Invitation, Run, Survey
from surveys.tests.answering import answers, now, path, sent, today
from surveys.tests.factories import create_asker, create_questions, create_survey

pytestmark = pytest.mark.django_db


def two(**fields) -> tuple[Invitation, Invitation]:
    """Ask two people by one run."""
    create_asker()
    first = today(**fields)
    return first, first.run.invitations.exclude(pk=first.pk).get()


def body(invitation: Invitation, query: str = "", client: Client | None = None) -> str:
    """Return the page without what belongs to one request: the moment, and the person's own links."""
    page = (client or Client()).get(path(invitation) + query)
    assert page.status_code == 200
    kept, _begin, rest = page.text.partition('name="t" value="')
    text = (kept + rest.partition('"')[2]).replace(path(invitation), "LINK")
    return text.replace(links.preferences_url(invitation.pk), "WISHES")


@pytest.mark.parametrize("kinds", [("nps",), ("nps", "csat", "choice", "multiple", "text", "matrix", "ranking")])
def test_a_page_that_was_printed_costs_one_question_to_the_database(kinds, django_assert_num_queries):
    first, second = two(survey=create_survey(kinds=kinds))
    printed = body(first)
    with django_assert_num_queries(1):
        again = body(second)
    assert again == printed


def test_a_rating_link_costs_two_however_often_it_was_opened(django_assert_num_queries):
    first, second = two()
    body(first, "?a=9")
    for _time in range(60):
        with django_assert_num_queries(2):
            assert body(second, "?a=9").count(" checked") == 1
    assert Intent.objects.filter(invitation=second, value=9).count() == 50


def test_each_number_language_and_look_has_its_page():
    first, second = two()
    plain = body(first)
    assert " checked" not in plain
    assert "data-chosen" in body(second, "?a=0")
    assert body(second) == plain
    assert 'lang="zh-hans"' in body(second, "?lang=zh-hans")
    looks.keep(Look(name_en="Corner Shop", name_zh="街角小店"))
    assert "Corner Shop" in body(second)
    assert "街角小店" in body(second, "?lang=zh-hans")


def test_a_page_has_its_own_links_and_moment_and_no_nonce(still_clock):
    first, second = two()
    Client().get(path(first))
    page = Client().get(path(second))
    assert path(first) not in page.text
    assert f'href="{links.preferences_url(second.pk)}"' in page.text
    assert links.preferences_url(first.pk) not in page.text
    assert f'href="{path(second)}?lang=zh-hans"' in page.text
    assert "nonce" not in page.text
    odd = Client().get(path(second) + '?a="><b>&lang=en').text
    assert "<b>" not in odd


def test_what_somebody_has_begun_is_shown_to_nobody_else(client):
    questions = ({"kind": "nps"}, {"kind": "text", "is_required": True})
    first, second = two(survey=create_questions(*questions))
    nps, text = first.run.version.questions.order_by("position")
    fresh = body(second)
    client.post(path(first), sent({nps: "4", text: ""}, asked=[nps, text]))
    assert body(first).count(" checked") == 1
    assert body(second) == fresh


def test_who_has_answered_is_thanked_and_the_next_one_is_asked(client):
    first, second = two()
    fresh = body(second)
    client.post(path(first), answers(first, "9", ""))
    assert "You answered already" in body(first)
    assert body(second) == fresh


def test_a_closed_run_a_changed_title_and_used_up_thanks_are_seen_at_once(client):
    first, second = two(points=5, thanks_limit=1, coupon_batch=create_batch(name_en="Cake"))
    fresh = body(second)
    assert "5 points and a coupon: Cake" in fresh
    Survey.objects.update(title_en="Something else")
    assert "Something else" in body(second)
    client.post(path(first), answers(first, "9", ""))
    assert "we thank you" not in body(second)
    Run.objects.update(closes_at=now() + dt.timedelta(days=400))
    assert body(second) != fresh
    Run.objects.update(phase=Run.Phase.CLOSED)
    assert Client().get(path(second)).status_code == 404


def test_several_pages_begin_at_the_address_of_the_first():
    invitation = today(survey=create_questions({"kind": "nps"}, {"kind": "text", "begins_page": True}))
    for _time in range(2):
        page = Client().get(path(invitation) + "?a=7")
        assert page["Location"] == f"{path(invitation)}?a=7&p=1"
        assert "Page 1 of 2" in Client().get(page["Location"]).text
