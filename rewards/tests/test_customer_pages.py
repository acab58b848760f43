"""What a customer opens: coupons, statement, purchases."""

import pytest
from django.test import Client

from customers.accounts import ensure_user
from customers.models import Customer, Product
from customers.tests.factories import NOON, create_customer, create_store
from rewards import checkout, redemption, returns, sale
from rewards.coupons import code_of
from rewards.models import Coupon
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award, create_rule

NEVER = [10**18 - 1, 2**63, 10**30]


@pytest.fixture
def alice(client: Client) -> Customer:
    """Alice, signed in."""
    customer = create_customer(name="Alice", email="alice@example.com")
    client.force_login(ensure_user(email="alice@example.com"))
    return customer


def buy(customer: Customer, reference: str, *, quantity: int = 1, discount: int = 0):
    """Buy mugs at 18.50."""
    product, _new = Product.objects.get_or_create(sku="MUG", defaults={"name_en": "Mug", "price": 1850})
    return checkout.record_purchase(
        store=create_store(name_en="Mitte"), reference=reference, customer=customer, occurred_at=NOON,
        lines=[sale.SoldLine(product, quantity, 1850, discount)],
    )  # fmt: skip


@pytest.mark.django_db
def test_a_coupon_shows_its_code_and_its_terms(client, alice):
    coupon = issue_coupon(customer=alice, batch=create_batch(terms_en="One per purchase."))
    page = client.get(f"/coupons/{coupon.pk}/").content.decode()
    assert code_of(coupon) in page
    assert "One per purchase." in page
    assert '<svg class="qr"' in page
    assert "Make the screen brighter." in page


@pytest.mark.django_db
def test_a_used_coupon_shows_no_code(client, alice):
    coupon = issue_coupon(customer=alice)
    Coupon.objects.update(state="redeemed", uses=1)
    assert code_of(coupon) not in client.get(f"/coupons/{coupon.pk}/").content.decode()


@pytest.mark.django_db
def test_a_coupon_is_put_away_and_taken_out_again(client, alice):
    coupon = issue_coupon(customer=alice)
    assert f'action="/coupons/{coupon.pk}/hide/"' in client.get(f"/coupons/{coupon.pk}/").content.decode()
    for _press in range(2):  # the second changes nothing and finds what it asked for
        answer = client.post(f"/coupons/{coupon.pk}/hide/", follow=True)
        assert [str(each) for each in answer.context["messages"]] == [
            f"“{coupon.batch.name}” is put away. You find it at the end of this page."
        ]
        assert (answer.context["live"], len(answer.context["put_away"])) == ([], 1)
        assert f'action="/coupons/{coupon.pk}/unhide/"' in answer.content.decode()
    page = client.get(f"/coupons/{coupon.pk}/").content.decode()
    assert code_of(coupon) not in page  # the till would refuse it
    assert "It stays yours" in page
    for _press in range(2):
        answer = client.post(f"/coupons/{coupon.pk}/unhide/", follow=True)
        assert code_of(coupon) in answer.content.decode()
    assert redemption.redeem(coupon=coupon, request_key="till:1", now=NOON, customer=alice)


@pytest.mark.django_db
def test_a_coupon_in_use_or_over_is_not_put_away(client, alice):
    used = issue_coupon(customer=alice)
    Coupon.objects.update(state="redeemed", uses=1)
    answer = client.post(f"/coupons/{used.pk}/hide/", follow=True)
    assert "This coupon was already used." in answer.content.decode()
    assert "/hide/" not in answer.content.decode()
    assert Coupon.objects.get().state == "redeemed"


@pytest.mark.django_db
def test_nobody_puts_away_what_is_not_theirs_nor_by_a_link(client, alice):
    bobs, own = issue_coupon(customer=create_customer(name="Bob")), issue_coupon(customer=alice)
    for verb in ("hide", "unhide"):
        assert client.post(f"/coupons/{bobs.pk}/{verb}/").status_code == 404
        assert client.get(f"/coupons/{own.pk}/{verb}/").status_code == 405
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(alice.user or ensure_user(email="alice@example.com"))
    assert guarded.post(f"/coupons/{own.pk}/hide/").status_code == 403
    assert set(Coupon.objects.values_list("state", flat=True)) == {"active"}


@pytest.mark.django_db
def test_what_belongs_to_others_does_not_exist(client, alice):
    bob = create_customer(name="Bob")
    coupon, generic, purchase = issue_coupon(customer=bob), issue_coupon(), buy(bob, "R1")
    for path in (f"/coupons/{coupon.pk}/", f"/coupons/{generic.pk}/", f"/purchases/{purchase.pk}/"):
        assert client.get(path).status_code == 404
    assert client.get("/purchases/").context["purchases"] == []
    assert client.get(f"/purchases/?before={purchase.pk}").context["purchases"] == []


@pytest.mark.django_db
@pytest.mark.parametrize("key", NEVER)
def test_a_made_up_number_is_a_page_that_does_not_exist(client, alice, key):
    assert client.get(f"/coupons/{key}/").status_code == 404
    assert client.get(f"/purchases/{key}/").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("before", ["x", "-1", "", "１２", "1_000", "9" * 30])
def test_a_made_up_place_in_a_list_does_not_exist(client, alice, before):
    assert client.get("/points/", {"before": before}).status_code == 404
    assert client.get("/purchases/", {"before": before}).status_code == 404


@pytest.mark.django_db
def test_a_receipt_shows_lines_returns_and_why_it_earned(client, alice):
    create_rule(name_en="Every euro")
    purchase = buy(alice, "R1", quantity=2, discount=200)
    returns.refund(purchase=purchase, reference="B1", quantities={1: 1}, occurred_at=NOON)
    page = client.get(f"/purchases/{purchase.pk}/").content.decode()
    for words in ("Mug", "€35.00", "1 returned", "Every euro: 35 points for €35.00", "35 points earned"):
        assert words in page


@pytest.mark.django_db
def test_every_purchase_is_listed_once_over_the_pages(client, alice):
    bought = [buy(alice, f"R{number}").pk for number in range(60)]
    seen, path = [], "/purchases/"
    while path:
        context = client.get(path).context
        seen += [purchase.pk for purchase in context["purchases"]]
        path = context["older"] and f"/purchases/?before={context['older']}"
    assert seen == sorted(bought, reverse=True)


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [1, 20])
@pytest.mark.parametrize(("path", "queries"), [("/", 14), ("/coupons/", 7), ("/points/", 5), ("/purchases/", 5)])
def test_pages_ask_the_same_number_of_questions_however_much_there_is(
    client, alice, django_assert_num_queries, rows, path, queries
):
    create_rule()
    for number in range(rows):
        award(alice, 10)
        buy(alice, f"R{number}")
        issue_coupon(customer=alice)
    client.get(path)
    with django_assert_num_queries(queries):
        assert client.get(path).status_code == 200
