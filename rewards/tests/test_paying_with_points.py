"""Purchases paid in part with points and a coupon, and what comes back with the goods."""

import pytest

from customers.models import Category, Notice, Product, Purchase
from rewards import checkout, consequences, coupons, ledger, proof, returns, sale
from rewards.models import Coupon, CouponUse, PointBalance, PointTransaction, Tier
from rewards.sale import SoldLine
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import NOON, award, create_customer, create_rule, create_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    create_rule()
    return create_store(), Product.objects.create(sku="tea", name_en="Tea")


@pytest.fixture
def alice():
    alice = create_customer(email="alice@example.com")
    award(alice, 1_000, source="welcome:1")
    return alice


def buy(shop, alice, *, reference: str = "R1", quantity: int = 4, **values) -> Purchase:
    store, tea = shop
    return checkout.record_purchase(
        store=store,
        reference=reference,
        customer=alice,
        occurred_at=NOON,
        lines=[SoldLine(tea, quantity, 500)],
        **values,
    )


def active(customer) -> int:
    return PointBalance.objects.get(customer=customer).active


def test_points_pay_a_part_and_that_part_earns_nothing(shop, alice):
    purchase = buy(shop, alice, points=500)
    assert (purchase.total, purchase.paid_by_points, purchase.to_pay) == (2_000, 500, 1_500)
    assert active(alice) == 1_000 - 500 + 15
    assert buy(shop, alice, points=500) == purchase
    assert active(alice) == 515
    assert proof.prove().faults == []


def test_a_purchase_is_never_paid_with_the_points_it_earns(shop):
    bob = create_customer(name="Bob")
    with pytest.raises(ledger.InsufficientPoints):
        buy(shop, bob, points=10)
    assert Purchase.objects.count() == 0


def test_points_never_pay_more_than_there_is_to_pay(shop, alice):
    with pytest.raises(sale.PaysTooMuch):
        buy(shop, alice, quantity=1, points=501)
    with pytest.raises(sale.PaysTooMuch):
        buy(shop, None, points=1)
    assert Purchase.objects.count() == 0


def test_a_coupon_is_used_with_the_purchase_or_nothing_happens(shop, alice):
    batch = create_batch(value_kind="percent", value=1_000)
    coupon = coupons.issue(batch=batch, customer=alice, source="test:1", now=NOON)
    purchase = buy(shop, alice, coupon=coupon)
    assert (purchase.discount, CouponUse.objects.get().purchase) == (200, purchase)
    assert active(alice) == 1_018
    with pytest.raises(coupons.CouponRefused):
        buy(shop, alice, reference="R2", coupon=coupon)
    assert Purchase.objects.count() == 1
    assert proof.prove().faults == []


def test_a_multiplier_coupon_multiplies_the_award(shop, alice):
    coupon = coupons.issue(
        batch=create_batch(value_kind="multiplier", value=30_000), customer=alice, source="test:1", now=NOON
    )
    purchase = buy(shop, alice, coupon=coupon)
    assert PointTransaction.objects.get(source=purchase.source, kind="earn").points == 60


@pytest.mark.parametrize("split", [(4,), (1, 3), (1, 1, 1, 1), (2, 1, 1)])
def test_whatever_the_split_a_full_return_gives_everything_back(shop, alice, split):
    coupon = coupons.issue(
        batch=create_batch(value_kind="amount", value=300), customer=alice, source="test:1", now=NOON
    )
    purchase = buy(shop, alice, points=333, coupon=coupon)
    money = 0
    for number, quantity in enumerate(split):
        row = returns.refund(
            purchase=purchase, reference=f"B{number}", quantities={1: quantity}, occurred_at=NOON, returns_coupon=True
        )
        money += consequences.money_back(purchase=purchase, row=row)
    assert active(alice) == 1_000
    assert money == purchase.to_pay
    assert Coupon.objects.get().state_at(NOON) == "active"
    assert proof.prove().faults == []


