"""What a basket earns: a pure function of the basket and the rules, and the explanation of the result.

Points = floor of the sum over the rules of basis x rate x multipliers, over the lines that no rule excludes, and no more
than the caps leave. One rounding step, at the end, downwards, so rounding never creates a point. docs/points.md works
through the numbers.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from customers.timezones import programme_date, start_of_day, zone
from rewards.dates import add_months, end_of_month
from rewards.models import EarningRule

ONCE = 10_000
Kind = EarningRule.Kind


class BasketLine(NamedTuple):
    """One line: `total` is after the line's own discount, in the minor unit."""

    product_id: int
    category_id: int | None
    quantity: int
    total: int
    earns: bool = True  # False for gift cards, shipping and the like, whatever the rules say


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What is bought, where and when; `off` is taken off the whole receipt (discounts, coupons, points)."""

    store_id: int
    time_zone: str
    occurred_at: dt.datetime
    lines: Sequence[BasketLine]
    off: int = 0

    @property
    def moment(self) -> dt.datetime:
        """When it is bought, by the store's clock."""
        return self.occurred_at.astimezone(zone(self.time_zone))


class Part(NamedTuple):
    """What one rule gave."""

    rule: EarningRule
    basis: int
    points: int


class Cut(NamedTuple):
    """What the tightest cap left room for, and what it cut off."""

    rule: EarningRule
    room: int
    trimmed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """The points of a basket and why; `rule` decides when they expire."""

    points: int
    basis: int
    parts: tuple[Part, ...]
    multipliers: tuple[EarningRule, ...]
    tier_multiplier: int
    coupon_multiplier: int
    rule: EarningRule | None
    categories: tuple[int | None, ...] = ()
    exclusions: tuple[EarningRule, ...] = ()
    left_out: int = 0
    caps: tuple[EarningRule, ...] = ()
    cut: Cut | None = None

    @property
    def trimmed(self) -> int:
        """The points that a cap cut off."""
        return self.cut.trimmed if self.cut else 0

    def explanation(self) -> dict[str, Any]:
        """Return what the books keep: the rule versions, so that a refund computes with these and no newer ones.

        The categories of the lines are kept when a rule looked at them, for a product may move to another one.
        """
        looked = any(
            rule.category_id for rule in (*(part.rule for part in self.parts), *self.multipliers, *self.exclusions)
        )
        coupon = {"coupon": self.coupon_multiplier} if self.coupon_multiplier != ONCE else {}
        return ({"categories": list(self.categories)} if looked else {}) | coupon | self._less() | {
            "basis": self.basis,
            "multiplier": self.tier_multiplier,
            "parts": [
                _named(part.rule) | {"kind": part.rule.kind, "basis": part.basis, "points": part.points,
                                     "rate": part.rule.points, "per_amount": part.rule.per_amount}
                for part in self.parts
            ],
            "multipliers": [_named(rule) | {"multiplier": rule.multiplier} for rule in self.multipliers],
        }  # fmt: skip

    def _less(self) -> dict[str, Any]:
        """Return why it is not more: the exclusions that held, and the cap that cut something off."""
        left_out = {"left_out": self.left_out} if self.left_out else {}
        if self.exclusions:
            left_out["exclusions"] = [_named(rule) for rule in self.exclusions]
        if self.cut is None:
            return left_out
        return left_out | {"cap": _named(self.cut.rule) | {"room": self.cut.room, "trimmed": self.cut.trimmed}}


def _named(rule: EarningRule) -> dict[str, Any]:
    return {"rule": rule.pk, "key": rule.key, "version": rule.version, "name_en": rule.name_en, "name_zh": rule.name_zh}


