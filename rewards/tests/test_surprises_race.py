"""Many tills and tasks, one customer or one budget: threads with connections of their own, committed for real."""

import datetime as dt
import random
from collections.abc import Callable

import pytest
from django.db import OperationalError

from customers.models import Notice
from customers.tests.factories import NOON, create_customer, create_user
from rewards import surprise_gifts, surprises
from rewards.models import Assignment, Coupon, Surprise, SurpriseGift
from rewards.surprise_gifts import GiftClosed
from rewards.tests.coupon_factories import create_batch
from rewards.tests.surprise_factories import DAY, create_reader, create_surprise, many
from rewards.tests.test_redemption_race import race
from rewards.trials import Occasion

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 32


def patiently(act: Callable[[], object]) -> object:
    """Ask again when a lock was not to be had in time, as a till does that is answered 503."""
    for _again in range(10):
        try:
            return act()
        except OperationalError as error:
            if "lock timeout" not in str(error) and "locked" not in str(error):
                raise
    raise AssertionError("ten times in a row the lock was not to be had")


def drawing(surprise: Surprise, customers: list, name: str, now: dt.datetime = NOON) -> Callable[[], object]:
    occasions = [Occasion(it.pk, f"{name}:{it.pk}", {}) for it in customers]
    return lambda: patiently(lambda: surprises.draw(surprise=surprise, occasions=occasions, now=now))


def test_32_occasions_at_once_draw_a_customer_once():
    alice, surprise = create_customer(), create_surprise()
    found = race(drawing(surprise, [alice], f"purchase{n}") for n in range(THREADS))
    assert found == {1: 1, 0: THREADS - 1}
    assert Assignment.objects.get().number == 1


def test_32_surprises_of_one_family_rest_together():
    customers = many(6)
    rows = [create_surprise(trigger="purchase" if n % 2 else "nth") for n in range(THREADS)]
    # The same customers in another order each: nobody waits for the other in a circle.
    found = race(drawing(row, random.sample(customers, 6), f"p{n}") for n, row in enumerate(rows))
    assert sum(drawn * times for drawn, times in found.items()) == 6
    assert sorted(Assignment.objects.values_list("customer", flat=True)) == sorted(it.pk for it in customers)
    # Once all are rested, the same again.
    later = race(drawing(row, customers, f"q{n}", NOON + 60 * DAY) for n, row in enumerate(rows))
    assert sum(drawn * times for drawn, times in later.items()) == 6


def test_one_occasion_found_by_32_workers_is_tossed_once():
    alice, surprise = create_customer(), create_surprise(cooldown_days=0)
    found = race(drawing(surprise, [alice], "birthday") for _n in range(THREADS))
    assert found == {1: 1, 0: THREADS - 1}


def test_32_threads_never_pass_the_budget_of_a_month():
    surprise = create_surprise(budget=800)
    race(drawing(surprise, many(4), f"p{n}") for n in range(THREADS))
    month = surprise.months.get()
    assert month.spent == 80 * SurpriseGift.objects.count() == 800


def test_a_gift_is_handed_over_once_and_mailed_once():
    bob, now = create_user(is_staff=True), NOON + dt.timedelta(minutes=1)
    coupon = create_surprise(channel="mail", gift="coupon", batch=create_batch(), trigger="blue")
    thing = create_surprise()
    readers = [create_reader() for _n in range(20)]
    for surprise in (coupon, thing):
        surprises.draw(surprise=surprise, occasions=[Occasion(it.pk, f"x:{it.pk}", {}) for it in readers], now=NOON)
    gift = SurpriseGift.objects.filter(surprise=thing).first()

    def hand_over() -> object:
        try:
            return surprise_gifts.hand_over(
                gift=SurpriseGift.objects.get(pk=gift.pk), store=None, by=bob, now=now
            ).state
        except GiftClosed:
            return "closed"

    found = race(lambda: patiently(hand_over) for _n in range(16))
    assert found == {"given": 1, "closed": 15}
    race(lambda: patiently(lambda: surprise_gifts.deliver_due(now=now)) for _n in range(8))
    mailed = SurpriseGift.objects.filter(surprise=coupon)
    assert mailed.filter(state="given").count() == mailed.count() == Coupon.objects.count()
    assert Notice.objects.filter(kind="surprise").count() == mailed.count()
