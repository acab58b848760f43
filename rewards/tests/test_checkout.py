"""A purchase and its points: recorded once per receipt, in one transaction, as quoted."""

import datetime as dt
from itertools import count

import pytest
from django.db import IntegrityError, transaction

from customers import bulk, merging
from customers.models import Category, Product, Purchase, PurchaseLine
from rewards import checkout, ledger, proof
from rewards.models import PointBalance, PointLot, PointTransaction
from rewards.sale import Receipt, ReceiptConflict, SoldLine
from rewards.tests.factories import NOON, award, create_customer, create_rule, create_store, create_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
_numbers = count(1)


def create_product(*, category: Category | None = None, price: int | None = None) -> Product:
    return Product.objects.create(sku=f"sku-{next(_numbers)}", name_en="Thing", category=category, price=price)


def sold(unit_price: int, quantity: int = 1, discount: int = 0, *, product: Product | None = None) -> SoldLine:
    return SoldLine(product or create_product(), quantity, unit_price, discount)


def balance(customer) -> tuple[int, int, int]:
    row = PointBalance.objects.get(customer=customer)
    return row.pending, row.active, row.debt


@pytest.fixture
def receipt() -> dict:
    """What Alice bought for 15.00, of which a coupon paid 1.00."""
    create_rule()
    return {
        "store": create_store(),
        "reference": "R-1",
        "till": "2",
        "customer": create_customer(),
        "occurred_at": NOON,
        "lines": [sold(500, 2), sold(600, 1, 100)],
        "discount": 100,
    }


def test_a_purchase_is_recorded_with_its_lines_and_its_points(receipt):
    purchase = checkout.record_purchase(**receipt, by=(by := create_user()))
    assert (purchase.total, purchase.discount, purchase.to_pay) == (1_500, 100, 1_400)
    assert (purchase.occurred_at, purchase.by, purchase.till) == (NOON, by, "2")
    lines = purchase.lines.order_by("position").values_list("position", "quantity", "unit_price", "discount", "total")
    assert list(lines) == [(1, 2, 500, 0, 1_000), (2, 1, 600, 100, 500)]
    earned = PointTransaction.objects.get()
    assert (earned.kind, earned.points, earned.source) == ("earn", 14, purchase.source)
    assert (earned.occurred_at, earned.store, earned.by) == (NOON, receipt["store"], by)
    assert earned.explanation["basis"] == 1_400
    assert proof.prove().faults == []


def test_the_same_receipt_again_is_the_same_purchase(receipt):
    first = checkout.record_purchase(**receipt)
    assert checkout.record_purchase(**receipt) == first
    backwards = receipt | {"lines": receipt["lines"][::-1]}
    assert checkout.record_purchase(**backwards) == first
    assert (Purchase.objects.count(), PurchaseLine.objects.count(), PointTransaction.objects.count()) == (1, 2, 1)


def test_the_same_receipt_again_keeps_its_points_when_the_rules_have_changed(receipt):
    first = checkout.record_purchase(**receipt)
    create_rule(key="more", points=10)
    assert checkout.record_purchase(**receipt) == first
    assert balance(receipt["customer"]) == (0, 14, 0)


@pytest.mark.parametrize("change", ["customer", "guest", "time", "discount", "price", "quantity", "line less"])
def test_a_receipt_with_other_contents_is_a_conflict_and_changes_nothing(receipt, change: str):
    first = checkout.record_purchase(**receipt)
    one, two = receipt["lines"]
    other = {
        "customer": lambda: {"customer": create_customer(name="Bob")},
        "guest": lambda: {"customer": None},
        "time": lambda: {"occurred_at": NOON + dt.timedelta(seconds=1)},
        "discount": lambda: {"discount": 99},
        "price": lambda: {"lines": [one._replace(unit_price=501), two]},
        "quantity": lambda: {"lines": [one._replace(quantity=3), two]},
        "line less": lambda: {"lines": [one]},
    }[change]()
    with pytest.raises(ReceiptConflict) as refused:
        checkout.record_purchase(**receipt | other)
    assert refused.value.purchase == first
    assert (Purchase.objects.count(), PointTransaction.objects.count()) == (1, 1)


