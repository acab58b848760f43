import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.models import Product, Purchase
from rewards import checkout, coupon_baskets, redemption, returns
from rewards.coupons import CouponRefused, Reason
from rewards.models import Coupon, CouponBatch, CouponUse, PointTransaction
from rewards.sale import SoldLine
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import NOON, create_customer, create_rule, create_store

TEA, CAKE = Product(pk=1, sku="TEA"), Product(pk=2, sku="CAKE")


@pytest.fixture(autouse=True)
def no_restrictions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Coupons of these tests that name a product of its number fit only that, without a database."""
    if request.node.get_closest_marker("django_db"):
        return
    monkeypatch.setattr(
        coupon_baskets, "_fitting", lambda batch: lambda product: batch.product_id in (None, product.pk)
    )


def coupon(kind: str, value: int, category: str = "", *, pk: int = 1, product: Product | None = None) -> Coupon:
    batch = CouponBatch(pk=pk, value_kind=kind, value=value, stacking=category, product_id=product and product.pk)
    return Coupon(pk=pk, batch=batch)


def amounts(coupons: list[Coupon], lines: list[SoldLine], off: int = 0) -> list[int]:
    return [amount for __, amount in coupon_baskets.discounts(coupons=coupons, lines=lines, off=off)]


@pytest.mark.parametrize(
    ("categories", "together"), [(["a", "b"], True), (["a", "a"], False), (["a", ""], False), (["", ""], False)]
)
def test_only_coupons_of_different_categories_go_together(categories: list[str], together: bool):
    coupons = [coupon("amount", 100, category, pk=n) for n, category in enumerate(categories)]
    if together:
        assert sum(amounts(coupons, [SoldLine(TEA, 1, 1_000)])) == 200
        return
    with pytest.raises(CouponRefused) as refused:
        amounts(coupons, [SoldLine(TEA, 1, 1_000)])
    assert refused.value.reason == Reason.NOT_COMBINABLE


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # 10 % of 20.00, then 5.00; never 10 % of 15.00.
        (("percent", 1_000), ("amount", 500), [200, 500]),
        (("amount", 500), ("percent", 1_000), [200, 500]),
        (("percent", 10_000), ("amount", 500), [2_000, 0]),
        (("amount", 1_500), ("amount", 1_000), [1_500, 500]),
        (("multiplier", 20_000), ("amount", 500), [500, 0]),
    ],
)
def test_what_two_coupons_take_off_20_00(first: tuple, second: tuple, expected: list[int]):
    coupons = [coupon(*first, "a", pk=1), coupon(*second, "b", pk=2)]
    assert amounts(coupons, [SoldLine(TEA, 2, 1_000)]) == expected
    assert amounts(coupons[::-1], [SoldLine(TEA, 2, 1_000)]) == expected


def test_a_coupon_for_some_products_takes_from_them_only_what_others_left():
    lines = [SoldLine(TEA, 1, 1_000), SoldLine(CAKE, 1, 500)]
    half, cake = coupon("percent", 5_000, "a", pk=1), coupon("amount", 400, "b", pk=2, product=CAKE)
    assert amounts([cake, half], lines) == [750, 250]


@st.composite
def baskets(draw: st.DrawFn) -> tuple[list[Coupon], list[SoldLine], int]:
    numbers = draw(st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True))
    coupons = []
    for place, pk in enumerate(numbers):
        kind = draw(st.sampled_from(["percent", "amount", "multiplier", "gift"]))
        value = draw(st.integers(1, 10_000 if kind == "percent" else 5_000))
        coupons.append(coupon(kind, value, f"c{place}", pk=pk, product=draw(st.sampled_from([None, TEA, CAKE]))))
    prices = st.integers(0, 3_000)
    lines = [SoldLine(product, draw(st.integers(1, 5)), draw(prices)) for product in (TEA, CAKE)]
    return coupons, lines, draw(st.integers(0, sum(line.total for line in lines)))


@given(baskets())
def test_a_discount_lies_between_nothing_and_the_basket_whatever_the_order(basket: tuple):
    coupons, lines, off = basket
    found = {
        tuple(
            sorted((one.pk, amount) for one, amount in coupon_baskets.discounts(coupons=chosen, lines=lines, off=off))
        )
        for chosen in map(list, itertools.permutations(coupons))
    }
    assert len(found) == 1
    taken = [amount for __, amount in found.pop()]
    assert min(taken) >= 0
    assert sum(taken) <= sum(line.total for line in lines) - off


@given(baskets())
def test_the_best_combination_is_worth_no_less_than_any_other(basket: tuple):
    coupons, lines, off = basket
    best = sum(amount for __, amount in coupon_baskets.best(coupons=coupons, lines=lines, off=off))
    for size in range(1, len(coupons) + 1):
        for chosen in itertools.combinations(coupons, size):
            assert best >= sum(amounts(list(chosen), lines, off))


def test_the_best_is_one_good_coupon_alone_when_that_is_more():
    good = coupon("percent", 5_000, pk=1)
    small = [coupon("amount", 100, "a", pk=2), coupon("amount", 200, "b", pk=3)]
    lines = [SoldLine(TEA, 1, 1_000)]
    assert [c.pk for c, __ in coupon_baskets.best(coupons=[*small, good], lines=lines, off=0)] == [1]
    cheap = [SoldLine(TEA, 1, 500)]
    assert [c.pk for c, __ in coupon_baskets.best(coupons=[*small, good], lines=cheap, off=0)] == [3, 2]


@pytest.mark.django_db
def test_several_coupons_are_used_all_or_none():
    good, other = issue_coupon(), issue_coupon(batch=create_batch(stacking="b"))
    CouponBatch.objects.filter(pk=other.batch_id).update(state="paused")
    with pytest.raises(CouponRefused):
        redemption.redeem_many(discounts=[(good, 100), (other, 100)], request_key="till:1", now=NOON)
    assert not CouponUse.objects.exists()
    CouponBatch.objects.filter(pk=other.batch_id).update(state="active")
    uses = redemption.redeem_many(discounts=[(other, 100), (good, 100)], request_key="till:1", now=NOON)
    again = redemption.redeem_many(discounts=[(good, 100), (other, 100)], request_key="till:1", now=NOON)
    assert (again, CouponUse.objects.count()) == (uses, 2)


@pytest.mark.django_db
def test_a_purchase_takes_several_coupons_and_their_points_or_none():
    create_rule()
    alice, tea = create_customer(name="Alice"), Product.objects.create(sku="TEA", name_en="Tea")
    chosen = [
        issue_coupon(batch=create_batch(value_kind="multiplier", value=20_000, stacking="points"), customer=alice),
        issue_coupon(batch=create_batch(value_kind="percent", value=1_000, stacking="percent"), customer=alice),
        issue_coupon(batch=create_batch(value=500, stacking="money"), customer=alice),
    ]
    sale = {
        "store": create_store(), "reference": "R-1", "customer": alice, "occurred_at": NOON,
        "lines": [SoldLine(tea, 2, 1_000)], "coupons": chosen,
    }  # fmt: skip
    CouponBatch.objects.filter(pk=chosen[0].batch_id).update(state="paused")
    with pytest.raises(CouponRefused):
        checkout.record_purchase(**sale)
    assert [model.objects.count() for model in (Purchase, CouponUse, PointTransaction)] == [0, 0, 0]
    CouponBatch.objects.filter(pk=chosen[0].batch_id).update(state="active")
    purchase = checkout.record_purchase(**sale)
    assert (purchase.discount, purchase.to_pay, PointTransaction.objects.get().points) == (700, 1_300, 26)
    assert checkout.record_purchase(**sale | {"coupons": chosen[::-1]}) == purchase
    assert sorted(purchase.coupon_uses.values_list("discount", flat=True)) == [0, 200, 500]
    returns.refund(purchase=purchase, reference="B-1", quantities={1: 2}, occurred_at=NOON)
    assert not CouponUse.objects.filter(returned_at=None).exists()
