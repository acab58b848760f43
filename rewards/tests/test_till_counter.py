"""Gift cards and rewards at the till: sold, filled, paid with, undone, handed over, each once."""

import uuid

import pytest
import time_machine
from django.urls import reverse

from customers.models import Purchase
from rewards import catalogue, proof, returns, stored_value, value_accounts
from rewards.models import RewardOrder, TillAction, ValueAccount
from rewards.tests.factories import NOON, award, create_customer, create_rule, create_store
from rewards.tests.reward_factories import create_reward
from rewards.tests.till_factories import Desk, phone_code, problems, text_of, tokens
from rewards.till.access import token_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk():
    create_rule()
    return Desk(create_store(code="harbour"))


@pytest.fixture
def alice():
    return create_customer(name="Alice Morgan", email="alice@example.com")


def sell_card(desk: Desk, amount: str = "50.00", **values) -> TillAction:
    data = {"key": uuid.uuid4(), "amount": amount, "sell": "1"} | values
    return desk.done(desk.client.post(reverse("till_counter"), data))


def code_of_last() -> str:
    return value_accounts.code_of(ValueAccount.objects.latest("pk"))


def balance() -> int:
    return ValueAccount.objects.latest("pk").balance


def test_a_card_is_sold_once_and_its_code_shown_to_who_sold_it(desk):
    key = uuid.uuid4()
    action = sell_card(desk, key=key)
    assert sell_card(desk, key=key) == action
    assert (ValueAccount.objects.count(), balance(), action.money) == (1, 5_000, 5_000)
    page = desk.get("till_done", key=action.key)
    assert code_of_last() in page
    assert "Gift card of €50.00" in page
    other = Desk(desk.store)
    assert code_of_last() not in other.get("till_done", key=action.key)
    with time_machine.travel(NOON.replace(minute=NOON.minute + 20), tick=False):
        assert code_of_last() not in desk.get("till_done", key=action.key)
    assert "Gift card of €50.00 sold" in desk.get("till_journal")


@pytest.mark.parametrize(("amount", "words"), [("0", "above 0"), ("9999999", "more than one card"), ("ten", "not an amount"), ("", "required")])  # fmt: skip
def test_a_card_of_nonsense_is_refused_and_nothing_is_sold(desk, amount, words):
    answer = desk.client.post(reverse("till_counter"), {"key": uuid.uuid4(), "amount": amount, "sell": "1"})
    assert answer.status_code == 200
    assert any(words in sentence for sentence in problems(answer)), problems(answer)
    assert not ValueAccount.objects.exists()


def test_a_card_is_looked_up_and_filled(desk):
    sell_card(desk)
    found = desk.client.post(reverse("till_counter"), {"code": code_of_last().lower()}, follow=True)
    assert "€50.00" in text_of(found)
    address = found.redirect_chain[-1][0]
    key = uuid.uuid4()
    for _again in range(2):
        done = desk.done(desk.client.post(address, {"key": key, "amount": "25"}))
    assert (balance(), done.kind) == (7_500, TillAction.Kind.CARD_FILLED)
    assert "There is €75.00 on it now." in desk.get("till_done", key=key)


def test_what_nobody_has_is_refused_and_nobody_makes_an_address_up(desk):
    assert "No gift card and no ticket" in problems(desk.client.post(reverse("till_counter"), {"code": "ABCD-EFGH-JKMN"}))[0]  # fmt: skip
    for name in ("till_card", "till_pickup"):
        assert desk.client.get(reverse(name, args=["1:made-up"])).status_code == 404


def test_a_card_pays_what_it_can_and_the_rest_is_money(desk):
    sell_card(desk, "10.00")
    shown = desk.sale(amount="12.50", code=code_of_last())
    assert "−€10.00" in text_of(shown)
    values = {"card": tokens(shown, "card"), "pays": tokens(shown, "pays"), "amount": "12.50"}
    action = desk.done(desk.sale(record="1", **values))
    purchase = Purchase.objects.get()
    assert (purchase.paid_by_value, purchase.to_pay, action.money, balance()) == (1_000, 250, 250, 0)
    assert "€10.00 paid by gift card or store credit." in desk.get("till_done", key=action.key)
    undone = desk.done(desk.client.post(reverse("till_undo", args=[action.pk]), {"key": uuid.uuid4()}))
    assert (undone.money, balance()) == (-250, 1_000)
    assert "€10.00 went back to the gift card" in desk.get("till_done", key=undone.key)
    assert proof.prove().is_balanced