def earn(
    *,
    basket: Basket,
    rules: Iterable[EarningRule],
    tier_multiplier: int = ONCE,
    coupon_multiplier: int = ONCE,
    rooms: Mapping[str, int] | None = None,
) -> Earned:
    """Return what a basket earns under some rules. Pure: reads nothing, writes nothing.

    `rooms` is what caps still leave, by the key of their rule; without it a cap has all its room.
    """
    moment = basket.moment
    held = [rule for rule in rules if _holds(rule, moment, basket.store_id)]
    lines, shares = list(basket.lines), basis_shares([line.total for line in basket.lines], basket.off)
    exclusions = [rule for rule in held if rule.kind == Kind.EXCLUSION and any(_covers(rule, line) for line in lines)]
    left_out = sum(not line.earns for line in lines)
    if exclusions or left_out:
        kept = [n for n, line in enumerate(lines) if _counts(line, exclusions)]
        lines, shares = [lines[n] for n in kept], [shares[n] for n in kept]
    basis = sum(shares)
    live = [rule for rule in held if basis >= rule.minimum_basket]
    multipliers = tuple(
        rule for rule in live if rule.kind == Kind.MULTIPLIER and any(_covers(rule, line) for line in lines)
    )
    parts: list[tuple[EarningRule, int, Fraction]] = []
    whole = Fraction(tier_multiplier * coupon_multiplier, ONCE * ONCE)
    for rule in live:
        if rule.kind in (Kind.AMOUNT, Kind.VISIT, Kind.ITEM):
            covered, amount = _amount(rule, lines, shares, multipliers)
            if amount:
                parts.append((rule, covered, amount if whole == 1 else amount * whole))
    return _result(
        parts, [rule for rule in held if rule.kind == Kind.CAP], rooms, basis=basis, multipliers=multipliers,
        tier_multiplier=tier_multiplier, coupon_multiplier=coupon_multiplier, exclusions=tuple(exclusions),
        left_out=left_out, categories=tuple(line.category_id for line in basket.lines),
    )  # fmt: skip


def excluded(*, basket: Basket, rules: Iterable[EarningRule]) -> tuple[int, list[bool]]:
    """Return what is paid for goods that never earn, in the minor unit, and which lines these are. Pure.

    By the product itself or by a rule; a line counts after its share of what came off the whole receipt.
    """
    exclusions = [
        rule for rule in rules if rule.kind == Kind.EXCLUSION and _holds(rule, basket.moment, basket.store_id)
    ]
    marks = [not _counts(line, exclusions) for line in basket.lines]
    if not any(marks):
        return 0, marks
    shares = basis_shares([line.total for line in basket.lines], basket.off)
    return sum(share for share, is_out in zip(shares, marks, strict=True) if is_out), marks


def _counts(line: BasketLine, exclusions: Sequence[EarningRule]) -> bool:
    return line.earns and not any(_covers(rule, line) for rule in exclusions)


def earn_event(
    *, event: str, occurred_at: dt.datetime, rules: Iterable[EarningRule], rooms: Mapping[str, int] | None = None
) -> Earned:
    """Return what an event earns under some rules, wherever it happens: rules and caps of one store do not hold. Pure."""
    moment = occurred_at.astimezone(zone(""))
    held = [rule for rule in rules if rule.store_id is None and _holds(rule, moment, 0)]
    parts = [
        (rule, 0, Fraction(rule.points))
        for rule in held
        if rule.kind == Kind.EVENT and rule.event == event and rule.points
    ]
    return _result(
        parts, [rule for rule in held if rule.kind == Kind.CAP], rooms, basis=0, multipliers=(), tier_multiplier=ONCE,
        coupon_multiplier=ONCE,
    )  # fmt: skip


def _result(
    parts: Sequence[tuple[EarningRule, int, Fraction]],
    caps: Sequence[EarningRule],
    rooms: Mapping[str, int] | None,
    **rest: Any,
) -> Earned:
    """Round once, cut to what the caps leave, and share the points out over the rules."""
    exact = [amount for *__, amount in parts]
    total, cut = int(sum(exact, Fraction(0))), None
    if caps:
        room, tightest = min(
            ((max(0, (rooms or {}).get(rule.key, rule.points)), rule) for rule in caps), key=lambda each: each[0]
        )
        if room < total:
            cut = Cut(tightest, room, total - room)
            exact, total = [amount * room / sum(exact, Fraction(0)) for amount in exact], room
    rounded = _spread(total, exact)
    given = tuple(Part(rule, covered, points) for (rule, covered, __), points in zip(parts, rounded, strict=True))
    if not total:
        rest["multipliers"] = ()
    strongest = max(given, key=lambda part: part.points).rule if given else None
    return Earned(points=total, parts=given, rule=strongest, caps=tuple(caps), cut=cut, **rest)


