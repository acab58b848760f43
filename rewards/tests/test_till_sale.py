"""A sale at the till, as the cashier sees it: found, entered, paid, recorded."""

import uuid

import pytest
import time_machine
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import AuditEvent, Category, Notice, Product, Purchase
from rewards import coupons, proof
from rewards.models import Coupon, CouponUse, PointBalance, TillAction
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
    return Desk(create_store(code="harbour"))


@pytest.fixture
def alice():
    alice = create_customer(name="Alice Morgan", email="alice@example.com", phone="+49301234567")
    award(alice, 1_000, source="welcome:1")
    return alice


def active(customer) -> int:
    return PointBalance.objects.get(customer=customer).active


@pytest.mark.parametrize("term", ["+49 30 1234567", "alice@example.com", "MEMBER"])
def test_one_exact_customer_leads_straight_to_the_sale(desk, alice, term):
    answer = desk.client.post(reverse("till"), {"q": alice.member_number if term == "MEMBER" else term}, follow=True)
    page = text_of(answer)
    assert "Alice M." in page
    assert "Morgan" not in page
    assert "1,000 points" in page


def test_a_name_asks_who_is_meant_and_never_shows_the_whole_of_it(desk, alice):
    create_customer(name="Alice Meadow")
    page = text_of(desk.client.post(reverse("till"), {"q": "alice"}))
    assert "2 found" in page
    assert page.count("Alice M.") == 2
    assert "Morgan" not in page


