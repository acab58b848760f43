"""What saved filters ask about surveys: the newest recommendation of each customer, never of a confidential survey."""

import datetime as dt

import pytest

from customers import segments
from customers.models import Customer, SavedFilter
from customers.tests.factories import create_customer
from rewards import coupons, redemption
from rewards.tests.coupon_factories import create_batch
from surveys.models import Answer, Response, Survey
from surveys.tests.factories import NOW, create_survey

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def say(customer: Customer, survey: Survey, number: int, *, days_ago: int = 1, is_test: bool = False) -> None:
    version = survey.versions.get()
    question = version.questions.get(kind="nps")
    at = NOW - days_ago * DAY
    response = Response.objects.create(
        version=version, customer=customer, language="en", started_at=at, completed_at=at, is_test=is_test
    )
    Answer.objects.create(response=response, question=question, number=number)


def names(**conditions: object) -> set[str]:
    saved = SavedFilter.objects.create(code=f"f{SavedFilter.objects.count()}", name_en="x", conditions=conditions)
    return set(segments.members(saved.key, now=NOW).values_list("name", flat=True))


def test_the_newest_recommendation_counts():
    survey = create_survey()
    alice, bob, charlie, dora = (
        create_customer(name=name, enrolled_at=NOW - 90 * DAY) for name in ("A", "B", "C", "D")
    )
    say(alice, survey, 3, days_ago=40)
    say(alice, survey, 10)
    say(bob, survey, 6)
    say(charlie, survey, 7)
    say(dora, survey, 9, is_test=True)
    assert names(recommends="promoters") == {"A"}
    assert names(recommends="passives") == {"C"}
    assert names(recommends="detractors") == {"B"}


def test_a_confidential_survey_tells_nobody():
    survey = create_survey(anonymity=Survey.Anonymity.CONFIDENTIAL)
    say(create_customer(enrolled_at=NOW - DAY), survey, 10)
    assert names(recommends="promoters") == set()


def test_a_used_coupon_can_be_asked_until_it_is_returned():
    batch = create_batch()
    customer = create_customer(name="A", enrolled_at=NOW - DAY)
    coupon = coupons.issue(batch=batch, customer=customer, source="x", now=NOW - DAY)
    assert names(coupon_used=batch.pk) == set()
    redemption.redeem(coupon=coupon, request_key="1", now=NOW, customer=customer, basket=5_000)
    assert names(coupon_used=batch.pk) == {"A"}
    coupon.redemptions.update(returned_at=NOW, return_key="2")
    assert names(coupon_used=batch.pk) == set()
