"""Goods that never earn, by the product or by a rule: no points, no tier, no minimum. docs/points.md#what-never-earns"""

import datetime as dt
import io

import pytest

from customers.models import Category, Product, Purchase, PurchaseLine
from customers.tests.factories import create_customer, create_store
from rewards import checkout, qualifying, returns
from rewards.models import PointBalance, Tier
from rewards.purchase_import import import_purchases
from rewards.sale import SoldLine
from rewards.tests.factories import NOON, create_rule
from rewards.tests.tier_factories import create_tiers, tier_of

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
NEXT_YEAR = NOON + dt.timedelta(days=1)


@pytest.fixture
def shop():
    create_rule()
    create_tiers()
    return create_store(code="shop")


@pytest.fixture
def tea(shop):
    return Product.objects.create(sku="tea", name_en="Tea")


@pytest.fixture(params=["product", "rule by product", "rule by category"])
def card(request, shop):
    """A gift card, left out in each of the ways there are."""
    category = Category.objects.create(code="cards", name_en="Cards")
    card = Product.objects.create(
        sku="card", name_en="Gift card", category=category, earns_points=request.param != "product"
    )
    if request.param == "rule by product":
        create_rule(key="no", kind="exclusion", points=0, product=card)
    if request.param == "rule by category":
        create_rule(key="no", kind="exclusion", points=0, category=category)
    return card


def sell(shop, customer, *lines, reference="R1", **fields) -> Purchase:
    sold = [SoldLine(product, quantity, price) for product, quantity, price in lines]
    return checkout.record_purchase(
        store=shop, reference=reference, customer=customer, occurred_at=NOON, lines=sold, **fields
    )


def spend(customer) -> int:
    return qualifying.net(metric="spend", customer_ids=[customer.pk], since=NOON - DAY).get(customer.pk, 0)


def visits(customer) -> int:
    return qualifying.net(metric="visits", customer_ids=[customer.pk], since=NOON - DAY).get(customer.pk, 0)


@pytest.mark.parametrize(
    ("tea_price", "card_price", "off", "excluded", "points"),
    [
        (10_000, 20_000, 0, 20_000, 100),
        (10_000, 20_000, 3_000, 18_000, 90),  # the discount is shared: 10.00 off the tea, 20.00 off the card
        (333, 667, 100, 600, 3),
        (0, 5_000, 0, 5_000, 0),
    ],
)
def test_what_was_paid_for_them_is_kept_apart(shop, tea, card, tea_price, card_price, off, excluded, points):
    alice = create_customer()
    purchase = sell(shop, alice, (tea, 1, tea_price), (card, 1, card_price), discount=off)
    assert Purchase.objects.get(pk=purchase.pk).excluded == excluded
    assert list(PurchaseLine.objects.order_by("position").values_list("is_excluded", flat=True)) == [False, True]
    balance = PointBalance.objects.filter(customer=alice).first()
    assert (balance.active if balance else 0) == points
    assert spend(alice) == purchase.to_pay - excluded


def test_a_gift_card_reaches_no_tier_and_spending_it_does(shop, tea, card):
    alice = create_customer()
    sell(shop, alice, (card, 1, 80_000))
    assert (tier_of(alice), spend(alice), visits(alice)) == ("", 0, 0)
    sell(shop, alice, (tea, 1, 29_999), (card, 1, 10_000), reference="R2")
    assert (tier_of(alice), visits(alice)) == ("", 1)
    sell(shop, alice, (tea, 1, 1), reference="R3")
    assert tier_of(alice) == "regular"


def test_they_lift_no_basket_over_a_minimum(shop, tea, card):
    create_rule(key="big", kind="visit", points=500, minimum_basket=2_000)
    alice = create_customer()
    sell(shop, alice, (tea, 1, 1_900), (card, 1, 5_000))
    assert PointBalance.objects.get(customer=alice).active == 19


@pytest.mark.parametrize(
    ("back", "left", "points"),
    [
        ({2: 1}, 10_000, 100),  # the card alone takes nothing with it
        ({1: 1}, 5_000, 50),
        ({1: 2}, 0, 0),
        ({1: 1, 2: 1}, 5_000, 50),
    ],
)
def test_what_comes_back_of_either_takes_its_own(shop, tea, card, back, left, points):
    alice = create_customer()
    purchase = sell(shop, alice, (tea, 2, 5_000), (card, 1, 20_000))
    returns.refund(purchase=purchase, reference="B1", quantities=back, occurred_at=NOON + DAY)
    assert spend(alice) == left
    assert PointBalance.objects.get(customer=alice).active == points
    assert visits(alice) == (left > 0)


def test_returns_in_any_order_end_alike(shop, tea, card):
    alice = create_customer()
    for number, order in enumerate(([1, 1, 2], [2, 1, 1], [1, 2, 1])):
        purchase = sell(shop, alice, (tea, 2, 333), (card, 1, 667), reference=f"R{number}", discount=100)
        for place, position in enumerate(order):
            returns.refund(purchase=purchase, reference=f"B{place}", quantities={position: 1}, occurred_at=NOON + DAY)
    assert spend(alice) == 0
    assert PointBalance.objects.get(customer=alice).active == 0


def test_a_tier_is_not_withdrawn_because_a_gift_card_came_back(shop, tea, card):
    alice = create_customer()
    purchase = sell(shop, alice, (tea, 1, 30_000), (card, 1, 30_000))
    assert tier_of(alice) == "regular"
    returns.refund(purchase=purchase, reference="B1", quantities={2: 1}, occurred_at=NOON + DAY)
    assert tier_of(alice) == "regular"
    returns.refund(purchase=purchase, reference="B2", quantities={1: 1}, occurred_at=NOON + DAY)
    assert tier_of(alice) == ""


def test_what_was_left_out_stays_so_when_the_product_changes_later(shop, tea, card):
    alice = create_customer()
    purchase = sell(shop, alice, (tea, 1, 1_000), (card, 1, 5_000), reference="R1")
    Product.objects.filter(pk=card.pk).update(earns_points=True)
    Product.objects.filter(pk=tea.pk).update(earns_points=False)
    returns.refund(purchase=purchase, reference="B1", quantities={2: 1}, occurred_at=NOON + DAY)
    assert PointBalance.objects.get(customer=alice).active == 10
    assert spend(alice) == 1_000


def test_an_import_leaves_them_out_too(shop, card):
    alice = create_customer(member_number="A1")
    text = (
        "store,reference,member_number,occurred_at,sku,product,category,quantity,unit_price,discount\n"
        "shop,R1,A1,2026-03-10 12:00,card,Gift card,cards,1,50.00,\n"
        "shop,R1,A1,2026-03-10 12:00,new,New thing,things,2,5.00,\n"
        "shop,R2,,2026-03-10 12:00,card,Gift card,cards,1,50.00,\n"
    )
    import_purchases(file=io.BytesIO(text.encode()), now=NOON + DAY)
    assert spend(alice) == 1_000
    assert PointBalance.objects.get(customer=alice).active == 10
    assert Purchase.objects.get(reference="R1").excluded == 5_000
    report = import_purchases(file=io.BytesIO(text.encode()), now=NOON + DAY)
    assert report.counts["unchanged"] == 2


def test_a_guest_keeps_no_tier_and_breaks_nothing(shop, tea, card):
    assert sell(shop, None, (tea, 1, 1_000), (card, 1, 5_000)).customer is None
    assert Tier.objects.count() == 3
