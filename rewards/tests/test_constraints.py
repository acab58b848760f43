"""What the database itself refuses: for every constraint of the books and the receipts one bad row."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from customers.models import Product, Purchase, PurchaseLine, Return, ReturnLine
from rewards.models import LotAllocation, PointBalance, PointLot, PointTransaction
from rewards.tests.factories import NOON, create_customer, create_store

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def good() -> dict[type[models.Model], models.Model]:
    """One good row of each model, written past the ledger, whose doors would never write a bad one."""
    customer = create_customer()
    moved = PointTransaction.objects.create(
        customer=customer, sequence=1, kind="earn", from_account="issued", to_account="active", points=10,
        source="purchase:1", occurred_at=NOON, recorded_at=NOON, pending_after=0, active_after=10, held_after=0,
        debt_after=0, key_number=1, mac="0" * 64,
    )  # fmt: skip
    lot = PointLot.objects.create(
        customer=customer, transaction=moved, points=10, remaining=10, activates_at=NOON, activated_at=NOON,
        expires_at=NOON + DAY,
    )  # fmt: skip
    purchase = Purchase.objects.create(
        store=create_store(), till="1", reference="R", occurred_at=NOON, total=100, discount=10, paid_by_points=5
    )
    product = Product.objects.create(sku="latte", name_en="Latte")
    line = PurchaseLine.objects.create(
        purchase=purchase, position=1, product=product, quantity=2, unit_price=60, discount=20, total=100
    )
    back = Return.objects.create(purchase=purchase, reference="B", occurred_at=NOON, total=50)
    rows = [
        moved, lot, LotAllocation.objects.create(transaction=moved, lot=lot, points=-1),
        PointBalance.objects.create(customer=customer), purchase, line, back,
        ReturnLine.objects.create(return_of=back, line=line, quantity=1, total=50),
    ]  # fmt: skip
    return {type(row): row for row in rows}


def fields(row: models.Model) -> dict[str, Any]:
    """Return a row's values by column, without its key."""
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}


# A change that makes the row another one, so that only the constraint in question stands in its way.
ANOTHER = {
    PointTransaction: {"sequence": 2, "source": "purchase:2"},
    PointLot: {},
    LotAllocation: {},
    PointBalance: {},
    Purchase: {"reference": "R2"},
    PurchaseLine: {"position": 2},
    Return: {"reference": "B2"},
    ReturnLine: {},
}

