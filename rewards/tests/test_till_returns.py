"""Goods that come back to the till, and what is undone there."""

import datetime as dt
import uuid

import pytest
import time_machine
from django.urls import reverse

from customers.models import Notice, Product, Return
from rewards import proof
from rewards.models import Coupon, PointBalance, TillAction
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import NOON, award, create_customer, create_rule, create_store
from rewards.tests.till_factories import Desk, phone_code, problems, text_of, tokens

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk():
    create_rule()
    Product.objects.create(sku="TEA", name_en="Tea", price=300)
    return Desk(create_store(code="harbour"))


@pytest.fixture
def alice():
    alice = create_customer(name="Alice Morgan", email="alice@example.com")
    award(alice, 1_000, source="welcome:1")
    return alice


def active(customer) -> int:
    return PointBalance.objects.get(customer=customer).active


def sell_tea(desk, customer, *, pieces: int = 4, **values) -> TillAction:
    tea = Product.objects.get(sku="TEA")
    line = {"line_product": tea.pk, "line_quantity": pieces, "line_price": "", "line_discount": ""}
    return desk.sell(customer, amount="", **line, **values)


def give_back(desk, sale: TillAction, *, quantity: int, **values):
    """Send the return's form as the page does: look first, confirm what was seen."""
    data = {"key": uuid.uuid4(), "back_1": quantity} | values
    return desk.client.post(reverse("till_return", kwargs={"pk": sale.purchase_id}), data)


def confirm(desk, sale: TillAction, *, quantity: int, **values):
    return give_back(desk, sale, quantity=quantity, seen=f"1:{quantity}", confirm="1", **values)


@pytest.mark.parametrize("typed", ["as printed", "small", "without dashes", "without the T"])
def test_a_receipt_is_found_however_its_number_is_typed(desk, alice, typed):
    sale = desk.sell(alice)
    number = sale.purchase.reference
    forms = {"small": number.lower(), "without dashes": number.replace("-", ""), "without the T": number[2:]}
    answer = desk.client.post(reverse("till_receipts"), {"number": f" {forms.get(typed, number)} "})
    assert answer.headers["Location"] == reverse("till_return", kwargs={"pk": sale.purchase_id})


def test_a_receipt_of_another_store_is_not_found_here(desk, alice):
    sale = desk.sell(alice)
    elsewhere = Desk(create_store(code="airport"))
    answer = elsewhere.client.post(reverse("till_receipts"), {"number": sale.purchase.reference})
    assert problems(answer) == ["No receipt of this store has this number."]
    assert elsewhere.client.get(reverse("till_return", kwargs={"pk": sale.purchase_id})).status_code == 404


def test_the_cashier_sees_what_comes_back_before_anything_is_done(desk, alice):
    sale = sell_tea(desk, alice, points="600", proof=phone_code(alice))
    before = active(alice)
    page = text_of(give_back(desk, sale, quantity=2, look="1"))
    assert "Give back €3.00 in money." in page
    assert "300 points that paid for it go back to the customer." in page
    assert "3 points it had earned are taken back." in page
    assert (Return.objects.count(), active(alice), Notice.objects.filter(kind="return_explained").count()) == (
        0,
        before,
        0,
    )
    assert proof.prove().faults == []


def test_a_return_does_what_was_shown(desk, alice):
    sale = sell_tea(desk, alice, points="600", proof=phone_code(alice))
    before = active(alice)
    action = desk.done(confirm(desk, sale, quantity=2, reason="cold"))
    assert (action.kind, action.money, action.goods_back.reason) == ("return", -300, "cold")
    assert active(alice) == before + 300 - 3
    assert "Give back €3.00 in money." in desk.get("till_done", key=action.key)
    assert proof.prove().faults == []


def test_what_was_not_seen_is_shown_again_instead_of_done(desk, alice):
    sale = sell_tea(desk, alice)
    answer = give_back(desk, sale, quantity=3, seen="1:2", confirm="1")
    assert "Give back €9.00 in money." in text_of(answer)
    assert Return.objects.count() == 0


def test_no_more_comes_back_than_is_left(desk, alice):
    sale = sell_tea(desk, alice)
    desk.done(confirm(desk, sale, quantity=3))
    page = text_of(give_back(desk, sale, quantity=4, look="1"))
    assert "1 / 4" in page
    desk.done(confirm(desk, sale, quantity=1))
    assert "Everything of this sale has come back already." in text_of(give_back(desk, sale, quantity=1, look="1"))
    assert problems(give_back(desk, sale, quantity=0, look="1")) == ["Say what comes back: type a quantity."]


