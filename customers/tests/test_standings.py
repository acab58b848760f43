"""Where customers stand: their own rhythm, quintiles with stable ties, and a night that can be repeated."""

import datetime as dt
import re

import numpy as np
import pytest

from customers import forecast_words, forecasts, foretelling, rfm, rhythm, segments, standings
from customers.models import Customer, Purchase, Return, Standing, StandingChange, StandingNight
from customers.tests.factories import NOON, create_customer, create_user
from customers.tests.shopping import buy, buy_often, create_product

DAY = dt.timedelta(days=1)


def night(now: dt.datetime = NOON) -> int:
    return standings.run_due(clock=lambda: now)


def names(key: str, now: dt.datetime = NOON) -> set[str]:
    return set(segments.members(key, now=now).values_list("name", flat=True))


def usual(customer: np.ndarray, day: np.ndarray, customers: int) -> np.ndarray:
    known, own = rhythm.own_days(customer=customer, day=day, customers=customers)
    return rhythm.usual_days(known=known, own=own, shop=rhythm.shop_days(known=known, own=own))


def test_a_rhythm_is_the_own_median_drawn_towards_the_shops() -> None:
    days = {0: [0, 7, 14, 21, 28], 1: [0, 30], 2: [5]}
    rows = np.array([(customer, day) for customer, some in days.items() for day in some])
    found = usual(rows[:, 0], rows[:, 1], 3)
    shop = (7 + 30) / 2
    assert found.tolist() == [round((4 * 7 + 3 * shop) / 7), round((30 + 3 * shop) / 4), round(shop)]
    nobody = usual(np.array([0]), np.array([1]), 1)
    assert nobody.tolist() == [30]


def test_the_median_of_an_even_number_of_gaps_is_their_middle() -> None:
    day = np.array([0, 2, 12])
    assert usual(np.zeros(3, int), day, 1).tolist() == [6]


def test_quintiles_never_tell_equals_apart() -> None:
    values = np.array([5] * 30 + [1] * 40 + [9] * 30)
    found = rfm.quintiles(values)
    assert {value: set(found[values == value].tolist()) for value in (1, 5, 9)} == {1: {1}, 5: {3}, 9: {4}}
    assert np.bincount(rfm.quintiles(np.arange(100)))[1:].tolist() == [20] * 5
    assert rfm.quintiles(np.arange(49)) is None


@pytest.fixture
def weekly(db: None) -> dict[str, Customer]:
    """Four who came every ten days, and then stayed away for longer and longer."""
    product = create_product("Tea")
    people = {}
    for name, since in (("Fresh", 3), ("Due", 12), ("Lapsing", 25), ("Lapsed", 60)):
        people[name] = create_customer(name=name, enrolled_at=NOON - 300 * DAY)
        buy_often(people[name], product, days=range(since, since + 80, 10))
    return people


def test_due_lapsing_and_lapsed_are_multiples_of_the_own_rhythm(weekly: dict[str, Customer]) -> None:
    assert night() == 4
    assert set(Standing.objects.values_list("usual_days", flat=True)) == {10}
    assert (names("due"), names("lapsing"), names("lapsed_rhythm")) == ({"Due"}, {"Lapsing"}, {"Lapsed"})
    assert names("due", NOON + 8 * DAY) == {"Fresh", "Due"} - {"Due"}


def test_whoever_came_back_today_is_not_lapsed(weekly: dict[str, Customer]) -> None:
    night()
    buy(weekly["Lapsed"], create_product("Coffee"), now=NOON + dt.timedelta(minutes=5))
    assert names("lapsed_rhythm", NOON + dt.timedelta(hours=1)) == set()


def test_few_customers_get_no_quintiles_and_no_forecast(weekly: dict[str, Customer]) -> None:
    night()
    standing = Standing.objects.get(customer=weekly["Fresh"])
    assert (standing.recency, standing.chance_permille, standing.value) == (None, None, None)
    assert not StandingChange.objects.exists()
    assert (StandingNight.objects.get().forecast, names("best")) == ({}, set())


def test_the_night_is_done_once_and_writes_what_changed(weekly: dict[str, Customer]) -> None:
    assert (night(), night(NOON + dt.timedelta(hours=3))) == (4, 0)
    assert night(NOON + DAY) == 0
    buy(weekly["Due"], create_product("Coffee"), now=NOON + DAY)
    assert night(NOON + 2 * DAY) == 1


