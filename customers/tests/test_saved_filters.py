"""Segments that marketers make themselves: chosen like any other, counted live, and followed by night."""

import datetime as dt

import pytest
from django.test import Client

from customers import saved_filters, segments
from customers.models import Category, Customer, FilterEvent, FilterMember, SavedFilter, Standing
from customers.segment_facts import FACTS
from customers.tests.factories import NOON, create_customer, create_store, create_user
from customers.tests.shopping import buy, create_product

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def tea() -> Category:
    return Category.objects.create(code="tea", name_en="Tea")


def save(code: str = "tea-lovers", **conditions: object) -> SavedFilter:
    return SavedFilter.objects.create(code=code, name_en="Tea lovers", conditions=conditions)


def names(saved: SavedFilter, now: dt.datetime = NOON) -> set[str]:
    return set(segments.members(saved.key, now=now).values_list("name", flat=True))


def test_every_fact_is_there() -> None:
    assert set(FACTS) == {
        "home_store", "bought_at", "category", "product", "recency_least", "recency_most", "frequency_least", "frequency_most",
        "monetary_least", "rhythm", "visits_least", "tier", "coupon", "coupon_used", "answered", "recommends",
    }  # fmt: skip


def test_all_conditions_hold_together(tea: Category) -> None:
    web, product = create_store(code="web"), create_product("Oolong", category=tea)
    home = create_store(code="home")
    for name, store, days in (("Alice", web, 5), ("Bob", home, 5), ("Charlie", web, 120)):
        buy(create_customer(name=name, enrolled_at=NOON - 200 * DAY), product, store=store, days_ago=days)
    assert names(save(category=tea.pk)) == {"Alice", "Bob"}
    assert names(save("web", bought_at=web.pk)) == {"Alice", "Charlie"}
    assert names(save("both", category=tea.pk, bought_at=web.pk)) == {"Alice"}
    assert names(save("one", product=product.pk, home_store=web.pk)) == set()


def test_quintiles_can_be_asked(tea: Category) -> None:
    for n in range(1, 6):
        Standing.objects.create(
            customer=create_customer(name=f"R{n}"), visits=n, spent=1, last_at=NOON, usual_days=7, due_at=NOON, lapsing_at=NOON,
            lapsed_at=NOON, recency=n, frequency=n, monetary=n, made_at=NOON,
        )  # fmt: skip
    assert names(save(recency_least=4)) == {"R4", "R5"}
    assert names(save("middle", recency_most=3, frequency_least=2)) == {"R2", "R3"}
    assert names(save("visits", visits_least=5)) == {"R5"}


def test_the_own_rhythm_can_be_asked() -> None:
    for name, last in (("on time", 5), ("due", 8), ("lapsing", 15), ("lapsed", 30), ("back", 30)):
        customer = create_customer(name=name, enrolled_at=NOON - 90 * DAY)
        at = NOON - last * DAY
        Standing.objects.create(
            customer=customer, visits=3, spent=1, last_at=at, usual_days=7, due_at=at + 7 * DAY, lapsing_at=at + 14 * DAY,
            lapsed_at=at + 28 * DAY, made_at=NOON,
        )  # fmt: skip
        if name == "back":
            buy(customer, create_product("Oolong"), days_ago=1)
    create_customer(name="never bought")
    for state in ("due", "lapsing", "lapsed"):
        assert names(save(state, rhythm=state)) == {state}
    assert names(save("time", rhythm="on_time")) == {"on time", "back"}


def test_a_fact_that_is_gone_selects_nobody() -> None:
    create_customer()
    assert names(save(phase_of_the_moon=1)) == set()
    with pytest.raises(segments.UnknownSegment):
        segments.members("filter-gone", now=NOON)


def test_a_filter_can_be_chosen_like_any_segment() -> None:
    saved = save(visits_least=1)
    assert (saved.key, "Tea lovers") in segments.choices()
    assert segments.find(saved.key).label == "Tea lovers"


@pytest.mark.parametrize(
    ("key", "value"),
    [("tier", 1), ("coupon", 1), ("coupon_used", 1), ("answered", 1), ("recommends", "promoters"), ("rhythm", "due"), ("rhythm", "on_time"), ("home_store", 1), ("product", 1)],
)  # fmt: skip
def test_a_filter_is_one_query(key: str, value: object, django_assert_num_queries) -> None:
    create_customer()
    saved = save(**{key: value})
    with django_assert_num_queries(2):  # the filter, the customers
        assert list(segments.members(saved.key, now=NOON)[:100]) == []


def test_each_night_notes_who_entered_and_who_left(tea: Category, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_filters, "CHUNK", 1)
    product = create_product("Oolong", category=tea)
    alice, bob = (create_customer(name=name, enrolled_at=NOON - 9 * DAY) for name in ("Alice", "Bob"))
    buy(alice, product, days_ago=89)
    saved = save(category=tea.pk)
    assert saved_filters.follow_due(now=NOON) == 0
    assert list(FilterMember.objects.values_list("customer__name", flat=True)) == ["Alice"]
    buy(bob, product, now=NOON)
    assert saved_filters.follow_due(now=NOON + dt.timedelta(hours=1)) == 0, "once a day"
    assert saved_filters.follow_due(now=NOON + 3 * DAY) == 2
    assert saved_filters.follow_due(now=NOON + 3 * DAY) == 0
    events = FilterEvent.objects.order_by("pk").values_list("customer__name", "kind")
    assert list(events) == [("Bob", "entered"), ("Alice", "left")]
    assert list(saved.members.values_list("customer__name", flat=True)) == ["Bob"]


def test_a_marketer_makes_one_in_the_admin(tea: Category, client: Client) -> None:
    buy(create_customer(name="Alice", member_number="A1"), create_product("Oolong", category=tea), days_ago=1)
    Customer.objects.update(enrolled_at=NOON - DAY)
    client.force_login(create_user(is_staff=True, is_superuser=True))
    form = {"code": "tea", "name_en": "Tea lovers", "name_zh": "茶客"}
    page = client.post("/admin/customers/savedfilter/add/", form)
    assert "Choose at least one condition" in page.content.decode()
    client.post("/admin/customers/savedfilter/add/", form | {"fact_category": tea.pk, "fact_visits_least": ""})
    saved = SavedFilter.objects.get()
    assert saved.conditions == {"category": tea.pk}
    record = client.get(f"/admin/customers/savedfilter/{saved.pk}/change/").content.decode()
    assert "Customers today" in record
    assert f'<option value="{tea.pk}" selected>' in record
