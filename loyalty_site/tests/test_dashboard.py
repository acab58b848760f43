"""The admin's first page: the figures, their cache, and who sees what."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from customers.tests.factories import NOON, create_customer, create_user
from loyalty_site import dashboard
from loyalty_site.roles import ensure_roles
from rewards import ledger
from rewards.models import BookProof
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award

pytestmark = pytest.mark.django_db
WEEK = dt.timedelta(weeks=1)


def test_weeks_begin_on_mondays_of_the_programmes_zone():
    # Sunday 23:30 in UTC is Monday in Berlin.
    weeks = dashboard.week_starts(dt.datetime(2026, 3, 8, 23, 30, tzinfo=dt.UTC))
    assert weeks[-1] == dt.date(2026, 3, 9)
    assert weeks[0] == dt.date(2025, 12, 22)
    assert len(weeks) == 12


def test_points_are_counted_by_week():
    alice = create_customer(enrolled_at=NOON - 2 * WEEK)
    award(alice, 100, at=NOON - 2 * WEEK)
    award(alice, 50, at=NOON - 30 * WEEK)
    ledger.redeem(customer=alice, points=30, source="spend:1", occurred_at=NOON)
    found = dashboard.count(now=NOON)
    assert found.issued == [0] * 9 + [100, 0, 0]
    assert found.redeemed == [0] * 11 + [30]
    assert found.owed == 120
    assert found.owed_by_week == [50] * 9 + [150, 150, 120]
    assert found.new_customers == [0] * 9 + [1, 0, 0]
    assert found.customers == 1


def test_coupons_are_counted_live_and_by_week():
    batch = create_batch(valid_days=3)
    issue_coupon(batch=batch, now=NOON - 2 * WEEK)
    issue_coupon(batch=batch, now=NOON)
    found = dashboard.count(now=NOON)
    assert found.live_coupons == 1
    assert found.coupons_issued == [0] * 9 + [1, 0, 1]


def test_figures_are_counted_once_in_five_minutes(django_assert_num_queries):
    first = dashboard.figures(now=NOON)
    create_customer()
    with django_assert_num_queries(0):
        assert dashboard.figures(now=NOON + dt.timedelta(minutes=4)) == first
    assert dashboard.figures(now=NOON + dt.timedelta(minutes=6)).customers == 1


def test_while_one_counts_the_others_see_the_last_figures(django_assert_num_queries):
    first = dashboard.figures(now=NOON)
    cache.add(dashboard.COUNTING_KEY, value=True)
    with django_assert_num_queries(0):
        assert dashboard.figures(now=NOON + dt.timedelta(hours=1)) == first


def test_without_a_cache_the_figures_are_counted(settings):
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}
    create_customer()
    assert dashboard.figures(now=NOON).customers == 1


def test_as_many_questions_for_many_rows_as_for_none(django_assert_max_num_queries):
    for number in range(30):
        award(create_customer(enrolled_at=NOON), 5, at=NOON - dt.timedelta(days=number))
    with django_assert_max_num_queries(11):
        dashboard.count(now=NOON)


def test_the_first_page_shows_charts_tables_and_the_books(client: Client):
    client.force_login(create_user(is_staff=True, is_superuser=True))
    BookProof.objects.create(is_balanced=True, customers=1, transactions=1, digest="x", trial_balance={})
    page = client.get(reverse("admin:index")).text
    assert page.count("<svg class=") == page.count("<details>") == 7
    assert "The books balance" in page
    assert " style=" not in page


@pytest.mark.parametrize(
    ("role", "cards"),
    [
        ("manager", ["customers", "issued", "redeemed", "owed", "live", "used", "surveys"]),
        ("marketer", ["live", "used", "surveys"]),
        ("auditor", ["issued", "redeemed", "owed", "live", "used"]),
    ],
)
def test_everybody_sees_the_figures_of_their_work(client: Client, role: str, cards: list[str]):
    user = create_user(is_staff=True)
    user.groups.add(ensure_roles()[role])
    client.force_login(user)
    assert [card.key for card in client.get(reverse("admin:index")).context["cards"]] == cards


def test_the_first_page_speaks_chinese(client: Client):
    client.force_login(create_user(is_staff=True, is_superuser=True, language="zh-hans"))
    page = client.get(reverse("admin:index")).text
    assert "未兑付积分" in page
    assert "Points owed" not in page


def test_customers_do_not_get_in(client: Client):
    client.force_login(create_user())
    assert client.get(reverse("admin:index")).status_code in (302, 403)
