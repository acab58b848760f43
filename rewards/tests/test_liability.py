"""What is owed, by vintage: against the books themselves, the published chain ladder, and what cannot be said."""

import datetime as dt
import random
from collections import Counter

import pytest
from django.db import IntegrityError, transaction

from customers import months
from customers.tests.factories import NOON, create_customer
from rewards import breakage, catalogue, holds, ledger, liability, transfers, vintages
from rewards.models import CountedMonth, PointBalance, PointLot, VintageMonth
from rewards.tests.factories import award
from rewards.tests.reward_factories import create_reward

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
# Taylor and Ashe (1983), as in Mack (1993): claims paid, by year of accident and age.
CLAIMS = """
357848 1124788 1735330 2218270 2745596 3319994 3466336 3606286 3833515 3901463
352118 1236139 2170033 3353322 3799067 4120063 4647867 4914039 5339085
290507 1292306 2218525 3235179 3985995 4132918 4628910 4909315
310608 1418858 2195047 3757447 4029929 4381982 4588268
443160 1136350 2128333 2897821 3402672 3873311
396132 1333217 2180715 2985752 3691712
440832 1288463 2419861 3483130
359480 1421128 2864498
376686 1363294
344014
"""


def count(now: dt.datetime = NOON) -> int:
    return vintages.count_due(clock=lambda: now)


def owed() -> dict[dt.date, int]:
    """Read what is left off the lots themselves."""
    found: Counter[dt.date] = Counter()
    for lot in PointLot.objects.filter(remaining__gt=0):
        found[months.month_of(lot.activates_at)] += lot.remaining
    return dict(found)


def test_the_chain_ladder_gives_the_published_reserves_and_errors():
    triangle = [[int(cell) for cell in row.split()] for row in CLAIMS.split("\n") if row]
    found = breakage.ladder(triangle)
    reserves = [round((ultimate - row[-1]) / 1000) for ultimate, row in zip(found.ultimates, triangle, strict=True)]
    assert reserves == [0, 95, 470, 710, 985, 1419, 2178, 3920, 4279, 4626]
    assert [round(error / 1000) for error in found.errors] == [0, 76, 122, 134, 261, 411, 558, 875, 971, 1363]
    assert round(found.total_error) == 2_447_095


@pytest.mark.parametrize("seed", range(4))
def test_every_vintage_adds_up_to_what_its_lots_have_left(seed: int):
    random_ = random.Random(seed)
    people = [create_customer() for _n in range(3)]
    at = NOON - 400 * DAY
    for step in range(45):
        at += random_.random() * 18 * DAY
        alice, bob = random_.sample(people, 2)
        points = random_.randint(1, 60)
        active = PointBalance.objects.filter(customer=alice).values_list("active", flat=True).first() or 0
        match random_.choice(["earn", "earn", "later", "spend", "hold", "expire", "reverse", "transfer"]):
            case "earn":
                earned = award(alice, points, at=at, expires_at=at + random_.choice([40, 120]) * DAY)
                if random_.random() < 0.3:
                    ledger.reverse_award(award=earned, points=points, source=f"back:{step}", occurred_at=at + DAY)
            case "later":
                award(alice, points, at=at, activates_at=at + 20 * DAY)
            case "spend" if active > 1:
                ledger.settle_many(customer_ids=[alice.pk], now=at)
                left = PointBalance.objects.get(customer=alice).active
                if left:
                    spent = ledger.redeem(customer=alice, points=min(points, left), source=f"s:{step}", occurred_at=at)
                    if random_.random() < 0.4:
                        ledger.restore(spent=spent, points=1, source=f"r:{step}", occurred_at=at + DAY)
            case "hold" if active > 1:
                ledger.settle_many(customer_ids=[alice.pk], now=at)
                left = PointBalance.objects.get(customer=alice).active
                if left:
                    held = holds.place(
                        customer=alice,
                        points=min(points, left),
                        source=f"h:{step}",
                        occurred_at=at,
                        expires_at=at + DAY,
                    )
                    holds.capture(hold=held, occurred_at=at, points=1) if random_.random() < 0.5 else holds.release(
                        hold=held, occurred_at=at
                    )
            case "transfer" if active > 1:
                ledger.settle_many(customer_ids=[alice.pk], now=at)
                if PointBalance.objects.get(customer=alice).active:
                    transfers.transfer(giver=alice, receiver=bob, points=1, source=f"t:{step}", occurred_at=at)
            case "expire":
                ledger.settle_many(customer_ids=[row.pk for row in people], now=at)
        if step % 15 == 14:
            count(at)
    count(at)
    found = liability.statement(month=months.plus(months.month_of(at), 6))
    assert {vintage.month_date: vintage.owed for vintage in found.vintages if vintage.owed} == owed()
    assert found.owed == sum(owed().values())