def test_a_list_of_eight_costs_as_many_questions_as_a_list_of_two(desk, alice):
    def questions(name: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert "till-people" in desk.client.post(reverse("till"), {"q": name}).text
        return len(asked)

    create_customer(name="Alice Meadow")
    for name in ["Bob A", "Bob B", *[f"Bella {letter}" for letter in "ABCDEFGH"]]:
        create_customer(name=name)
    questions("bob")  # the first keeps what does not change
    looks = AuditEvent.objects.filter(action="found", place="till")
    assert questions("bella") == questions("alice")
    assert looks.count() == 2 + 8 + 2
    questions("bella")
    assert looks.count() == 12, "a second look within ten minutes is the same look"


def test_what_was_typed_and_who_was_found_stand_in_no_address(desk, alice):
    answer = desk.client.post(reverse("till"), {"q": "alice@example.com"})
    address = answer.headers["Location"]
    assert "alice" not in address
    assert alice.member_number not in address
    assert desk.client.get(address.replace("customer=", "customer=x")).status_code == 404


def test_an_amount_is_a_sale_and_earns(desk, alice):
    action = desk.sell(alice, amount="12.50")
    purchase = action.purchase
    assert (purchase.total, purchase.till, purchase.store, purchase.by) == (1250, "1", desk.store, desk.user)
    assert purchase.reference.startswith("T-")
    assert active(alice) == 1_012
    assert (action.kind, action.money, action.customer) == ("sale", 1250, alice)
    page = desk.get("till_done", key=action.key)
    assert "12 points earned" in page
    assert "can spend 1,012 points" in page


@pytest.mark.parametrize(("typed", "stored"), [("12.50", 1250), ("12,50", 1250), ("12", 1200), ("0.05", 5)])
def test_amounts_are_read_as_they_are_typed_at_a_counter(desk, typed, stored):
    assert desk.sell(amount=typed).purchase.total == stored


@pytest.mark.parametrize("typed", ["1.250,00", "1,250", "-5", "0", "12.505", "1e3", "12 50"])
def test_an_amount_in_doubt_is_asked_again(desk, typed):
    answer = desk.sale(amount=typed, record="1")
    assert answer.status_code == 200
    assert problems(answer)
    assert Purchase.objects.count() == 0


def test_an_amount_counts_for_the_rules_of_its_category(desk, alice):
    drinks = Category.objects.create(code="drinks", name_en="Drinks")
    create_rule(key="drinks", points=5, category=drinks)
    desk.sell(alice, amount="10.00", category=drinks.pk)
    assert active(alice) == 1_000 + 10 + 50
    product = Product.objects.get(category=drinks)
    assert not product.is_in_stock, "nobody is recommended an amount"


def test_products_are_added_by_sku_and_name_and_counted(desk):
    Product.objects.create(sku="TEA", name_en="Tea", price=300)
    Product.objects.create(sku="TEAPOT", name_en="Teapot", price=2_000)
    first = desk.sale(product="tea", update="1")
    assert tokens(first, "line_quantity") == ["1"]
    line = {"line_product": tokens(first, "line_product"), "line_price": "", "line_discount": ""}
    second = desk.sale(product="TEA", update="1", line_quantity="1", **line)
    assert tokens(second, "line_quantity") == ["2"]
    which = desk.sale(product="te", update="1")
    assert "Teapot" in text_of(which)
    assert tokens(which, "line_quantity") == []
    action = desk.sell(amount="", line_quantity="3", **line | {"line_discount": "0.50"})
    assert (action.purchase.total, action.purchase.lines.get().discount) == (850, 50)


def test_the_price_of_the_catalogue_counts_not_the_one_that_was_sent(desk):
    tea = Product.objects.create(sku="TEA", name_en="Tea", price=300)
    line = {"line_product": tea.pk, "line_quantity": "1", "line_price": "0.01", "line_discount": ""}
    assert desk.sell(amount="", **line).purchase.total == 300


@pytest.mark.parametrize(
    "line",
    [
        {"line_quantity": "-1"},
        {"line_quantity": "x"},
        {"line_discount": "3.01"},
        {"line_discount": "-1"},
        {"line_quantity": "10000"},
    ],
)
def test_a_line_that_cannot_be_is_not_sold(desk, line):
    tea = Product.objects.create(sku="TEA", name_en="Tea", price=300)
    line = {"line_product": tea.pk, "line_quantity": "1", "line_price": "", "line_discount": ""} | line
    answer = desk.sale(record="1", **line)
    assert answer.status_code == 200
    assert problems(answer)
    assert Purchase.objects.count() == 0


def test_an_empty_basket_is_no_sale(desk):
    assert problems(desk.sale(record="1")) == ["Type an amount or add a product first."]


def test_the_page_says_what_it_comes_to_before_anything_is_written(desk, alice):
    page = text_of(desk.sale(alice, amount="12.50", update="1"))
    assert "To pay €12.50" in page
    assert "Will earn 12 points" in page
    assert Purchase.objects.count() == 0


def test_coupons_that_fit_come_first_and_the_others_say_why_not(desk, alice):
    issue_coupon(batch=create_batch(name_en="Ten off", value=1_000), customer=alice)
    issue_coupon(batch=create_batch(name_en="Big basket", minimum_basket=9_900), customer=alice)
    issue_coupon(batch=create_batch(name_en="Five off"), customer=alice)
    page = text_of(desk.sale(alice, amount="12.50", update="1"))
    assert page.index("Ten off") < page.index("Five off") < page.index("Big basket")
    assert "Big basket The basket is below the minimum of this coupon." in page


def test_a_coupon_is_used_with_its_sale_or_not_at_all(desk, alice):
    coupon = issue_coupon(customer=alice)
    (token,) = tokens(desk.sale(alice, amount="12.50", update="1"), "coupon")
    action = desk.sell(alice, amount="12.50", coupon=token)
    assert (action.purchase.discount, action.money) == (500, 750)
    assert CouponUse.objects.get(coupon=coupon).purchase == action.purchase
    assert "Coupon “Five off” used, €5.00 off." in desk.get("till_done", key=action.key)
    again = desk.sale(alice, amount="12.50", coupon=token, record="1")
    assert problems(again) == ["Five off: This coupon was already used."]
    assert Purchase.objects.count() == 1


def test_coupons_that_go_together_are_used_together_and_others_are_not(desk, alice):
    for name, stacking in (("Drinks", "drinks"), ("Cakes", "cakes"), ("Alone", "")):
        issue_coupon(batch=create_batch(name_en=name, value=300, stacking=stacking), customer=alice)
    shown = desk.sale(alice, amount="12.50", best="1")
    assert "To pay €6.50" in text_of(shown)
    every = tokens(shown, "coupon")
    clash = desk.sale(alice, amount="12.50", coupon=every, record="1")
    assert "These coupons cannot be used together." in problems(clash)
    assert Purchase.objects.count() == 0
    pair = [it for it in every if Coupon.objects.get(pk=signing.loads(it, salt="till.coupon")).batch.stacking]
    action = desk.sell(alice, amount="12.50", coupon=pair)
    assert (action.purchase.discount, CouponUse.objects.count()) == (600, 2)


def test_whoever_shows_a_code_has_the_coupon(desk):
    code = coupons.code_of(issue_coupon())
    answer = desk.sale(amount="12.50", code=code, update="1")
    assert "To pay €7.50" in text_of(answer)
    assert code not in answer.content.decode()
    action = desk.sell(amount="12.50", code=code)
    assert action.purchase.to_pay == 750


def test_a_code_nobody_has_is_refused_and_guessing_is_slowed_down(desk):
    for _try in range(20):
        assert problems(desk.sale(code="0000-0000-0000", update="1")) == ["No coupon has this code."]
    (sentence,) = problems(desk.sale(code=coupons.code_of(issue_coupon()), update="1"))
    assert sentence.startswith("Too many tries")


def test_a_coupon_for_a_gift_needs_no_sale(desk, alice):
    batch = create_batch(value_kind="gift", value=0, name_en="A cookie")
    code = coupons.code_of(issue_coupon(batch=batch, customer=alice))
    action = desk.done(desk.sale(alice, code=code, record="1"))
    assert (action.kind, action.customer, action.purchase) == ("coupon", alice, None)
    assert Coupon.objects.get().state == "redeemed"


def test_points_pay_only_with_a_proof_of_the_customer(desk, alice):
    refused = desk.sale(alice, amount="12.50", points="500", record="1")
    assert problems(refused) == ["Spending needs the customer's code, till PIN or mailed code."]
    assert Purchase.objects.count() == 0
    action = desk.sell(alice, amount="12.50", points="500", proof=phone_code(alice))
    assert (action.purchase.paid_by_points, action.money) == (500, 750)
    assert active(alice) == 1_000 - 500 + 7
    assert proof.prove().faults == []


def test_the_printed_number_collects_and_never_spends(desk, alice):
    answer = desk.sale(alice, amount="12.50", points="500", proof=alice.member_number, proof_kind="code", record="1")
    assert problems(answer)[0].startswith("This number only says who somebody is")
    assert active(alice) == 1_000


def test_a_customer_who_was_found_by_the_phone_has_agreed_already(desk, alice):
    answer = desk.client.post(reverse("till"), {"q": phone_code(alice)}, follow=True)
    (proved,) = tokens(answer, "proved")
    assert desk.sell(alice, amount="12.50", points="100", proved=proved).purchase.paid_by_points == 100
    other = desk.sale(alice, amount="12.50", points="100", proved=proved, record="1")
    assert problems(other) == ["The customer agreed to one spending, and that is done. Please ask again."]


def test_all_points_pay_no_more_than_there_is_to_pay(desk, alice):
    answer = desk.sale(alice, amount="6.00", all_points="1")
    assert tokens(answer, "points") == ["600"]
    refused = desk.sale(alice, amount="6.00", points="601", proof=phone_code(alice), record="1")
    assert problems(refused) == ["At most 600 points can pay for this."]


def test_a_receipt_number_is_taken_once(desk):
    assert desk.sell(reference="4711").purchase.reference == "4711"
    answer = desk.sale(amount="1.00", reference="4711", record="1")
    assert problems(answer) == ["Another sale of this till has this receipt number."]
    assert Desk(desk.store, till="2").sell(reference="4711").purchase.reference == "4711"


def test_nobody_works_on_their_own_card(desk, alice):
    alice.user = desk.user
    alice.save()
    answer = desk.sale(alice, amount="12.50", record="1")
    assert answer.status_code == 403
    assert "Nobody works on their own card" in text_of(answer)
    assert Purchase.objects.count() == 0


def test_a_till_is_chosen_once_and_a_closed_store_asks_again(desk):
    desk.get("till")
    desk.store.is_active = False
    desk.store.save()
    assert desk.client.get(reverse("till")).headers["Location"] == reverse("till_station")


def test_the_receipt_is_mailed_once_when_asked_for(desk, alice):
    action = desk.sell(alice)
    for _press in range(2):
        desk.client.post(reverse("till_mail", kwargs={"key": action.key}))
    notice = Notice.objects.get(kind="receipt")
    assert notice.customer == alice
    assert notice.context["to_pay"] == 1250
    guest = desk.sell()
    desk.client.post(reverse("till_mail", kwargs={"key": guest.key}))
    assert Notice.objects.filter(kind="receipt").count() == 1


def test_an_action_of_another_store_is_for_managers(desk, alice):
    action = desk.sell(alice)
    elsewhere = create_store(code="airport")
    page = reverse("till_done", kwargs={"key": action.key})
    assert Desk(elsewhere).client.get(page).status_code == 403
    assert Desk(elsewhere, role="manager").client.get(page).status_code == 200


def test_somebody_is_enrolled_in_seconds_and_once(desk):
    key = uuid.uuid4()
    data = {"key": key, "phone": "030 1234567", "name": "Ben Stone"}
    answers = [desk.client.post(reverse("till_enrol"), data) for _press in range(2)]
    actions = {desk.done(answer).pk for answer in answers}
    assert len(actions) == 1
    action = TillAction.objects.get()
    assert (action.kind, action.customer.name, action.customer.home_store) == ("enrol", "Ben Stone", desk.store)
    assert action.customer.member_number in desk.get("till_done", key=key)
    again = desk.client.post(reverse("till_enrol"), data | {"key": uuid.uuid4()})
    assert "Go on with this customer" in text_of(again)


def test_without_signing_in_there_is_no_till(desk):
    assert Client().get(reverse("till")).status_code == 302
