"""What a basket earns and how long it lasts: the tables of docs/points.md, computed without a database."""

import datetime as dt
from fractions import Fraction
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import earning
from rewards.dates import add_months
from rewards.earning import Basket, BasketLine
from rewards.models import EarningRule

COFFEE, BOOKS = 1, 2  # categories
LATTE, NOVEL = 11, 22  # products
MARKET, HARBOUR = 5, 6  # stores
TUESDAY = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
_keys = count(1)


def rule(kind: str = "amount", points: int = 1, per_amount: int = 100, **fields) -> EarningRule:
    """Write a rule down without storing it: by default one point per full euro."""
    number = next(_keys)
    rate = {"per_amount": per_amount} if kind == "amount" else {}
    return EarningRule(pk=number, key=f"rule-{number}", kind=kind, points=points, **rate, **fields)


def times(factor: float, **fields) -> EarningRule:
    """Write a multiplier down."""
    return rule("multiplier", 0, multiplier=round(factor * 10_000), **fields)


def line(total: int, *, product: int = LATTE, category: int | None = COFFEE, quantity: int = 1) -> BasketLine:
    return BasketLine(product_id=product, category_id=category, quantity=quantity, total=total)


def novel(total: int, **fields) -> BasketLine:
    return line(total, product=NOVEL, category=BOOKS, **fields)


def basket(*lines: BasketLine | int, **fields) -> Basket:
    """Fill a basket; a number is the price of a latte."""
    fields = {"store_id": MARKET, "time_zone": "Europe/Berlin", "occurred_at": TUESDAY, "off": 0} | fields
    return Basket(lines=[one if isinstance(one, BasketLine) else line(one) for one in lines], **fields)


def points(the_basket: Basket, *rules: EarningRule, tier: float = 1) -> int:
    return earning.earn(basket=the_basket, rules=rules, tier_multiplier=round(tier * 10_000)).points


# docs/points.md#per-amount


@pytest.mark.parametrize(
    ("cents", "rate", "expected"),
    [
        (0, (1, 100), 0),
        (99, (1, 100), 0),
        (100, (1, 100), 1),
        (999, (1, 100), 9),
        (1_000, (1, 100), 10),
        (999, (1, 1_000), 0),
        (1_000, (1, 1_000), 1),
        (133, (3, 200), 1),
        (134, (3, 200), 2),
        (200, (3, 200), 3),
        (2**53 + 1, (1, 1), 2**53 + 1),  # a float would lose the last point
        (299_999_999_999_999, (1, 3), 99_999_999_999_999),
    ],
)
def test_points_per_amount_are_rounded_down(cents: int, rate: tuple[int, int], expected: int):
    assert points(basket(cents), rule(points=rate[0], per_amount=rate[1])) == expected


@pytest.mark.parametrize(
    ("lines", "rate", "expected"),
    [
        ((50, 50, 50), (1, 100), 1),  # 1.50
        ((100, 100, 100), (1, 300), 1),  # three thirds are one
        ((99, 99), (1, 100), 1),  # 1.98
        ((33, 33, 34), (1, 100), 1),
    ],
)
def test_rounding_comes_once_at_the_end_not_per_line(lines: tuple[int, ...], rate: tuple[int, int], expected: int):
    assert points(basket(*lines), rule(points=rate[0], per_amount=rate[1])) == expected


def test_rules_are_summed_before_they_are_rounded():
    assert points(basket(150), rule(), rule()) == 3  # 1.5 + 1.5
    assert points(basket(150), rule()) == 1


# docs/points.md#multipliers


@pytest.mark.parametrize(
    ("cents", "tier", "factors", "expected"),
    [
        (1_000, 1, [], 10),
        (1_000, 1.25, [], 12),
        (999, 1, [2], 19),  # 19.98, and not 2 x 9
        (999, 1.25, [2], 24),  # 24.975
        (999, 1.25, [2, 3], 74),  # 74.925
        (100, 1.9999, [], 1),
        (10_000, 1.0001, [], 100),
        (1_000_000, 1.0001, [], 10_001),
        (1_000, 1, [0.5], 5),
        (1_000, 1, [0], 0),
    ],
)
def test_multipliers_multiply_and_the_product_is_rounded_down(
    cents: int, tier: float, factors: list[float], expected: int
):
    assert points(basket(cents), rule(), *map(times, factors), tier=tier) == expected


