import datetime as dt
from collections.abc import Callable

import pytest

from customers import segments
from customers.models import Customer, Purchase, Store
from customers.tests.factories import NOON, create_store
from customers.tests.factories import create_customer as create_new_customer

pytestmark = pytest.mark.django_db


def create_customer(*, name: str = "Alice", **fields) -> Customer:
    """Enrol a customer long ago."""
    return create_new_customer(name=name, **{"enrolled_at": days_ago(400)} | fields)


def create_purchase(*, customer: Customer | None, store: Store, occurred_at: dt.datetime) -> Purchase:
    """Write a receipt without lines or points; a segment only asks who bought when."""
    number = Purchase.objects.count()
    return Purchase.objects.create(
        customer=customer, store=store, reference=f"R{number}", occurred_at=occurred_at, total=1000
    )


def days_ago(days: float) -> dt.datetime:
    return NOON - dt.timedelta(days=days)


def names(key: str, **options) -> set[str]:
    return set(segments.members(key, now=options.pop("now", NOON), **options).values_list("name", flat=True))


@pytest.fixture
def shop() -> dict[str, object]:
    """Alice buys weekly, Bob bought once 50 days ago, Charlie left, Dora is new, Erik never bought."""
    old_town, web = create_store(code="old-town"), create_store(code="web")
    alice, bob = create_customer(name="Alice", birthday=dt.date(1990, 3, 31)), create_customer(name="Bob")
    charlie = create_customer(name="Charlie", birthday=dt.date(1980, 4, 1))
    create_customer(name="Dora", enrolled_at=days_ago(3), birthday=dt.date(2000, 3, 1))
    create_customer(name="Erik")
    for week in range(5):
        create_purchase(customer=alice, store=old_town, occurred_at=days_ago(7 * week))
    create_purchase(customer=bob, store=web, occurred_at=days_ago(50))
    create_purchase(customer=charlie, store=web, occurred_at=days_ago(200))
    create_purchase(customer=None, store=old_town, occurred_at=days_ago(1))
    return {"old_town": old_town, "web": web, "bob": bob}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("everyone", {"Alice", "Bob", "Charlie", "Dora", "Erik"}),
        ("bought_30_days", {"Alice"}),
        ("bought_90_days", {"Alice", "Bob"}),
        ("regulars", {"Alice"}),
        ("lapsed", {"Charlie"}),
        ("never_bought", {"Dora", "Erik"}),
        ("new", {"Dora"}),
        ("birthday", {"Alice", "Dora"}),
    ],
)
def test_each_segment_has_its_members(shop: dict, key: str, expected: set[str]):
    assert names(key) == expected


def test_every_segment_is_tested_and_can_be_chosen():
    assert [key for key, _label in segments.choices()] == [
        "everyone", "bought_30_days", "bought_90_days", "regulars", "lapsed", "never_bought", "new", "birthday",
        "due", "lapsing", "lapsed_rhythm", "best", "at_risk",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("everyone", {"Bob", "Charlie"}),
        ("bought_90_days", {"Bob"}),
        ("bought_30_days", set()),
        ("lapsed", {"Charlie"}),
        ("never_bought", set()),
    ],
)
def test_a_store_keeps_those_who_bought_there(shop: dict, key: str, expected: set[str]):
    assert names(key, store=shop["web"]) == expected


def test_who_moved_to_another_store_has_not_lapsed(shop: dict):
    create_purchase(customer=shop["bob"], store=shop["old_town"], occurred_at=days_ago(300))
    assert "Bob" not in names("lapsed", store=shop["old_town"])


def test_days_begin_at_the_programmes_midnight():
    store, customer = create_store(), create_customer()
    # 30 days before 10 March is 8 February, which begins in Berlin at 23:00 UTC of the day before.
    create_purchase(customer=customer, store=store, occurred_at=dt.datetime(2026, 2, 7, 23, 0, tzinfo=dt.UTC))
    assert names("bought_30_days") == {"Alice"}
    assert names("bought_30_days", now=NOON + dt.timedelta(days=1)) == set()


def test_a_segment_answers_as_of_its_day(shop: dict):
    assert names("bought_30_days", now=days_ago(195)) == {"Charlie"}
    assert names("lapsed", now=days_ago(195)) == set()


@pytest.mark.parametrize("key", segments.SEGMENTS)
def test_erased_and_merged_customers_belong_to_no_segment(shop: dict, key: str):
    alice = Customer.objects.get(name="Alice")
    Customer.objects.exclude(pk=alice.pk).update(merged_into=alice)
    Customer.objects.filter(pk=alice.pk).update(erased_at=NOON)
    assert names(key) == set()


@pytest.mark.parametrize("key", segments.SEGMENTS)
def test_a_segment_is_one_query(shop: dict, key: str, django_assert_num_queries: Callable):
    with django_assert_num_queries(1):
        list(segments.members(key, now=NOON, store=shop["web"]).order_by("pk")[:100])


def test_an_unknown_segment_is_named():
    with pytest.raises(segments.UnknownSegment) as caught:
        segments.members("vip", now=NOON)
    assert caught.value.key == "vip"
    assert "vip" in str(caught.value)
