"""The proof of stored value: whatever is changed by hand, behind the triggers, is found and named."""

import pytest
from django.core.management import call_command
from django.db import connection

from customers.tests.factories import NOON
from rewards import proof, stored_value, triggers
from rewards.models import ValueAccount
from rewards.tests.value_factories import sell_card

pytestmark = pytest.mark.django_db


@pytest.fixture
def card() -> ValueAccount:
    """A card with a sale of 50.00 and 5.00 on top, a payment of 20.00 and 3.00 given back."""
    card = sell_card(5_000, promotional=500)
    spent = stored_value.spend(account=card, amount=2_000, source="sale:1", occurred_at=NOON)
    stored_value.refund(spent=spent, amount=300, source="return:1", occurred_at=NOON)
    return card


def by_hand(statement: str, *values: object) -> None:
    triggers.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_honest_books_are_proven_and_added_up(card: ValueAccount):
    found = proof.prove()
    assert found.faults == []
    assert (found.value, found.value_movements) == ({"sold": 5_500, "spent": -2_000, "refunded": 300}, 3)
    assert sum(found.value.values()) == 3_800


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE rewards_valueaccount SET paid = paid + 100", "what is on it does not follow"),
        ("UPDATE rewards_valuemovement SET paid = 9000, paid_after = 9000 WHERE sequence = 1", "the seal is broken"),
        ("UPDATE rewards_valuemovement SET occurred_at = '2020-01-01' WHERE sequence = 2", "the seal is broken"),
        ("DELETE FROM rewards_valuemovement WHERE sequence = 3", "what is on it does not follow"),
        ("UPDATE rewards_valuemovement SET sequence = 4 WHERE sequence = 3", "movement 3 is missing"),
    ],
)
def test_a_change_by_hand_is_named(card: ValueAccount, statement: str, sentence: str):
    by_hand(statement)
    assert [fault for fault in proof.prove().faults if sentence in fault]


def test_a_movement_of_another_key_is_not_believed(card: ValueAccount, settings):
    settings.LEDGER_KEYS = {99: b"another secret"}
    assert len([fault for fault in proof.prove().faults if "the seal is broken" in fault]) == 3


def test_the_command_says_what_the_shop_still_owes(card: ValueAccount, capsys):
    call_command("prove_books", verbosity=0)
    assert "3 movements of gift cards and store credit, €38.00 still to be spent" in capsys.readouterr().out


def test_the_digest_covers_the_cards(card: ValueAccount):
    before = proof.prove().digest
    sell_card(100)
    assert proof.prove().digest != before
