"""How often a customer will come back, and for how much: BG/NBD and gamma-gamma.

Fader, Hardie, Lee: "Counting Your Customers" the Easy Way (2005); Fader, Hardie: The Gamma-Gamma Model of Monetary Value
(2013). Times are in weeks. `x` is how often a customer came back after the first time, `last` when that was, `age` how
long the customer has been known, both since the first purchase. `count` is how many customers share such a row.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy  # loads scipy.special when it is first used: half a second that most processes never need

FEWEST_CUSTOMERS = 200
FEWEST_REPEATERS = 500  # to show anything to a merchant
FEWEST_DAYS = 180
# Of the logarithms: customers who all come like clockwork would drive them to infinity, where no series converges.
BOUNDS = [(-9, 5), (-9, 9), (-9, 6), (-9, 6)]


class TooFewCustomers(Exception):
    """Raised when there are too few customers to fit anything to; the data of an attribute says how many there are."""

    def __init__(self, customers: int) -> None:
        self.customers = customers
        super().__init__(f"{customers} customers are too few for a forecast.")


class Rows(NamedTuple):
    """Distinct histories with the number of customers that share each."""

    x: np.ndarray
    last: np.ndarray
    age: np.ndarray
    count: np.ndarray


class Buying(NamedTuple):
    """The parameters of BG/NBD: rates are gamma (r, alpha), dropping out after a purchase is beta (a, b)."""

    r: float
    alpha: float
    a: float
    b: float


class Spending(NamedTuple):
    """The parameters of gamma-gamma."""

    p: float
    q: float
    v: float


def distinct(*, x: np.ndarray, last: np.ndarray, age: np.ndarray) -> tuple[Rows, np.ndarray]:
    """Return the distinct rows with their counts, and for each customer the row's place."""
    table, place, count = np.unique(np.column_stack([x, last, age]), axis=0, return_inverse=True, return_counts=True)
    return Rows(table[:, 0], table[:, 1], table[:, 2], count.astype(float)), place.ravel()


def fit(rows: Rows, *, start: Buying | None = None) -> Buying:
    """Return the likeliest parameters. Raises TooFewCustomers."""
    if rows.count.sum() < FEWEST_CUSTOMERS:
        raise TooFewCustomers(int(rows.count.sum()))
    scale = 1.0 if start else max(float(rows.age.max()) / 10, 1e-9)
    scaled = rows._replace(last=rows.last / scale, age=rows.age / scale)
    begin = np.log(start or (0.5, 1.0, 0.5, 1.5))
    total = rows.count.sum()

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = likelihood(Buying(*np.exp(logs)), scaled)
        return -value / total, -gradient * np.exp(logs) / total

    from scipy.optimize import minimize  # half a second that only a fit needs

    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=BOUNDS, options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 2_000})  # fmt: skip
    r, alpha, a, b = np.exp(found.x)
    return Buying(float(r), float(alpha * scale), float(a), float(b))


def likelihood(at: Buying, rows: Rows) -> tuple[float, np.ndarray]:
    """Return the log-likelihood and its gradient by the four parameters."""
    r, alpha, a, b = at
    x, last, age, count = rows
    came = x > 0
    before = np.maximum(b + x - 1, 1e-300)
    alive = -(r + x) * np.log(alpha + age)
    with np.errstate(divide="ignore", invalid="ignore"):
        gone = np.where(came, np.log(a) - np.log(before) - (r + x) * np.log(alpha + last), -np.inf)
    either = np.logaddexp(alive, gone)
    of_gone = np.exp(gone - either)
    of_alive = 1 - of_gone
    value = (
        scipy.special.gammaln(r + x) - scipy.special.gammaln(r) + r * np.log(alpha)
        + scipy.special.gammaln(a + b) + scipy.special.gammaln(b + x) - scipy.special.gammaln(b) - scipy.special.gammaln(a + b + x)
        + either
    )  # fmt: skip
    gradient = np.array(
        [
            count @ (scipy.special.digamma(r + x) - scipy.special.digamma(r) + np.log(alpha) - of_alive * np.log(alpha + age) - of_gone * np.log(alpha + last)),
            count @ (r / alpha - (r + x) * (of_alive / (alpha + age) + of_gone / (alpha + last))),
            count @ (scipy.special.digamma(a + b) - scipy.special.digamma(a + b + x) + of_gone / a),
            count @ (scipy.special.digamma(a + b) + scipy.special.digamma(b + x) - scipy.special.digamma(b) - scipy.special.digamma(a + b + x) - np.where(came, of_gone / before, 0)),
        ]
    )  # fmt: skip
    return float(count @ value), gradient


