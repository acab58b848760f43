"""Many tills, one gift card: threads with connections of their own, on a database of its own, committed for real."""

import pytest
from django.db import OperationalError, transaction

from customers.tests.factories import NOON, create_customer, create_user
from loyalty_site.roles import ensure_roles
from rewards import proof, stored_value, value_accounts, value_limits
from rewards.ledger import ReversalTooLarge
from rewards.models import ValueAccount, ValueMovement
from rewards.tests.test_redemption_race import race
from rewards.tests.value_factories import sell_card
from rewards.value_accounts import ValueRefused

pytestmark = pytest.mark.django_db(transaction=True)
TILLS = 32


def attempt(function, **options) -> str:
    """Return "won" or why not; who queued for a lock too long asks again, as a till does that was told to."""
    for _again in range(10):
        try:
            function(**options)
        except ValueRefused as refused:
            return refused.reason.value
        except ReversalTooLarge:
            return "too_large"
        except value_limits.AboveValueLimit:
            return "limit"
        except OperationalError as error:
            if "lock timeout" not in str(error) and "locked" not in str(error):
                raise
        else:
            return "won"
    raise AssertionError("ten times in a row the lock was not to be had")


def spend(card: ValueAccount, number: int, amount: int):
    options = {"account": card, "amount": amount, "source": f"sale:{number}", "occurred_at": NOON}
    return lambda: attempt(stored_value.spend, **options)


def naively(*, card: ValueAccount, number: int) -> None:
    """Read, decide, write: what many shops do. It must lose the race, or the race is none."""
    fresh = ValueAccount.objects.get(pk=card.pk)
    if fresh.paid < 5_000:
        raise ValueRefused(value_accounts.Reason.NOT_ENOUGH)
    with transaction.atomic():
        fresh.paid -= 5_000
        fresh.save(update_fields=["paid"])


def test_two_tills_and_thirty_more_spend_one_card_once():
    card = sell_card(5_000)
    assert race(spend(card, number, 5_000) for number in range(TILLS)) == {"won": 1, "not_enough": TILLS - 1}
    card.refresh_from_db()
    assert (card.balance, card.movements.count()) == (0, 2)
    assert proof.prove().is_balanced


def test_parts_are_spent_as_often_as_they_fit():
    card = sell_card(1_000, promotional=50)
    assert race(spend(card, number, 100) for number in range(TILLS)) == {"won": 10, "not_enough": TILLS - 10}
    card.refresh_from_db()
    assert (card.paid, card.promotional) == (50, 0)


def test_the_naive_way_spends_twice_so_the_race_is_a_race():
    for _round in range(10):
        card = sell_card(5_000)
        results = race(
            lambda number=number, card=card: attempt(naively, card=card, number=number) for number in range(16)
        )
        if results["won"] > 1:
            return
    pytest.fail("Nobody spent twice in ten rounds: this test cannot see a race.")


def test_one_request_sent_32_times_at_once_is_one_payment_and_one_answer():
    card = sell_card(5_000)
    options = {"account": card, "amount": 100, "source": "sale:1", "occurred_at": NOON}
    results = race(lambda: stored_value.spend(**options).pk for _ in range(TILLS))
    assert list(results.values()) == [TILLS]
    sold = race(lambda: stored_value.sell(amount=900, source="sell:1", occurred_at=NOON).account_id for _ in range(16))
    assert list(sold.values()) == [16]
    assert (ValueAccount.objects.count(), ValueMovement.objects.count()) == (2, 3)


def test_16_refunds_of_a_third_give_back_three():
    card = sell_card(3_000)
    spent = stored_value.spend(account=card, amount=3_000, source="sale:1", occurred_at=NOON)
    results = race(
        lambda number=number: attempt(
            stored_value.refund, spent=spent, amount=1_000, source=f"return:{number}", occurred_at=NOON
        )
        for number in range(16)
    )
    card.refresh_from_db()
    assert (results, card.balance) == ({"won": 3, "too_large": 13}, 3_000)


def test_two_customers_claim_one_card_and_one_has_it():
    card, people = sell_card(), [create_customer(name=f"Claimer {number}") for number in range(16)]
    code = value_accounts.code_of(card)
    results = race(
        lambda person=person: attempt(value_accounts.claim, code=code, customer=person, now=NOON) for person in people
    )
    assert results == {"won": 1, "has_owner": 15}


def test_a_person_gives_no_more_in_a_day_however_many_hands_they_have():
    cashier, card = create_user(is_staff=True), sell_card()
    cashier.groups.add(ensure_roles()["cashier"])
    results = race(
        lambda number=number: attempt(
            stored_value.grant, account=card, amount=1_000, reason="goodwill", key=str(number), by=cashier, now=NOON
        )
        for number in range(16)
    )
    assert results == {"won": 3, "limit": 13}
