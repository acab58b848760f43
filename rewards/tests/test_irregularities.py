"""Twenty planted cases are all reported, and what only looks like them is not."""

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers.models import Customer, Identifier, User
from customers.tests.factories import create_customer, create_store, create_user
from loyalty_site.roles import ensure_roles
from rewards import adjustments, coupons, irregularities, ledger, redemption
from rewards.irregularities import report
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import NOON, award

pytestmark = pytest.mark.django_db

DAY, HOUR, MINUTE = dt.timedelta(days=1), dt.timedelta(hours=1), dt.timedelta(minutes=1)
TODAY = dt.date(2026, 3, 10)
MIDNIGHT = dt.datetime(2026, 3, 9, 23, tzinfo=dt.UTC)  # in Berlin


@pytest.fixture
def clerk() -> User:
    """Somebody with a manager's limits."""
    person = create_user(name="Cleo", is_staff=True)
    person.groups.add(ensure_roles()["manager"])
    return person


def earn(customer: Customer, times: int, *, at: dt.datetime = NOON, source: str = "purchase") -> None:
    store = create_store()
    for number in range(times):
        ledger.earn(
            customer=customer, points=10, source=f"{source}:{customer.pk}{at:%m%d%H}{number}",
            occurred_at=at + number * MINUTE, store=store,
        )  # fmt: skip


def use_coupon(*, issuer: User | None, taker: User, after: dt.timedelta, source: str, at: dt.datetime = NOON) -> None:
    customer = create_customer()
    coupon = coupons.issue(
        batch=create_batch(), customer=customer, source=f"{source}:{uuid.uuid4()}", now=at - after, by=issuer
    )
    redemption.redeem(coupon=coupon, request_key=str(uuid.uuid4()), now=at, customer=customer, by=taker)


def spend(customer: Customer, *, at: dt.datetime = NOON) -> None:
    award(customer, 100, at=at - 30 * DAY)
    ledger.redeem(customer=customer, points=50, source=f"spend:{customer.pk}", occurred_at=at)


def adjust(clerk: User, points: int, *, at: dt.datetime = NOON) -> None:
    adjustments.adjust(
        customer=create_customer(), points=points, reason=adjustments.Reason.GOODWILL, note="Sorry", key=uuid.uuid4(),
        by=clerk, now=at,
    )  # fmt: skip


def test_twenty_planted_cases_are_all_reported(clerk):
    other = create_user(name="Otto", is_staff=True)
    # Five cards with more than five purchases on a day; six events or five purchases are none, nor is midnight between them.
    busy = [create_customer() for _n in range(5)]
    for customer in busy:
        earn(customer, 6)
    earn(create_customer(), 5)
    earn(create_customer(), 6, source="event")
    earn(create_customer(), 6, at=MIDNIGHT - 3 * MINUTE)
    # Three coupons through one hand, two by hand on the day; not: by two people later, by a campaign on the day.
    for days in (0, 1, 20):
        use_coupon(issuer=clerk, taker=clerk, after=days * DAY, source="bulk")
    for _n in range(2):
        use_coupon(issuer=other, taker=clerk, after=2 * HOUR, source="staff")
    use_coupon(issuer=other, taker=clerk, after=DAY, source="staff")
    use_coupon(issuer=other, taker=clerk, after=2 * HOUR, source="bulk")
    use_coupon(issuer=None, taker=clerk, after=2 * HOUR, source="survey")
    # Two people in five different hours.
    for hours, person in ((0, clerk), (1, clerk), (2, clerk), (30, clerk)):
        adjust(person, 300, at=NOON - hours * HOUR)
        adjust(person, 40, at=NOON - hours * HOUR + MINUTE)
    ledger.adjust(customer=busy[0], points=-20, source="adjust:x", occurred_at=NOON, reason="misuse", by=other)
    # Three spent after another address, two after a first one; not: a day later, before, or with the address of the first day.
    for _n in range(3):
        spend(create_customer(spending_held_until=NOON - 23 * HOUR + irregularities.HELD))
    for _n in range(2):
        customer = create_customer(enrolled_at=NOON - 90 * DAY)
        Identifier.objects.create(
            customer=customer, kind="email", value="a", normalised=uuid.uuid4().hex, recorded_at=NOON - 23 * HOUR
        )
        spend(customer)
    spend(create_customer(spending_held_until=NOON - 25 * HOUR + irregularities.HELD))
    spend(create_customer(spending_held_until=NOON + HOUR + irregularities.HELD))
    spend(create_customer(email="new@x.example", enrolled_at=NOON - HOUR))
    spend(create_customer())

    found = report(begin=TODAY - 6 * DAY, end=TODAY)
    assert {row["customer"] for row in found.busy_cards} == {customer.pk for customer in busy}
    assert {row["earns"] for row in found.busy_cards} == {6}
    assert len(found.one_hand) == 5
    assert [(row["by"], row["times"], row["given"], row["taken"]) for row in found.by_hand] == [
        *[(clerk.pk, 2, 340, 0)] * 4,
        (other.pk, 1, 0, 20),
    ]
    assert len(found.after_change) == 5
    assert sum(map(len, (found.busy_cards, found.one_hand, found.by_hand, found.after_change))) == 20
    earlier = report(begin=TODAY - 30 * DAY, end=TODAY - 7 * DAY)
    assert [earlier.busy_cards, earlier.one_hand, earlier.by_hand, earlier.after_change] == [[], [], [], []]


def test_the_number_of_queries_does_not_grow(clerk):
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            report(begin=TODAY, end=TODAY)
        return len(counted)

    few = queries()
    for _n in range(3):
        earn(create_customer(), 6)
        use_coupon(issuer=clerk, taker=clerk, after=HOUR, source="staff")
        spend(create_customer(spending_held_until=NOON + irregularities.HELD))
    assert queries() == few == 4


def test_a_month_at_most_is_read():
    found = report(begin=dt.date(2020, 1, 1), end=TODAY)
    assert (found.begin, found.end) == (dt.date(2026, 2, 8), TODAY)


@pytest.mark.parametrize(("role", "status"), [("cashier", 403), ("marketer", 403), ("manager", 200), ("auditor", 200)])
def test_managers_and_auditors_see_the_page_without_names(role, status):
    person = create_user(is_staff=True)
    person.groups.add(ensure_roles()[role])
    alice = create_customer(name="Alice Morgan", member_number="A777")
    earn(alice, 6)
    client = Client()
    client.force_login(person)
    answer = client.get("/admin/rewards/pointtransaction/irregularities/", {"begin": "2026-03-04", "end": "2026-03-10"})
    assert answer.status_code == status
    assert ("A777" in answer.text) == (status == 200)
    assert "Alice" not in answer.text


@pytest.mark.parametrize("period", [{"begin": "2026-03-10", "end": "2026-03-01"}, {"begin": "x"}, {"end": ""}])
def test_an_impossible_period_is_said_and_the_last_week_shown(period):
    client = Client()
    client.force_login(create_user(is_staff=True, is_superuser=True))
    answer = client.get("/admin/rewards/pointtransaction/irregularities/", period)
    assert answer.status_code == 200
    assert "errornote" in answer.text