def test_the_same_receipt_after_a_merge_is_still_the_same_purchase(receipt):
    """The till still knows the number of the duplicate; it leads to the record that was kept."""
    first = checkout.record_purchase(**receipt)
    kept = create_customer(name="Alice B.")
    merging.merge(kept=kept, duplicate=receipt["customer"], by=None, now=NOON)
    assert checkout.record_purchase(**receipt | {"customer": kept}) == first
    with pytest.raises(ReceiptConflict):
        checkout.record_purchase(**receipt | {"customer": kept, "discount": 99})
    with pytest.raises(ReceiptConflict):
        checkout.record_purchase(**receipt | {"customer": create_customer(name="Bob")})
    assert (Purchase.objects.count(), PointBalance.objects.get(customer=kept).active) == (1, 14)


def test_another_store_or_till_may_use_the_same_number(receipt):
    checkout.record_purchase(**receipt)
    checkout.record_purchase(**receipt | {"till": "3"})
    checkout.record_purchase(**receipt | {"store": create_store()})
    assert balance(receipt["customer"]) == (0, 3 * 14, 0)


def test_the_same_instant_in_another_time_zone_is_the_same_receipt(receipt):
    first = checkout.record_purchase(**receipt)
    elsewhere = NOON.astimezone(dt.timezone(dt.timedelta(hours=8)))
    assert checkout.record_purchase(**receipt | {"occurred_at": elsewhere}) == first


def test_a_guest_earns_nothing(receipt):
    purchase = checkout.record_purchase(**receipt | {"customer": None})
    assert purchase.customer is None
    assert not PointTransaction.objects.exists()
    assert not PointBalance.objects.exists()


def test_a_purchase_too_small_for_a_point_is_recorded_all_the_same(receipt):
    purchase = checkout.record_purchase(**receipt | {"lines": [sold(99)], "discount": 0})
    assert purchase.total == 99
    assert not PointTransaction.objects.exists()


def test_a_purchase_that_cannot_be_is_not_recorded(receipt):
    with pytest.raises(IntegrityError), transaction.atomic():
        checkout.record_purchase(**receipt | {"discount": 1_501})  # more than the goods cost
    assert not Purchase.objects.exists()


def test_a_purchase_and_its_points_stand_or_fall_together(receipt):
    # The books refuse: the cause of the purchase to come is already booked for somebody else.
    bob, first = create_customer(name="Bob"), bulk.reserve_ids(Purchase, 1)[0]
    for number in (first, first + 1):
        award(bob, 1, source=f"purchase:{number}")
    with pytest.raises(IntegrityError), transaction.atomic():
        checkout.record_purchase(**receipt)
    assert not Purchase.objects.exists()
    assert not PurchaseLine.objects.exists()
    assert not PointBalance.objects.filter(customer=receipt["customer"], active__gt=0).exists()


@pytest.mark.parametrize(("pending_days", "expected"), [(0, (0, 15, 0)), (7, (15, 0, 0))])
def test_points_wait_as_many_days_as_the_store_says(pending_days: int, expected: tuple[int, int, int]):
    create_rule()
    alice, web = create_customer(), create_store(kind="web", pending_days=pending_days)
    # Far ahead, since what is past already when it is recorded need not wait.
    bought_at = dt.datetime(2126, 3, 10, 12, tzinfo=dt.UTC)
    checkout.record_purchase(store=web, reference="1", customer=alice, occurred_at=bought_at, lines=[sold(1_500)])
    lot = PointLot.objects.get()
    assert lot.activates_at == bought_at + pending_days * DAY
    ledger.settle_many(customer_ids=[alice.pk], now=bought_at)
    assert balance(alice) == expected
    ledger.settle_many(customer_ids=[alice.pk], now=bought_at + pending_days * DAY)
    assert balance(alice) == (0, 15, 0)


