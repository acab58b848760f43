"""Points for signing up and for birthdays: found by looking, once each. The dates are those of docs/points.md#events."""

import datetime as dt

import pytest
from django.core import mail

from customers import notices
from customers.models import Customer, Notice
from customers.tests.factories import consent
from rewards import events, ledger, proof, rules
from rewards.events import Event
from rewards.models import CapUse, EarningRule, PointBalance, PointTransaction
from rewards.statement import line_of
from rewards.tests.factories import NOON, create_customer, create_rule, create_user
from rewards.tests.test_ledger_races import outcomes, race

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


def welcome(points: int = 100, **fields) -> EarningRule:
    return create_rule(**{"key": "welcome", "kind": "event", "event": "sign_up", "points": points} | fields)


def birthday(points: int = 50, **fields) -> EarningRule:
    return create_rule(**{"key": "birthday", "kind": "event", "event": "birthday", "points": points} | fields)


def cap(points: int, per: str = "customer_day", **fields) -> EarningRule:
    return create_rule(**{"key": "cap", "kind": "cap", "cap_per": per, "points": points} | fields)


def born(year: int, month: int, day: int) -> Customer:
    return create_customer(birthday=dt.date(year, month, day), enrolled_at=NOON - 2_000 * DAY)


def active(customer: Customer) -> int:
    row = PointBalance.objects.filter(customer=customer).first()
    return row.active if row else 0


def at(year: int, month: int, day: int) -> dt.datetime:
    return dt.datetime(year, month, day, 12, tzinfo=dt.UTC)


def sources(customer: Customer) -> list[str]:
    return list(PointTransaction.objects.filter(customer=customer).order_by("pk").values_list("source", flat=True))


def test_who_signs_up_is_found_once():
    welcome()
    alice = create_customer(enrolled_at=NOON + HOUR)
    assert events.award_due(now=NOON + DAY) == 1
    assert events.award_due(now=NOON + DAY) == 0
    assert (active(alice), sources(alice)) == (100, [f"sign_up:{alice.pk}"])
    [row] = PointTransaction.objects.all()
    assert line_of(row).what == "Welcome"
    assert "welcome: 100 points" in line_of(row).why
    assert proof.prove().faults == []


def test_who_was_there_before_the_rule_is_not_welcomed_and_neither_is_who_left():
    welcome()
    create_customer(enrolled_at=NOON - HOUR)
    gone = create_customer(enrolled_at=NOON + HOUR)
    gone.erased_at = NOON + 2 * HOUR
    gone.save()
    assert events.award_due(now=NOON + DAY) == 0


def test_a_sign_up_is_rewarded_by_the_version_of_its_day():
    maria = create_user()
    first = welcome()
    early = create_customer(enrolled_at=NOON + HOUR)
    draft = rules.draft_from(rule=first, by=maria)
    draft.points = 300
    draft.save()
    rules.publish(rule=draft, now=NOON + 2 * HOUR, by=maria)
    late = create_customer(enrolled_at=NOON + 3 * HOUR)
    assert events.award_due(now=NOON + DAY) == 2
    assert (active(early), active(late)) == (100, 300)


def test_days_of_silence_are_caught_up_with():
    welcome()
    birthday()
    alice = create_customer(enrolled_at=NOON + HOUR)
    dora = born(1990, 3, 12)
    assert events.award_due(now=NOON + 7 * DAY) == 2
    assert (active(alice), active(dora)) == (100, 50)
    assert events.award_due(now=NOON + 8 * DAY) == 0


@pytest.mark.parametrize(
    ("birth", "days"),
    [
        ((1990, 3, 12), [(2026, 3, 12), (2027, 3, 12)]),
        ((1992, 2, 29), [(2027, 2, 28), (2028, 2, 29)]),
        ((1990, 12, 31), [(2026, 12, 31), (2027, 12, 31)]),
    ],
)
def test_a_birthday_comes_once_a_year_and_29_february_falls_on_the_28th(birth, days):
    birthday()
    dora = born(*birth)
    for number, day in enumerate(days):
        moment = at(*day)
        events.award_due(now=moment - DAY)
        assert len(sources(dora)) == number
        for ago in range(3):
            events.award_due(now=moment + ago * DAY)
        assert sources(dora)[number:] == [f"birthday:{dora.pk}:{day[0]}"]


