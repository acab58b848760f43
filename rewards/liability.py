"""What the shop owes its customers in points, by vintage, what of it will hardly be asked for, and what it costs.

Reads the nightly tables of `rewards.vintages` alone. Points are whole; money is in the minor unit. The month of a statement
is the last that counts, so an earlier month can be closed later and says the same.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from math import isnan, sqrt

from django.db.models import F, Sum

from customers import months
from rewards import breakage
from rewards.models import RewardOrder, VintageMonth

# Below, nothing is foretold: so many vintages must have had something spent, and so many have run their course.
FEWEST_VINTAGES, FEWEST_SETTLED = 6, 2
SETTLED = 0.05  # of what was issued may be left
COST_MONTHS = 12


@dataclass(slots=True, kw_only=True)
class Vintage:
    """The points that became spendable in one month. `expected` is how many of those owed will be spent, with its error."""

    month_date: dt.date
    opened: int = 0
    redeemed: int = 0
    expired: int = 0
    other: int = 0
    expected: float | None = None
    error: float | None = None
    # What the statement's month did to it, by column.
    flows: dict[str, int] = field(default_factory=dict)
    # By age in months: spent and expired until then.
    spent_by_age: list[int] = field(default_factory=list)
    expired_by_age: list[int] = field(default_factory=list)

    @property
    def owed(self) -> int:
        """What is left in the lots."""
        return self.opened - self.redeemed - self.expired - self.other

    @property
    def opening(self) -> int:
        """What was left when the month began."""
        return self.owed - self.flows["opened"] + sum(self.flows[name] for name in ("redeemed", "expired", "other"))

    @property
    def issued(self) -> int:
        """What was issued and not taken back: what could be spent."""
        return self.opened - self.other

    @property
    def breakage(self) -> float | None:
        """How many of those owed will expire or lie there for ever."""
        return None if self.expected is None else self.owed - self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a point costs when it is spent on rewards: their cost prices over the points paid, of so many orders."""

    amount: int
    points: int
    orders: int

    def of(self, points: float) -> int | None:
        """Return the cost of so many points, None when nothing was ever ordered."""
        return round(points * self.amount / self.points) if self.points else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is owed at the end of a month. Sums of the forecast are None while there is too little to foretell from."""

    month_date: dt.date
    vintages: list[Vintage]
    opening: int
    opened: int
    redeemed: int
    expired: int
    other: int
    expected: float | None
    error: float | None
    cost: Cost

    @property
    def owed(self) -> int:
        """Points owed at the end of the month."""
        return self.opening + self.opened - self.redeemed - self.expired - self.other

    @property
    def breakage(self) -> float | None:
        """Points owed that will not be spent."""
        return None if self.expected is None else self.owed - self.expected

    @property
    def thousand(self) -> int | None:
        """What a thousand points cost."""
        return self.cost.of(1_000)

    @property
    def value(self) -> int | None:
        """What the points cost that will be spent; without a forecast, all that are owed."""
        return self.cost.of(self.owed if self.expected is None else self.expected)


def statement(*, month: dt.date) -> Statement:
    """Return what is owed at the end of a month, by vintage, the oldest first. Three queries, however many points."""
    rows = list(VintageMonth.objects.filter(month_date__lte=month).order_by("vintage_date", "month_date"))
    vintages = _vintages(rows, month)
    _foretell(vintages, month)
    flows = {name: sum(vintage.flows[name] for vintage in vintages) for name in _FLOWS}
    total = _total(vintages)
    return Statement(
        month_date=month, vintages=vintages, opening=sum(vintage.opening for vintage in vintages), **flows,
        expected=total[0], error=total[1], cost=cost_of_points(month=month),
    )  # fmt: skip


_FLOWS = ("opened", "redeemed", "expired", "other")


def cost_of_points(*, month: dt.date) -> Cost:
    """Return what points cost by the rewards taken and kept in the twelve months up to the end of one, cash on top taken off."""
    since, until = months.bounds(months.plus(month, 1 - COST_MONTHS))[0], months.bounds(month)[1]
    taken = RewardOrder.objects.standing().filter(ordered_at__gte=since, ordered_at__lt=until, points__gt=0)
    sums = taken.aggregate(cost=Sum(F("reward__cost_price") - F("price")), points=Sum("points"))
    orders = taken.count()
    return Cost(amount=max(0, sums["cost"] or 0), points=sums["points"] or 0, orders=orders)


def _vintages(rows: list[VintageMonth], last: dt.date) -> list[Vintage]:
    by_vintage: dict[dt.date, list[VintageMonth]] = defaultdict(list)
    for row in rows:
        by_vintage[row.vintage_date].append(row)
    found = []
    for month, own in sorted(by_vintage.items()):
        vintage = Vintage(month_date=month, **{name: sum(getattr(row, name) for row in own) for name in _FLOWS})
        vintage.flows = {name: sum(getattr(row, name) for row in own if row.month_date == last) for name in _FLOWS}
        ages = max(0, months.between(month, last) + 1)
        spent, gone = [0] * ages, [0] * ages
        for row in own:
            if ages:
                age = max(0, months.between(month, row.month_date))
                spent[age] += row.redeemed
                gone[age] += row.expired
        vintage.spent_by_age, vintage.expired_by_age = _running(spent), _running(gone)
        found.append(vintage)
    return found


def _running(values: list[int]) -> list[int]:
    total, found = 0, []
    for value in values:
        total += value
        found.append(total)
    return found


def _foretell(vintages: list[Vintage], last: dt.date) -> None:
    """Write into each vintage how many of its points will still be spent, where that can be said at all.

    The chain ladder goes by vintages in which something was spent; the others get the share of all of them. Nobody spends more than is
    left. Without vintages that have run their course nobody knows the end, and nothing is said.
    """
    begun = [vintage for vintage in vintages if vintage.spent_by_age]
    usable = [vintage for vintage in begun if vintage.redeemed > 0]
    settled = [vintage for vintage in usable if vintage.owed <= SETTLED * max(vintage.issued, 1)]
    if len(usable) < FEWEST_VINTAGES or len(settled) < FEWEST_SETTLED or begun[0].month_date == last:
        return
    result = breakage.ladder([vintage.spent_by_age for vintage in usable])
    rates = []
    for vintage, ultimate, error in zip(usable, result.ultimates, result.errors, strict=True):
        if isnan(ultimate):
            continue
        vintage.expected = min(max(ultimate - vintage.redeemed, 0.0), float(vintage.owed))
        vintage.error = min(error, float(vintage.owed)) if vintage.owed else 0.0
        if vintage.issued > 0:
            rates.append((vintage.redeemed + vintage.expected) / vintage.issued)
    mean = sum(rates) / len(rates)
    spread = sqrt(sum((rate - mean) ** 2 for rate in rates) / max(len(rates) - 1, 1))
    for vintage in vintages:
        if vintage.expected is None:
            vintage.expected = min(max(mean * vintage.issued - vintage.redeemed, 0.0), float(max(vintage.owed, 0)))
            vintage.error = min(spread * max(vintage.issued, 0), float(max(vintage.owed, 0)))


def _total(vintages: list[Vintage]) -> tuple[float | None, float | None]:
    """Return the sum of the forecast and its error; the vintages share what they were read from, so errors add up."""
    if not vintages or any(vintage.expected is None for vintage in vintages):
        return None, None
    return sum(v.expected or 0 for v in vintages), sum(v.error or 0 for v in vintages)
