"""Stamp cards: what earns stamps, what a full card gives, what a return takes. The numbers are those of docs/stamps.md."""

import datetime as dt

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import notices
from customers.models import Customer, Product, Store
from rewards import chain, checkout, daily, outlook, proof, returns, statement
from rewards.models import Coupon, CouponBatch, PointBalance, PointLot, PointTransaction, StampBalance
from rewards.sale import Receipt, SoldLine
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import NOON, create_customer, create_rule, create_store
from rewards.tests.stamp_factories import buy, create_card, create_card_rule, create_coffee, on_card

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def alice() -> Customer:
    return create_customer()


@pytest.fixture
def store() -> Store:
    return create_store()


@pytest.fixture
def coffee() -> Product:
    return create_coffee()


def coupons_of(customer: Customer) -> list[str]:
    return [coupon.state for coupon in Coupon.objects.filter(customer=customer).order_by("pk")]


def books_balance() -> bool:
    found = proof.prove()
    assert not found.faults
    return found.is_balanced


@pytest.mark.parametrize(
    ("bought", "stands", "issued"),
    [([1], 1, 0), ([9], 9, 0), ([10], 0, 1), ([9, 3], 2, 1), ([25], 5, 2), ([10, 10], 0, 2), ([4, 4, 4], 2, 1)],
)
def test_a_full_card_becomes_a_coupon_and_the_rest_stays(alice, store, coffee, bought, stands, issued):
    card = create_card()
    for quantity in bought:
        last = buy(alice, coffee, quantity, store=store)
    assert (on_card(alice, card), len(coupons_of(alice))) == (stands, issued)
    (stamped,) = last.stamps
    assert (stamped.earned, stamped.on_card, stamped.missing) == (bought[-1], stands, 10 - stands)
    assert books_balance()


def test_stamps_come_by_visit_or_amount_and_at_most_so_many_a_day(alice, store, coffee):
    visit = create_card(code="visit", kind="visit")
    amount = create_card(code="amount", kind="amount", per_amount=500)
    daily_cap = create_card(code="capped")
    create_card_rule(daily_cap, key="cap", kind="cap", cap_per="customer_day", points=2)
    buy(alice, coffee, 5, store=store)
    buy(alice, coffee, 5, store=store)
    assert (on_card(alice, visit), on_card(alice, amount), on_card(alice, daily_cap)) == (2, 6, 2)
    buy(alice, coffee, 5, store=store, at=NOON + DAY)
    assert on_card(alice, daily_cap) == 4


def test_only_what_the_rule_names_earns_and_nothing_that_never_earns_or_is_free(alice, store, coffee):
    card = create_card(rule=False)
    create_card_rule(card, category=coffee.category)
    tea = Product.objects.create(sku="TEA", name_en="Tea", price=300)
    voucher = create_coffee(sku="VOUCHER", earns_points=False)
    buy(alice, tea, 3, store=store)
    buy(alice, voucher, 3, store=store)
    buy(alice, coffee, 1, store=store, discount=300)
    assert on_card(alice, card) == 0
    create_rule(key="never", kind="exclusion", points=0, product=coffee)
    assert buy(alice, coffee, 1, store=store).stamps == []
    assert on_card(alice, card) == 0


def test_a_guest_earns_nothing_and_no_tier_or_coupon_multiplies(store, coffee):
    card = create_card()
    buy(None, coffee, 3, store=store)
    assert not StampBalance.objects.exists()
    quoted = checkout.quote(
        receipt=Receipt(
            store=store, reference="q", customer_id=create_customer().pk, occurred_at=NOON, multiplier=30_000,
            lines=[SoldLine(coffee, 2, 300)],
        )
    )  # fmt: skip
    assert quoted.stamps[card.pk].points == 2


def test_points_know_nothing_of_stamps(alice, store, coffee):
    """Balance, statement, tiers, expiry notices and the trial balance count points alone."""
    create_rule()
    create_card(stamps_needed=2)
    buy(alice, coffee, 3, store=store)
    assert PointBalance.objects.get(customer=alice).active == 9
    assert sum(row.points for row in PointTransaction.objects.all()) == 9
    assert [lot.points for lot in alice.point_lots.all()] == [9]
    assert len(statement.page_of(customer=alice, before=None, size=25)[0]) == 1
    assert outlook.next_expiry(customer=alice, now=NOON).points == 9
    found = proof.prove()
    assert (found.trial_balance["active"], found.trial_balance["issued"]) == (9, -9)
    assert found.is_balanced
    assert PointTransaction.all_currencies.count() == 3
    assert PointLot.all_currencies.count() == 2


def test_a_full_card_waits_while_the_offer_is_paused_and_the_daily_run_hands_it_out(alice, store, coffee):
    batch = create_batch(state=CouponBatch.State.PAUSED)
    card = create_card(stamps_needed=3, batch=batch)
    (stamped,) = buy(alice, coffee, 4, store=store).stamps
    assert (stamped.on_card, stamped.coupons, stamped.missing) == (4, 0, 0)
    daily.run(now=NOON + DAY)
    assert coupons_of(alice) == []
    CouponBatch.objects.update(state=CouponBatch.State.ACTIVE)
    daily.run(now=NOON + DAY)
    assert (on_card(alice, card), coupons_of(alice)) == (1, ["active"])
    assert daily.run(now=NOON + DAY) == 0
    assert books_balance()


def test_an_offer_with_one_coupon_left_empties_one_card(alice, store, coffee):
    card = create_card(stamps_needed=3, batch=create_batch(limit=1))
    buy(alice, coffee, 7, store=store)
    assert (on_card(alice, card), len(coupons_of(alice))) == (4, 1)
    assert books_balance()


