"""Standings against a recount by hand, the simplest way there is, over random histories with returns."""

import datetime as dt
import random
import statistics
from collections import defaultdict
from itertools import pairwise

import pytest

from customers import rhythm, standings
from customers.models import Purchase, Return, Standing
from customers.tests.factories import NOON, create_customer
from customers.tests.shopping import buy, create_product
from customers.timezones import programme_date

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def recount(now: dt.datetime) -> dict[int, tuple]:
    """Return days with a purchase, what was spent, the last purchase and the usual days, from all receipts."""
    days: dict[int, set[dt.date]] = defaultdict(set)
    spent: dict[int, int] = defaultdict(int)
    last: dict[int, dt.datetime] = {}
    for purchase in Purchase.objects.filter(occurred_at__lte=now).order_by("occurred_at"):
        back = sum(row.total for row in purchase.returns.all() if row.occurred_at <= now)
        if back < purchase.total:
            days[purchase.customer_id].add(programme_date(purchase.occurred_at))
            spent[purchase.customer_id] += purchase.total - back
            last[purchase.customer_id] = purchase.occurred_at
    gaps = {
        customer: [(later - earlier).days for earlier, later in pairwise(own)]
        for customer, own in ((customer, sorted(found)) for customer, found in days.items())
    }
    medians = {customer: statistics.median(own) for customer, own in gaps.items() if own}
    shop = statistics.median(medians.values()) if medians else rhythm.SHOP_BEFORE_ANYTHING
    usual = {
        customer: max(1, round((len(own) * medians.get(customer, 0) + rhythm.PRIOR * shop) / (len(own) + rhythm.PRIOR)))
        for customer, own in gaps.items()
    }
    return {pk: (len(days[pk]), spent[pk], last[pk], usual[pk]) for pk in days}


@pytest.mark.parametrize("seed", range(4))
def test_standings_equal_a_recount_night_after_night(seed: int):
    rng, product = random.Random(seed), create_product("Tea")
    people = [create_customer(enrolled_at=NOON - 400 * DAY) for _n in range(7)]
    for night in range(3):
        now = NOON + night * 20 * DAY
        for _n in range(30):
            purchase = buy(rng.choice(people), product, days_ago=rng.random() * 300, now=now, price=1_000)
            if rng.random() < 0.3:
                at = purchase.occurred_at + rng.choice([1, 30]) * DAY
                Return.objects.create(purchase=purchase, reference="R", occurred_at=at, total=rng.choice([300, 1_000]))
        standings.run_due(clock=lambda now=now: now)
        found = Standing.objects.values_list("customer", "visits", "spent", "last_at", "usual_days")
        assert {pk: tuple(rest) for pk, *rest in found} == recount(now)
