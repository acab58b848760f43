"""Once, whatever happens: the same form sent again, at the same moment, or after the answer was lost."""

import datetime as dt
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.db import IntegrityError, OperationalError, close_old_connections, connection, transaction

from customers import spending_proof
from customers.models import Product, Purchase, Return
from rewards import proof, till_actions
from rewards.models import CouponUse, PointBalance, TillAction
from rewards.sale import SoldLine
from rewards.tests.coupon_factories import issue_coupon
from rewards.tests.factories import NOON, award, create_customer, create_rule, create_store
from rewards.tests.till_factories import Desk, phone_code, text_of, tokens
from rewards.till_actions import KeyReused

pytestmark = pytest.mark.django_db(transaction=True)
TILLS = 16


@pytest.fixture
def desk():
    with time_machine.travel(NOON, tick=False):
        create_rule()
        yield Desk(create_store(code="harbour"))


@pytest.fixture
def alice(desk):
    alice = create_customer(name="Alice Morgan")
    award(alice, 1_000, source="welcome:1")
    return alice


@pytest.fixture
def tea(desk) -> Product:
    return Product.objects.create(sku="TEA", name_en="Tea", price=300)


def active(customer) -> int:
    return PointBalance.objects.get(customer=customer).active


def race(actions: Iterable[Callable[[], object]]) -> Counter:
    """Start all actions at the same moment, each in a thread of its own, and count what they return."""
    actions = list(actions)
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            start.wait(timeout=60)
            for _again in range(10):
                try:
                    return action()
                except OperationalError as error:
                    # A till that was answered 503 presses again.
                    if "lock" not in str(error):
                        raise
            return "never"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        results = list(pool.map(run, actions))
    close_old_connections()
    return Counter(results)


def test_a_second_press_shows_what_the_first_one_did(desk, alice, tea):
    key = uuid.uuid4()
    coupon = issue_coupon(customer=alice)
    (token,) = tokens(desk.sale(alice, amount="12.50", update="1"), "coupon")
    form = {"key": key, "amount": "12.50", "coupon": token, "points": "100", "proof": phone_code(alice)}
    first, second = desk.sell(alice, **form), desk.sale(alice, record="1", **form)
    assert desk.done(second) == first
    assert "nothing was counted twice" in text_of(desk.client.get(second.headers["Location"]))
    assert (Purchase.objects.count(), CouponUse.objects.filter(coupon=coupon).count()) == (1, 1)
    assert active(alice) == 1_000 - 100 + 6
    assert proof.prove().faults == []


def test_a_form_that_was_changed_after_it_counted_says_so(desk, alice):
    key = uuid.uuid4()
    first = desk.sell(alice, key=key, amount="12.50")
    again = desk.sale(alice, key=key, amount="99.00", record="1")
    assert desk.done(again) == first
    assert "recorded before you changed it" in text_of(desk.client.get(again.headers["Location"]))
    assert Purchase.objects.get().total == 1250


def test_a_sale_that_was_refused_may_be_tried_again_under_its_key(desk, alice):
    key = uuid.uuid4()
    assert desk.sale(alice, key=key, amount="12.50", points="100", record="1").status_code == 200
    assert desk.sell(alice, key=key, amount="12.50").purchase.total == 1250


def sell(desk, customer, tea, key, **values) -> Callable[[], object]:
    def act() -> object:
        action = till_actions.sell(
            station=desk.station, key=key, customer=customer, lines=[SoldLine(tea, 4, 300)], now=NOON, **values
        )
        return action.pk

    return act


@pytest.mark.parametrize("who", ["alice", "guest"])
def test_one_sale_sent_16_times_at_once_is_one_sale_and_one_answer(desk, alice, tea, who):
    key, customer = uuid.uuid4(), alice if who == "alice" else None
    results = race(sell(desk, customer, tea, key) for _ in range(TILLS))
    assert list(results.values()) == [TILLS]
    assert (Purchase.objects.count(), TillAction.objects.count()) == (1, 1)
    assert active(alice) == (1_012 if customer else 1_000)


def test_one_sale_with_points_and_coupon_sent_16_times_spends_once(desk, alice, tea):
    key, coupon = uuid.uuid4(), issue_coupon(customer=alice)
    agreed = spending_proof.prove(customer=alice, kind="code", secret=phone_code(alice), by=desk.user, now=NOON)

    def prove() -> object:
        return spending_proof.use(proof_id=agreed.pk, customer=alice, by=desk.user, source=f"till:{key}", now=NOON)

    results = race(sell(desk, alice, tea, key, points=300, coupons=[coupon], prove=prove) for _ in range(TILLS))
    assert list(results.values()) == [TILLS]
    assert (Purchase.objects.count(), CouponUse.objects.count()) == (1, 1)
    assert active(alice) == 1_000 - 300 + 4
    assert proof.prove().faults == []