def test_a_moved_birthday_is_not_a_second_one():
    birthday()
    dora = born(1990, 3, 12)
    events.award_due(now=at(2026, 3, 12))
    dora.birthday = dt.date(1990, 3, 14)
    dora.save()
    assert events.award_due(now=at(2026, 3, 14)) == 0


def test_without_a_rule_nobody_is_looked_for(django_assert_max_num_queries):
    born(1990, 3, 10)
    with django_assert_max_num_queries(1):
        assert events.award_due(now=NOON) == 0


def test_a_hundred_sign_ups_take_as_many_queries_as_ten(django_assert_max_num_queries):
    welcome()
    for _number in range(100):
        create_customer(enrolled_at=NOON + HOUR)
    with django_assert_max_num_queries(25):
        assert events.award_due(now=NOON + DAY) == 100


def test_an_event_is_awarded_once_per_source():
    create_rule(key="review", kind="event", event="review", points=20)
    alice, bob = create_customer(), create_customer()
    first = events.award_event(customer=alice, event=Event.REVIEW, source="review:7", now=NOON)
    assert events.award_event(customer=alice, event=Event.REVIEW, source="review:7", now=NOON) == first
    assert active(alice) == 20
    with pytest.raises(ledger.SourceConflict):
        events.award_event(customer=bob, event=Event.REVIEW, source="review:7", now=NOON)
    assert events.award_event(customer=alice, event=Event.REFERRAL, source="referral:1", now=NOON) is None


def test_a_cap_trims_events_and_what_it_leaves_out_altogether_comes_the_next_day():
    create_rule(key="review", kind="event", event="review", points=20)
    cap(50)
    alice = create_customer()
    posted = [events.award_event(customer=alice, event=Event.REVIEW, source=f"review:{n}", now=NOON) for n in range(4)]
    assert [row and row.points for row in posted] == [20, 20, 10, None]
    assert posted[2].explanation["cap"]["trimmed"] == 10
    assert "cap: 10 more are not counted" in line_of(posted[2]).why
    assert (CapUse.objects.get().points, CapUse.objects.get().trimmed) == (50, 10)
    again = events.award_event(customer=alice, event=Event.REVIEW, source="review:3", now=NOON + DAY)
    assert again.points == 20


@pytest.mark.django_db(transaction=True)
def test_of_two_runs_at_the_same_moment_each_sign_up_is_awarded_by_one():
    welcome()
    for _number in range(20):
        create_customer(enrolled_at=NOON + HOUR)
    results = race([lambda: events.award_due(now=NOON + DAY)] * 4)
    assert outcomes(results) == {"int": 4}
    assert sum(results) == PointTransaction.objects.count() == 20


def test_a_birthday_is_told_once_by_mail_to_those_who_want_mail():
    birthday(100)
    day = dt.date(1990, NOON.month, NOON.day)
    old = NOON - 900 * DAY
    alice = create_customer(name="Alice", email="alice@example.com", birthday=day, language="zh-hans", enrolled_at=old)
    bob = create_customer(name="Bob", email="bob@example.com", birthday=day, enrolled_at=old)
    consent(alice, purpose="marketing")
    for hours in (1, 2):
        events.award_due(now=NOON + dt.timedelta(hours=hours))
    notices.send_due(now=NOON + dt.timedelta(hours=3))
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]
    letter = mail.outbox[0]
    assert letter.subject == "Alice，生日快乐"
    assert "100 积分" in letter.body
    assert "List-Unsubscribe" in letter.extra_headers
    assert Notice.objects.get(customer=bob).state == "skipped"


def test_born_on_29_february_is_congratulated_on_the_28th():
    birthday(100, published_at=at(2026, 1, 1))
    enrolled = at(2025, 1, 1)
    create_customer(email="leap@example.com", birthday=dt.date(2000, 2, 29), enrolled_at=enrolled)
    events.award_due(now=at(2026, 2, 28), days=1)
    assert Notice.objects.get().source.endswith(":2026")


def test_after_a_week_nobody_is_congratulated_any_more():
    birthday(100, published_at=at(2026, 1, 1))
    enrolled = at(2025, 1, 1)
    create_customer(email="late@example.com", birthday=dt.date(1990, 2, 20), enrolled_at=enrolled)
    assert events.award_due(now=NOON, days=31) == 1
    assert not Notice.objects.exists()