def _amount(
    rule: EarningRule, lines: Sequence[BasketLine], shares: Sequence[int], multipliers: Sequence[EarningRule]
) -> tuple[int, Fraction]:
    """Return the basis a rule covers and the points it gives before rounding."""
    covered = list(zip(lines, shares, strict=True))
    if rule.product_id or rule.category_id:
        covered = [(line, share) for line, share in covered if _covers(rule, line)]
    basis = sum(share for __, share in covered)
    if rule.kind == Kind.VISIT:
        whole = [multiplier for multiplier in multipliers if not multiplier.category_id and not multiplier.product_id]
        return basis, rule.points * _product(whole) if covered and basis else Fraction(0)
    if not multipliers:
        counted = basis if rule.kind == Kind.AMOUNT else sum(line.quantity for line, __ in covered)
        return basis, Fraction(counted * rule.points, rule.per_amount or 1)
    total = Fraction(0)
    for line, share in covered:
        counted = share if rule.kind == Kind.AMOUNT else line.quantity
        factor = _product([multiplier for multiplier in multipliers if _covers(multiplier, line)])
        total += Fraction(counted * rule.points, rule.per_amount or 1) * factor
    return basis, total


def _product(multipliers: Iterable[EarningRule]) -> Fraction:
    factor = Fraction(1)
    for rule in multipliers:
        factor *= Fraction(rule.multiplier, ONCE)
    return factor


def _holds(rule: EarningRule, moment: dt.datetime, store_id: int) -> bool:
    """Return whether a rule holds at a local time in a store."""
    return rule.is_in_window(moment) and rule.store_id in (None, store_id) and _is_in_hours(rule, moment)


def _is_in_hours(rule: EarningRule, moment: dt.datetime) -> bool:
    """Return whether a local time lies in a rule's weekdays and hours; hours past midnight belong to the day before."""
    day = moment.isoweekday()
    if rule.from_time is not None and rule.until_time is not None:
        clock = moment.time()
        is_after, is_before = rule.from_time <= clock, clock < rule.until_time
        if rule.from_time < rule.until_time:
            if not (is_after and is_before):
                return False
        elif not (is_after or is_before):
            return False
        elif not is_after:
            day = (day - 2) % 7 + 1
    return not rule.weekdays or str(day) in rule.weekdays


def _covers(rule: EarningRule, line: BasketLine) -> bool:
    return rule.product_id in (None, line.product_id) and rule.category_id in (None, line.category_id)


def basis_shares(totals: Sequence[int], off: int) -> list[int]:
    """Return what is left of each line after its share of what came off the whole receipt.

    Shares follow the totals, by largest remainder, and add up exactly.
    """
    if not off:
        return list(totals)
    whole = sum(totals)
    if off >= whole:
        return [0] * len(totals)
    return [
        total - share
        for total, share in zip(totals, _spread(off, [Fraction(off * total, whole) for total in totals]), strict=True)
    ]


def _spread(total: int, exact: Sequence[Fraction]) -> list[int]:
    """Round the exact parts of a whole number to whole numbers that add up to it, by largest remainder."""
    if len(exact) == 1:
        return [total]
    floors = [int(part) for part in exact]
    order = sorted(range(len(exact)), key=lambda n: (floors[n] - exact[n], n))
    for n in order[: total - sum(floors)]:
        floors[n] += 1
    return floors


def expires_at(rule: EarningRule | None, activates_at: dt.datetime) -> dt.datetime | None:
    """Return when points that can be spent from `activates_at` end under a rule; None is never, or only with absence.

    The usual rule: so many months later, then to the end of that month in the programme's time zone.
    """
    if rule is None or rule.expiry in (EarningRule.Expiry.NEVER, EarningRule.Expiry.INACTIVITY):
        return None
    if rule.expiry == EarningRule.Expiry.FIXED and rule.expiry_date is not None:
        return _next_end(rule.expiry_date, activates_at)
    later = add_months(programme_date(activates_at), rule.expiry_months)
    if rule.expiry == EarningRule.Expiry.ROLLING:
        return start_of_day(later + dt.timedelta(days=1))
    return end_of_month(later)


def inactive_months(rule: EarningRule | None) -> int | None:
    """Return after how many months without activity points end under a rule; None when they do not depend on it."""
    if rule is None or rule.expiry != EarningRule.Expiry.INACTIVITY:
        return None
    return rule.expiry_months


def _next_end(day: dt.date, activates_at: dt.datetime) -> dt.datetime:
    """Return the end of a day, or of the same day in the first year in which that lies after the activation."""
    years = 0
    while (end := start_of_day(add_months(day, 12 * years) + dt.timedelta(days=1))) <= activates_at:
        years += 1
    return end
