"""Customers hear 30 and 7 days before points expire, once each."""

import datetime as dt

import pytest

from customers.models import Notice
from customers.timezones import start_of_day
from rewards import expiry_notices, ledger
from rewards.tests.factories import NOON, award, create_customer

pytestmark = pytest.mark.django_db
LAST_DAY = dt.date(2026, 4, 30)
END = start_of_day(LAST_DAY + dt.timedelta(days=1))


def noon_before(days: int) -> dt.datetime:
    return dt.datetime.combine(LAST_DAY - dt.timedelta(days=days), dt.time(12), dt.UTC)


def told() -> list[tuple[str, int]]:
    return list(Notice.objects.order_by("source").values_list("source", "context__amount"))


def test_thirty_and_seven_days_before_the_last_day():
    alice = create_customer()
    award(alice, 100, expires_at=END)
    award(alice, 20, expires_at=END)
    award(alice, 7, expires_at=END + dt.timedelta(days=31))
    ledger.redeem(customer=alice, points=50, source="reward:1", occurred_at=NOON)
    for days in range(35, -2, -1):
        expiry_notices.queue_due(now=noon_before(days))
        expiry_notices.queue_due(now=noon_before(days))
    assert [notice for notice in told() if notice[0].startswith(str(LAST_DAY))] == [
        (f"{LAST_DAY}:30", 70),
        (f"{LAST_DAY}:7", 70),
    ]


@pytest.mark.parametrize(("days", "count"), [(31, 0), (30, 1), (29, 1), (28, 0), (7, 1), (6, 1), (5, 0)])
def test_one_missed_day_is_made_up_for(days, count):
    award(create_customer(), 100, expires_at=END)
    expiry_notices.queue_due(now=noon_before(days))
    assert len(told()) == count


def test_points_that_are_spent_or_pending_are_not_spoken_of():
    alice = create_customer()
    award(alice, 100, expires_at=END)
    ledger.redeem(customer=alice, points=100, source="reward:1", occurred_at=NOON)
    expiry_notices.queue_due(now=noon_before(30))
    assert told() == []
