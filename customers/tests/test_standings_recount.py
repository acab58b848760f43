"""Standings against a recount by hand, the simplest way there is, over random histories with returns."""

import datetime as dt
import random
import statistics
from collections import defaultdict
from contextlib import suppress
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers import forecasts, foretelling, rfm, rhythm, standings
from customers.models import Customer, Product, Purchase, Return, Standing, StandingChange, StandingNight
from customers.tests.factories import NOON, create_customer
from customers.tests.shopping import buy, create_product
from customers.timezones import programme_date

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


MONDAY = dt.datetime(2026, 3, 9, 3, tzinfo=dt.UTC)
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def recount(now: dt.datetime, shop: float | None = None) -> dict[int, tuple]:
    """Return days with a purchase, what was spent, the last purchase and the usual days, from all receipts.

    The shop's usual days are its own of that night, unless they are given.
    """
    days: dict[int, set[dt.date]] = defaultdict(set)
    spent: dict[int, int] = defaultdict(int)
    last: dict[int, dt.datetime] = {}
    followed = dict(Customer.objects.values_list("pk", "is_personalised"))
    for purchase in Purchase.objects.filter(occurred_at__lte=now).order_by("occurred_at"):
        back = sum(row.total for row in purchase.returns.all() if row.occurred_at <= now)
        if back < purchase.total:
            if not followed[purchase.customer_id]:
                continue
            days[purchase.customer_id].add(programme_date(purchase.occurred_at))
            spent[purchase.customer_id] += purchase.total - back
            last[purchase.customer_id] = purchase.occurred_at
    gaps = {
        customer: [(later - earlier).days for earlier, later in pairwise(own)]
        for customer, own in ((customer, sorted(found)) for customer, found in days.items())
    }
    medians = {customer: statistics.median(own) for customer, own in gaps.items() if own}
    if shop is None:
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