def test_a_partial_return_keeps_the_coupon_used_above_its_minimum(shop, alice):
    batch = create_batch(value_kind="amount", value=300, minimum_basket=1_000)
    coupon = coupons.issue(batch=batch, customer=alice, source="test:1", now=NOON)
    purchase = buy(shop, alice, coupon=coupon)
    returns.refund(purchase=purchase, reference="B1", quantities={1: 2}, occurred_at=NOON)
    assert Coupon.objects.get().state == "redeemed"


@pytest.mark.parametrize(("choice", "state"), [(True, "active"), (False, "redeemed")])
def test_below_the_minimum_staff_choose(shop, alice, choice, state):
    batch = create_batch(value_kind="amount", value=300, minimum_basket=1_500)
    coupon = coupons.issue(batch=batch, customer=alice, source="test:1", now=NOON)
    purchase = buy(shop, alice, coupon=coupon)
    with pytest.raises(consequences.CouponChoiceNeeded):
        returns.refund(purchase=purchase, reference="B1", quantities={1: 2}, occurred_at=NOON)
    assert purchase.returns.count() == 0
    returns.refund(purchase=purchase, reference="B1", quantities={1: 2}, occurred_at=NOON, returns_coupon=choice)
    assert Coupon.objects.get().state == state


def test_the_customer_is_told_once_what_a_return_means(shop, alice):
    purchase = buy(shop, alice, points=500)
    for __ in range(2):
        returns.refund(purchase=purchase, reference="B1", quantities={1: 2}, occurred_at=NOON)
    notice = Notice.objects.get()
    assert (notice.kind, notice.customer) == ("return_explained", alice)
    told = {key: notice.context[key] for key in ("taken", "given", "coupons", "total", "money")}
    assert told == {"taken": 8, "given": 250, "coupons": 0, "total": 1_000, "money": 750}


def test_a_coupon_looks_only_at_what_it_is_for(shop, alice):
    store, tea = shop
    cakes = Category.objects.create(code="cakes", name_en="Cakes")
    cake = Product.objects.create(sku="cake", name_en="Cake", category=cakes)
    batch = create_batch(value_kind="percent", value=5_000)
    batch.categories.add(cakes)
    coupon = coupons.issue(batch=batch, customer=alice, source="test:1", now=NOON)
    with pytest.raises(coupons.CouponRefused) as refused:
        buy(shop, alice, coupon=coupon)
    assert refused.value.reason == coupons.Reason.NOTHING_FITS
    purchase = checkout.record_purchase(
        store=store, reference="R2", customer=alice, occurred_at=NOON, coupon=coupon, discount=200,
        lines=[SoldLine(tea, 1, 600), SoldLine(cake, 1, 400)],
    )  # fmt: skip
    assert purchase.discount == 200 + (400 - 80) // 2


def test_a_free_product_is_worth_the_cheapest_piece_in_the_basket(shop, alice):
    _store, tea = shop
    batch = create_batch(value_kind="product", value=0, product=tea)
    coupon = coupons.issue(batch=batch, customer=alice, source="test:1", now=NOON)
    purchase = buy(shop, alice, quantity=3, coupon=coupon)
    assert (purchase.total, purchase.discount) == (1_500, 500)


def test_a_coupon_of_a_tier_is_for_its_members(shop, alice):
    base, gold = (Tier.objects.create(code=code, name_en=code, rank=rank) for code, rank in (("base", 0), ("gold", 1)))
    for_gold, for_base = (create_batch(name_en=tier.code) for tier in (gold, base))
    for_gold.tiers.add(gold)
    for_base.tiers.add(base)
    first, second = (
        coupons.issue(batch=batch, customer=alice, source=f"test:{batch.pk}", now=NOON)
        for batch in (for_gold, for_base)
    )
    with pytest.raises(coupons.CouponRefused) as refused:
        buy(shop, alice, coupon=first)
    assert refused.value.reason == coupons.Reason.OTHER_TIER
    assert buy(shop, alice, coupon=second).discount == 500


def test_the_same_receipt_paid_with_other_points_is_another_one(shop, alice, settings):
    settings.POINTS_PER_UNIT = 1_000
    buy(shop, alice, points=501)
    with pytest.raises(sale.ReceiptConflict):
        buy(shop, alice, points=502)