def test_a_card_that_is_not_ticked_pays_nothing(desk):
    sell_card(desk)
    shown = desk.sale(amount="12.50", code=code_of_last())
    desk.done(desk.sale(record="1", amount="12.50", card=tokens(shown, "card")))
    assert (Purchase.objects.get().paid_by_value, balance()) == (0, 5_000)


def test_money_on_an_account_takes_the_customers_agreement_and_a_shown_card_does_not(desk, alice):
    credit = value_accounts.credit_of(customer=alice, now=NOON)
    stored_value.top_up(account=credit, amount=2_000, source="t:1", occurred_at=NOON, store=desk.store, by=desk.user)
    shown = desk.sale(alice, amount="12.50")
    assert "Store credit" in text_of(shown)
    values = {"pays": tokens(shown, "pays"), "amount": "12.50"}
    refused = desk.sale(alice, record="1", **values)
    assert refused.status_code == 200
    assert not Purchase.objects.exists()
    assert problems(refused)
    desk.done(desk.sale(alice, record="1", proof=phone_code(alice), **values))
    assert Purchase.objects.get().paid_by_value == 1_250


def test_the_card_of_somebody_else_is_refused(desk, alice):
    sell_card(desk)
    code = code_of_last()
    value_accounts.claim(code=code, customer=alice, now=NOON)
    assert "belongs to a member" in problems(desk.sale(amount="5", code=code))[0]
    assert "belongs to somebody else" in problems(desk.sale(create_customer(), amount="5", code=code))[0]


def test_a_card_blocked_meanwhile_pays_nothing_and_says_so(desk):
    sell_card(desk)
    shown = desk.sale(amount="12.50", code=code_of_last())
    value_accounts.block(account=ValueAccount.objects.get(), reason="stolen")
    values = {"card": tokens(shown, "card"), "pays": tokens(shown, "pays"), "amount": "12.50"}
    assert "blocked" in problems(desk.sale(record="1", **values))[0]
    assert not Purchase.objects.exists()


def test_a_sold_card_is_undone_only_while_nothing_is_spent(desk):
    first, second = sell_card(desk), sell_card(desk, "20.00")
    shown = desk.sale(amount="5", code=code_of_last())
    desk.done(desk.sale(record="1", amount="5", card=tokens(shown, "card"), pays=tokens(shown, "pays")))
    assert "come off the card" in desk.get("till_undo", pk=first.pk)
    undone = desk.done(desk.client.post(reverse("till_undo", args=[first.pk]), {"key": uuid.uuid4()}))
    assert undone.money == -5_000
    assert "Give back €50.00 in money." in desk.get("till_done", key=undone.key)
    refused = desk.client.post(reverse("till_undo", args=[second.pk]), {"key": uuid.uuid4()})
    assert "has been spent already" in problems(refused)[0]
    assert proof.prove().is_balanced


def take_cup(alice) -> RewardOrder:
    award(alice, 500, source="welcome:1")
    return catalogue.redeem_reward(
        customer=alice, reward=create_reward(slug="cup", name_en="A cup", points_cost=200, price=300), key="k", now=NOON
    )


def test_a_reward_is_handed_over_once_and_its_price_taken(desk, alice):
    order = take_cup(alice)
    waiting = desk.client.get(reverse("till_counter"), {"customer": token_of(alice)})
    assert "A cup" in text_of(waiting)
    found = desk.client.post(reverse("till_counter"), {"code": catalogue.code_of(order)}, follow=True)
    assert "€3.00 to be paid" in text_of(found)
    address, key = found.redirect_chain[-1][0], uuid.uuid4()
    for _again in range(2):
        action = desk.done(desk.client.post(address, {"key": key}))
    order.refresh_from_db()
    assert (order.state, action.money, order.store) == ("handed_over", 300, desk.store)
    assert "Hand over: A cup" in desk.get("till_done", key=key)
    assert "handed over" in problems(desk.client.post(address, {"key": uuid.uuid4()}))[0]


def test_nobody_serves_their_own_card(desk, alice):
    order = take_cup(alice)
    alice.user = desk.user
    alice.save()
    answer = desk.client.post(reverse("till_counter"), {"code": catalogue.code_of(order)}, follow=True)
    assert answer.status_code == 403


def test_a_partial_return_tells_what_went_back_to_the_card(desk):
    sell_card(desk, "10.00")
    shown = desk.sale(amount="20", code=code_of_last())
    action = desk.done(desk.sale(record="1", amount="20", card=tokens(shown, "card"), pays=tokens(shown, "pays")))
    returns.refund(purchase=action.purchase, reference="B", quantities={1: 1}, occurred_at=NOON, by=desk.user)
    assert balance() == 1_000