def test_a_multiplier_alone_earns_nothing():
    assert points(basket(1_000), times(2)) == 0


def test_a_multiplier_of_a_category_or_product_leaves_the_other_lines_alone():
    both = basket(400, novel(1_000))
    assert points(both, rule(), times(2, category_id=COFFEE)) == 18
    assert points(both, rule(), times(2, product_id=NOVEL)) == 24
    assert points(both, rule(), times(2, category_id=COFFEE), times(3, product_id=LATTE)) == 34


def test_a_multiplier_reaches_points_per_visit_and_item():
    assert points(basket(1_000), rule("visit", 5), times(2), tier=1.5) == 15
    assert points(basket(line(1_000, quantity=3)), rule("item", 5), times(2), tier=1.5) == 45


# docs/points.md#visits-items-and-categories


def test_a_visit_counts_once_however_many_lines():
    assert points(basket(100, 200, novel(300)), rule("visit", 5)) == 5
    assert points(basket(1_050), rule(), rule("visit", 5)) == 15


def test_items_count_by_quantity():
    cart = basket(line(600, quantity=2), novel(900, quantity=3))
    assert points(cart, rule("item", 20, product_id=LATTE)) == 40
    assert points(cart, rule("item", 20, category_id=BOOKS)) == 60
    assert points(cart, rule("item", 20, product_id=99)) == 0


def test_a_rule_for_a_category_or_product_sees_only_its_lines():
    cart = basket(400, novel(1_000), line(300, product=33, category=None))
    assert points(cart, rule(points=2, category_id=COFFEE)) == 8
    assert points(cart, rule(), rule(points=2, category_id=COFFEE)) == 25  # 17 + 8
    assert points(cart, rule(product_id=NOVEL)) == 10
    assert points(cart, rule(category_id=99)) == 0


def test_a_rule_for_a_store_holds_in_that_store_alone():
    local = rule(store_id=HARBOUR)
    assert points(basket(1_000, store_id=HARBOUR), local) == 10
    assert points(basket(1_000, store_id=MARKET), local) == 0
    assert points(basket(1_000, store_id=MARKET), rule(), times(2, store_id=HARBOUR)) == 10


def test_a_rule_per_event_gives_nothing_for_a_basket():
    assert points(basket(1_000), rule("event", 100, event="birthday")) == 0


@pytest.mark.parametrize("cart", [basket(), basket(0), basket(500, off=500)], ids=["empty", "free", "paid by coupon"])
def test_what_costs_nothing_earns_nothing(cart: Basket):
    assert points(cart, rule(), rule("visit", 5), times(2)) == 0


# docs/points.md#when


@pytest.mark.parametrize(
    ("instant", "time_zone", "weekday"),
    [
        ((2026, 3, 8, 15, 59), "Asia/Shanghai", 7),
        ((2026, 3, 8, 16, 0), "Asia/Shanghai", 1),
        ((2026, 3, 9, 2, 0), "America/New_York", 7),
        ((2026, 3, 9, 4, 0), "America/New_York", 1),  # summer time began that Sunday
        ((2026, 3, 8, 22, 59), "Europe/Berlin", 7),
        ((2026, 3, 8, 23, 0), "Europe/Berlin", 1),
        ((2026, 3, 29, 21, 59), "Europe/Berlin", 7),  # summer time began that Sunday
        ((2026, 3, 29, 22, 0), "Europe/Berlin", 1),
        ((2026, 10, 25, 22, 59), "Europe/Berlin", 7),  # and ended this one
        ((2026, 10, 25, 23, 0), "Europe/Berlin", 1),
    ],
)
def test_a_weekday_is_the_stores_own(instant: tuple[int, ...], time_zone: str, weekday: int):
    cart = basket(1_000, occurred_at=dt.datetime(*instant, tzinfo=dt.UTC), time_zone=time_zone)
    for day in range(1, 8):
        assert points(cart, rule(), times(2, weekdays=str(day))) == (20 if day == weekday else 10)
        assert points(cart, rule(weekdays=str(day))) == (10 if day == weekday else 0)