def chance_alive(at: Buying, rows: Rows) -> np.ndarray:
    """Return the chance that a customer has not dropped out. Never rank by it: whoever came once has 1."""
    r, alpha, a, b = at
    x, last, age, __ = rows
    odds = np.log(a) - np.log(np.maximum(b + x - 1, 1e-300)) + (r + x) * (np.log(alpha + age) - np.log(alpha + last))
    return np.where(x > 0, 1 / (1 + np.exp(np.minimum(odds, 700))), 1.0)


def expected(at: Buying, rows: Rows, *, weeks: float) -> np.ndarray:
    """Return how often each will buy in the next weeks. After Euler's transformation, so that large x do not overflow."""
    r, alpha, a, b = at
    x, age = rows.x, rows.age
    u = (alpha + age) / (alpha + age + weeks)
    series = scipy.special.hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, 1 - u)
    return (a + b + x - 1) / (a - 1) * (1 - u ** (a - 1) * series) * chance_alive(at, rows)


def chance_to_buy(at: Buying, rows: Rows, *, weeks: float) -> np.ndarray:
    """Return the chance that each buys at all within the next weeks."""
    r, alpha, *__ = at
    stays_away = ((alpha + rows.age) / (alpha + rows.age + weeks)) ** (r + rows.x)
    return chance_alive(at, rows) * (1 - stays_away)


def fit_spending(*, x: np.ndarray, mean: np.ndarray) -> Spending:
    """Return the likeliest parameters of what is spent, from those who came back `x` times and spent `mean` on average then.

    Raises TooFewCustomers.
    """
    keep = (x > 0) & (mean > 0)
    x, scale = x[keep], float(mean[keep].mean()) if keep.any() else 1.0
    mean = mean[keep] / scale
    if len(x) < FEWEST_CUSTOMERS:
        raise TooFewCustomers(len(x))

    def loss(logs: np.ndarray) -> float:
        p, q, v = np.exp(logs)
        value = (
            scipy.special.gammaln(p * x + q) - scipy.special.gammaln(p * x) - scipy.special.gammaln(q) + q * np.log(v) + (p * x - 1) * np.log(mean)
            + p * x * np.log(x) - (p * x + q) * np.log(x * mean + v)
        )  # fmt: skip
        return float(-value.mean())

    from scipy.optimize import minimize  # half a second that only a fit needs

    found = minimize(loss, np.log([6.0, 4.0, 0.6]), method="L-BFGS-B", bounds=[(-7, 7)] * 3)
    p, q, v = np.exp(found.x)
    return Spending(float(p), float(q), float(v * scale))


def mean_spending(at: Spending, *, x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return what each is expected to spend at a time: the own mean, drawn towards everybody's."""
    p, q, v = at
    return p * (v + x * mean) / (p * x + q - 1)


def simulate(at: Buying, *, age: np.ndarray, weeks: float, chance: np.random.Generator) -> tuple[Rows, np.ndarray]:
    """Invent customers who behave as the parameters say: their histories of some ages, and how often each buys in the weeks after."""
    rate = chance.gamma(at.r, 1 / at.alpha, len(age))
    drop = chance.beta(at.a, at.b, len(age))
    x, last, later, clock = (np.zeros(len(age)) for __ in range(4))
    alive = np.ones(len(age), bool)
    while alive.any():
        clock = np.where(alive, clock + chance.exponential(1 / np.maximum(rate, 1e-12)), clock)
        inside, after = alive & (clock <= age), alive & (clock > age) & (clock <= age + weeks)
        x, last, later = x + inside, np.where(inside, clock, last), later + after
        alive &= (clock <= age + weeks) & (chance.random(len(age)) >= drop)
    return Rows(x, last, age, np.ones(len(age))), later


def bootstrapped(at: Buying, rows: Rows, *, draws: int, chance: np.random.Generator) -> list[Buying]:
    """Return the parameters fitted to `draws` invented shops of the same customers' ages (the parametric bootstrap)."""
    age = np.repeat(rows.age, rows.count.astype(int))
    found = []
    for __ in range(draws):
        invented, __later = simulate(at, age=age, weeks=0, chance=chance)
        found.append(fit(invented, start=at))
    return found


def interval(
    draws: list[Buying], rows: Rows, figure: Callable[[Buying, Rows], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest of a figure over the draws: with 19 draws 90 % of what the fit may be off by."""
    values = np.array([figure(draw, rows) for draw in draws])
    return values.min(axis=0), values.max(axis=0)


def deciles(*, forecast: np.ndarray, happened: np.ndarray) -> list[tuple[int, float, float]]:
    """Return customers, mean forecast and mean of what happened in ten groups by forecast, the highest first."""
    order = np.argsort(-forecast, kind="stable")
    return [
        (len(part), float(forecast[part].mean()), float(happened[part].mean()))
        for part in np.array_split(order, 10)
        if len(part)
    ]