def fifths(values: list[float]) -> list[int]:
    return [1 + sum(other < value for other in values) * 5 // len(values) for value in values]


def live(rng: random.Random, people: list[Customer], product: Product, now: dt.datetime) -> None:
    """Let some buy before and some after a night, bring things back late, switch following off and on."""
    for _n in range(rng.randrange(9)):
        # Some are told late, some bear a time that has not come.
        purchase = buy(rng.choice(people), product, days_ago=rng.choice([0.2, 0.7, 40, -0.5, -2]), now=now, price=1_000)
        if rng.random() < 0.4:
            at = purchase.occurred_at + rng.choice([0.1, 1, 3]) * DAY
            Return.objects.create(purchase=purchase, reference="R", occurred_at=at, total=rng.choice([300, 1_000]))
    old = Purchase.objects.filter(returns=None).order_by("?").first()
    if old is not None and rng.random() < 0.4:
        Return.objects.create(
            purchase=old, reference="L", occurred_at=now - rng.choice([0.1, 20]) * DAY, total=old.total
        )
    if rng.random() < 0.3:
        somebody = rng.choice(people)
        Customer.objects.filter(pk=somebody.pk).update(is_personalised=rng.random() < 0.5)


def check(now: dt.datetime) -> None:
    """Hold every figure that stands still against a recount of everything."""
    shop = StandingNight.objects.order_by("-day_date").first().marks["shop"]
    found = {row.customer_id: row for row in Standing.objects.all()}
    right = recount(now, shop)
    assert {pk: (row.visits, row.spent, row.last_at, row.usual_days) for pk, row in found.items()} == right
    for pk, (__, __spent, last, usual) in right.items():
        assert found[pk].lapsed_at == last + 4 * usual * DAY
    order = sorted(right)
    values = [[right[pk][0] for pk in order], [right[pk][1] for pk in order]]
    lately = [programme_date(right[pk][2]).toordinal() for pk in order]
    if len(order) < rfm.FEWEST_CUSTOMERS:
        assert {row.recency for row in found.values()} <= {None}
        return
    scores = list(zip(*map(fifths, [lately, *values]), strict=True))
    assert [(found[pk].recency, found[pk].frequency, found[pk].monetary) for pk in order] == scores
    for pk, score in zip(order, scores, strict=True):
        newest = StandingChange.objects.filter(customer=pk).order_by("-day_date").first()
        assert (newest.recency, newest.frequency, newest.monetary) == score


@settings(max_examples=12, **QUIET)
@given(seed=st.integers(0, 10_000), gaps=st.lists(st.sampled_from([1, 1, 1, 2, 3, 8]), min_size=4, max_size=8))
def test_a_night_that_reads_what_changed_equals_a_recount_of_everything(seed: int, gaps: list[int]):
    with (
        transaction.atomic(),
        patch.object(rfm, "FEWEST_CUSTOMERS", 5),
        patch.object(standings, "MOST_TOUCHED", seed % 3),
    ):
        rng, product, now = random.Random(seed), create_product(f"Tea {seed}"), MONDAY
        people = [create_customer(enrolled_at=MONDAY - 400 * DAY) for _n in range(9)]
        for _n in range(20):
            buy(rng.choice(people), product, days_ago=rng.random() * 300, now=now, price=1_000)
        for gap in [0, *gaps]:
            now += gap * DAY
            live(rng, people, product, now)
            if rng.random() < 0.3:
                killed_on_the_way(now)
            standings.run_due(clock=lambda now=now: now)
            check(now)
        transaction.set_rollback(True)


def killed_on_the_way(now: dt.datetime) -> None:
    """Begin a night that dies after its second piece of two rows."""
    real, calls = StandingChange.objects.bulk_create, []

    def dies(*args: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **options)

    with (
        patch.object(standings, "AT_ONCE", 2),
        patch.object(StandingChange.objects, "bulk_create", dies),
        suppress(KeyboardInterrupt),
    ):
        standings.run_due(clock=lambda: now)
    if len(calls) < 2:
        StandingNight.objects.filter(day_date=programme_date(now)).delete()


@pytest.fixture
def forecasting(monkeypatch: pytest.MonkeyPatch) -> list[Customer]:
    """A shop that has a forecast on the Monday."""
    monkeypatch.setattr(forecasts, "FEWEST_REPEATERS", 30)
    monkeypatch.setattr(forecasts, "FEWEST_CUSTOMERS", 30)
    monkeypatch.setattr(foretelling, "DRAWS", 2)
    chance, product = np.random.default_rng(4), create_product("Tea")
    people = [create_customer(enrolled_at=NOON - 400 * DAY) for _n in range(60)]
    for n, person in enumerate(people):
        first = 200 + n % 7
        for ago in sorted({first, *np.arange(chance.integers(5, 200), first, 9 + n % 20).tolist()}):
            buy(person, product, days_ago=ago, now=MONDAY)
    standings.run_due(clock=lambda: MONDAY)
    return people


def test_a_forecast_is_of_the_weeks_first_night_or_of_the_customers_last_change(forecasting: list[Customer]):
    columns = ("customer", *standings.FORECAST)
    monday = {row[0]: row for row in Standing.objects.values_list(*columns)}
    assert None not in monday[forecasting[0].pk]
    alice, tuesday = forecasting[0], MONDAY + DAY
    buy(alice, create_product("Coffee"), now=tuesday, days_ago=0.1, price=5_000)
    assert standings.run_due(clock=lambda: tuesday) < 30
    found = {row[0]: row for row in Standing.objects.values_list(*columns)}
    assert {pk for pk in found if found[pk] != monday[pk]} == {alice.pk}
    # What everybody would be given anew with the week's fit.
    night = StandingNight.objects.get(day_date=tuesday.date())
    fitted = foretelling.Fitted.of(night.marks["fitted"])
    visits = standings.read(now=tuesday)
    anew = dict(zip(visits.customers.tolist(), foretelling.foretell(visits, tuesday.toordinal(), fitted), strict=True))
    assert found[alice.pk][1:] == tuple(anew[alice.pk][name] for name in standings.FORECAST)
    assert night.forecast == StandingNight.objects.get(day_date=MONDAY.date()).forecast != {}
    standings.run_due(clock=lambda: MONDAY + 7 * DAY)
    later = {row[0]: row for row in Standing.objects.values_list(*columns)}
    assert sum(later[pk] != found[pk] for pk in found) > 30


def test_a_quiet_night_reads_no_receipts_of_others_and_writes_nothing(forecasting: list[Customer]):
    with CaptureQueriesContext(connection) as queries:
        assert standings.run_due(clock=lambda: MONDAY + DAY) == 0
    assert not any("INSERT" in it["sql"] and '"customers_standing"' in it["sql"] for it in queries)
    assert len(queries) < 30
