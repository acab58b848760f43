"""BG/NBD and gamma-gamma: the published figures, the numbers that overflow elsewhere, and shops invented by the model itself."""

import numpy as np
import pytest
from scipy.integrate import quad

from customers import forecasts
from customers.forecasts import Buying, Rows, Spending

CDNOW = Buying(0.243, 4.414, 0.793, 2.426)  # Fader, Hardie, Lee (2005), table 2


def rows(x: float, last: float, age: float) -> Rows:
    return Rows(*(np.array([value], float) for value in (x, last, age, 1)))


def test_the_published_example_is_expected_to_buy_1_226_times() -> None:
    assert forecasts.expected(CDNOW, rows(2, 30.43, 38.86), weeks=39)[0] == pytest.approx(1.226, abs=0.001)


def test_two_thousand_purchases_overflow_nothing() -> None:
    found = forecasts.expected(CDNOW, rows(2_000, 100, 100.1), weeks=39)
    assert np.isfinite(found[0])
    assert 0 < found[0] < 2_000


def test_whoever_came_once_is_surely_alive_and_yet_unlikely_to_buy() -> None:
    once = rows(0, 0, 38)
    assert forecasts.chance_alive(CDNOW, once)[0] == 1
    assert forecasts.chance_to_buy(CDNOW, once, weeks=8)[0] < 0.1
    regular = rows(6, 37, 38)
    assert forecasts.chance_to_buy(CDNOW, regular, weeks=8)[0] > forecasts.chance_to_buy(CDNOW, once, weeks=8)[0]


def test_the_gradient_is_that_of_the_likelihood() -> None:
    some = Rows(
        np.array([0, 1, 3, 7.0]), np.array([0, 4, 20, 30.0]), np.array([30, 35, 36, 39.0]), np.array([9, 3, 2, 1.0])
    )
    __, gradient = forecasts.likelihood(CDNOW, some)
    for place in range(4):
        up, down = list(CDNOW), list(CDNOW)
        up[place] += 1e-6
        down[place] -= 1e-6
        slope = (forecasts.likelihood(Buying(*up), some)[0] - forecasts.likelihood(Buying(*down), some)[0]) / 2e-6
        assert gradient[place] == pytest.approx(slope, rel=1e-4)


def test_the_parameters_of_an_invented_shop_are_found_again() -> None:
    truth = Buying(0.8, 6.0, 0.9, 2.5)
    chance = np.random.default_rng(7)
    shop, later = forecasts.simulate(truth, age=chance.uniform(26, 52, 20_000), weeks=26, chance=chance)
    found = forecasts.fit(shop)
    assert found == pytest.approx(truth, rel=0.15)
    forecast = forecasts.expected(found, shop, weeks=26)
    assert forecast.sum() == pytest.approx(later.sum(), rel=0.04)
    bought = forecasts.chance_to_buy(found, shop, weeks=26)
    assert bought.mean() == pytest.approx((later > 0).mean(), abs=0.015)
    groups = forecasts.deciles(forecast=forecast, happened=later)
    assert sum(size for size, *__ in groups) == 20_000
    assert groups[0][1] == pytest.approx(groups[0][2], rel=0.1)


def test_counting_equal_customers_changes_no_figure() -> None:
    chance = np.random.default_rng(3)
    shop, __ = forecasts.simulate(CDNOW, age=chance.integers(30, 40, 3_000).astype(float), weeks=0, chance=chance)
    whole = Rows(shop.x, np.ceil(shop.last), shop.age, shop.count)
    few, place = forecasts.distinct(x=whole.x, last=whole.last, age=whole.age)
    assert len(few.x) < 1_000
    assert forecasts.likelihood(CDNOW, few)[0] == pytest.approx(forecasts.likelihood(CDNOW, whole)[0])
    assert np.array_equal(few.last[place], whole.last)
    assert forecasts.fit(few) == pytest.approx(forecasts.fit(whole), rel=1e-3)


def test_an_interval_holds_the_truth_of_the_shop() -> None:
    chance = np.random.default_rng(5)
    shop, __ = forecasts.simulate(CDNOW, age=np.full(1_500, 39.0), weeks=0, chance=chance)
    found = forecasts.fit(shop)
    draws = forecasts.bootstrapped(found, shop, draws=9, chance=chance)

    def year(at: Buying, these: Rows) -> np.ndarray:
        return forecasts.expected(at, these, weeks=52)

    low, high = forecasts.interval(draws, shop, year)
    assert (low <= high).all()
    assert low.sum() * 0.9 < year(CDNOW, shop).sum() < high.sum() * 1.1


def test_too_few_customers_are_refused() -> None:
    with pytest.raises(forecasts.TooFewCustomers) as caught:
        forecasts.fit(rows(1, 2, 3))
    assert caught.value.customers == 1
    with pytest.raises(forecasts.TooFewCustomers):
        forecasts.fit_spending(x=np.ones(5), mean=np.ones(5))


def test_spending_is_drawn_towards_everybodys() -> None:
    chance = np.random.default_rng(2)
    truth = Spending(6.25, 3.74, 15.44)
    x = chance.integers(1, 8, 6_000).astype(float)
    scale = chance.gamma(truth.q, 1 / truth.v, 6_000)
    mean = chance.gamma(truth.p * x) / (scale * x)
    found = forecasts.fit_spending(x=x, mean=mean)
    overall = found.p * found.v / (found.q - 1)
    assert overall == pytest.approx(truth.p * truth.v / (truth.q - 1), rel=0.03)
    shrunk = forecasts.mean_spending(found, x=np.array([1.0, 50.0]), mean=np.array([100.0, 100.0]))
    assert overall < shrunk[0] < shrunk[1] < 100


def test_the_expectation_is_the_integral_over_the_chance_of_a_purchase() -> None:
    """With a huge b nobody drops out, and what is left is the negative binomial: linear in time."""
    loyal = Buying(2.0, 10.0, 2.0, 1e7)
    some = rows(3, 20, 30)
    slope, __ = quad(lambda __: (loyal.r + 3) / (loyal.alpha + 30), 0, 12)
    assert forecasts.expected(loyal, some, weeks=12)[0] == pytest.approx(slope, rel=1e-3)
