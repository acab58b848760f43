"""Tiers: reached at once, by net spend, points or visits of twelve months; withdrawn when only refunded purchases led there."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from customers.models import Notice
from customers.timezones import start_of_day
from rewards import checkout, coupons, ledger, returns, tiers
from rewards.adjustments import OwnCard
from rewards.models import PointBalance, PointTransaction, Tier, TierMembership
from rewards.sale import Receipt, SoldLine
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import award, create_customer, create_user
from rewards.tests.tier_factories import DAY, NOON, bring_back, buy, create_tiers, history, open_shop, tier_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    open_shop()
    create_tiers()
    return create_customer(name="Alice")


def points_of(purchase) -> int:
    return PointTransaction.objects.get(source=purchase.source, kind="earn").points


# docs/points.md#tiers


@pytest.mark.parametrize(
    ("amount", "tier"),
    [(29_999, ""), (30_000, "regular"), (79_999, "regular"), (80_000, "house-guest"), (500_000, "house-guest")],
)
def test_net_spend_of_twelve_months_decides(alice, amount, tier):
    buy(alice, amount)
    assert tier_of(alice) == tier


def test_a_tier_holds_from_the_next_purchase_on(alice):
    assert points_of(buy(alice, 30_000)) == 300
    assert points_of(buy(alice, 1_050, at=NOON + DAY)) == 11  # 10.50 x 1.1 = 11.55
    assert points_of(buy(alice, 48_950, at=NOON + 2 * DAY)) == 538  # 489.50 x 1.1 = 538.45
    assert points_of(buy(alice, 1_050, at=NOON + 3 * DAY)) == 13  # 10.50 x 1.25 = 13.125
    assert history(alice) == [("regular", "reached", "reached"), ("house-guest", "reached", "")]


def test_what_was_paid_with_points_or_coupons_does_not_count(alice):
    award(alice, 5_000)
    buy(alice, 31_000, points=1_000, discount=500)  # 1,000 points are worth 10.00
    assert tier_of(alice) == ""
    buy(alice, 500)
    assert tier_of(alice) == "regular"


def test_the_spendable_balance_decides_nothing(alice):
    award(alice, 1_000_000)
    buy(alice, 100)
    assert tier_of(alice) == ""
    buy(alice, 30_000, at=NOON + DAY)
    ledger.redeem(customer=alice, points=1_000_000, source="reward:1", occurred_at=NOON + DAY)
    buy(alice, 100, at=NOON + 2 * DAY)
    assert tier_of(alice) == "regular"


@pytest.mark.parametrize(
    ("first", "last", "tier"),
    [
        ("2025-03-10 12:00", "2026-03-10 12:00", ""),  # the day a year ago no longer counts
        ("2025-03-10 22:59", "2026-03-10 12:00", ""),  # 23:59 in Berlin
        ("2025-03-10 23:00", "2026-03-10 12:00", "regular"),  # 11 March, 00:00 in Berlin
        ("2025-03-10 23:00", "2026-03-10 22:59", "regular"),
        ("2025-03-10 23:00", "2026-03-10 23:00", ""),  # 11 March has begun
        ("2027-02-28 12:00", "2028-02-29 12:00", ""),  # 29 February looks back to 1 March
        ("2027-02-28 23:00", "2028-02-29 12:00", "regular"),
    ],
)
def test_twelve_months_are_whole_days_of_the_programme(alice, settings, first, last, tier):
    settings.TIME_ZONE = "Europe/Berlin"
    buy(alice, 20_000, at=dt.datetime.fromisoformat(f"{first}+00:00"))
    buy(alice, 10_000, at=dt.datetime.fromisoformat(f"{last}+00:00"))
    assert tier_of(alice) == tier


@pytest.mark.parametrize(
    ("reached", "zone", "kept_until"),
    [
        ("2026-03-10 12:00", "Europe/Berlin", "2027-03-31 22:00"),
        ("2026-01-31 22:59", "Europe/Berlin", "2027-01-31 23:00"),
        ("2026-01-31 23:00", "Europe/Berlin", "2027-02-28 23:00"),
        ("2028-02-29 12:00", "Europe/Berlin", "2029-02-28 23:00"),
        ("2026-01-31 16:00", "Asia/Shanghai", "2027-02-28 16:00"),
    ],
)
def test_a_tier_is_kept_until_the_months_end_twelve_months_later(alice, settings, reached, zone, kept_until):
    settings.TIME_ZONE = zone
    buy(alice, 30_000, at=dt.datetime.fromisoformat(f"{reached}+00:00"))
    row = TierMembership.objects.get()
    assert row.kept_until == dt.datetime.fromisoformat(f"{kept_until}+00:00")
    assert row.grace_until is None


def test_visits_count_receipts_that_were_paid_and_kept():
    open_shop()
    create_tiers(metric="visits", regular=3, guest=5)
    alice = create_customer()
    buy(alice, 0)
    back = buy(alice, 500)
    bring_back(back, at=NOON + DAY)
    for day in (2, 3):
        buy(alice, 100, at=NOON + day * DAY)
    assert tier_of(alice) == ""
    buy(alice, 100, at=NOON + 4 * DAY)
    assert tier_of(alice) == "regular"


def test_points_earned_count_whether_spent_waiting_or_gone_but_not_those_taken_back():
    open_shop()
    create_tiers(metric="points", regular=100, guest=500)
    alice = create_customer()
    award(alice, 60, activates_at=NOON + 9 * DAY)
    ledger.adjust(customer=alice, points=500, source="adjust:1", occurred_at=NOON, reason="event", by=create_user())
    bring_back(buy(alice, 3_900), at=NOON)
    assert tier_of(alice) == ""
    buy(alice, 3_900, at=NOON + DAY)
    ledger.redeem(customer=alice, points=39, source="reward:1", occurred_at=NOON + DAY)
    assert tier_of(alice) == ""
    buy(alice, 100, at=NOON + 2 * DAY)
    assert tier_of(alice) == "regular"


def test_a_tier_without_a_threshold_is_reached_by_nobody(alice):
    Tier.objects.create(code="family", name_en="Family", rank=3)
    buy(alice, 1_000_000)
    assert tier_of(alice) == "house-guest"


def test_where_everybody_starts_may_multiply_as_well(alice):
    Tier.objects.filter(rank=0).update(multiplier=20_000)
    assert points_of(buy(alice, 1_000)) == 20


# Multipliers in the award


def test_tier_and_coupon_multiply_one_another_and_a_return_uses_both(alice):
    buy(alice, 30_000)
    coupon = coupons.issue(
        batch=create_batch(value_kind="multiplier", value=15_000), customer=alice, source="test:1", now=NOON
    )
    purchase = buy(alice, 2_000, pieces=2, at=NOON + DAY, coupon=coupon)
    assert points_of(purchase) == 33  # 20 x 1.1 x 1.5
    told = PointTransaction.objects.get(source=purchase.source, kind="earn").explanation
    assert (told["multiplier"], told["coupon"]) == (11_000, 15_000)
    Tier.objects.filter(code="regular").update(multiplier=20_000)
    bring_back(purchase, at=NOON + 2 * DAY)
    assert PointBalance.objects.get(customer=alice).active == 300 + 16  # 10 x 1.65 = 16.5
    returns.refund(purchase=purchase, reference="all", quantities={1: 1}, occurred_at=NOON + 3 * DAY)
    assert PointBalance.objects.get(customer=alice).active == 300


def test_a_quote_says_what_the_purchase_then_earns(alice):
    purchase = buy(alice, 30_000)
    receipt = {"store": purchase.store, "lines": [SoldLine(purchase.lines.get().product, 1, 10_000)]}
    later = {"occurred_at": NOON + DAY, "reference": "Q"}
    assert checkout.quote(receipt=Receipt(customer_id=alice.pk, **receipt, **later)).earned.points == 110
    assert checkout.quote(receipt=Receipt(customer_id=None, **receipt, **later)).earned.points == 100
    before = Receipt(customer_id=alice.pk, **receipt, reference="Q", occurred_at=NOON - DAY)
    assert checkout.quote(receipt=before).earned.points == 100


def test_many_receipts_take_the_tier_of_their_own_time_in_two_queries(alice, django_assert_max_num_queries):
    purchase = buy(alice, 30_000)
    product = purchase.lines.get().product

    def record(size: int, start: int) -> int:
        receipts = [
            Receipt(
                store=purchase.store, reference=f"M{start + n}", customer_id=alice.pk,
                occurred_at=NOON + (n % 2 * 2 - 1) * DAY, lines=[SoldLine(product, 1, 10_000)],
            )
            for n in range(size)
        ]  # fmt: skip
        with CaptureQueriesContext(
            connection,
        ) as queries:
            checkout.record_many(receipts)
        assert sum("tiermembership" in query["sql"] for query in queries) == 1
        assert sum('FROM "rewards_tier"' in query["sql"] for query in queries) == 1
        return len(queries)

    few, many = record(2, 0), record(40, 100)
    assert many <= few + 40 * 4  # executemany of SQLite shows each row
    earned = PointTransaction.objects.filter(kind="earn", points__in=[100, 110]).values_list("occurred_at", "points")
    assert set(earned) == {(NOON - DAY, 100), (NOON + DAY, 110)}


def test_without_tiers_a_purchase_asks_once_and_no_more():
    open_shop()
    alice = create_customer()
    with CaptureQueriesContext(connection) as queries:
        buy(alice, 30_000)
    assert sum("rewards_tier" in query["sql"] for query in queries) == 1


# Returns


def test_a_tier_reached_only_through_what_came_back_is_withdrawn_without_grace(alice):
    buy(alice, 20_000)
    big = buy(alice, 10_000, pieces=2, at=NOON + DAY)
    bring_back(big, at=NOON + 2 * DAY)
    assert tier_of(alice) == ""
    assert history(alice) == [("regular", "reached", "refunded")]
    row = TierMembership.objects.get()
    assert (row.ended_at, row.grace_until) == (NOON + 2 * DAY, None)
    assert Notice.objects.get(kind="tier_lowered").context["is_return"] is True
    assert points_of(buy(alice, 1_000, at=NOON + 3 * DAY)) == 10


def test_who_keeps_enough_keeps_the_tier(alice):
    buy(alice, 29_000)
    big = buy(alice, 10_000, pieces=2, at=NOON + DAY)
    bring_back(big, at=NOON + 2 * DAY)
    assert tier_of(alice) == "regular"


def test_what_was_bought_later_makes_up_for_what_came_back(alice):
    big = buy(alice, 30_000)
    buy(alice, 30_000, at=NOON + 60 * DAY)
    bring_back(big, at=NOON + 61 * DAY)
    assert tier_of(alice) == "regular"


def test_the_tier_before_comes_back_with_its_own_end(alice):
    buy(alice, 30_000)
    kept_until = TierMembership.objects.get().kept_until
    big = buy(alice, 50_000, at=NOON + 100 * DAY)
    assert tier_of(alice) == "house-guest"
    bring_back(big, at=NOON + 101 * DAY)
    assert history(alice) == [
        ("regular", "reached", "reached"),
        ("house-guest", "reached", "refunded"),
        ("regular", "refunded", ""),
    ]
    row = TierMembership.objects.open().get()
    assert (row.kept_until, row.qualified_at, row.started_at) == (kept_until, NOON, NOON + 101 * DAY)


def test_two_tiers_can_be_lost_by_one_return(alice):
    first = buy(alice, 30_000)
    second = buy(alice, 50_000, at=NOON + DAY)
    bring_back(first, at=NOON + 2 * DAY)
    assert tier_of(alice) == "regular"  # 500.00 are kept
    bring_back(second, at=NOON + 3 * DAY)
    assert tier_of(alice) == ""


def test_one_big_purchase_that_comes_back_in_part_leaves_the_lower_tier(alice):
    big = buy(alice, 100_000, pieces=10)
    kept_until = TierMembership.objects.get().kept_until
    bring_back(big, 6, at=NOON + DAY)
    assert (tier_of(alice), TierMembership.objects.open().get().kept_until) == ("regular", kept_until)
    bring_back(big, 1, at=NOON + 2 * DAY)
    assert tier_of(alice) == "regular"
    bring_back(big, 1, at=NOON + 3 * DAY)
    assert tier_of(alice) == ""


def test_a_higher_threshold_takes_nothing_away_at_a_small_return(alice):
    buy(alice, 30_000)
    small = buy(alice, 1_000, at=NOON + DAY)
    Tier.objects.filter(code="regular").update(threshold=60_000)
    bring_back(small, at=NOON + 2 * DAY)
    assert tier_of(alice) == "regular"


# Late news, and staff


def test_a_purchase_told_late_never_writes_into_the_past(alice):
    buy(alice, 30_000, at=NOON + 10 * DAY)
    buy(alice, 90_000, at=NOON)
    assert history(alice) == [("regular", "reached", "")]


def test_staff_grant_a_tier_and_take_it_back(alice):
    _friend, regular, guest = Tier.objects.order_by("rank")
    manager = create_user()
    buy(alice, 30_000)
    row = tiers.grant(customer=alice, tier=guest, note="Our first guest", by=manager, now=NOON + DAY)
    assert (row.by, row.note, row.qualified_at) == (manager, "Our first guest", None)
    assert points_of(buy(alice, 1_000, at=NOON + 2 * DAY)) == 12
    with pytest.raises(tiers.HeldAlready):
        tiers.grant(customer=alice, tier=regular, note="x", by=manager, now=NOON + 2 * DAY)
    tiers.withdraw(customer=alice, note="A mistake", by=manager, now=NOON + 3 * DAY)
    assert history(alice) == [
        ("regular", "reached", "granted"),
        ("house-guest", "granted", "withdrawn"),
        ("regular", "withdrawn", ""),
    ]
    assert TierMembership.objects.open().get().kept_until == tiers.kept_until(NOON)
    with pytest.raises(tiers.NotGranted):
        tiers.withdraw(customer=alice, note="x", by=manager, now=NOON + 4 * DAY)


def test_who_loses_a_granted_tier_is_where_the_purchases_lead(alice):
    manager, guest = create_user(), Tier.objects.get(rank=2)
    tiers.grant(customer=alice, tier=guest, note="x", by=manager, now=NOON)
    buy(alice, 40_000, at=NOON + DAY)
    tiers.withdraw(customer=alice, note="y", by=manager, now=NOON + 2 * DAY)
    assert history(alice) == [("house-guest", "granted", "withdrawn"), ("regular", "reached", "")]


def test_nobody_grants_themselves_a_tier(alice):
    alice.user = create_user()
    alice.save()
    with pytest.raises(OwnCard):
        tiers.grant(customer=alice, tier=Tier.objects.get(rank=2), note="x", by=alice.user, now=NOON)
    assert TierMembership.objects.count() == 0


# Constraints


def test_a_customer_has_one_open_membership(alice):
    buy(alice, 30_000)
    row = TierMembership.objects.get()
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


@pytest.mark.parametrize(
    "fields",
    [
        {"ended_at": NOON + DAY},
        {"end_reason": "refunded"},
        {"ended_at": NOON - DAY, "end_reason": "refunded"},
        {"grace_until": NOON},
    ],
)
def test_what_makes_no_sense_is_refused(alice, fields):
    buy(alice, 30_000)
    with pytest.raises(IntegrityError), transaction.atomic():
        TierMembership.objects.update(**fields)


def test_the_first_day_of_the_window():
    assert tiers.qualifying.window_start(NOON) == start_of_day(dt.date(2025, 3, 11))
