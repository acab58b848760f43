"""What is recommended: repeats and discoveries with their reasons, never what is forbidden, and a night that can be cut short."""

import datetime as dt
import re
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import translation

from customers.admin.recommendations import WAYS
from customers.models import Category, Customer, Product, RecommendationList, RecommendationModel
from customers.recommendations import archive, choices, history, nightly, quality
from customers.tests.api_factories import Caller, create_key
from customers.tests.factories import NOON, create_customer, create_user
from customers.tests.shopping import buy, buy_often, create_product

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def shop() -> SimpleNamespace:
    """Seven neighbours buy coffee with oat milk, Alice buys coffee every three weeks and has not met oat milk."""
    hot = Category.objects.create(code="hot", name_en="Hot drinks")
    cold = Category.objects.create(code="cold", name_en="Cold drinks")
    coffee, tea = create_product("Coffee", category=hot), create_product("Tea", category=hot)
    oat = create_product("Oat milk", category=cold, name_zh="燕麦奶")
    juice, water = create_product("Juice", category=cold), create_product("Water", category=cold)
    neighbours = [create_customer(name=f"Neighbour {n}") for n in range(7)]
    strangers = [create_customer(name=f"Stranger {n}") for n in range(12)]
    for person in neighbours:
        buy(person, coffee, oat, days_ago=20)
        buy(person, coffee, oat, days_ago=6)
    for person in strangers:
        buy(person, juice, water, days_ago=8)
    alice = create_customer(name="Alice")
    buy_often(alice, coffee, days=(91, 70, 49, 28))
    buy(alice, tea, days_ago=40)
    return SimpleNamespace(
        alice=alice, neighbours=neighbours, strangers=strangers, coffee=coffee, tea=tea, oat=oat, juice=juice,
        water=water, hot=hot, cold=cold,
    )  # fmt: skip


def night(now: dt.datetime = NOON) -> int:
    return nightly.run_due(clock=lambda: now)


def said(customer: Customer, now: dt.datetime = NOON) -> dict[str, tuple[str, str]]:
    customer = Customer.objects.get(pk=customer.pk)
    found = choices.choices_for(customer=customer, now=now)
    return {choice.product.name: (choice.kind.value, choice.reason) for choice in found}


def test_what_is_bought_again_comes_first_and_then_what_the_same_people_buy(shop):
    night()
    found = said(shop.alice)
    assert list(found)[:2] == ["Coffee", "Tea"]
    assert found["Coffee"] == ("repeat", "You usually buy this every 3 weeks, and it has been 4 weeks.")
    assert found["Tea"] == ("repeat", "Because you bought it before.")
    assert found["Oat milk"] == ("discovery", "People who buy Coffee also like this.")
    assert list(found)[2] == "Oat milk"
    with translation.override("zh-hans"):
        assert "燕麦奶" in said(shop.alice)


def test_a_habit_is_told_by_the_day_it_is_read(shop):
    night()
    assert said(shop.alice, NOON + 7 * DAY)["Coffee"][1].endswith("it has been 5 weeks.")
    assert said(shop.alice, NOON + 90 * DAY)["Coffee"][1] == "Because you often buy it."


@pytest.mark.parametrize("change", [{"is_retired": True}, {"is_in_stock": False}, {"earns_points": False}])
@pytest.mark.parametrize("made", ["by night", "at once", "for all"])
def test_what_cannot_be_bought_is_not_recommended(shop, change, made):
    night()
    if made == "at once":
        RecommendationList.objects.all().delete()
    Customer.objects.update(is_personalised=made != "for all")
    assert {"Oat milk", "Water"} <= set(said(shop.alice))
    Product.objects.filter(pk=shop.oat.pk).update(**change)
    assert "Oat milk" not in said(shop.alice)
    assert "Water" in said(shop.alice)


def test_a_sensitive_category_is_neither_shown_nor_a_reason(shop):
    medicine = Category.objects.create(code="rx", name_en="Medicine", is_sensitive=True)
    pills, syrup = create_product("Pills", category=medicine), create_product("Syrup")
    for person in [*shop.neighbours, *shop.strangers]:
        buy(person, pills, syrup, days_ago=5)
    buy_often(shop.alice, pills, days=(1, 2, 3, 4, 5))
    night()
    found = said(shop.alice)
    assert "Pills" not in found
    assert not any("Pills" in reason for __, reason in found.values())
    Category.objects.filter(pk=shop.cold.pk).update(is_sensitive=True)  # from now on, without another night
    assert "Oat milk" not in said(shop.alice)


