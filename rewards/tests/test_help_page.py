"""What the help page says, in the shop's own figures."""

import datetime as dt

import pytest
from django.utils import translation

from customers.tests.factories import NOON, create_store, create_user
from rewards import explaining, rules
from rewards.models import EarningRule, Tier

pytestmark = pytest.mark.django_db
Expiry = EarningRule.Expiry


def publish(**fields) -> EarningRule:
    rule = EarningRule.objects.create(**{"name_en": "Rule", "created_at": NOON} | fields)
    return rules.publish(rule=rule, now=NOON, by=create_user(is_staff=True))


def test_the_page_is_open_to_everybody_and_speaks_of_the_rules_in_force(client):
    publish(key="amount", kind="amount", points=2, per_amount=300)
    publish(key="hello", kind="event", event="sign_up", points=50)
    publish(key="feast", kind="event", event="birthday", points=1)
    rules.retire(rule=publish(key="gone", kind="visit", points=77), now=NOON)
    create_store(kind="web", pending_days=7)
    Tier.objects.create(code="gold", name_en="Gold", rank=1, threshold=80000, multiplier=12500)
    page = client.get("/help/").content.decode()
    for words in (
        "2 points for every €3.00", "50 points for joining", "1 point on your birthday", "after up to 7 days",
        "100 points pay €1.00", "Points last 12 months, and then to the end of that month",
        "€800.00 of purchases in twelve months. Purchases earn 25% more points.", "hello@shop.example",
    ):  # fmt: skip
        assert words in page
    assert "77 points" not in page  # a bare 77 can stand in a form token


def test_a_programme_without_rules_has_a_page(client):
    page = client.get("/help/").content.decode()
    assert "Points do not expire" in page
    assert "Tiers" not in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"expiry": Expiry.ROLLING, "expiry_months": 1}, "Points last 1 month."),
        ({"expiry": Expiry.INACTIVITY, "expiry_months": 6}, "Points last until 6 months after your last visit."),
        ({"expiry": Expiry.FIXED, "expiry_date": dt.date(2027, 12, 31)}, "Points last until 31 Dec 2027."),
        ({"expiry": Expiry.NEVER}, "Points do not expire."),
    ],
)
def test_each_way_to_expire_has_its_sentence(fields, sentence):
    found = [publish(key=f"r{n}", kind="visit", points=1, **fields) for n in range(2)]
    assert explaining.expiry_sentences(rules=found, now=NOON) == [sentence]


def test_rules_of_a_place_say_so_and_rules_of_another_time_are_left_out():
    here = publish(key="here", kind="visit", points=1, store=create_store(name_en="Mitte"))
    later = publish(key="later", kind="visit", points=9, starts_at=NOON + dt.timedelta(days=3))
    assert explaining.earning_sentences(rules=[here, later], now=NOON) == ["1 point for every visit (Mitte)"]
    with translation.override("zh-hans"):
        assert explaining.earning_sentences(rules=[here], now=NOON) == ["每次光顾得 1 积分 (Mitte)"]