def test_expiry_runs_from_the_day_on_which_points_can_be_spent(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    create_rule()
    web = create_store(pending_days=7)
    bought_at = dt.datetime(2026, 3, 28, 12, tzinfo=dt.UTC)  # spendable from 4 April
    checkout.record_purchase(
        store=web, reference="1", customer=create_customer(), occurred_at=bought_at, lines=[sold(1_500)]
    )
    assert PointLot.objects.get().expires_at == dt.datetime(2027, 4, 30, 22, tzinfo=dt.UTC)


@pytest.mark.parametrize(("published", "retired", "expected"), [(True, False, 15), (True, True, 0), (False, False, 0)])
def test_only_published_rules_that_are_not_retired_count(published: bool, retired: bool, expected: int):
    create_rule(published_at=NOON if published else None, retired_at=NOON if retired else None)
    quoted = checkout.quote(
        receipt=Receipt(
            store=create_store(), reference="1", customer_id=create_customer().pk, occurred_at=NOON, lines=[sold(1_500)]
        )
    )
    assert quoted.earned.points == expected


def test_a_quote_is_what_the_purchase_then_earns_and_writes_nothing(receipt, django_assert_max_num_queries):
    coffee = Category.objects.create(code="coffee", name_en="Coffee")
    latte = create_product(category=coffee)
    create_rule(key="coffee", points=3, per_amount=200, category=coffee)
    create_rule(key="visit", kind="visit", points=7, minimum_basket=1_000)
    create_rule(key="tuesday", kind="multiplier", points=0, multiplier=15_000, weekdays="2")
    lines = [*receipt["lines"], sold(333, 3, product=latte)]
    asked = receipt | {"lines": lines}
    asked = {name: value for name, value in asked.items() if name != "customer"}
    with django_assert_max_num_queries(2):
        quoted = checkout.quote(receipt=Receipt(customer_id=receipt["customer"].pk, **asked))
    assert (quoted.total, quoted.to_pay) == (2_499, 2_399)
    # The latte carries 39.98 of the 100, so 40: (23.99 + 9.59 x 1.5 + 7) x 1.5 = 68.0625
    assert quoted.earned.points == 68
    assert not Purchase.objects.exists()
    checkout.record_purchase(**receipt | {"lines": lines})
    assert PointTransaction.objects.get().points == 68


def test_many_receipts_are_recorded_with_their_points_or_none_is(receipt):
    store, alice, bob = receipt["store"], receipt["customer"], create_customer(name="Bob")

    def bought(reference: str, customer_id: int | None, cents: int) -> Receipt:
        return Receipt(store=store, reference=reference, customer_id=customer_id, occurred_at=NOON, lines=[sold(cents)])

    keys = checkout.record_many([bought("1", alice.pk, 1_000), bought("2", bob.pk, 250), bought("3", None, 900),
                                 bought("4", alice.pk, 199)])  # fmt: skip
    assert [Purchase.objects.get(pk=key).reference for key in keys] == ["1", "2", "3", "4"]
    assert (balance(alice), balance(bob)) == ((0, 11, 0), (0, 2, 0))
    with pytest.raises(IntegrityError), transaction.atomic():
        checkout.record_many([bought("5", bob.pk, 5_000), bought("1", alice.pk, 1_000)])
    assert (balance(alice), balance(bob), Purchase.objects.count()) == ((0, 11, 0), (0, 2, 0), 4)
    assert proof.prove().faults == []


def test_a_debt_is_absorbed_before_a_purchase_opens_a_lot(receipt):
    alice = receipt["customer"]
    earlier = award(alice, 10)
    ledger.redeem(customer=alice, points=10, source="reward:1", occurred_at=NOON)
    ledger.reverse_award(award=earlier, points=10, source="return:x", occurred_at=NOON)
    assert balance(alice) == (0, 0, -10)
    checkout.record_purchase(**receipt)
    assert balance(alice) == (0, 4, 0)
    assert PointLot.objects.latest("pk").points == 4
    assert proof.prove().faults == []