BAD = [
    (PointTransaction, "pointtransaction_sequence_once", {"sequence": 1}),
    (PointTransaction, "pointtransaction_cause_posts_once", {"source": "purchase:1"}),
    (PointTransaction, "pointtransaction_moves_something", {"points": 0}),
    (PointTransaction, "pointtransaction_moves_something", {"points": -5}),
    (PointTransaction, "pointtransaction_goes_somewhere", {"from_account": "active"}),
    (PointTransaction, "pointtransaction_touches_the_customer", {"to_account": "redeemed"}),
    (PointTransaction, "pointtransaction_has_a_source", {"source": ""}),
    (PointTransaction, "pointtransaction_sequence_from_one", {"sequence": 0}),
    (PointTransaction, "pointtransaction_balances_in_bounds", {"pending_after": -1}),
    (PointTransaction, "pointtransaction_balances_in_bounds", {"active_after": -1}),
    (PointTransaction, "pointtransaction_balances_in_bounds", {"held_after": -1}),
    (PointTransaction, "pointtransaction_balances_in_bounds", {"debt_after": 1}),
    (PointLot, "pointlot_remaining_in_bounds", {"points": 0, "remaining": 0}),
    (PointLot, "pointlot_remaining_in_bounds", {"remaining": -1}),
    (PointLot, "pointlot_remaining_in_bounds", {"remaining": 11}),
    (PointLot, "pointlot_expires_after_activation", {"expires_at": NOON}),
    (PointLot, "pointlot_lapses_after_activation", {"inactive_months": 0}),
    (PointLot, "pointlot_lapses_after_activation", {"inactive_months": 6}),
    (PointLot, "pointlot_lapses_after_activation", {"lapses_at": NOON + DAY}),
    (PointLot, "pointlot_lapses_after_activation", {"inactive_months": 6, "lapses_at": NOON}),
    (LotAllocation, "lotallocation_once", {}),
    (LotAllocation, "lotallocation_moves_something", {"points": 0}),
    (PointBalance, "pointbalance_in_bounds", {"pending": -1}),
    (PointBalance, "pointbalance_in_bounds", {"active": -1}),
    (PointBalance, "pointbalance_in_bounds", {"held": -1}),
    (PointBalance, "pointbalance_in_bounds", {"debt": 1}),
    (PointBalance, "pointbalance_in_bounds", {"lifetime": -1}),
    (Purchase, "purchase_receipt_once", {"reference": "R"}),
    (Purchase, "purchase_has_a_reference", {"reference": ""}),
    (Purchase, "purchase_pays_at_most_its_total", {"discount": -1}),
    (Purchase, "purchase_pays_at_most_its_total", {"paid_by_points": -1}),
    (Purchase, "purchase_excludes_at_most_what_was_paid", {"excluded": -1}),
    (Purchase, "purchase_excludes_at_most_what_was_paid", {"excluded": 86}),
    (Purchase, "purchase_pays_at_most_its_total_by_value", {"paid_by_value": -1}),
    (Purchase, "purchase_pays_at_most_its_total_by_value", {"paid_by_value": 86}),
    (PurchaseLine, "purchaseline_position_once", {"position": 1}),
    (PurchaseLine, "purchaseline_total_adds_up", {"quantity": 0, "total": -20}),
    (PurchaseLine, "purchaseline_total_adds_up", {"total": 101}),
    (PurchaseLine, "purchaseline_total_adds_up", {"discount": 121, "total": -1}),
    (Return, "return_reference_once", {"reference": "B"}),
    (Return, "return_total_not_negative", {"total": -1}),
    (ReturnLine, "returnline_once", {}),
    (ReturnLine, "returnline_is_positive", {"quantity": 0}),
    (ReturnLine, "returnline_is_positive", {"total": -1}),
]


def insert(model: type[models.Model], good: dict, changes: dict[str, Any]) -> None:
    """Insert a copy of the good row, for relations of its own where a model allows one row each."""
    values = fields(good[model]) | ANOTHER[model] | changes
    if model is PointBalance:
        values["customer_id"] = create_customer().pk
    if model is PointLot:
        insert(PointTransaction, good, {})
        values["transaction_id"] = PointTransaction.objects.latest("pk").pk
    if model in (LotAllocation, ReturnLine) and changes:
        name, parent = {LotAllocation: ("lot_id", PointLot), ReturnLine: ("return_of_id", Return)}[model]
        insert(parent, good, {})
        values[name] = parent.objects.latest("pk").pk
    model.objects.create(**values)


@pytest.mark.parametrize(
    ("model", "name", "changes"), BAD, ids=[f"{name}-{'-'.join(changes) or 'again'}" for __, name, changes in BAD]
)
def test_the_database_refuses_the_bad_row(good, model: type[models.Model], name: str, changes: dict[str, Any]):
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        insert(model, good, changes)
    columns = next(
        (
            one.fields
            for one in model._meta.constraints
            if isinstance(one, models.UniqueConstraint) and one.name == name
        ),
        (),
    )
    # SQLite names the columns of a unique constraint instead.
    assert name in str(refused.value) or all(column in str(refused.value) for column in columns or [name])


def test_a_receipt_that_is_paid_beyond_its_total_is_refused(good):
    # Three constraints forbid it, and each database names whichever it likes.
    with pytest.raises(IntegrityError, match=r"purchase_(pays|excludes)_at_most_"), transaction.atomic():
        insert(Purchase, good, {"discount": 96})


@pytest.mark.parametrize("model", [model for model in ANOTHER if model not in (LotAllocation, ReturnLine)])
def test_the_row_without_its_fault_is_taken(good, model: type[models.Model]):
    insert(model, good, {})
    assert model.objects.count() >= 2


def test_a_receipt_number_may_come_again_in_another_till(good):
    insert(Purchase, good, {"reference": "R", "till": "2"})
    assert Purchase.objects.count() == 2


def test_every_constraint_has_its_bad_row():
    declared = {constraint.name for model in ANOTHER for constraint in model._meta.constraints}
    assert declared == {name for __, name, __ in BAD}