def test_stamps_expire_by_their_rule(alice, store, coffee):
    card = create_card(expiry="rolling", expiry_months=2)
    buy(alice, coffee, 4, store=store)
    daily.run(now=NOON + 30 * DAY)
    assert on_card(alice, card) == 4
    daily.run(now=NOON + 70 * DAY)
    assert on_card(alice, card) == 0
    assert daily.run(now=NOON + 70 * DAY) == 0
    assert books_balance()


def test_expired_stamps_fill_no_card_even_before_the_daily_run(alice, store, coffee):
    card = create_card(expiry="rolling", expiry_months=2)
    buy(alice, coffee, 9, store=store)
    buy(alice, coffee, 1, store=store, at=NOON + 70 * DAY)
    assert (on_card(alice, card), coupons_of(alice)) == (1, [])
    assert books_balance()


def bring_back(purchase, quantity: int, reference: str = "B1"):
    return returns.refund(
        purchase=purchase, reference=reference, quantities={1: quantity}, occurred_at=NOON + DAY, returns_coupon=False
    )


def test_a_return_takes_stamps_off_the_card_whatever_the_number_of_returns(alice, store, coffee):
    card = create_card()
    purchase = buy(alice, coffee, 6, store=store)
    bring_back(purchase, 2)
    bring_back(purchase, 2)
    assert on_card(alice, card) == 4
    bring_back(purchase, 1, "B2")
    assert on_card(alice, card) == 3
    assert books_balance()


def test_a_return_after_the_card_was_full_takes_the_unused_coupon_and_keeps_the_other_stamps(alice, store, coffee):
    card = create_card()
    buy(alice, coffee, 9, store=store)
    purchase = buy(alice, coffee, 2, store=store)
    assert (on_card(alice, card), coupons_of(alice)) == (1, ["active"])
    bring_back(purchase, 2)
    assert (on_card(alice, card), coupons_of(alice)) == (9, ["voided"])
    buy(alice, coffee, 1, store=store)
    assert (on_card(alice, card), coupons_of(alice)) == (0, ["voided", "active"])
    assert books_balance()


def test_the_mail_about_a_return_says_what_became_of_the_stamps(store, coffee):
    create_card()
    alice = create_customer(email="alice@example.com")
    bring_back(buy(alice, coffee, 10, store=store), 3)
    notices.send_due()
    letter = next(one for one in mail.outbox if "stamps" in one.body)
    sentence = (
        "3 stamps of your card “Coffee card” went back. So did the coupon of the full card, which you had not used yet."
    )
    assert sentence in letter.body
    assert sentence in letter.alternatives[0].content


def test_a_return_after_the_coupon_was_used_is_a_debt_that_the_next_stamps_absorb(alice, store, coffee):
    card = create_card()
    purchase = buy(alice, coffee, 10, store=store)
    buy(alice, coffee, 2, store=store, coupon=Coupon.objects.get(customer=alice))
    assert on_card(alice, card) == 2
    bring_back(purchase, 5)
    assert on_card(alice, card) == -3
    buy(alice, coffee, 4, store=store)
    assert (on_card(alice, card), coupons_of(alice)) == (1, ["redeemed"])
    assert books_balance()


def test_the_same_receipt_again_stamps_once(alice, store, coffee):
    card = create_card()
    line = SoldLine(coffee, 3, 300)
    for _again in range(2):
        checkout.record_purchase(store=store, reference="R", customer=alice, occurred_at=NOON, lines=[line])
    assert on_card(alice, card) == 3


def test_an_import_stamps_in_sets(store, coffee):
    card = create_card(stamps_needed=4)
    create_rule()

    def receipts(prefix: str, number: int) -> list[Receipt]:
        return [
            Receipt(
                store=store, reference=f"{prefix}{n}", customer_id=create_customer().pk, occurred_at=NOON + n * DAY,
                lines=[SoldLine(coffee, n % 6 + 1, 300)],
            )
            for n in range(number)
        ]  # fmt: skip

    few, many = receipts("F", 12), receipts("M", 36)
    again = [Receipt(**{f: getattr(one, f) for f in ("store", "customer_id", "lines")}, reference=f"A{n}", occurred_at=NOON) for n, one in enumerate(many)]  # fmt: skip
    with CaptureQueriesContext(
        connection,
    ) as before:
        checkout.record_many(few)
    with CaptureQueriesContext(connection) as after:
        checkout.record_many([*many, *again])
    assert len(after) <= len(before) + 6
    stamped = sum(n % 6 + 1 for n in range(12)) + 2 * sum(n % 6 + 1 for n in range(36))
    stands = sum(StampBalance.objects.values_list("active", flat=True))
    assert stands + 4 * Coupon.objects.count() == stamped
    card.batch.refresh_from_db()
    assert Coupon.objects.count() == card.batch.issued
    assert books_balance()


def test_a_shop_without_cards_asks_nothing_more(alice, store, coffee):
    create_rule()
    buy(alice, coffee, store=store)
    with CaptureQueriesContext(connection) as plain:
        buy(alice, coffee, store=store)
    assert not any("stamp" in query["sql"].replace("stamp_card_id", "").replace("timestamp", "") for query in plain)


def test_the_seal_covers_the_currency(alice, store, coffee):
    create_card()
    buy(alice, coffee, 2, store=store)
    row = PointTransaction.all_currencies.get()
    values = tuple(getattr(row, name) for name in chain.SEALED)
    assert chain.seal("", values, row.key_number, row.currency) == row.mac
    assert chain.seal("", values, row.key_number, row.currency + 1) != row.mac
    assert chain.seal("", values, row.key_number) != row.mac