def test_several_weekdays_are_written_in_a_row():
    weekend = times(3, weekdays="67")
    found = [points(basket(100, occurred_at=TUESDAY + dt.timedelta(days=n)), rule(), weekend) for n in range(7)]
    assert found == [1, 1, 1, 1, 3, 3, 1]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-1, 10), (0, 20), (1, 20), (3_599, 20), (3_600, 10)], ids=lambda value: str(value)
)
def test_a_window_begins_with_its_start_and_ends_before_its_end(seconds: int, expected: int):
    hour = times(2, starts_at=TUESDAY, ends_at=TUESDAY + dt.timedelta(hours=1))
    assert points(basket(1_000, occurred_at=TUESDAY + dt.timedelta(seconds=seconds)), rule(), hour) == expected


@pytest.mark.parametrize(
    ("cents", "off", "expected"), [(1_999, 0, 19), (2_000, 0, 520), (2_500, 500, 520), (2_500, 501, 19)]
)
def test_a_minimum_basket_looks_at_what_is_left_to_earn_on(cents: int, off: int, expected: int):
    assert points(basket(cents, off=off), rule(), rule("visit", 500, minimum_basket=2_000)) == expected


def test_a_minimum_basket_is_the_whole_baskets_even_for_a_rule_of_one_category():
    assert points(basket(400, novel(1_600)), rule(category_id=COFFEE, minimum_basket=2_000)) == 4
    assert points(basket(400, novel(1_599)), rule(category_id=COFFEE, minimum_basket=2_000)) == 0


# docs/points.md#discounts-on-the-whole-receipt


@pytest.mark.parametrize(
    ("totals", "off", "left"),
    [
        ([1_000, 500], 0, [1_000, 500]),
        ([1_000, 500], 150, [900, 450]),
        ([333, 333, 334], 100, [300, 300, 300]),
        ([700, 200, 100], 99, [631, 180, 90]),  # 69.3, 19.8, 9.9
        ([0, 500], 100, [0, 400]),
        ([500], 500, [0]),
        ([1, 1, 1], 3, [0, 0, 0]),
    ],
)
def test_a_discount_is_spread_by_largest_remainder(totals: list[int], off: int, left: list[int]):
    assert earning.basis_shares(totals, off) == left


def test_equal_remainders_still_add_up():
    assert sorted(earning.basis_shares([100, 100, 100], 100)) == [66, 67, 67]


@given(st.lists(st.integers(0, 10**9), max_size=20), st.data())
def test_shares_add_up_and_stay_within_a_cent_of_fair(totals: list[int], data: st.DataObject):
    off = data.draw(st.integers(0, sum(totals)))
    left = earning.basis_shares(totals, off)
    assert sum(left) == sum(totals) - off
    for total, kept in zip(totals, left, strict=True):
        assert 0 <= kept <= total
        assert not off or abs(total - kept - Fraction(off * total, sum(totals))) < 1


def test_each_category_earns_on_its_line_less_its_share():
    cart = basket(700, novel(200), line(100, product=33, category=None), off=99)
    assert points(cart, rule(per_amount=1, category_id=COFFEE)) == 631
    assert points(cart, rule(per_amount=1, category_id=BOOKS)) == 180
    assert points(cart, rule(per_amount=1)) == 901


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8), st.integers(1, 5), st.integers(1, 1_000))
def test_a_basket_never_earns_more_than_its_exact_value(totals: list[int], rate: int, amount: int):
    exact = Fraction(sum(totals) * rate, amount)
    assert points(basket(*totals), rule(points=rate, per_amount=amount)) == exact.__floor__()


# docs/points.md#what-never-earns and #caps


def never(**fields) -> EarningRule:
    return rule("exclusion", 0, **fields)


