"""The clock's work: every hour what is due, once a day what looks at everybody, and nothing is forgotten after silence."""

import datetime as dt

import pytest

from customers.models import Notice
from customers.timezones import programme_date, start_of_day
from rewards import daily, days, events, expiry_notices
from rewards.models import EarningRule, PointBalance, PointTransaction, ProgrammeDay
from rewards.tests.factories import NOON, award, create_customer, create_rule

pytestmark = pytest.mark.django_db
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
ZONE = "Europe/Berlin"


@pytest.fixture(autouse=True)
def _berlin(settings) -> None:
    settings.TIME_ZONE = ZONE


def birthday_rule() -> None:
    create_rule(
        key="birthday", kind="event", event=EarningRule.Event.BIRTHDAY, points=50, published_at=NOON - 400 * DAY
    )


def test_everybody_is_looked_at_once_a_day_and_what_is_due_every_hour(monkeypatch: pytest.MonkeyPatch):
    looked = []
    for module, name in ((events, "award_due"), (daily, "run"), (expiry_notices, "queue_due")):
        monkeypatch.setattr(module, name, lambda name=name, **_options: looked.append(name) or 0)
    midnight = start_of_day(programme_date(NOON + DAY))
    for minutes in range(0, 24 * 60, 60):
        days.run_due(now=midnight + dt.timedelta(minutes=minutes + 5))
    assert looked == ["award_due", "run", "queue_due"]
    days.run_due(now=midnight + DAY - dt.timedelta(seconds=1))
    assert len(looked) == 3
    days.run_due(now=midnight + DAY)
    assert len(looked) == 6
    assert list(ProgrammeDay.objects.order_by("day_date").values_list("day_date", flat=True)) == [
        programme_date(midnight), programme_date(midnight + DAY)
    ]  # fmt: skip


def test_lots_become_spendable_and_expire_within_the_hour():
    alice = create_customer()
    days.run_due(now=NOON)
    award(alice, 30, at=NOON, activates_at=dt.datetime(2126, 1, 1, 9, tzinfo=dt.UTC))
    at_nine = dt.datetime(2126, 1, 1, 9, tzinfo=dt.UTC)
    days.run_due(now=at_nine - 2 * HOUR)
    assert days.run_due(now=at_nine - HOUR) == 0
    assert days.run_due(now=at_nine + HOUR) == 1
    assert days.run_due(now=at_nine + HOUR) == 0
    assert PointBalance.objects.get(customer=alice).active == 30


def test_a_run_that_was_stopped_begins_again(monkeypatch: pytest.MonkeyPatch):
    award(create_customer(), 30, expires_at=NOON + HOUR)
    with monkeypatch.context() as patched:
        patched.setattr(expiry_notices, "queue_due", lambda **_options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            days.run_due(now=NOON + HOUR)
    assert not ProgrammeDay.objects.exists()
    assert days.run_due(now=NOON + 2 * HOUR) == 0  # what the stopped run has booked stays booked
    assert PointTransaction.objects.filter(kind="expire").count() == 1
    assert ProgrammeDay.objects.count() == 1


@pytest.mark.parametrize(("silent_days", "are_congratulated"), [(1, True), (7, True), (20, True), (40, False)])
def test_birthdays_in_days_of_silence_are_made_up_for(silent_days: int, are_congratulated: bool):
    birthday_rule()
    alice = create_customer(birthday=(NOON + DAY).date().replace(year=1990), enrolled_at=NOON - 100 * DAY)
    days.run_due(now=NOON)
    for _again in range(2):
        days.run_due(now=NOON + DAY + silent_days * DAY)
    assert PointTransaction.objects.filter(customer=alice).count() == int(are_congratulated)


def test_notices_of_days_of_silence_are_made_up_for_while_the_points_live():
    last_day = programme_date(NOON + 35 * DAY)
    award(create_customer(), 100, expires_at=start_of_day(last_day + DAY))
    days.run_due(now=NOON)
    days.run_due(now=NOON + 16 * DAY)  # 19 days before: the first notice was due 11 days ago
    days.run_due(now=NOON + 17 * DAY)
    assert list(Notice.objects.values_list("source", flat=True)) == [f"{last_day}:30"]