def test_below_the_minimum_the_cashier_says_what_becomes_of_the_coupon(desk, alice):
    issue_coupon(batch=create_batch(minimum_basket=1_000), customer=alice)
    (token,) = tokens(desk.sale(alice, product="TEA", update="1"), "coupon") or [None]
    assert token is None or token
    (token,) = tokens(desk.sale(alice, amount="12.00", update="1"), "coupon")
    sale = sell_tea(desk, alice, coupon=token)
    asked = give_back(desk, sale, quantity=2, look="1")
    assert "Say whether the customer gets it back." in text_of(asked)
    assert Return.objects.count() == 0
    shown = text_of(give_back(desk, sale, quantity=2, look="1", coupon="yes"))
    assert "goes back to the customer." in shown
    desk.done(confirm(desk, sale, quantity=2, coupon="yes"))
    assert Coupon.objects.get().state == "active"


def test_undoing_takes_everything_back(desk, alice):
    issue_coupon(customer=alice)
    (token,) = tokens(desk.sale(alice, amount="12.00", update="1"), "coupon")
    sale = sell_tea(desk, alice, coupon=token, points="200", proof=phone_code(alice))
    page = desk.get("till_undo", pk=sale.pk)
    assert "Give back €5.00 in money." in page
    action = desk.done(desk.client.post(reverse("till_undo", kwargs={"pk": sale.pk}), {"key": uuid.uuid4()}))
    assert (action.kind, action.undoes, action.money) == ("undo", sale, -500)
    assert active(alice) == 1_000
    assert Coupon.objects.get().state == "active"
    assert proof.prove().faults == []
    again = desk.client.post(reverse("till_undo", kwargs={"pk": sale.pk}), {"key": uuid.uuid4()})
    assert problems(again) == ["This was undone already."]
    assert "This was undone on" in desk.get("till_done", key=sale.key)


def test_a_gift_coupon_that_was_taken_by_mistake_can_be_used_again(desk, alice):
    coupon = issue_coupon(batch=create_batch(value_kind="gift", value=0), customer=alice)
    (token,) = tokens(desk.sale(alice, update="1"), "coupon")
    taken = desk.done(desk.sale(alice, coupon=token, record="1"))
    desk.done(desk.client.post(reverse("till_undo", kwargs={"pk": taken.pk}), {"key": uuid.uuid4()}))
    coupon.refresh_from_db()
    assert coupon.state == "active"


@pytest.mark.parametrize(
    ("who", "when", "sentence"),
    [
        ("colleague", 0, ""),
        ("tomorrow", 1, "This was not done today: please ask a manager."),
        ("manager", 3, ""),
        ("manager elsewhere", 3, ""),
    ],
)
def test_who_may_undo_what_and_when(desk, alice, who, when, sentence):
    sale = desk.sell(alice)
    store = create_store(code="airport") if "elsewhere" in who else desk.store
    with time_machine.travel(NOON + dt.timedelta(days=when), tick=False):
        other = Desk(store, role="manager" if "manager" in who else "cashier", till="2")
        answer = other.client.post(reverse("till_undo", kwargs={"pk": sale.pk}), {"key": uuid.uuid4()})
        if sentence:
            assert problems(answer) == [sentence]
            assert sentence in text_of(other.client.get(reverse("till_return", kwargs={"pk": sale.purchase_id})))
            assert problems(confirm(other, sale, quantity=1)) == [sentence]
        else:
            other.done(answer)
    assert Return.objects.count() == (0 if sentence else 1)


def test_a_cashier_of_another_store_cannot_undo(desk, alice):
    sale = desk.sell(alice)
    other = Desk(create_store(code="airport"))
    assert other.client.post(reverse("till_undo", kwargs={"pk": sale.pk}), {"key": uuid.uuid4()}).status_code == 403
    assert Return.objects.count() == 0


@pytest.mark.parametrize("page", ["till_undo", "till_return"])
def test_nobody_takes_back_on_their_own_card(desk, alice, page):
    sale = sell_tea(desk, alice)
    alice.user = desk.user
    alice.save()
    keys = {"pk": sale.pk} if page == "till_undo" else {"pk": sale.purchase_id}
    data = {"key": uuid.uuid4(), "back_1": "1", "seen": "1:1", "confirm": "1"}
    assert desk.client.post(reverse(page, kwargs=keys), data).status_code == 403
    assert Return.objects.count() == 0


def test_the_journal_lists_the_day_of_this_till_with_what_it_moved(desk, alice):
    sale = desk.sell(alice, amount="12.50")
    Desk(desk.store, till="2").sell(amount="7.00")
    with time_machine.travel(NOON - dt.timedelta(days=1), tick=False):
        desk.sell(amount="99.00")
    page = desk.get("till_journal")
    assert "Sale of €12.50" in page
    assert "€7.00" not in page
    assert "€99.00" not in page
    assert "Morgan" not in page
    everything = text_of(desk.client.get(reverse("till_journal"), {"tills": "all"}))
    assert "€19.50" in everything
    desk.client.post(reverse("till_undo", kwargs={"pk": sale.pk}), {"key": uuid.uuid4()})
    page = desk.get("till_journal")
    assert "Sale of €12.50 (undone)" in page
    assert "Money out €12.50" in page