def test_a_night_that_was_killed_is_made_up_for(weekly: dict[str, Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standings, "AT_ONCE", 2)
    real = Standing.objects.bulk_create
    calls: list[int] = []

    def dies(*args: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Standing.objects, "bulk_create", dies)
        with pytest.raises(KeyboardInterrupt):
            night()
    assert Standing.objects.count() == 2
    assert not StandingNight.objects.exists()
    assert night(NOON + dt.timedelta(hours=1)) == 2
    assert Standing.objects.count() == 4


def give_back(purchase: Purchase, total: int, *, at: dt.datetime = NOON) -> None:
    Return.objects.create(purchase=purchase, reference=f"R{purchase.pk}-{total}", occurred_at=at, total=total)


def test_what_came_back_was_neither_a_visit_nor_spent(db: None) -> None:
    product, alice, bob = create_product("Tea"), create_customer(), create_customer()
    kept, part, whole = (buy(alice, product, days_ago=ago, price=1_000) for ago in (30, 20, 10))
    give_back(part, 250)
    give_back(whole, 400)
    give_back(whole, 600)
    give_back(kept, 1_000, at=NOON + DAY)  # not yet
    all_back = buy(bob, product, days_ago=5)
    night()
    standing = Standing.objects.get(customer=alice)
    assert (standing.visits, standing.spent, standing.last_at) == (2, 1_750, part.occurred_at)
    assert Standing.objects.filter(customer=bob).exists()
    give_back(all_back, 250, at=NOON + DAY)
    night(NOON + 2 * DAY)
    assert list(Standing.objects.values_list("customer", "visits", "spent")) == [(alice.pk, 1, 750)]


def test_a_day_begins_at_the_programmes_midnight(db: None) -> None:
    product, alice = create_product("Tea"), create_customer()
    buy(alice, product, now=dt.datetime(2026, 2, 7, 22, 30, tzinfo=dt.UTC))  # 23:30 in Berlin
    buy(alice, product, now=dt.datetime(2026, 2, 7, 23, 30, tzinfo=dt.UTC))  # the next day
    buy(alice, product, now=dt.datetime(2026, 2, 8, 22, 30, tzinfo=dt.UTC))
    night()
    assert Standing.objects.get().visits == 2


def test_whoever_switched_it_off_has_no_standing(weekly: dict[str, Customer]) -> None:
    night()
    Customer.objects.filter(name="Lapsed").update(is_personalised=False)
    night(NOON + DAY)
    assert set(Standing.objects.values_list("customer__name", flat=True)) == {"Fresh", "Due", "Lapsing"}


def test_a_shop_with_quintiles_keeps_their_history_and_forecasts(db: None, client, monkeypatch) -> None:
    monkeypatch.setattr(forecasts, "FEWEST_REPEATERS", 30)
    monkeypatch.setattr(forecasts, "FEWEST_CUSTOMERS", 30)
    monkeypatch.setattr(foretelling, "DRAWS", 2)
    product, chance = create_product("Tea"), np.random.default_rng(4)
    people = [create_customer(name=f"P{n}", enrolled_at=NOON - 400 * DAY) for n in range(60)]
    for n, person in enumerate(people):
        first = 200 + n % 7
        ends = chance.integers(5, 200)
        buy_often(person, product, days=sorted({first, *np.arange(ends, first, 9 + n % 20).tolist()}))
    night()
    one = Standing.objects.get(customer=people[0])
    assert 1 <= one.recency <= 5
    assert 0 <= one.chance_permille <= 1_000
    assert one.value_low <= one.value <= one.value_high
    assert StandingChange.objects.count() == 60
    kept = StandingNight.objects.get().forecast
    for name in ("error", "calibration"):
        assert sum(size for size, *__ in kept[name]) <= 60
        assert len(kept[name]) == 10
    assert all(0 <= chance <= 1 and 0 <= share <= 1 for __, chance, share in kept["calibration"])
    assert len(kept["parameters"]) == 4
    buy(people[0], *[product] * 50, now=NOON + DAY, price=900)
    night(NOON + 2 * DAY)
    history = StandingChange.objects.filter(customer=people[0]).order_by("day_date")
    assert history.last().monetary == 5
    client.force_login(create_user(is_staff=True, is_superuser=True))
    page = client.get(f"/admin/customers/customer/{people[0].pk}/change/").content.decode()
    for words in ("Usually every", "Chance to buy within 8 weeks", "Worth in the next year", "Lately, often, much"):
        assert words in page
    assert f"{kept_words(StandingNight.objects.order_by('-day_date').first())}</small>" in page
    panel = page.split("Monetary value</th>")[1].split("</table>")[0]
    shown = [[int(value) for value in re.findall(r'<td class="number">(\d)</td>', row)] for row in panel.split("</tr>")]
    assert [row for row in shown if row] == [
        [row.recency, row.frequency, row.monetary] for row in history.order_by("-day_date")
    ]
    assert history.count() == 2


def kept_words(night: StandingNight) -> str:
    words = forecast_words.held_against(night.forecast)
    assert "weeks ago the forecast was" in words
    return words
