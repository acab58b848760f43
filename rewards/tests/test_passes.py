"""A coupon as its owner sees it."""

import datetime as dt

import pytest
from django.utils import translation

from customers.models import Product
from customers.tests.factories import NOON, create_customer, create_store
from rewards.models import Coupon, CouponBatch
from rewards.passes import Pass, conditions_of, live_passes, put_away_passes, short_money, spent_passes, worth_of
from rewards.tests.coupon_factories import create_batch, issue_coupon


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "value", "english", "chinese"),
    [
        ("percent", 1000, ("10%", "off"), ("9折", "")),
        ("percent", 1250, ("12.5%", "off"), ("8.75折", "")),
        ("percent", 10_000, ("100%", "off"), ("免费", "")),
        ("amount", 500, ("€5", "off"), ("€5", "立减")),
        ("amount", 550, ("€5.50", "off"), ("€5.50", "立减")),
        ("multiplier", 20_000, ("2×", "points"), ("2×", "积分")),
        ("gift", 0, ("", "gift"), ("", "礼品")),
    ],
)
def test_the_worth_is_said_in_two_words(kind, value, english, chinese):
    batch = create_batch(value_kind=kind, value=value)
    assert worth_of(batch)[:2] == english
    with translation.override("zh-hans"):
        assert worth_of(batch)[:2] == chinese


def test_a_currency_without_cents_has_none(settings):
    settings.PROGRAMME_CURRENCY, settings.PROGRAMME_CURRENCY_DIGITS = "JPY", 0
    assert short_money(500) == "¥500"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("days_left", "words"), [(-1, ""), (0.5, "Last day"), (1.5, "1 day left"), (7, "7 days left"), (9, "")]
)
def test_the_last_week_hurries(days_left, words):
    coupon = issue_coupon(customer=create_customer(), now=NOON - dt.timedelta(days=30))
    coupon.expires_at = NOON.replace(hour=23) + dt.timedelta(days=days_left) - dt.timedelta(hours=12)
    assert Pass.of(coupon, now=NOON).hurry == words


@pytest.mark.django_db
def test_what_ends_at_midnight_is_valid_until_the_day_before():
    coupon = issue_coupon(customer=create_customer())
    coupon.expires_at = dt.datetime(2026, 4, 30, 22, tzinfo=dt.UTC)  # midnight in Berlin
    assert Pass.of(coupon, now=NOON).validity == "Until 30 Apr"


@pytest.mark.django_db
def test_live_coupons_come_first_and_each_coupon_is_listed_once():
    customer, now = create_customer(), NOON
    soon = issue_coupon(customer=customer, batch=create_batch(valid_days=3))
    never = issue_coupon(customer=customer)
    scheduled = issue_coupon(customer=customer, batch=create_batch(starts_at=now + dt.timedelta(days=2)))
    paused = issue_coupon(customer=customer)
    paused.batch.state = "paused"
    paused.batch.save()
    closed = issue_coupon(customer=customer)
    closed.batch.state = "closed"
    closed.batch.save()
    used = issue_coupon(customer=customer)
    Coupon.objects.filter(pk=used.pk).update(state="redeemed", uses=1)
    hidden = issue_coupon(customer=customer)
    closed_away = issue_coupon(customer=customer, batch=create_batch())
    Coupon.objects.filter(pk__in=[hidden.pk, closed_away.pk]).update(state="hidden")
    CouponBatch.objects.filter(pk=closed_away.batch_id).update(state="closed")
    live = live_passes(customer=customer, now=now, limit=10)
    spent = spent_passes(customer=customer, now=now, limit=10)
    put_away = put_away_passes(customer=customer, now=now, limit=10)
    assert [ticket.coupon.pk for ticket in live[:2]] == [soon.pk, never.pk]
    assert {ticket.coupon.pk: ticket.state for ticket in live[2:]} == {scheduled.pk: "scheduled", paused.pk: "paused"}
    assert {ticket.coupon.pk: ticket.state for ticket in spent} == {
        closed.pk: "closed", used.pk: "redeemed", closed_away.pk: "closed",
    }  # fmt: skip
    assert [ticket.coupon.pk for ticket in put_away] == [hidden.pk]


@pytest.mark.django_db
def test_what_cannot_be_used_yet_does_not_crowd_out_what_can():
    customer = create_customer()
    later = create_batch(starts_at=NOON + dt.timedelta(days=2), ends_at=NOON + dt.timedelta(days=4))
    issue_coupon(customer=customer, batch=later)
    usable = issue_coupon(customer=customer)
    assert [ticket.coupon.pk for ticket in live_passes(customer=customer, now=NOON, limit=1)] == [usable.pk]


@pytest.mark.django_db
def test_the_conditions_name_basket_stores_and_free_product():
    product = Product.objects.create(sku="A", name_en="Flat white", price=420)
    batch = create_batch(value_kind="product", value=0, product=product, minimum_basket=1500)
    batch.stores.add(create_store(name_en="Mitte"), create_store(name_en="Wedding"))
    assert conditions_of(batch) == ["Free: Flat white", "From a basket of €15.00", "Only at Mitte, Wedding"]