def at_most(limit: int, **fields) -> EarningRule:
    return rule("cap", limit, cap_per="customer_day", **fields)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([rule()], 14),
        ([rule(), never(category_id=BOOKS)], 4),
        ([rule(), never(product_id=LATTE)], 10),
        ([rule(), never(category_id=BOOKS), never(product_id=LATTE)], 0),
        ([rule(), rule("visit", 5), never(category_id=BOOKS)], 9),
        ([rule("visit", 5), never(category_id=BOOKS), never(product_id=LATTE)], 0),
        ([rule("item", 20), never(category_id=BOOKS)], 20),
        ([rule(category_id=BOOKS), never(category_id=BOOKS)], 0),
        ([rule(minimum_basket=500), never(category_id=BOOKS)], 0),
        ([rule(), never(store_id=HARBOUR)], 14),
        ([rule(), never(store_id=MARKET)], 0),
        ([rule(), never(category_id=BOOKS, weekdays="1")], 14),
        ([rule(), never(category_id=BOOKS, ends_at=TUESDAY)], 14),
    ],
)
def test_what_is_excluded_never_earns(rules: list[EarningRule], expected: int):
    assert points(basket(400, novel(1_000)), *rules) == expected


def test_an_excluded_line_keeps_its_share_of_the_discount():
    assert points(basket(1_000, novel(1_000), off=1_000), rule(), never(category_id=BOOKS)) == 5


@pytest.mark.parametrize(
    ("limit", "room", "expected", "trimmed"),
    [(100, None, 14, 0), (14, None, 14, 0), (10, None, 10, 4), (100, 10, 10, 4), (100, 0, 0, 14), (100, -5, 0, 14)],
)
def test_a_cap_trims_to_what_it_leaves(limit: int, room: int | None, expected: int, trimmed: int):
    cap = at_most(limit)
    rooms = None if room is None else {cap.key: room}
    earned = earning.earn(basket=basket(1_400), rules=[rule(), cap], rooms=rooms)
    assert (earned.points, earned.trimmed, sum(part.points for part in earned.parts)) == (expected, trimmed, expected)


def test_a_cap_holds_in_its_store_and_time():
    assert points(basket(1_400), rule(), at_most(10, store_id=HARBOUR)) == 14
    assert points(basket(1_400), rule(), at_most(10, starts_at=TUESDAY + dt.timedelta(days=1))) == 14
    assert points(basket(1_400), rule(), at_most(10, weekdays="2")) == 10


@given(
    st.lists(st.tuples(st.integers(0, 10**5), st.sampled_from([COFFEE, BOOKS])), min_size=1, max_size=6),
    st.integers(0, 2_000),
    st.integers(0, 10**5),
)
def test_trimming_and_leaving_out_never_create_a_point(lines: list[tuple[int, int]], room: int, off: int):
    cap, rules = at_most(2_000), [rule(points=3, per_amount=7), rule("visit", 5), times(1.25, category_id=COFFEE)]
    cart = basket(*(line(total, category=category) for total, category in lines), off=off)
    free = earning.earn(basket=cart, rules=rules)
    capped = earning.earn(basket=cart, rules=[*rules, cap], rooms={cap.key: room})
    assert (capped.points, capped.points + capped.trimmed) == (min(free.points, room), free.points)
    assert sum(part.points for part in capped.parts) == capped.points
    left_out = earning.earn(basket=cart, rules=[*rules, never(category_id=BOOKS)])
    assert left_out.points <= free.points
    assert left_out.basis <= free.basis


def test_the_explanation_names_the_versions_the_basis_and_the_multipliers():
    base, double = rule(version=3), times(2, version=4)
    told = earning.earn(basket=basket(1_500), rules=[base, double], tier_multiplier=12_500).explanation()
    assert (told["basis"], told["multiplier"]) == (1_500, 12_500)
    assert [(part["rule"], part["version"], part["points"]) for part in told["parts"]] == [(base.pk, 3, 37)]
    assert [(one["rule"], one["version"], one["multiplier"]) for one in told["multipliers"]] == [(double.pk, 4, 20_000)]


# docs/points.md#expiry


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ((2026, 1, 31), 1, (2026, 2, 28)),
        ((2028, 1, 31), 1, (2028, 2, 29)),
        ((2028, 2, 29), 12, (2029, 2, 28)),
        ((2027, 2, 28), 12, (2028, 2, 28)),
        ((2026, 3, 31), 1, (2026, 4, 30)),
        ((2026, 8, 31), 6, (2027, 2, 28)),
        ((2026, 12, 15), 1, (2027, 1, 15)),
        ((2026, 5, 10), 0, (2026, 5, 10)),
        ((2026, 11, 30), 25, (2028, 12, 30)),
    ],
)
def test_months_clamp_to_the_last_day(day: tuple, months: int, expected: tuple):
    assert add_months(dt.date(*day), months) == dt.date(*expected)


