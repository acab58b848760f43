"""Caps trim, exclusions leave out: the numbers of docs/points.md#caps, at the till, in imports and with returns."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from customers.models import Category, Customer, Product
from rewards import checkout, proof
from rewards.models import CapUse, EarningRule, PointBalance, PointTransaction
from rewards.sale import Receipt, SoldLine
from rewards.statement import reasons_of
from rewards.tests.factories import NOON, create_customer, create_rule, create_store
from rewards.tests.test_events import cap
from rewards.tests.test_ledger_races import race
from rewards.tests.test_returns import buy, give_back

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def active(customer: Customer) -> int:
    row = PointBalance.objects.filter(customer=customer).first()
    return row.active if row else 0


def uses() -> list[tuple[int | None, dt.date, int, int]]:
    rows = CapUse.objects.order_by("customer", "period_date")
    return list(rows.values_list("customer_id", "period_date", "points", "trimmed"))


def test_a_customer_earns_no_more_than_the_cap_in_a_day():
    create_rule()
    cap(100)
    alice, bob = create_customer(), create_customer()
    for number, (price, expected) in enumerate([(6_000, 60), (6_000, 100), (6_000, 100)]):
        buy((price, 1), customer=alice, reference=f"A{number}")
        assert active(alice) == expected
    buy((6_000, 1), customer=bob, reference="B")
    buy((6_000, 1), customer=alice, reference="C", occurred_at=NOON + DAY)
    assert (active(alice), active(bob)) == (160, 60)
    assert uses() == [
        (alice.pk, dt.date(2026, 3, 10), 100, 80),
        (alice.pk, dt.date(2026, 3, 11), 60, 0),
        (bob.pk, dt.date(2026, 3, 10), 60, 0),
    ]
    trimmed = PointTransaction.objects.get(points=40).explanation
    assert trimmed["cap"] | {"room": 40, "trimmed": 20} == trimmed["cap"]
    assert reasons_of(trimmed) == ["base: 40 points for €60.00", "cap: 20 more are not counted"]
    assert proof.prove().faults == []


def test_the_programme_gives_no_more_than_the_cap_in_a_month():
    create_rule()
    cap(100, "programme_month")
    alice, bob = create_customer(), create_customer()
    buy((6_000, 1), customer=alice, reference="A")
    buy((6_000, 1), customer=bob, reference="B")
    buy((6_000, 1), customer=bob, reference="C", occurred_at=NOON + 25 * DAY)
    assert (active(alice), active(bob)) == (60, 100)
    assert uses() == [(None, dt.date(2026, 3, 1), 100, 20), (None, dt.date(2026, 4, 1), 60, 0)]


def test_of_two_caps_the_tighter_one_decides_and_both_count():
    create_rule()
    cap(50, key="day")
    cap(80, "programme_month", key="month")
    alice, bob = create_customer(), create_customer()
    buy((6_000, 1), customer=alice, reference="A")
    buy((6_000, 1), customer=bob, reference="B")
    assert (active(alice), active(bob)) == (50, 30)


def test_a_cap_shares_what_is_left_over_the_rules():
    create_rule()
    create_rule(key="visit", kind="visit", points=100)
    cap(50)
    alice = create_customer()
    buy((10_000, 1), customer=alice)
    parts = PointTransaction.objects.get().explanation["parts"]
    assert [part["points"] for part in parts] == [25, 25]


def test_a_new_version_of_a_cap_goes_on_counting():
    create_rule()
    first, alice = cap(50), create_customer()
    buy((6_000, 1), customer=alice, reference="A")
    first.retired_at = NOON
    first.save()
    cap(70, version=2)
    buy((6_000, 1), customer=alice, reference="B")
    assert active(alice) == 70


def test_a_quote_knows_what_is_left_and_counts_nothing():
    create_rule()
    cap(100)
    alice, store = create_customer(), create_store()
    product = Product.objects.create(sku="x", name_en="X")
    buy((6_000, 1), customer=alice)
    receipt = {"store": store, "reference": "Q", "occurred_at": NOON, "lines": [SoldLine(product, 1, 6_000)]}
    assert checkout.quote(receipt=Receipt(customer_id=alice.pk, **receipt)).earned.points == 40
    assert checkout.quote(receipt=Receipt(customer_id=create_customer().pk, **receipt)).earned.points == 60
    assert len(uses()) == 1


def test_an_import_counts_receipt_by_receipt_in_as_many_queries_as_for_one(django_assert_max_num_queries):
    create_rule()
    cap(100)
    store, product = create_store(), Product.objects.create(sku="x", name_en="X")
    customers = [create_customer() for _number in range(30)]
    receipts = [
        Receipt(
            store=store, reference=f"{customer.pk}-{number}", customer_id=customer.pk, occurred_at=NOON,
            lines=[SoldLine(product, 1, 4_000)],
        )
        for customer in customers
        for number in range(3)
    ]  # fmt: skip
    with django_assert_max_num_queries(30):
        checkout.record_many(receipts)
    assert {active(customer) for customer in customers} == {100}
    assert {row[2:] for row in uses()} == {(100, 20)}
    assert proof.prove().faults == []


def test_a_return_of_a_trimmed_purchase_takes_only_what_the_kept_part_does_not_earn():
    create_rule()
    cap(100)
    alice = create_customer()
    purchase = buy((5_000, 3), customer=alice)  # 150, trimmed to 100
    assert active(alice) == 100
    give_back(purchase, {1: 1})  # 100 are kept
    assert active(alice) == 100
    give_back(purchase, {1: 1})
    assert active(alice) == 50
    give_back(purchase, {1: 1})
    assert active(alice) == 0
    assert uses()[0][2:] == (100, 50), "what comes back makes no room again"


def test_what_is_excluded_earns_nothing_and_lifts_no_basket_over_a_minimum():
    gifts = Category.objects.create(code="gifts", name_en="Gift cards")
    create_rule()
    create_rule(key="big", kind="visit", points=500, minimum_basket=2_000)
    create_rule(key="no-gifts", kind="exclusion", category=gifts, points=0, name_en="Gift cards")
    alice = create_customer()
    buy((1_000, 1), (5_000, 1), customer=alice, categories=[None, gifts])
    assert active(alice) == 10
    told = PointTransaction.objects.get().explanation
    assert told["basis"] == 1_000
    assert "Without points: Gift cards" in reasons_of(told)


def test_a_return_leaves_out_what_was_excluded_on_the_day_even_if_the_product_moved_since():
    gifts, books = (Category.objects.create(code=code, name_en=code) for code in ("gifts", "books"))
    create_rule()
    create_rule(key="no-gifts", kind="exclusion", category=gifts, points=0)
    alice = create_customer()
    purchase = buy((1_000, 2), (5_000, 1), customer=alice, categories=[None, gifts])
    Product.objects.update(category=books)
    EarningRule.objects.filter(key="no-gifts").update(retired_at=NOON)
    give_back(purchase, {1: 1})
    assert active(alice) == 10


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "cap", "points": 100},
        {"kind": "cap", "points": 0, "cap_per": "customer_day"},
        {"kind": "visit", "points": 5, "cap_per": "customer_day"},
        {"kind": "exclusion", "points": 0},
    ],
)
def test_a_rule_that_makes_no_sense_cannot_be_stored(fields: dict):
    with pytest.raises(IntegrityError), transaction.atomic():
        create_rule(**fields)


@pytest.mark.django_db(transaction=True)
def test_of_16_tills_at_once_no_one_gives_more_than_the_month_has():
    create_rule()
    cap(100, "programme_month")
    store, product = create_store(), Product.objects.create(sku="x", name_en="X")
    customers = [create_customer() for _number in range(16)]
    race(
        lambda customer=customer: checkout.record_purchase(
            store=store, reference=f"R{customer.pk}", customer=customer, occurred_at=NOON, lines=[SoldLine(product, 1, 3_000)]
        )
        for customer in customers
    )  # fmt: skip
    assert sum(active(customer) for customer in customers) == 100
    assert uses() == [(None, dt.date(2026, 3, 1), 100, 380)]
    assert proof.prove().faults == []
