"""The page of surveys that wait: one's own, open, unanswered, and with the promise of the survey."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from customers.models import Customer
from customers.tests.factories import create_user
from surveys import links, responses
from surveys.models import Invitation, Message, Run
from surveys.tests.factories import create_asker, create_survey, invite

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Customer:
    return create_asker(name="Alice", language="en", user=create_user(email="alice@example.com"))


@pytest.fixture
def hers(alice) -> Client:
    client = Client()
    client.force_login(alice.user)
    return client


def mailed(customer: Customer, **fields) -> Invitation:
    now = timezone.now()
    invitation = invite(now=now, customer=customer, hour_from=0, hour_until=24, **fields)
    Message.objects.filter(invitation=invitation).update(state=Message.State.ACCEPTED, lease_until=None)
    return invitation


@pytest.mark.parametrize("anonymity", ["identified", "confidential", "anonymous"])
def test_a_survey_waits_until_it_is_answered_whatever_it_promises(alice, hers, anonymity):
    survey = create_survey(kinds=("nps",), anonymity=anonymity)
    invitation = mailed(alice, survey=survey, points=50)
    page = hers.get("/surveys/").content.decode()
    token = links.token(purpose=links.Purpose.ANSWER, invitation_id=invitation.pk)
    assert f"/s/{token}/" in page
    assert "50 points for your answers" in page
    assert (anonymity in page) is (anonymity != "identified")
    (question,) = invitation.run.version.questions.all()
    responses.complete(invitation=invitation, values={question: 9}, language="en", now=timezone.now())
    assert "Nothing to answer" in hers.get("/surveys/").content.decode()
    assert hers.get("/").context["suggestion"].icon != "speech"


def test_what_is_closed_or_somebody_elses_does_not_wait(alice, hers):
    mailed(create_asker(name="Bob"))
    closed = mailed(alice)
    Run.objects.filter(pk=closed.run_id).update(closes_at=timezone.now() - dt.timedelta(seconds=1))
    assert hers.get("/surveys/").context["rows"] == []
