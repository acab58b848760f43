"""The books in words."""

import datetime as dt

import pytest
from django.utils import translation

from customers.tests.factories import NOON, create_customer, create_store, create_user
from rewards import ledger, statement
from rewards.tests.factories import award


def newest(customer) -> statement.Line:
    return statement.page_of(customer=customer, before=None, size=1)[0][0]


@pytest.mark.django_db
def test_a_purchase_says_where_why_and_until_when():
    customer = create_customer()
    explanation = {
        "basis": 1240,
        "multiplier": 12_500,
        "parts": [
            {
                "key": "base",
                "name_en": "Every euro",
                "name_zh": "每一欧元",
                "kind": "amount",
                "basis": 1240,
                "points": 12,
            },
            {"key": "visit", "name_en": "Every visit", "name_zh": "", "kind": "visit", "points": 1},
            {"key": "none", "name_en": "Nothing", "name_zh": "", "kind": "item", "points": 0},
        ],
    }
    ledger.earn(
        customer=customer, points=16, source="purchase:7", occurred_at=NOON, store=create_store(name_en="Mitte"),
        explanation=explanation, expires_at=dt.datetime(2027, 3, 31, 22, tzinfo=dt.UTC),
    )  # fmt: skip
    line = newest(customer)
    assert (line.what, line.points, line.balance, line.url) == ("Purchase at Mitte", "+16", 16, "/purchases/7/")
    assert line.why == ["Every euro: 12 points for €12.40", "Every visit: 1 point", "All of it × 1.25 for the tier"]
    assert line.outlook == ["Valid until 31 Mar 2027"]
    with translation.override("zh-hans"):
        assert newest(customer).why[0].startswith("每一欧元")


@pytest.mark.django_db
def test_pending_points_say_from_when_they_can_be_spent():
    customer = create_customer()
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(days=7)
    award(customer, 40, activates_at=ahead)
    line = newest(customer)
    assert line.is_pending
    assert line.outlook[0].startswith("Spendable from")
    assert line.balance == 0


@pytest.mark.django_db
def test_a_movement_between_the_customers_own_accounts_gives_and_takes_nothing():
    customer = create_customer()
    award(customer, 40, activates_at=dt.datetime.now(dt.UTC) + dt.timedelta(days=7))
    ledger.settle_many(customer_ids=[customer.pk], now=dt.datetime.now(dt.UTC) + dt.timedelta(days=8))
    line = newest(customer)
    assert (line.what, line.points, line.is_gain) == ("Ready to spend", "40", False)


@pytest.mark.django_db
def test_a_correction_carries_the_note_for_the_customer():
    customer = create_customer()
    award(customer, 40)
    ledger.adjust(
        customer=customer, points=-15, source="adjust:1", occurred_at=NOON, reason="mistake", by=create_user(),
        note="Booked twice.",
    )  # fmt: skip
    line = newest(customer)
    assert (line.what, line.points, line.why) == ("Corrected by the shop", "−15", ["Booked twice."])


@pytest.mark.django_db
def test_what_a_return_takes_beyond_the_balance_is_explained():
    customer = create_customer()
    earned = award(customer, 40, source="purchase:1")
    ledger.redeem(customer=customer, points=30, source="redeem:1", occurred_at=NOON)
    ledger.reverse_award(award=earned, points=40, source="return:1", occurred_at=NOON)
    lines, _older = statement.page_of(customer=customer, before=None, size=10)
    assert [line.points for line in lines] == ["−30", "−10", "−30", "+40"]
    assert lines[0].why == ["The points were no longer there; the next ones you earn make up for what is still open."]


@pytest.mark.django_db
def test_pages_of_the_statement_hold_every_line_once():
    customer = create_customer()
    for _ in range(7):
        award(customer, 1)
    seen, before = [], None
    while True:
        lines, before = statement.page_of(customer=customer, before=before, size=3)
        seen += [line.sequence for line in lines]
        if before is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.django_db
def test_what_is_told_late_stands_where_it_changed_the_balance_and_no_month_has_two_headings():
    customer = create_customer()
    days = ["2026-01-10", "2026-03-10", "2026-03-20", "2025-12-24", "2026-01-31", "2026-04-02"]
    for day in days:
        award(customer, 1, at=dt.datetime.fromisoformat(f"{day}T12:00:00+00:00"))
    lines, __ = statement.page_of(customer=customer, before=None, size=10)
    assert [(line.month, line.is_late) for line in lines] == [
        ("April 2026", False),
        ("March 2026", True),
        ("March 2026", True),
        ("March 2026", False),
        ("March 2026", False),
        ("January 2026", False),
    ]
    months = [line.month for line in lines]
    assert len({month for month, before in zip(months[1:], months, strict=False) if month != before}) == 2


@pytest.mark.django_db
def test_a_rule_that_multiplied_is_named():
    explanation = {
        "parts": [],
        "multipliers": [{"name_en": "Double Sunday", "name_zh": "双倍周日", "multiplier": 20_000}],
    }
    assert statement.reasons_of(explanation) == ["Double Sunday: × 2"]
    with translation.override("zh-hans"):
        assert statement.reasons_of(explanation) == ["双倍周日：× 2"]