def test_whoever_switched_it_off_gets_what_most_buy_and_nothing_is_kept(shop):
    night()
    assert RecommendationList.objects.filter(customer=shop.alice).exists()
    Customer.objects.filter(pk=shop.alice.pk).update(is_personalised=False)
    found = said(shop.alice)
    assert {kind for kind, __ in found.values()} == {"popular"}
    assert next(iter(found)) in {"Juice", "Water"}
    assert {reason for __, reason in found.values()} == {"Many customers buy this right now."}
    night(NOON + DAY)
    assert not RecommendationList.objects.filter(customer=shop.alice).exists()
    assert shop.alice.pk not in history.read(until=NOON + DAY).customers


def test_likes_and_dislikes_move_a_little_and_exclude_nothing(shop):
    night()
    before = said(shop.strangers[0])
    shop.alice.disliked_categories.add(shop.cold)
    shop.alice.preferred_categories.add(shop.hot)
    assert set(said(shop.alice)) >= {"Coffee", "Tea", "Oat milk"}
    bob = shop.strangers[0]
    cake = create_product("Cake", category=shop.hot)
    buy(bob, cake, days_ago=60)
    night(NOON + DAY)
    assert list(said(bob, NOON + DAY))[:3] == [*list(before)[:2], "Cake"]
    bob.disliked_categories.add(shop.cold)
    bob.preferred_categories.add(shop.hot)
    assert next(iter(said(bob, NOON + DAY))) == "Cake"


def test_a_list_made_at_once_is_the_one_of_the_night(shop):
    night()
    model = RecommendationModel.objects.get()
    for customer in [shop.alice, *shop.neighbours[:2], *shop.strangers[:2]]:
        made = choices.make(customer=customer, model=model, now=NOON)
        assert made == [choices.unpacked(row) for row in RecommendationList.objects.get(customer=customer).items]


def test_a_purchase_of_today_counts_at_once(shop):
    night()
    assert said(shop.alice)["Oat milk"][0] == "discovery"
    buy(shop.alice, shop.oat)
    assert said(shop.alice, NOON + dt.timedelta(minutes=1))["Oat milk"][0] == "repeat"


def test_what_came_back_was_not_bought(shop):
    purchase = buy(shop.alice, shop.juice, days_ago=1)
    line = purchase.lines.get()
    back = purchase.returns.create(reference="R1", occurred_at=NOON, total=250)
    back.lines.create(line=line, quantity=1, total=250)
    assert shop.juice.pk not in history.read_of(customer_ids=[shop.alice.pk], until=NOON).products
    night()
    assert said(shop.alice)["Juice"][0] != "repeat"


def test_a_night_does_once_what_is_to_be_done(shop):
    everybody = Customer.objects.count()
    assert night() == everybody
    assert night(NOON + dt.timedelta(hours=2)) == 0
    buy(shop.alice, shop.juice, now=NOON + dt.timedelta(hours=3))
    untouched = dict(RecommendationList.objects.exclude(customer=shop.alice).values_list("customer", "made_at"))
    assert night(NOON + DAY) == 1
    assert dict(RecommendationList.objects.exclude(customer=shop.alice).values_list("customer", "made_at")) == untouched
    assert night(NOON + 8 * DAY) == everybody  # the ways are compared again, and all lists follow
    assert RecommendationModel.objects.exclude(products=b"").count() == 1
    assert list(archive.load(RecommendationModel.objects.order_by("-day_date")[0]).products) != []


def test_a_night_that_was_killed_goes_on_where_it_stopped(shop, monkeypatch):
    monkeypatch.setattr(nightly, "CUSTOMERS_AT_ONCE", 6)
    real, done = nightly._make, []

    def dies(*args):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(real(*args))
        return done[-1]

    monkeypatch.setattr(nightly, "_make", dies)
    with pytest.raises(KeyboardInterrupt):
        night()
    assert RecommendationList.objects.count() == 12
    monkeypatch.setattr(nightly, "_make", real)
    soon = NOON + dt.timedelta(minutes=5)
    assert night(soon) == 0, "whoever holds the lease may still be at it"
    assert night(NOON + dt.timedelta(hours=1)) == Customer.objects.count() - 12
    model = RecommendationModel.objects.get()
    assert (model.lists, model.customers) == (Customer.objects.count(), Customer.objects.count())
    assert model.finished_at is not None
    assert night(NOON + dt.timedelta(hours=2)) == 0


def test_an_overtaken_worker_stops(shop, monkeypatch):
    real = nightly._make

    def overtaken(model, *args):
        RecommendationModel.objects.update(claim="00000000-0000-0000-0000-000000000001")
        return real(model, *args)

    monkeypatch.setattr(nightly, "_make", overtaken)
    with pytest.raises(nightly.Overtaken):
        night()
    assert not RecommendationList.objects.exists()


