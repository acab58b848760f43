"""What a trial reports against a recount of the raw rows in plain Python, over random histories with returns."""

import datetime as dt
import random

import pytest

from customers.models import Purchase, Return
from customers.tests.factories import NOON
from rewards import returns, uplift
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
    for row in Assignment.objects.filter(is_gift=True):
        told = {"first_message_at": row.assigned_at + dt.timedelta(hours=1)} if chance.random() < 0.7 else {}
        Assignment.objects.filter(pk=row.pk).update(cost=chance.randrange(200), **told)


def recount(trial: Trial, now: dt.datetime) -> dict[bool, tuple[int, int, int, float, float]]:
    """Return what each side should say: assigned, counted, came back, and margin and cost for each who counts."""
    first: dict[int, Assignment] = {}
    for row in sorted(Assignment.objects.filter(trial=trial), key=lambda row: row.assigned_at):
        first.setdefault(row.customer_id, row)
    said = {}
    for is_gift in (True, False):
        side = [row for row in first.values() if row.is_gift is is_gift and row.assigned_at <= now]
        over = [row for row in side if row.assigned_at + WINDOW <= now]
        came_back = margin = cost = 0
        for row in over:
            kept = [amount for amount in kept_after(row) if amount > 0]
            came_back += bool(kept)
            margin += sum(kept) * trial.margin_rate / 10_000
            cost += row.cost + (trial.message_cost if row.first_message_at else 0)
        number = max(1, len(over))
        said[is_gift] = (len(side), len(over), came_back, round(margin / number, 6), round(cost / number, 6))
    return said


def kept_after(row: Assignment) -> list[int]:
    amounts = []
    for purchase in Purchase.objects.filter(customer=row.customer_id).exclude(pk=row.purchase_id):
        if row.assigned_at < purchase.occurred_at <= row.assigned_at + WINDOW:
            amounts.append(purchase.total - sum(back.total for back in Return.objects.filter(purchase=purchase)))
    return amounts


@pytest.mark.parametrize("seed", range(3))
def test_both_sides_equal_a_recount_on_every_day(seed: int) -> None:
    trial = create_surprise(margin_rate=4_000, message_cost=7).trial
    live(trial, random.Random(seed))
    for days in (0, 30, 70, 130):
        now = NOON + days * DAY
        found = uplift.report(trial=trial, now=now)
        sides = {
            is_gift: (arm.assigned, arm.counted, arm.came_back, round(arm.margin, 6), round(arm.cost, 6))
            for is_gift, arm in ((True, found.gift), (False, found.control))
        }
        assert sides == recount(trial, now), days
    assert min(found.gift.came_back, found.control.came_back) > 0
