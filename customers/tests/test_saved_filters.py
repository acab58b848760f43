"""Segments that marketers make themselves: chosen like any other, counted live, and followed by night."""

import datetime as dt

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

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
        "monetary_least", "rhythm", "visits_least", "value_least", "value_most", "chance_least", "chance_most",
        "tier", "coupon", "coupon_used", "answered", "recommends",
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


def test_forecasts_can_be_asked_and_who_has_none_is_in_neither(client) -> None:
    for name, value, chance in (
        ("rare", 900, 95),
        ("usual", 5_000, 400),
        ("often", 30_000, 960),
        ("unknown", None, None),
    ):
        Standing.objects.create(
            customer=create_customer(name=name), visits=2, spent=1, last_at=NOON, usual_days=7, due_at=NOON, lapsing_at=NOON,
            lapsed_at=NOON, value=value, value_low=value, value_high=value, chance_permille=chance, made_at=NOON,
        )  # fmt: skip
    assert names(save("worthy", value_least=5_000)) == {"usual", "often"}
    assert names(save("small", value_most=900)) == {"rare"}
    assert names(save("sure", chance_least=40)) == {"usual", "often"}
    assert names(save("going", chance_most=9)) == set()
    assert names(save("gone", chance_most=10, value_most=1_000)) == {"rare"}
    # Typed as money, kept as cents.
    client.force_login(create_user(is_staff=True, is_superuser=True))
    form = {"code": "typed", "name_en": "Typed", "name_zh": "", "fact_value_least": "50.00", "fact_chance_least": "40"}
    assert client.post("/admin/customers/savedfilter/add/", form).status_code == 302
    saved = SavedFilter.objects.get(code="typed")
    assert saved.conditions == {"value_least": 5_000, "chance_least": 40}
    assert names(saved) == {"usual", "often"}
    assert 'value="50.00"' in client.get(f"/admin/customers/savedfilter/{saved.pk}/change/").content.decode()


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


def test_other_conditions_move_nobody(tea: Category, client: Client) -> None:
    product = create_product("Oolong", category=tea)
    alice, bob = (create_customer(name=name, enrolled_at=NOON - 9 * DAY) for name in ("Alice", "Bob"))
    other = create_product("Cup", category=Category.objects.create(code="cups", name_en="Cups"))
    buy(alice, product, days_ago=1)
    buy(bob, other, days_ago=1)
    saved = save(category=tea.pk)
    saved_filters.follow_due(now=NOON)
    client.force_login(create_user(is_staff=True, is_superuser=True))
    form = {"code": saved.code, "name_en": "Renamed", "name_zh": "", "fact_category": tea.pk}
    client.post(f"/admin/customers/savedfilter/{saved.pk}/change/", form)
    saved.refresh_from_db()
    assert (saved.name_en, saved.followed_at) == ("Renamed", NOON), "a name changes nothing"
    client.post(f"/admin/customers/savedfilter/{saved.pk}/change/", form | {"fact_category": other.category_id})
    assert saved_filters.follow_due(now=NOON + DAY) == 0
    assert list(saved.members.values_list("customer__name", flat=True)) == ["Bob"]
    assert not FilterEvent.objects.exists()
    buy(alice, other, now=NOON + DAY)
    assert saved_filters.follow_due(now=NOON + 2 * DAY) == 1
    assert FilterEvent.objects.get().customer == alice


def test_the_list_counts_all_filters_in_one_question(tea: Category, client: Client) -> None:
    create_customer(name="Alice", enrolled_at=NOON - DAY)
    for number in range(3):
        product = create_product(f"Oolong {number}", category=tea)
        buy(create_customer(enrolled_at=NOON - DAY), product, now=timezone.now(), days_ago=1)
    client.force_login(create_user(is_staff=True, is_superuser=True))

    def asked(number: int) -> int:
        for n in range(number):
            save(f"f{number}-{n}", category=tea.pk)
        with CaptureQueriesContext(connection) as caught:
            page = client.get("/admin/customers/savedfilter/").content.decode()
        assert page.count('<td class="field-customers_now">3</td>') == SavedFilter.objects.count()
        return len(caught)

    client.get("/admin/customers/savedfilter/")
    assert asked(2) == asked(9)
    save("gone", phase_of_the_moon=1)
    counts = saved_filters.counts(saved_filters=SavedFilter.objects.order_by("-pk")[:2], now=timezone.now())
    assert list(counts.values()) == [0, 3]


def test_who_entered_and_left_can_be_taken_along_by_whoever_may_read_customers(client: Client) -> None:
    saved = save(visits_least=1)
    for number in range(12):
        one = create_customer(member_number=f"=M{number}")
        FilterEvent.objects.create(saved_filter=saved, customer=one, kind="entered", occurred_at=NOON)
    FilterEvent.objects.create(saved_filter=saved, customer=one, kind="left", occurred_at=NOON + DAY)
    user = create_user(is_staff=True)
    client.force_login(user)
    address = f"/admin/customers/savedfilter/{saved.pk}/changes.csv"
    for right, status in (("view_savedfilter", 403), ("view_customer", 200)):
        user.user_permissions.add(Permission.objects.get(codename=right, content_type__app_label="customers"))
        assert client.get(address).status_code == status
    rows = b"".join(client.get(address).streaming_content).decode("utf-8-sig").splitlines()
    assert len(rows) == 14
    assert rows[1].endswith(",'=M11,left")
    assert rows[13].endswith(",'=M0,entered")
    assert address in client.get(f"/admin/customers/savedfilter/{saved.pk}/change/").content.decode()
