"""Gift cards and store credit: every figure of docs/stored_value.md, and what each refusal leaves as it was."""

import datetime as dt
import uuid

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from customers.models.history import AppendOnlyError
from customers.tests.factories import NOON, create_customer, create_user
from loyalty_site.roles import ensure_roles
from rewards import adjustments, codes, stored_value, value_accounts, value_limits
from rewards.ledger import ReversalTooLarge, SourceConflict
from rewards.models import ValueAccount, ValueMovement
from rewards.tests.value_factories import give_credit, sell_card
from rewards.value_accounts import Reason, ValueRefused

pytestmark = pytest.mark.django_db
LATER = NOON + dt.timedelta(days=1)


def parts(account: ValueAccount) -> tuple[int, int]:
    account.refresh_from_db()
    return account.paid, account.promotional


def refused(reason: Reason):
    return pytest.raises(ValueRefused, check=lambda error: error.reason == reason)


def spend(account: ValueAccount, amount: int, *, source: str = "", **fields) -> ValueMovement:
    source = source or f"test:{uuid.uuid4()}"
    return stored_value.spend(account=account, amount=amount, source=source, occurred_at=NOON, **fields)


def test_a_sold_card_is_found_by_its_code_and_holds_what_was_paid_and_given():
    card = sell_card(5_000, promotional=500)
    assert (card.paid, card.promotional, card.balance, card.sequence) == (5_000, 500, 5_500, 1)
    code = value_accounts.code_of(card)
    assert value_accounts.find_by_code(code.lower().replace("-", " ")) == card
    assert code.replace("-", "").encode() not in bytes(card.code_sealed)
    assert str(card) == f"…{codes.tail(code)}"
    assert value_accounts.find_by_code("ABCD-EFGH-JKMN") is None


def test_what_was_given_is_spent_first_and_comes_back_last():
    card = sell_card(5_000, promotional=1_000)
    spent = spend(card, 2_500)
    assert (spent.promotional, spent.paid, parts(card)) == (-1_000, -1_500, (3_500, 0))
    first = stored_value.refund(spent=spent, amount=1_200, source="r:1", occurred_at=LATER)
    assert (first.paid, first.promotional, parts(card)) == (1_200, 0, (4_700, 0))
    second = stored_value.refund(spent=spent, amount=800, source="r:2", occurred_at=LATER)
    assert (second.paid, second.promotional, parts(card)) == (300, 500, (5_000, 500))
    with pytest.raises(ReversalTooLarge):
        stored_value.refund(spent=spent, amount=501, source="r:3", occurred_at=LATER)
    stored_value.refund(spent=spent, amount=500, source="r:4", occurred_at=LATER)
    assert parts(card) == (5_000, 1_000)


def test_more_than_is_on_it_takes_nothing():
    card = sell_card(1_000)
    with refused(Reason.NOT_ENOUGH) as caught:
        spend(card, 1_001)
    assert caught.value.available == 1_000
    assert "€10.00" in str(caught.value)
    assert (parts(card), ValueMovement.objects.count()) == ((1_000, 0), 1)
    spend(card, 1_000)
    assert parts(card) == (0, 0)


def test_the_same_cause_moves_once_and_another_meaning_is_refused():
    card, other = sell_card(), sell_card()
    first = spend(card, 300, source="sale:1")
    assert spend(card, 300, source="sale:1") == first
    for account, amount in ((card, 301), (other, 300)):
        with pytest.raises(SourceConflict):
            spend(account, amount, source="sale:1")
    assert parts(card) == (4_700, 0)
    sold = {"amount": 5_000, "source": "sell:1", "occurred_at": NOON}
    assert stored_value.sell(**sold) == stored_value.sell(**sold)
    with pytest.raises(SourceConflict):
        stored_value.sell(**sold | {"amount": 4_000})
    back = {"spent": first, "source": "back:1", "occurred_at": NOON}
    assert stored_value.refund(amount=100, **back) == stored_value.refund(amount=100, **back)
    assert parts(card) == (4_800, 0)


def test_a_card_holds_no_more_than_the_shop_allows(settings):
    settings.GIFT_CARD_MOST = 100
    card = sell_card(9_000, promotional=1_000)
    with refused(Reason.TOO_MUCH):
        stored_value.top_up(account=card, amount=1, source="t:1", occurred_at=NOON)
    with refused(Reason.TOO_MUCH):
        stored_value.sell(amount=10_001, source="s:1", occurred_at=NOON)
    assert ValueAccount.objects.count() == 1


