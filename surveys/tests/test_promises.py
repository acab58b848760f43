"""What the page says about names is kept in the database too."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from rewards.models import PointTransaction
from surveys import responses
from surveys.models import Answer, Case, Intent, Response, RewardGrant
from surveys.tests.answering import answers, now, path, sent, today, unsubscribe_path
from surveys.tests.factories import create_asker, create_questions, create_run, create_survey

pytestmark = pytest.mark.django_db
LIKED = {"kind": "multiple", "key": "liked", "begins_page": True}


def anonymous_run(*, people: int, **fields):
    """Ask some people anonymously, by a run of today."""
    for number in range(people):
        create_asker(name=f"Person {number}")
    survey = create_survey(anonymity="anonymous")
    return create_run(now=now(), hour_from=0, hour_until=24, survey=survey, quick_seconds=0, **fields)


@pytest.mark.parametrize(
    ("anonymity", "sentence"),
    [
        ("identified", "together with your name"),
        ("confidential", "never who wrote them"),
        ("anonymous", "without anything that leads back to you"),
    ],
)
def test_the_page_says_what_happens_with_the_answers(client, anonymity, sentence):
    assert sentence in client.get(path(today(survey=create_survey(anonymity=anonymity)))).text


def test_a_confidential_answer_is_thanked_but_neither_named_nor_followed_up(client):
    invitation = today(survey=create_survey(anonymity="confidential"), points=5)
    client.post(path(invitation), answers(invitation, "0", "Awful"))
    assert Response.objects.get().customer is None
    assert Case.objects.count() == 0
    assert PointTransaction.objects.count() == 1


def test_an_anonymous_answer_is_thanked_and_leads_back_to_nobody(client):
    run = anonymous_run(people=12, points=5)
    first, *others = run.invitations.order_by("pk")
    client.get(f"{path(first)}?a=0")
    client.post(path(first), {"do": "look"})
    assert "Thank you!" in client.post(path(first), answers(first, "0", "Awful")).text
    for number, invitation in enumerate(others):
        client.post(path(invitation), answers(invitation, str(number % 11), ""))
    assert Response.objects.count() == PointTransaction.objects.count() == RewardGrant.objects.count() == 12
    assert Case.objects.count() == Intent.objects.count() == 0
    rows = Response.objects.values_list(
        "invitation", "customer", "by", "started_at", "completed_at", "seconds", "page", "flags", "run"
    )
    # All alike: no column of the table tells one person's answers from another's.
    assert {repr(row) for row in rows} == {
        repr((None, None, None, run.planned_at, run.planned_at, None, 0, [], run.pk))
    }
    # Nor does the order of the keys, by which the points of the twelve were booked.
    answered = Answer.objects.filter(question__kind="nps").order_by("pk").values_list("number", flat=True)
    assert all(pk < 0 for pk in Answer.objects.values_list("pk", flat=True))
    assert sorted(answered) == sorted([0, *range(11)])
    assert list(answered) != [0, *range(11)]


def test_an_anonymous_answer_among_few_does_not_even_name_the_run(client):
    run = anonymous_run(people=9)
    invitation = run.invitations.first()
    client.post(path(invitation), answers(invitation, "9", ""))
    response = Response.objects.get()
    assert (response.run, response.campaign) == (None, run.campaign)
    assert response.completed_at == run.campaign.created_at


def test_an_anonymous_survey_is_answered_once(client):
    invitation = today(survey=create_survey(anonymity="anonymous"), points=5, quick_seconds=0)
    client.post(path(invitation), answers(invitation, "9", ""))
    assert "You answered already" in client.post(path(invitation), answers(invitation, "1", "")).text
    assert "You answered already" in client.get(path(invitation)).text
    assert Response.objects.count() == PointTransaction.objects.count() == 1
    assert responses.complete(invitation=invitation, values={}, language="en", now=now()) is None


def test_an_anonymous_survey_keeps_nothing_before_the_end_and_carries_the_pages_along(client):
    survey = create_questions({"kind": "nps", "is_required": True}, {"kind": "matrix", "begins_page": True}, LIKED,
                              anonymity="anonymous")  # fmt: skip
    invitation = today(survey=survey)
    nps, matrix, liked = invitation.run.version.questions.order_by("position")
    first = sent({nps: "3"}, asked=[nps])
    page = client.post(path(invitation), first)
    assert (page.status_code, "Page 2 of 3" in page.text) == (200, True)
    assert f'<input type="hidden" name="q{nps.pk}" value="3">' in page.text
    second = first | sent({matrix: {0: "2"}}, asked=[matrix], page=1)
    page = client.post(path(invitation), second)
    assert f'<input type="hidden" name="q{matrix.pk}_0" value="2">' in page.text
    back = client.post(path(invitation), second | sent({liked: ["1"]}, asked=[liked], page=2) | {"do": "back"})
    assert f'<input type="hidden" name="q{liked.pk}" value="1">' in back.text
    assert client.post(path(invitation), first | {"do": "keep"}).status_code == 204
    assert Response.objects.count() == Answer.objects.count() == 0
    assert "Page 1 of 3" in Client().get(path(invitation)).text
    assert "Thank you!" in client.post(path(invitation), second | sent({liked: ["1"]}, asked=[liked], page=2)).text
    found = Answer.objects.order_by("question__position").values_list("number", "chosen")
    assert list(found) == [(3, None), (None, [2, None]), (None, [1])]


def test_a_forged_carried_answer_counts_for_nothing(client):
    invitation = today(survey=create_questions({"kind": "nps"}, LIKED, anonymity="anonymous"))
    nps, liked = invitation.run.version.questions.order_by("position")
    client.post(path(invitation), sent({nps: "99", liked: ["0"]}, asked=[liked], page=1))
    assert Answer.objects.get().question == liked


@pytest.mark.parametrize("field", ["invitation", "customer"])
def test_the_database_refuses_an_anonymous_answer_of_somebody(client, field):
    invitation = today(survey=create_survey(anonymity="anonymous"))
    client.post(path(invitation), answers(invitation, "9", ""))
    value = invitation if field == "invitation" else invitation.customer
    with pytest.raises(IntegrityError), transaction.atomic():
        Response.objects.update(**{field: value})


def test_who_answered_anonymously_is_left_in_peace(client):
    invitation = today(survey=create_survey(anonymity="anonymous"))
    client.post(path(invitation), answers(invitation, "9", ""))
    later = create_run(now=now() + dt.timedelta(days=45), name="Next")
    assert later.invitations.get(customer=invitation.customer).skip == "already_answered"


def test_a_forwarded_link_shows_nothing_of_the_person(client):
    alice = create_asker(name="Alice Liddell", email="alice@shop.example", phone="+493012345")
    invitation = today(customer=alice)
    for address in (path(invitation), unsubscribe_path(invitation)):
        page = client.get(address).text
        assert not any(secret in page for secret in ("Alice", "alice@", alice.member_number, "3012345"))