def years() -> None:
    """Two years: each month somebody gets 100 points that end after six months, and spends 60."""
    alice = create_customer()
    for month in months.through(dt.date(2024, 3, 1), dt.date(2026, 2, 1)):
        at = months.bounds(month)[0] + DAY
        ledger.settle_many(customer_ids=[alice.pk], now=at)
        award(alice, 100, at=at, expires_at=at + 182 * DAY)
        if month > dt.date(2024, 3, 1):
            ledger.redeem(customer=alice, points=60, source=f"spent:{month}", occurred_at=at + 10 * DAY)
    end = months.bounds(dt.date(2026, 2, 1))[1] - dt.timedelta(seconds=1)
    ledger.settle_many(customer_ids=[alice.pk], now=end)
    count(end)


def test_breakage_is_foretold_once_vintages_have_run_their_course():
    years()
    found = liability.statement(month=dt.date(2026, 2, 1))
    assert found.owed == sum(owed().values())
    assert found.expected is not None
    assert found.error is not None
    assert 0 <= found.expected <= found.owed
    assert found.breakage == pytest.approx(found.owed - found.expected)
    assert found.owed > 0
    for vintage in found.vintages:
        assert 0 <= vintage.expected <= vintage.owed
    settled = found.vintages[0]
    assert (settled.owed, settled.breakage) == (0, 0)


def test_what_is_owed_half_a_year_ago_was_what_it_said_then():
    years()
    now, then = (liability.statement(month=dt.date(2026, month, 1)) for month in (2, 1))
    assert now.opening == then.owed
    assert now.owed == now.opening + now.opened - now.redeemed - now.expired - now.other
    assert (now.opened, now.redeemed) == (100, 60)


def test_without_vintages_that_have_ended_nothing_is_foretold():
    alice = create_customer()
    for month in range(10):
        at = NOON - (300 - 30 * month) * DAY
        award(alice, 100, at=at)
        ledger.redeem(customer=alice, points=10, source=f"spent:{month}", occurred_at=at + DAY)
    count()
    found = liability.statement(month=dt.date(2026, 3, 1))
    assert found.owed == 900
    assert (found.expected, found.error, found.breakage) == (None, None, None)


def test_a_vintage_of_which_nothing_was_spent_gets_the_share_of_the_others():
    years()
    award(create_customer(), 1_000, at=NOON, activates_at=NOON + 60 * DAY)
    count()
    *others, found = liability.statement(month=dt.date(2026, 3, 1)).vintages
    assert found.month_date == dt.date(2026, 5, 1)
    usable = [(it.redeemed + it.expected) / it.issued for it in others if it.redeemed > 0]
    assert found.expected == pytest.approx(1_000 * sum(usable) / len(usable))


def test_points_cost_what_the_rewards_cost_that_were_taken():
    alice, mug = create_customer(), create_reward(points_cost=100, cost_price=250, price=50)
    award(alice, 500)
    catalogue.redeem_reward(customer=alice, reward=mug, key="1", now=NOON)
    cost = liability.cost_of_points(month=dt.date(2026, 3, 1))
    assert (cost.amount, cost.points, cost.orders, cost.of(300)) == (200, 100, 1, 600)
    assert liability.cost_of_points(month=dt.date(2027, 3, 1)).of(300) is None


def test_a_night_with_nothing_new_counts_only_the_newest_months(django_assert_max_num_queries):
    alice = create_customer()
    for ago in range(0, 600, 25):
        award(alice, 10, at=NOON - ago * DAY)
    assert count() == CountedMonth.objects.count() == 20
    with django_assert_max_num_queries(25):
        assert count() == vintages.ALWAYS
    award(alice, 10, at=NOON - 300 * DAY)
    assert count() == vintages.ALWAYS + 1


def test_a_statement_asks_as_often_for_many_points_as_for_none(django_assert_num_queries):
    with django_assert_num_queries(3):
        liability.statement(month=dt.date(2026, 2, 1))
    years()
    with django_assert_num_queries(3):
        liability.statement(month=dt.date(2026, 2, 1))


def test_a_month_stands_once_per_vintage():
    row = {"vintage_date": dt.date(2026, 1, 1), "month_date": dt.date(2026, 1, 1)}
    VintageMonth.objects.create(**row)
    with pytest.raises(IntegrityError), transaction.atomic():
        VintageMonth.objects.create(**row)