def test_a_blocked_card_keeps_its_money_and_gets_money_back():
    card = sell_card()
    spent = spend(card, 1_000)
    value_accounts.block(account=card, reason="lost")
    with refused(Reason.BLOCKED):
        spend(card, 1)
    with refused(Reason.BLOCKED):
        stored_value.top_up(account=card, amount=1, source="t:1", occurred_at=NOON)
    stored_value.refund(spent=spent, amount=400, source="r:1", occurred_at=NOON)
    assert parts(card) == (4_400, 0)
    spend(value_accounts.unblock(account=card), 4_400)


def test_an_expired_card_is_emptied_once_and_lives_another_30_days_when_goods_come_back():
    card = sell_card(1_000, promotional=200, expires_at=LATER)
    spent = spend(card, 300)
    late = LATER + dt.timedelta(hours=1)
    with refused(Reason.EXPIRED):
        stored_value.spend(account=card, amount=1, source="x", occurred_at=LATER)
    assert stored_value.expire_due(now=LATER - dt.timedelta(seconds=1)) == 0
    assert (stored_value.expire_due(now=late), stored_value.expire_due(now=late), parts(card)) == (1, 0, (0, 0))
    last = card.movements.order_by("-sequence").first()
    assert (last.kind, last.paid, last.promotional, last.occurred_at) == ("expired", -900, 0, LATER)
    stored_value.refund(spent=spent, amount=300, source="r:1", occurred_at=late)
    card.refresh_from_db()
    assert (parts(card), card.expires_at) == ((100, 200), late + dt.timedelta(days=30))
    assert stored_value.expire_due(now=late) == 0
    assert stored_value.expire_due(now=late + dt.timedelta(days=30)) == 1


def test_a_card_is_whoever_shows_it_until_somebody_claims_it():
    alice, bob = create_customer(name="Alice"), create_customer(name="Bob")
    card = sell_card()
    spend(card, 100)
    spend(card, 100, customer=bob)
    code = value_accounts.code_of(card)
    assert value_accounts.claim(code=code, customer=alice, now=LATER).customer == alice
    assert value_accounts.claim(code=code, customer=alice, now=LATER + dt.timedelta(days=1)).claimed_at == LATER
    with refused(Reason.HAS_OWNER):
        value_accounts.claim(code=code, customer=bob, now=LATER)
    with refused(Reason.CUSTOMER_NEEDED):
        spend(card, 100)
    with refused(Reason.OTHER_CUSTOMER):
        spend(card, 100, customer=bob)
    spend(card, 100, customer=alice)
    with refused(Reason.UNKNOWN):
        value_accounts.claim(code="nonsense", customer=bob, now=LATER)
    blocked = value_accounts.block(account=sell_card(), reason="stolen")
    with refused(Reason.BLOCKED):
        value_accounts.claim(code=value_accounts.code_of(blocked), customer=bob, now=LATER)


def test_store_credit_is_one_account_of_its_customer():
    alice, bob = create_customer(name="Alice"), create_customer(name="Bob")
    account = give_credit(alice, 2_000)
    assert (give_credit(alice, 500), parts(account)) == (account, (2_500, 0))
    with refused(Reason.CUSTOMER_NEEDED):
        spend(account, 100)
    with refused(Reason.OTHER_CUSTOMER):
        spend(account, 100, customer=bob)
    spend(account, 100, customer=alice)
    assert value_accounts.code_of(account) == ""
    card = sell_card(customer=alice)
    assert value_accounts.of_customer(customer=alice) == [account, card]
    with pytest.raises(ValueError, match="no code"):
        value_accounts.replace_code(account=account, by=create_user())


def test_what_a_customer_can_pay_with_ends_first_first():
    alice = create_customer()
    lasting, ending = give_credit(alice), sell_card(customer=alice, expires_at=LATER)
    spend(sell_card(100, customer=alice), 100, customer=alice)
    value_accounts.block(account=sell_card(customer=alice), reason="lost")
    assert value_accounts.usable_of(customer=alice, now=NOON) == [ending, lasting]
    assert value_accounts.usable_of(customer=alice, now=LATER) == [lasting]


def test_a_new_code_kills_the_old_one():
    card, by = sell_card(), create_user()
    old = value_accounts.code_of(card)
    value_accounts.replace_code(account=card, by=by)
    assert value_accounts.find_by_code(old) is None
    assert value_accounts.find_by_code(value_accounts.code_of(card)) == card


