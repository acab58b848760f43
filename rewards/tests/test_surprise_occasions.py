"""Whom an occasion finds: by looking, once, also after nights without a run."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers import standings
from customers.tests.factories import NOON, create_customer
from rewards import rhythm_gaps, surprise_occasions, surprises
from rewards.models import Assignment, Surprise, TierMembership
from rewards.surprise_occasions import days_of
from rewards.tests.surprise_factories import DAY, buy, create_surprise, many
from rewards.tests.tier_factories import create_tiers

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


def keys() -> list[str]:
    return list(Assignment.objects.order_by("key").values_list("key", flat=True))


def at(year: int, month: int, day: int) -> dt.datetime:
    return dt.datetime(year, month, day, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("window", "today", "first", "last"),
    [
        ("day", (2027, 3, 10), (2027, 3, 8), (2027, 3, 10)),
        ("week", (2027, 3, 10), (2027, 3, 8), (2027, 3, 14)),
        ("month", (2027, 2, 10), (2027, 2, 1), (2027, 2, 28)),
    ],
)
def test_which_birthdays_are_due(window, today, first, last):
    days = days_of(window, dt.date(*today))
    assert (days[0], days[-1]) == (dt.date(*first), dt.date(*last))


@pytest.mark.parametrize(
    ("born", "now", "key"),
    [
        (dt.date(1992, 2, 29), at(2027, 2, 28), "2027"),
        (dt.date(1992, 2, 29), at(2028, 2, 28), None),
        (dt.date(1992, 2, 29), at(2028, 2, 29), "2028"),
        (dt.date(1990, 3, 10), at(2027, 3, 10), "2027"),
        (dt.date(1990, 3, 10), at(2027, 3, 12), "2027"),  # two nights without a run
        (dt.date(1990, 3, 10), at(2027, 3, 9), None),
        (dt.date(1990, 3, 10), at(2027, 3, 13), None),
    ],
)
def test_birthdays_happen_once_a_year_and_29_february_on_the_28th(born, now, key):
    alice = create_customer(birthday=born)
    create_surprise(trigger="birthday")
    for _again in range(2):
        surprise_occasions.look_around(now=now)
    assert keys() == ([f"birthday:{alice.pk}:{key}"] if key else [])


def test_the_day_of_enrolment_counts_from_the_next_year_on():
    old, new = create_customer(enrolled_at=at(2024, 3, 10)), create_customer(enrolled_at=NOON)
    create_surprise(trigger="anniversary")
    surprise_occasions.look_around(now=NOON + dt.timedelta(hours=1))
    assert keys() == [f"anniversary:{old.pk}:2026"]
    assert Assignment.objects.get().reason == {"day": "2026-03-10", "years": 2}
    assert new.assignments.count() == 0


def test_a_purchase_draws_once_and_is_remembered_as_the_cause():
    surprise, alice = create_surprise(now=NOON - DAY), create_customer()
    purchase = buy(alice)
    assert surprise_occasions.after_purchases(purchases=[purchase], now=NOON) == 1
    assert surprise_occasions.look_at_purchases(now=NOON) == 0
    row = Assignment.objects.get()
    assert (row.key, row.purchase, row.trial) == (f"purchase:{purchase.pk}", purchase, surprise.trial)


def test_purchases_from_anywhere_are_found_and_old_or_foreign_ones_are_not():
    now = timezone.now()
    alice, bob, carol = create_customer(), create_customer(name="Bob"), create_customer(name="Carol")
    before = buy(carol, at=now)  # before the surprise was approved
    surprise = create_surprise(now=now)
    kept = buy(alice, at=now)
    buy(bob, at=now - 3 * DAY)  # imported late
    last = buy(None, at=now)
    for later, drawn, seen in ((MINUTE, 1, before), (MINUTE, 0, before), (60 * MINUTE, 0, last)):
        assert surprise_occasions.look_at_purchases(now=now + later) == drawn
        assert keys() == [f"purchase:{kept.pk}"]
        surprise.refresh_from_db()
        assert surprise.seen_purchase == seen.pk, "what may still be on its way is looked at again"


def test_the_tenth_purchase_is_celebrated_and_no_other():
    alice = create_customer()
    create_surprise(trigger="nth", threshold=3)
    drawn = [surprise_occasions.after_purchases(purchases=[buy(alice, at=NOON)], now=NOON) for _n in range(5)]
    assert drawn == [0, 0, 1, 0, 0]
    assert keys() == [f"nth:{alice.pk}:3"]


def night(now: dt.datetime) -> None:
    """Let the night work out where everybody stands."""
    standings.run_due(clock=lambda: now)


def test_who_stays_away_longer_than_usual_is_found_by_the_rhythm_of_the_night():
    weekly, monthly, new = many(3)
    for week in range(12):
        buy(weekly, at=NOON - (7 * week + 49) * DAY)  # every 7 days, away for 49
        buy(monthly, at=NOON - (30 * week + 49) * DAY)  # every 30 days, away for 49
    for week in range(2):
        buy(new, at=NOON - (week + 90) * DAY)  # one pause only
    night(NOON)
    (found,) = rhythm_gaps.stayed_away(times=4, now=NOON)
    assert (found.customer_id, found.gap_days, found.away_days) == (weekly.pk, weekly.standing.usual_days, 49)
    assert {it.customer_id for it in rhythm_gaps.stayed_away(times=1, now=NOON + 2 * DAY)} == {weekly.pk, monthly.pk}
    create_surprise(trigger="lapsed", threshold=4)
    surprise_occasions.look_around(now=NOON)
    surprise_occasions.look_around(now=NOON + 20 * DAY)  # still away: it is the same absence
    assert keys() == [f"lapsed:{weekly.pk}:{NOON - 49 * DAY:%Y%m%d}"]


def test_who_has_bought_since_the_night_is_not_missed():
    (alice,) = many(1)
    for week in range(8):
        buy(alice, at=NOON - (7 * week + 49) * DAY)
    night(NOON)
    assert len(list(rhythm_gaps.stayed_away(times=4, now=NOON))) == 1
    buy(alice, at=NOON + dt.timedelta(hours=1))
    assert list(rhythm_gaps.stayed_away(times=4, now=NOON + dt.timedelta(hours=2))) == []


def test_two_purchases_of_one_visit_are_one():
    (alice,) = many(1)
    for week in range(6):
        for minutes in (0, 5):
            buy(alice, at=NOON - (10 * week + 41) * DAY + dt.timedelta(minutes=minutes))
    night(NOON)
    (found,) = rhythm_gaps.stayed_away(times=4, now=NOON)
    assert found.gap_days == 10


def test_a_tier_that_is_reached_is_found_and_one_given_by_staff_is_not():
    alice, bob = create_customer(), create_customer(name="Bob")
    __, tier, __ = create_tiers()
    create_surprise(trigger="tier", now=NOON)
    for customer, reason in ((alice, "reached"), (bob, "granted")):
        TierMembership.objects.create(
            customer=customer, tier=tier, started_at=NOON + DAY, kept_until=NOON + 400 * DAY, reason=reason
        )
    surprise_occasions.look_around(now=NOON + 2 * DAY)
    assert Assignment.objects.get().customer == alice


@pytest.mark.real_coin
def test_out_of_the_blue_a_month_comes_to_its_chance():
    many(200)
    create_surprise(trigger="blue", chance=3_000, cooldown_days=0, budget=10_000_000)
    drawn = [surprise_occasions.look_around(now=NOON + n * DAY) for n in range(30)]
    assert 25 < sum(drawn) < 100  # 60 expected
    assert max(drawn) < 15


def test_all_finders_stand_for_all_triggers_but_those_that_are_called():
    called = {Surprise.Trigger.PURCHASE, Surprise.Trigger.NTH, Surprise.Trigger.UNHAPPY}
    assert set(surprise_occasions.FINDERS) | called == set(Surprise.Trigger)


def test_nobody_is_surprised_twice_within_the_rest_over_a_whole_year():
    customers = many(12, birthday=dt.date(1990, 3, 20))
    for trigger, fields in (
        ("purchase", {}), ("nth", {"threshold": 5}), ("birthday", {"window": "month"}), ("anniversary", {}), ("blue", {"chance": 9_000}),
        ("blue", {"chance": 9_000}),
    ):  # fmt: skip
        create_surprise(trigger=trigger, budget=10_000_000, now=NOON, **fields)
    for step in range(24):
        now = NOON + 15 * step * DAY
        purchases = [buy(it, at=now) for it in customers[step % 3 :: 3]]
        surprise_occasions.after_purchases(purchases=purchases, now=now)
        surprise_occasions.look_around(now=now)
    last: dict = {}
    rows = Assignment.objects.order_by("assigned_at", "pk").select_related("trial__surprise")
    assert rows.count() > 60
    for row in rows:
        same = (row.customer_id, row.trial.surprise.family)
        assert same not in last or row.assigned_at - last[same] >= 60 * DAY
        last[same] = row.assigned_at


def test_looking_costs_the_same_for_few_and_many(django_assert_max_num_queries):
    create_surprise(trigger="birthday", budget=10_000_000)
    asked = []
    for number, days in ((10, 0), (150, 1)):
        many(number, birthday=dt.date(1990, 3, 10 + days))
        with CaptureQueriesContext(connection) as caught:
            assert surprise_occasions.look_around(now=NOON + days * DAY) == number
        asked.append(len(caught))
    assert asked[1] <= asked[0]
    with django_assert_max_num_queries(6):
        assert surprise_occasions.look_around(now=NOON + DAY) == 0
    assert surprises.rests_until(surprise=Surprise.objects.get(), now=NOON) is None
