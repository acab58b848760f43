"""Gift cards and store credit that pay for purchases, and what comes back with the goods: docs/stored_value.md as tests."""

import pytest
from django.db.models import QuerySet

from customers import notices
from customers.models import Customer, Product, Purchase, Store
from customers.tests.api_factories import Caller, create_key, problem
from customers.tests.factories import NOON, create_customer, create_store
from rewards import checkout, proof, returns, value_accounts
from rewards.models import PointBalance, ValueAccount, ValueMovement
from rewards.sale import PaysTooMuch, ReceiptConflict, SoldLine
from rewards.tests.factories import award, create_rule
from rewards.tests.value_factories import give_credit, sell_card
from rewards.value_accounts import Reason, ValueRefused

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Customer:
    return create_customer(member_number="A1", email="alice@example.com")


@pytest.fixture
def store() -> Store:
    create_rule()
    return create_store(code="harbour")


def buy(
    store: Store, customer: Customer | None, *, value=(), pieces: int = 3, reference: str = "R1", **options
) -> Purchase:
    """Buy pieces for 10.00 each."""
    product, _is_new = Product.objects.get_or_create(sku="thing", name_en="Thing")
    return checkout.record_purchase(
        store=store, reference=reference, customer=customer, occurred_at=NOON, value=value,
        lines=[SoldLine(product, pieces, 1_000)], **options,
    )  # fmt: skip


def bring_back(purchase: Purchase, pieces: int, reference: str = "B1"):
    return returns.refund(purchase=purchase, reference=reference, quantities={1: pieces}, occurred_at=NOON)


def balance(account: ValueAccount) -> tuple[int, int]:
    account.refresh_from_db()
    return account.paid, account.promotional


def test_a_card_pays_a_part_and_the_purchase_earns_on_all_of_it(store: Store, alice: Customer):
    card = sell_card(2_000, promotional=500)
    purchase = buy(store, alice, value=[(card, 1_200)])
    assert (purchase.paid_by_value, purchase.to_pay, balance(card)) == (1_200, 1_800, (1_300, 0))
    assert PointBalance.objects.get(customer=alice).active == 30
    movement = ValueMovement.objects.get(kind="spent")
    assert (movement.purchase, movement.store, movement.source) == (
        purchase,
        store,
        f"purchase:{purchase.pk}:value:{card.pk}",
    )
    assert Purchase.objects.get().paid_by_value == 1_200
    assert proof.prove().is_balanced


def test_the_same_receipt_pays_once_and_another_card_is_another_receipt(store: Store, alice: Customer):
    card, other = sell_card(), sell_card()
    first = buy(store, alice, value=[(card, 500)])
    assert buy(store, alice, value=[(card, 500)]) == first
    for value in ([(other, 500)], [(card, 501)], []):
        with pytest.raises(ReceiptConflict):
            buy(store, alice, value=value)
    assert balance(card) == (4_500, 0)


def test_what_cannot_be_paid_leaves_no_receipt_behind(store: Store, alice: Customer):
    card, empty = sell_card(), sell_card(100)
    award(alice, 1_000)
    with pytest.raises(ValueRefused, check=lambda error: error.reason == Reason.NOT_ENOUGH):
        buy(store, alice, value=[(card, 1_000), (empty, 101)], points=100)
    with pytest.raises(PaysTooMuch, match="Gift cards and points"):
        buy(store, alice, value=[(card, 2_901)], points=100)
    assert (Purchase.objects.count(), balance(card), PointBalance.objects.get().active) == (0, (5_000, 0), 1_000)
    buy(store, alice, value=[(card, 1_450), (card, 1_450)], points=100)
    assert balance(card) == (2_100, 0)


def test_a_guest_pays_with_a_card_that_nobody_has_claimed(store: Store, alice: Customer):
    card = sell_card(3_000)
    assert buy(store, None, value=[(card, 3_000)]).to_pay == 0
    with pytest.raises(ValueRefused, check=lambda error: error.reason == Reason.CUSTOMER_NEEDED):
        buy(store, None, value=[(give_credit(alice), 100)], reference="R2")


def test_goods_come_back_to_where_the_money_came_from(store: Store, alice: Customer, mailoutbox):
    card, credit = sell_card(600, promotional=400), give_credit(alice, 500)
    purchase = buy(store, alice, value=[(card, 1_000), (credit, 500)])
    # 15.00 of 30.00 by cards: 5.00 for each piece, to the one that paid last first.
    first = bring_back(purchase, 1, "B1")
    assert (balance(card), balance(credit)) == ((0, 0), (500, 0))
    bring_back(purchase, 1, "B2")
    assert balance(card) == (500, 0)
    bring_back(purchase, 1, "B3")
    assert (balance(card), balance(credit)) == ((600, 400), (500, 0))
    assert bring_back(purchase, 1, "B1") == first
    assert ValueMovement.objects.filter(kind="refunded").count() == 3
    assert proof.prove().is_balanced
    notices.send_due(now=NOON.replace(year=2099))
    assert "€5.00 is back on the gift card or store credit that paid" in mailoutbox[0].body
    assert "€5.00 back in money" in mailoutbox[0].body


def test_thirds_add_up(store: Store, alice: Customer):
    card = sell_card(1_000)
    purchase = buy(store, alice, value=[(card, 1_000)])
    found = []
    for number in range(3):
        bring_back(purchase, 1, f"B{number}")
        found.append(balance(card)[0])
    assert found == [333, 666, 1_000]


def test_the_proof_names_a_purchase_that_the_cards_did_not_pay(store: Store, alice: Customer):
    purchase = buy(store, alice, value=[(sell_card(), 500)])
    QuerySet(Purchase).filter(pk=purchase.pk).update(paid_by_value=400)
    assert [fault for fault in proof.prove().faults if "paid by cards" in fault]


class TestThroughTheApi:
    def receipt(self, **more) -> dict:
        line = {"sku": "TEA", "quantity": 1, "unit_price": 900}
        return {"reference": "R-1", "occurred_at": "2026-03-10T12:00:00Z", "lines": [line], "store": "harbour"} | more

    def test_a_purchase_names_its_cards(self, store: Store, alice: Customer):
        till, card, credit = Caller(create_key()), sell_card(), give_credit(alice, 300)
        value = [{"code": value_accounts.code_of(card), "amount": 500}, {"amount": 300}]
        found = till.post("/purchases", self.receipt(member_number="A1", value=value)).json()
        assert (found["paid_by_value"], found["to_pay"], balance(card), balance(credit)) == (
            800,
            100,
            (4_500, 0),
            (0, 0),
        )

    def test_it_needs_the_scope_and_a_card_that_exists(self, store: Store):
        card = sell_card(100)
        code = value_accounts.code_of(card)
        weak, till = Caller(create_key("purchases:write")), Caller(create_key())
        value = [{"code": code, "amount": 101}]
        assert problem(weak.post("/purchases", self.receipt(value=value))) == (403, "scope_missing")
        short = till.post("/purchases", self.receipt(value=value))
        assert (problem(short), short.json()["reason"]) == ((409, "value_refused"), "not_enough")
        unknown = [{"code": "ABCD-EFGH-JKMN", "amount": 1}]
        assert problem(till.post("/purchases", self.receipt(value=unknown))) == (404, "not_found")
        assert problem(till.post("/purchases", self.receipt(value=[{"amount": 1}]))) == (404, "not_found")
        assert Purchase.objects.count() == 0
