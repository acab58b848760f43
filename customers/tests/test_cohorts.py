"""Who comes back: the nightly tables against a recount by hand, over random histories and changes."""

import datetime as dt
import random
from collections import defaultdict

import pytest

from customers import cohorts, months
from customers.models import BuyingMonth, CohortMonth, Customer, Purchase, Return, Store
from customers.tests.factories import NOON, create_customer, create_store
from customers.timezones import programme_date

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def shop(customer: Customer, at: dt.datetime, *, total: int = 500) -> Purchase:
    store = Store.objects.first() or create_store()
    number = Purchase.objects.count() + 1
    return Purchase.objects.create(store=store, reference=f"C{number}", customer=customer, occurred_at=at, total=total)


def give_back(purchase: Purchase, total: int) -> None:
    Return.objects.create(purchase=purchase, reference="R", occurred_at=purchase.occurred_at, total=total)


def count(now: dt.datetime = NOON) -> int:
    return cohorts.count_due(clock=lambda: now)


def month(moment: dt.datetime) -> dt.date:
    return programme_date(moment).replace(day=1)


def recount(now: dt.datetime = NOON) -> tuple[dict, dict]:
    """Count from all receipts, the simplest way there is."""
    bought: dict[int, list[dt.datetime]] = defaultdict(list)
    for purchase in Purchase.objects.exclude(customer=None).order_by("occurred_at", "pk"):
        if purchase.occurred_at <= now and purchase.total > sum(row.total for row in purchase.returns.all()):
            bought[purchase.customer_id].append(purchase.occurred_at)
    by_month: dict[dt.date, list[int]] = defaultdict(lambda: [0, 0])
    by_cohort: dict[tuple[dt.date, dt.date], set[int]] = defaultdict(set)
    for customer, moments in bought.items():
        for one in {month(moment) for moment in moments}:
            first = min(n for n, moment in enumerate(moments) if month(moment) == one)
            by_month[one][0] += 1
            by_month[one][1] += any(later - moments[first] <= 60 * DAY for later in moments[first + 1 :])
            by_cohort[month(moments[0]), one].add(customer)
    return dict(by_month), {key: len(found) for key, found in by_cohort.items()}


def tables() -> tuple[dict, dict]:
    rows = {row.month_date: [row.buyers, row.repeaters] for row in BuyingMonth.objects.all() if row.buyers}
    return rows, {(row.cohort_date, row.month_date): row.customers for row in CohortMonth.objects.all()}


@pytest.mark.parametrize("seed", range(4))
def test_the_tables_equal_a_recount_whatever_comes_in_between(seed: int):
    random_ = random.Random(seed)
    customers = [create_customer() for _n in range(6)]
    for night in range(3):
        now = NOON + night * 40 * DAY
        for _n in range(25):
            ago = random_.choice([0, 1, 5, 59.9, 60, 60.1, 90, 200, 330]) + random_.random() * 20
            purchase = shop(random_.choice(customers), now - ago * DAY)
            if random_.random() < 0.2:
                give_back(purchase, random_.choice([100, 500]))
        count(now)
        assert tables() == recount(now)


def test_sixty_days_are_the_last_that_count():
    alice, bob = create_customer(), create_customer(name="Bob")
    start = NOON - 100 * DAY
    for customer, days in ((alice, 60), (bob, 61)):
        shop(customer, start)
        shop(customer, start + days * DAY)
    count()
    assert (BuyingMonth.objects.get(month_date=month(start)).buyers, BuyingMonth.objects.first().repeaters) == (2, 1)


def test_a_night_with_nothing_new_counts_only_the_newest_months(django_assert_max_num_queries):
    alice = create_customer()
    for ago in range(0, 700, 20):
        shop(alice, NOON - ago * DAY)
    assert count() == 24
    with django_assert_max_num_queries(30):
        assert count() == cohorts.ALWAYS
    shop(alice, NOON)
    assert count() == cohorts.ALWAYS + 1  # within 60 days of January's end, too


def test_a_late_receipt_counts_every_month_after_it_again():
    alice = create_customer()
    shop(alice, NOON - 300 * DAY)
    count()
    shop(alice, NOON - 310 * DAY)
    assert count() > cohorts.ALWAYS
    assert tables() == recount()


def test_a_night_that_was_killed_goes_on(monkeypatch):
    alice = create_customer()
    for ago in (200, 100, 1):
        shop(alice, NOON - ago * DAY)
    whole, done = cohorts._count, []

    def dies(month: dt.date, *rest) -> None:
        if len(done) == 3:
            raise KeyboardInterrupt
        whole(month, *rest)
        done.append(month)

    with monkeypatch.context() as patched:
        patched.setattr(cohorts, "_count", dies)
        with pytest.raises(KeyboardInterrupt):
            count()
    assert BuyingMonth.objects.count() == 3
    assert count() == len(list(months.through(month(NOON - 200 * DAY), month(NOON)))) - 3
    assert tables() == recount()


def test_guests_and_goods_that_all_came_back_count_for_nothing():
    alice = create_customer()
    Purchase.objects.create(store=create_store(), reference="guest", occurred_at=NOON, total=500)
    give_back(shop(alice, NOON - DAY), 500)
    count()
    assert tables() == ({}, {})


@pytest.mark.parametrize(
    ("moment", "expected"), [("2026-02-28T23:30:00+00:00", (2026, 3)), ("2026-02-28T22:30:00+00:00", (2026, 2))]
)
def test_months_are_the_programmes(moment: str, expected: tuple[int, int], settings):
    settings.TIME_ZONE = "Europe/Berlin"
    found = months.month_of(dt.datetime.fromisoformat(moment))
    assert (found.year, found.month) == expected