def test_without_the_key_16_presses_are_16_sales_so_the_race_is_one(desk, alice, tea):
    race(sell(desk, alice, tea, uuid.uuid4()) for _ in range(TILLS))
    assert Purchase.objects.count() == TILLS


def test_one_return_and_one_undo_sent_16_times_at_once_happen_once(desk, alice, tea):
    sale = till_actions.sell(
        station=desk.station, key=uuid.uuid4(), customer=alice, lines=[SoldLine(tea, 4, 300)], now=NOON
    )
    key, undo_key = uuid.uuid4(), uuid.uuid4()

    def take_back() -> int:
        return till_actions.take_back(
            station=desk.station, key=key, purchase=Purchase.objects.get(), quantities={1: 1}, now=NOON
        ).pk

    def undo() -> int:
        return till_actions.undo(
            station=desk.station, key=undo_key, action=TillAction.objects.get(pk=sale.pk), now=NOON
        ).pk

    assert list(race(take_back for _ in range(TILLS)).values()) == [TILLS]
    assert list(race(undo for _ in range(TILLS)).values()) == [TILLS]
    assert (Return.objects.count(), TillAction.objects.count()) == (2, 3)
    assert active(alice) == 1_000
    assert proof.prove().faults == []


def test_two_people_undoing_the_same_sale_undo_it_once(desk, alice, tea):
    sale = till_actions.sell(
        station=desk.station, key=uuid.uuid4(), customer=alice, lines=[SoldLine(tea, 4, 300)], now=NOON
    )

    def undo() -> str:
        try:
            till_actions.undo(station=desk.station, key=uuid.uuid4(), action=sale, now=NOON)
        except till_actions.UndoRefused as refused:
            return refused.reason.value
        return "done"

    results = race(undo for _ in range(TILLS))
    assert (results["done"], sum(results.values())) == (1, TILLS)
    assert results.keys() <= {"done", "undone", "returned"}
    assert Return.objects.count() == 1
    assert TillAction.objects.filter(kind="undo").count() == 1


def test_a_key_never_means_two_things(desk, alice, tea):
    key = uuid.uuid4()
    sale = till_actions.sell(station=desk.station, key=key, customer=alice, lines=[SoldLine(tea, 1, 300)], now=NOON)
    with pytest.raises(KeyReused):
        till_actions.take_back(
            station=desk.station, key=key, purchase=sale.purchase, quantities={1: 1}, now=NOON + dt.timedelta(minutes=1)
        )
    assert Return.objects.count() == 0


def test_a_till_that_fails_after_the_sale_leaves_nothing_behind(desk, alice, tea, monkeypatch):
    def fail(self, *args, **options):
        raise IntegrityError("the power went")

    coupon, key = issue_coupon(customer=alice), uuid.uuid4()
    with monkeypatch.context() as broken:
        broken.setattr(TillAction, "save", fail)
        with pytest.raises(IntegrityError):
            sell(desk, alice, tea, key, coupons=[coupon])()
    assert (Purchase.objects.count(), CouponUse.objects.count(), active(alice)) == (0, 0, 1_000)
    again = till_actions.sell(
        station=desk.station, key=key, customer=alice, lines=[SoldLine(tea, 4, 300)], now=NOON, coupons=[coupon]
    )
    assert again.is_new
    assert proof.prove().faults == []


def test_what_was_done_at_a_till_is_never_changed(desk):
    action = desk.sell(amount="1.00")
    with pytest.raises(Exception, match="append-only"):
        TillAction.objects.filter(pk=action.pk).update(money=0)
    with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE rewards_tillaction SET money = 0")
    action.refresh_from_db()
    assert action.money == 100


@pytest.mark.parametrize(
    "changes",
    [{"kind": "undo"}, {"kind": "sale"}, {"kind": "return"}],
    ids=["undo without what it undoes", "sale without a purchase", "return without goods"],
)
def test_the_database_refuses_an_action_that_did_nothing(desk, changes):
    with pytest.raises(IntegrityError), transaction.atomic():
        TillAction.objects.create(store=desk.store, till="1", by=desk.user, occurred_at=NOON, **changes)