def test_the_best_way_of_this_shop_is_used(shop, monkeypatch):
    monkeypatch.setattr(quality, "FEWEST_CUSTOMERS", 5)
    night()
    model = RecommendationModel.objects.get()
    assert set(model.figures) == {"model", "frequency", "popularity", "seed"}
    assert all(
        0 <= figure <= 1 for way in model.figures.values() for name, figure in way.items() if name != "customers"
    )
    assert model.figures["model"]["customers"] == len(shop.neighbours) + len(shop.strangers) + 1
    usable = ["model", "frequency", "popularity"]
    assert model.method == max(usable, key=lambda way: model.figures[way]["overall"])


def test_too_few_customers_give_no_figure(shop):
    night()
    model = RecommendationModel.objects.get()
    assert (model.figures, model.method) == ({}, "model")


def test_the_figures_are_those_of_the_textbook(shop):
    trial = quality.trial(history.read(until=NOON), cut=NOON - 28 * DAY)
    neighbour, stranger = shop.neighbours[0].pk, shop.strangers[0].pk
    assert trial.bought[neighbour] == {shop.coffee.pk, shop.oat.pk}
    category = dict(Product.objects.values_list("pk", "category_id")).__getitem__
    found = quality.measure([(neighbour, [shop.tea.pk, shop.coffee.pk, shop.oat.pk])], trial, category_of=category)
    assert found.overall == pytest.approx((1 / 1.584962 + 1 / 2) / (1 + 1 / 1.584962), abs=1e-5)
    assert (found.repeat, found.customers) == (0, 1)  # nothing was known of the neighbour four weeks ago
    assert found.explore == found.overall
    assert quality.measure([(stranger, [shop.water.pk, shop.juice.pk])], trial, category_of=category).overall == 1


def test_the_page_and_the_home_show_both_kinds(shop, client: Client, django_assert_max_num_queries):
    night()
    user = create_user(email="alice@example.com")
    Customer.objects.filter(pk=shop.alice.pk).update(user=user)
    client.force_login(user)
    with django_assert_max_num_queries(12):
        page = client.get("/for-you/").content.decode()
    for words in ("You may like to buy again", "Coffee", "New for you", "Oat milk", "People who buy Coffee"):
        assert words in page
    home = client.get("/").content.decode()
    assert "New for you" in home
    assert "Oat milk" in home
    Customer.objects.filter(pk=shop.alice.pk).update(is_personalised=False)
    for path in ("/for-you/", "/"):
        page = client.get(path).content.decode()
        assert "Many customers buy this right now." in page
        assert "People who buy Coffee" not in page
        assert "You may like to buy again" not in page


def test_a_longer_history_asks_the_database_no_more_often(shop, django_assert_num_queries):
    night()
    night(NOON + DAY)
    with django_assert_num_queries(4):
        said_to(shop.alice)
    for n in range(30):
        buy_often(shop.alice, create_product(f"Thing {n}"), days=(3, 9))
    night(NOON + 2 * DAY)
    with django_assert_num_queries(4):
        said_to(shop.alice)


def said_to(customer: Customer) -> None:
    assert choices.choices_for(customer=customer, now=NOON + 2 * DAY)


def test_a_till_learns_by_api_what_to_offer(shop):
    night()
    caller = Caller(create_key("recommendations:read"))
    answer = caller.get(f"/customers/{shop.alice.member_number}/recommendations").json()
    assert [one["kind"] for one in answer["recommendations"]][:3] == ["repeat", "repeat", "discovery"]
    assert answer["recommendations"][0] | {"reason": ""} == {
        "sku": shop.coffee.sku, "name": "Coffee", "category": "hot", "price": 250, "kind": "repeat", "reason": "",
    }  # fmt: skip
    Customer.objects.filter(pk=shop.alice.pk).update(is_personalised=False)
    answer = caller.get(f"/customers/{shop.alice.member_number}/recommendations").json()
    assert {one["kind"] for one in answer["recommendations"]} == {"popular"}


def test_staff_read_the_figures_of_the_model_beside_what_it_has_to_beat(shop, client: Client, monkeypatch):
    monkeypatch.setattr(quality, "FEWEST_CUSTOMERS", 5)
    night()
    client.force_login(create_user(is_staff=True, is_superuser=True))
    model = RecommendationModel.objects.get()
    page = client.get(f"/admin/customers/recommendationmodel/{model.pk}/change/").content.decode()
    rows = [
        re.findall(r"<t[dh][^>]*>\s*(.*?)\s*</t[dh]>", row, re.S) for row in re.findall(r"<tr>(.*?)</tr>", page, re.S)
    ]
    assert len(model.figures) == 4
    for way, figures in model.figures.items():
        expected = [f"{figures[aspect]:.3f}" for aspect in ("overall", "repeat", "explore", "category")]
        assert [str(WAYS[way]), *expected, str(figures["customers"])] in rows
