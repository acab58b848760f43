"""Rules that hold at certain hours of the store's clock. docs/points.md#when"""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from customers.models import Product
from customers.tests.factories import create_customer, create_store, create_user
from rewards import checkout, earning, returns, sale
from rewards.earning import Basket, BasketLine
from rewards.models import EarningRule, PointBalance, PointTransaction
from rewards.statement import reasons_of
from rewards.tests.factories import create_rule


def rule(**fields) -> EarningRule:
    return EarningRule(key="base", name_en="base", kind="amount", points=1, per_amount=100, **fields)


def points_at(moment: str, *rules: EarningRule, time_zone: str = "Europe/Berlin") -> int:
    basket = Basket(
        store_id=1, time_zone=time_zone, occurred_at=dt.datetime.fromisoformat(moment), lines=[BasketLine(1, None, 1, 1000)]
    )  # fmt: skip
    return earning.earn(basket=basket, rules=rules).points


def hours(start: str, end: str, **fields) -> EarningRule:
    return rule(from_time=dt.time.fromisoformat(start), until_time=dt.time.fromisoformat(end), **fields)


# 10 March 2026 is a Tuesday; Berlin is one hour ahead of UTC.
@pytest.mark.parametrize(
    ("window", "moment", "points"),
    [
        (("14:00", "17:00"), "2026-03-10T12:59:59+00:00", 0),
        (("14:00", "17:00"), "2026-03-10T13:00:00+00:00", 10),
        (("14:00", "17:00"), "2026-03-10T15:59:59.999999+00:00", 10),
        (("14:00", "17:00"), "2026-03-10T16:00:00+00:00", 0),
        (("22:00", "02:00"), "2026-03-10T20:59:59+00:00", 0),
        (("22:00", "02:00"), "2026-03-10T21:00:00+00:00", 10),
        (("22:00", "02:00"), "2026-03-10T23:30:00+00:00", 10),
        (("22:00", "02:00"), "2026-03-11T00:59:59+00:00", 10),
        (("22:00", "02:00"), "2026-03-11T01:00:00+00:00", 0),
        (("22:00", "00:00"), "2026-03-10T22:59:59+00:00", 10),
        (("22:00", "00:00"), "2026-03-10T23:00:00+00:00", 0),
        # The night on which the clock goes from 02:00 to 03:00, and the one on which 02:30 comes twice.
        (("02:00", "04:00"), "2026-03-29T00:59:59+00:00", 0),
        (("02:00", "04:00"), "2026-03-29T01:00:00+00:00", 10),
        (("02:00", "03:00"), "2026-10-25T00:30:00+00:00", 10),
        (("02:00", "03:00"), "2026-10-25T01:30:00+00:00", 10),
    ],
)
def test_a_rule_holds_from_its_beginning_up_to_its_end(window, moment, points):
    assert points_at(moment, hours(*window)) == points


def test_the_clock_is_the_stores():
    happy = hours("14:00", "17:00")
    assert points_at("2026-03-10T07:00:00+00:00", happy, time_zone="Asia/Shanghai") == 10
    assert points_at("2026-03-10T07:00:00+00:00", happy, time_zone="Europe/Berlin") == 0


@pytest.mark.parametrize(
    ("moment", "points"),
    [
        ("2026-03-13T22:30:00+00:00", 10),  # Friday 23:30
        ("2026-03-13T23:30:00+00:00", 10),  # Saturday 00:30 belongs to Friday's night
        ("2026-03-12T23:30:00+00:00", 0),  # Friday 00:30 belongs to Thursday's
        ("2026-03-14T22:30:00+00:00", 0),
    ],
)
def test_a_night_belongs_to_the_weekday_on_which_it_began(moment, points):
    assert points_at(moment, hours("22:00", "02:00", weekdays="5")) == points


def test_sundays_night_goes_on_on_monday():
    assert points_at("2026-03-15T23:30:00+00:00", hours("22:00", "02:00", weekdays="7")) == 10


@pytest.mark.django_db
def test_a_multiplier_for_the_happy_hour_explains_itself_and_outlives_the_hour():
    create_rule()
    create_rule(
        key="happy", kind="multiplier", points=0, multiplier=20_000, name_en="Happy hour", name_zh="欢乐时光",
        from_time=dt.time(14), until_time=dt.time(17),
    )  # fmt: skip
    store, alice = create_store(time_zone="Europe/Berlin"), create_customer()
    tea = Product.objects.create(sku="tea", name_en="Tea")
    noon = dt.datetime(2026, 3, 10, 13, 30, tzinfo=dt.UTC)  # 14:30
    purchase = checkout.record_purchase(
        store=store, reference="R1", customer=alice, occurred_at=noon, lines=[sale.SoldLine(tea, 2, 500)]
    )
    award = PointTransaction.objects.get(source=purchase.source)
    assert award.points == 20
    assert reasons_of(award.explanation) == ["base: 20 points for €10.00", "Happy hour: × 2"]
    # What is kept is computed with the stored rules, even if the store's clock was corrected since.
    store.time_zone = "Asia/Shanghai"
    store.save()
    purchase.refresh_from_db()
    returns.refund(purchase=purchase, reference="B1", quantities={1: 1}, occurred_at=noon + dt.timedelta(hours=9))
    assert PointBalance.objects.get(customer=alice).active == 10


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"from_time": dt.time(9)}, {"until_time": dt.time(9)}, {"from_time": dt.time(9), "until_time": dt.time(9)}])  # fmt: skip
def test_hours_have_two_different_ends(fields):
    with pytest.raises(ValidationError, match="Hours need a beginning and an end"):
        rule(**fields).full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        rule(**fields).save()


@pytest.mark.django_db
def test_the_form_of_the_admin_takes_hours(client):
    client.force_login(create_user(is_staff=True, is_superuser=True))
    answer = client.post(
        reverse("admin:rewards_earningrule_add"),
        {
            "key": "night", "kind": "multiplier", "name_en": "Night", "points": "0", "multiplier": "2", "per_amount": "0",
            "minimum_basket": "0", "expiry": "inactivity", "expiry_months": "12", "from_time": "22:00", "until_time": "02:00",
        },
    )  # fmt: skip
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    made = EarningRule.objects.get(key="night")
    assert (made.from_time, made.until_time, made.expiry) == (dt.time(22), dt.time(2), "inactivity")
