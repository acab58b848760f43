"""What a trial reports against a recount of the raw rows in plain Python, over random histories with returns."""

import datetime as dt
import random

import pytest
from django.db.models import QuerySet

from customers.models import Purchase, Return
from customers.tests.factories import NOON
from rewards import outcomes, returns, uplift
from rewards.models import Assignment, Trial
from rewards.tests.surprise_factories import DAY, buy, create_surprise, many
from rewards.trials import Occasion, assign

pytestmark = pytest.mark.django_db
WINDOW = 60 * DAY


def live(trial: Trial, chance: random.Random) -> None:
    """Let forty customers be assigned on some day, a few twice, buy before and after, and bring some of it back."""
    for customer in many(40):
        first = NOON + chance.uniform(0, 40) * DAY
        moments = [first, first + chance.uniform(1, 50) * DAY][: 1 + (chance.random() < 0.2)]
        bought = []
        for _n in range(chance.randrange(4)):
            at = first + chance.uniform(-70, 70) * DAY
            bought.append(buy(customer, at=at, amount=chance.randrange(100, 5_000)))
        for number, moment in enumerate(moments):
            cause = chance.choice(bought).pk if bought and not number and chance.random() < 0.3 else None
            assign(trial=trial, occasions=[Occasion(customer.pk, f"{number}:{customer.pk}", {}, cause)], now=moment)
        for purchase in bought:
            if chance.random() < 0.2:
                back = purchase.occurred_at + DAY
                returns.refund(purchase=purchase, reference="B", quantities={1: 1}, occurred_at=back)
    for purchase in Purchase.objects.all():
        if chance.random() < 0.3:
            # As if a coupon had taken something off; history is never edited but by a test.
            QuerySet(Purchase).filter(pk=purchase.pk).update(discount=chance.randrange(100))
    for row in Assignment.objects.filter(is_gift=True):
        told = {"first_message_at": row.assigned_at + dt.timedelta(hours=1)} if chance.random() < 0.7 else {}
        Assignment.objects.filter(pk=row.pk).update(cost=chance.randrange(200), **told)


def recount(trial: Trial, now: dt.datetime) -> dict[bool, tuple[int, list[float]]]:
    """Return how many of each side were assigned, and what its customers add up to."""
    first: dict[int, Assignment] = {}
    for row in sorted(Assignment.objects.filter(trial=trial), key=lambda row: row.assigned_at):
        first.setdefault(row.customer_id, row)
    said = {}
    for is_gift in (True, False):
        side = [row for row in first.values() if row.is_gift is is_gift and row.assigned_at <= now]
        over = [row for row in side if row.assigned_at + WINDOW <= now]
        sums = [0.0] * 9
        for row in over:
            after = kept(trial, row, row.assigned_at, row.assigned_at + WINDOW)
            before = sum(kept(trial, row, row.assigned_at - WINDOW, row.assigned_at))
            cost = row.cost + (trial.message_cost if row.first_message_at else 0)
            net = sum(after) - cost
            each = (bool(after), sum(after), cost, 1, net, net**2, before, before**2, net * before)
            sums = [a + b for a, b in zip(sums, each, strict=True)]
        said[is_gift] = (len(side), sums)
    return said


def kept(trial: Trial, row: Assignment, since: dt.datetime, until: dt.datetime) -> list[float]:
    """Return the margin of each purchase in a stretch of time that something was kept of."""
    margins = []
    for purchase in Purchase.objects.filter(customer=row.customer_id).exclude(pk=row.purchase_id):
        left = purchase.total - sum(back.total for back in Return.objects.filter(purchase=purchase))
        if since < purchase.occurred_at <= until and left > 0:
            margins.append(left * trial.margin_rate / 10_000 - purchase.discount * left / purchase.total)
    return margins


@pytest.mark.parametrize("seed", range(3))
def test_both_sides_equal_a_recount_on_every_day(seed: int) -> None:
    trial = create_surprise(margin_rate=4_000, message_cost=7).trial
    live(trial, random.Random(seed))
    for days in (0, 30, 70, 130):
        now = NOON + days * DAY
        found, sums = uplift.report(trial=trial, now=now), outcomes.totals(trial=trial, now=now)
        expected = recount(trial, now)
        for arm, added, (assigned, total) in zip((found.gift, found.control), sums, expected.values(), strict=True):
            assert [*added[:3], *added.moments] == pytest.approx(total, rel=1e-12), days
            came_back, margin, cost, counted, *__ = total
            assert (arm.assigned, arm.counted, arm.came_back) == (assigned, counted, came_back)
            number = max(1, counted)
            assert (arm.margin, arm.cost) == pytest.approx((margin / number, cost / number))
        rows = list(outcomes.outcomes(trial=trial, now=now))
        for is_gift, added in zip((True, False), sums, strict=True):
            nets = [row.net for row in rows if row.is_gift is is_gift]
            assert (len(nets), sum(nets)) == pytest.approx(added.moments[:2])
    assert min(found.gift.came_back, found.control.came_back) > 0
