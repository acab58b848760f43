"""Lists of the admin: as many queries for sixty rows as for ten, counts that stop, history that nobody edits."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.history_admin import CappedPaginator, HistoryAdmin
from customers.models import Consent, Customer, Product, Purchase, PurchaseLine, Return
from customers.tests.factories import NOON, consent, create_customer, create_store, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(create_user(is_staff=True, is_superuser=True))
    return client


def changelist(model: type) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def buy(number: int) -> Purchase:
    """Make a receipt with a line and a return, in a store and by a customer of its own."""
    customer = create_customer(email=f"buyer{number}@example.com", phone=f"+4930{number:07}", home_store=create_store())
    consent(customer)
    product = Product.objects.create(sku=f"sku-{number}", name_en="Coffee", price=250)
    purchase = Purchase.objects.create(
        store=customer.home_store, reference=f"R{number}", customer=customer, occurred_at=NOON, total=250
    )
    PurchaseLine.objects.create(purchase=purchase, position=1, product=product, quantity=1, unit_price=250, total=250)
    Return.objects.create(purchase=purchase, reference="1", occurred_at=NOON, total=250, by=create_user())
    return purchase


@pytest.mark.parametrize("model", [Customer, Purchase, PurchaseLine, Return, Consent, Product])
@pytest.mark.parametrize("query", [{}, {"q": "buyer"}])
def test_sixty_rows_take_as_many_queries_as_ten(owner: Client, model: type, query: dict):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert owner.get(changelist(model), query).status_code == 200
        return len(caught)

    for number in range(10):
        buy(number)
    few = queries()
    for number in range(10, 60):
        buy(number)
    assert queries() == few


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=lambda model: model._meta.label))
def test_every_list_has_a_total_order(rf: RequestFactory, model: type):
    request = rf.get("/")
    request.user = create_user(is_staff=True, is_superuser=True)
    model_admin = admin.site._registry[model]
    rows = model_admin.get_queryset(request).order_by(*model_admin.get_ordering(request))
    assert rows.totally_ordered


def test_a_long_list_says_more_than_the_cap_and_pages_up_to_it(owner: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(CappedPaginator, "cap", 5)
    for number in range(6):
        buy(number)
    assert "more than 5 purchases" in owner.get(changelist(Purchase)).text
    Paged = type("Paged", (CappedPaginator,), {"cap": 5})
    paginator = Paged(Purchase.objects.order_by("-pk"), 2)
    assert (paginator.count, paginator.num_pages, paginator.is_capped) == (5, 3, True)


def test_no_list_counts_all_rows_of_history(owner: Client):
    buy(1)
    for model, model_admin in admin.site._registry.items():
        if isinstance(model_admin, HistoryAdmin):
            with CaptureQueriesContext(connection) as caught:
                owner.get(changelist(model))
            counts = [
                query["sql"] for query in caught if "COUNT(" in query["sql"] and model._meta.db_table in query["sql"]
            ]
            assert counts, model
            assert all("LIMIT 10001" in sql for sql in counts), model


@pytest.mark.parametrize("verb", ["add", "change", "delete"])
def test_history_is_read_and_never_edited_even_by_the_owner(owner: Client, verb: str):
    purchase = buy(1)
    address = reverse(f"admin:customers_purchase_{verb}", args=[] if verb == "add" else [purchase.pk])
    assert owner.post(address, {"post": "yes"}).status_code == 403
    assert Purchase.objects.get().total == 250


def test_a_receipt_shows_its_lines_in_money(owner: Client):
    purchase = buy(1)
    page = owner.get(reverse("admin:customers_purchase_change", args=[purchase.pk])).text
    assert "€2.50" in page
    assert purchase.customer.name not in page  # the list is read by auditors, too


@pytest.mark.parametrize(
    "find", [lambda p: p.reference, lambda p: p.customer.member_number, lambda p: "BUYER1@example.com"]
)
def test_a_receipt_is_found(owner: Client, find: Callable[[Purchase], str]):
    wanted, other = buy(1), buy(2)
    page = owner.get(changelist(Purchase), {"q": find(wanted)}).text
    assert wanted.customer.member_number in page
    assert other.customer.member_number not in page


def test_lines_are_found_by_sku(owner: Client):
    buy(1), buy(2)
    page = owner.get(changelist(PurchaseLine), {"q": "sku-1"})
    assert page.context["cl"].result_count == 1