def test_a_sale_is_undone_as_a_whole_and_once():
    card = sell_card(5_000, promotional=500)
    sale = card.movements.get()
    spent = spend(card, 1)
    with refused(Reason.ALREADY_USED):
        stored_value.take_back(movement=sale, source="u:1", occurred_at=NOON)
    stored_value.refund(spent=spent, amount=1, source="r:1", occurred_at=NOON)
    undone = stored_value.take_back(movement=sale, source="u:1", occurred_at=NOON)
    assert (undone.kind, undone.paid, undone.promotional, parts(card)) == ("reversed", -5_000, -500, (0, 0))
    assert stored_value.take_back(movement=sale, source="u:1", occurred_at=NOON) == undone
    with pytest.raises(ReversalTooLarge):
        stored_value.take_back(movement=sale, source="u:2", occurred_at=NOON)


class TestByHand:
    @pytest.fixture
    def cashier(self):
        user = create_user(is_staff=True)
        user.groups.add(ensure_roles()["cashier"])
        return user

    def give(self, account: ValueAccount, amount: int, by, *, key: str = "", now: dt.datetime = NOON) -> ValueMovement:
        key = key or str(uuid.uuid4())
        return stored_value.grant(account=account, amount=amount, reason="goodwill", key=key, by=by, now=now)

    def test_what_is_given_counts_as_given_and_once(self, cashier):
        card = sell_card(1_000)
        movement = self.give(card, 500, cashier, key="1")
        assert (movement.kind, movement.reason, parts(card)) == ("granted", "goodwill", (1_000, 500))
        assert self.give(card, 500, cashier, key="1") == movement
        taken = self.give(card, -700, cashier)
        assert (taken.kind, taken.promotional, taken.paid) == ("adjusted", -500, -200)
        with refused(Reason.NOT_ENOUGH):
            self.give(card, -801, cashier)

    def test_nobody_gives_more_than_their_role_may(self, cashier):
        card = sell_card(1_000)
        with pytest.raises(value_limits.AboveValueLimit, match=r"€10\.00 at a time"):
            self.give(card, 1_001, cashier)
        for amount in (1_000, -1_000, 900):
            self.give(card, amount, cashier)
        with pytest.raises(value_limits.AboveValueLimit, match=r"€1\.00 left"):
            self.give(card, 101, cashier)
        self.give(card, 1_000, cashier, now=LATER)
        assert parts(card) == (1_000, 1_900)
        with pytest.raises(value_limits.AboveValueLimit):
            self.give(card, 1, create_user(is_staff=True))
        self.give(card, 20_000, create_user(is_superuser=True))

    def test_a_shop_sets_its_own_limits(self, cashier, settings):
        settings.VALUE_LIMITS = {"cashier": [2, 3], "manager": [4, 5]}
        card = sell_card(1_000)
        with pytest.raises(value_limits.AboveValueLimit, match=r"€2\.00 at a time"):
            self.give(card, 201, cashier)
        self.give(card, 200, cashier)
        with pytest.raises(value_limits.AboveValueLimit, match=r"€1\.00 left"):
            self.give(card, 101, cashier)

    def test_what_is_put_on_top_of_a_sale_counts_and_what_is_paid_does_not(self, cashier):
        card = sell_card(40_000, promotional=1_000, by=cashier)
        with pytest.raises(value_limits.AboveValueLimit):
            sell_card(5_000, promotional=1_001, by=cashier)
        stored_value.top_up(account=card, amount=1_000, promotional=900, source="t", occurred_at=NOON, by=cashier)
        assert value_limits.left_today(by=cashier, now=NOON) == 1_100
        with pytest.raises(adjustments.OwnCard):
            sell_card(customer=create_customer(user=cashier), by=cashier)

    def test_nobody_gives_to_their_own_account(self, cashier):
        own = create_customer(name="Cashier", user=cashier)
        with pytest.raises(adjustments.OwnCard):
            self.give(give_credit(own), 100, cashier)


class TestTheDatabase:
    def test_movements_are_never_changed_or_deleted(self):
        movement = sell_card().movements.get()
        with pytest.raises(AppendOnlyError):
            movement.save()
        with pytest.raises(AppendOnlyError):
            ValueMovement.objects.update(paid=1)
        for statement in ("UPDATE rewards_valuemovement SET paid = 1", "DELETE FROM rewards_valuemovement"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)

    @pytest.mark.parametrize(
        "change",
        [{"paid": -1}, {"promotional": -1}, {"kind": "store_credit"}, {"state": "blocked"}, {"code_sealed": None}],
        ids=str,
    )
    def test_an_account_that_cannot_be_is_refused(self, change: dict):
        card = sell_card()
        with pytest.raises(IntegrityError), transaction.atomic():
            ValueAccount.objects.filter(pk=card.pk).update(**change)