@pytest.mark.parametrize(
    ("time_zone", "activates_at", "months", "ends_at"),
    [
        ("Europe/Berlin", "2026-03-10T12:00Z", 12, "2027-03-31T22:00Z"),
        ("Europe/Berlin", "2026-01-31T22:59Z", 12, "2027-01-31T23:00Z"),
        ("Europe/Berlin", "2026-01-31T23:00Z", 12, "2027-02-28T23:00Z"),  # already February in Berlin
        ("Europe/Berlin", "2026-01-31T12:00Z", 1, "2026-02-28T23:00Z"),
        ("Europe/Berlin", "2028-01-31T12:00Z", 1, "2028-02-29T23:00Z"),
        ("Europe/Berlin", "2028-02-29T12:00Z", 12, "2029-02-28T23:00Z"),
        ("Europe/Berlin", "2027-02-10T12:00Z", 12, "2028-02-29T23:00Z"),
        ("Europe/Berlin", "2026-02-15T12:00Z", 1, "2026-03-31T22:00Z"),  # summer time by then
        ("Europe/Berlin", "2026-09-15T12:00Z", 1, "2026-10-31T23:00Z"),  # and winter time
        ("Europe/Berlin", "2026-12-31T22:59Z", 12, "2027-12-31T23:00Z"),
        ("Europe/Berlin", "2026-03-10T12:00Z", 0, "2026-03-31T22:00Z"),
        ("Asia/Shanghai", "2026-03-31T15:59Z", 12, "2027-03-31T16:00Z"),
        ("Asia/Shanghai", "2026-03-31T16:00Z", 12, "2027-04-30T16:00Z"),
        ("America/New_York", "2026-04-01T03:59Z", 12, "2027-04-01T04:00Z"),
        ("America/New_York", "2026-04-01T04:00Z", 12, "2027-05-01T04:00Z"),
    ],
)
def test_points_last_some_months_and_then_to_the_end_of_that_month(
    settings, time_zone: str, activates_at: str, months: int, ends_at: str
):
    settings.TIME_ZONE = time_zone
    found = earning.expires_at(rule(expiry_months=months), dt.datetime.fromisoformat(activates_at))
    assert found == dt.datetime.fromisoformat(ends_at)


@pytest.mark.parametrize(
    ("activates_at", "months", "ends_at"),
    [
        ("2026-01-31T12:00Z", 1, "2026-02-28T23:00Z"),
        ("2026-03-10T12:00Z", 12, "2027-03-10T23:00Z"),
        ("2026-03-10T23:30Z", 12, "2027-03-11T23:00Z"),  # already the 11th in Berlin
        ("2026-03-10T12:00Z", 1, "2026-04-10T22:00Z"),  # summer time by then
        ("2028-02-29T12:00Z", 12, "2029-02-28T23:00Z"),
    ],
)
def test_rolling_points_last_through_the_same_day_some_months_later(
    settings, activates_at: str, months: int, ends_at: str
):
    settings.TIME_ZONE = "Europe/Berlin"
    rolling = rule(expiry="rolling", expiry_months=months)
    assert earning.expires_at(rolling, dt.datetime.fromisoformat(activates_at)) == dt.datetime.fromisoformat(ends_at)


def test_a_fixed_date_is_the_last_day_on_which_points_hold(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    fixed = rule(expiry="fixed", expiry_date=dt.date(2026, 12, 31))
    assert earning.expires_at(fixed, TUESDAY) == dt.datetime(2026, 12, 31, 23, tzinfo=dt.UTC)
    after = dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC)
    assert earning.expires_at(fixed, after) == dt.datetime(2027, 12, 31, 23, tzinfo=dt.UTC)


def test_points_may_never_expire():
    assert earning.expires_at(rule(expiry="never"), TUESDAY) is None


@given(
    st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2060, 1, 1), timezones=st.just(dt.UTC)),
    st.integers(0, 60),
    st.sampled_from(["month_end", "rolling"]),
)
def test_points_always_end_after_they_begin(activates_at: dt.datetime, months: int, expiry: str):
    ends_at = earning.expires_at(rule(expiry=expiry, expiry_months=months), activates_at)
    assert ends_at > activates_at
