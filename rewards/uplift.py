"""Did it bring people back, and did it pay? The report of a trial: two outcomes fixed beforehand, or why there is no answer.

Intervals hold while they are watched (rewards/sequences.py). A failed check replaces the result: a bent coin or a message before
its assignment makes every figure worthless. docs/surprises.md#what-is-measured works through it.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from django.db.models import Count, F, Q

from rewards import coins, covariates, pooling, proportions, sequences
from rewards.covariates import Moments
from rewards.models import Assignment, Surprise, Trial
from rewards.models.surprise import FAMILIES
from rewards.outcomes import Totals, got_it_too, totals
from rewards.proportions import Share
from rewards.sequences import Interval, Sums

BENT_COIN, EARLY_MESSAGE, GOT_IT_TOO = "bent_coin", "early_message", "got_it_too"
MOST_GOT_IT_TOO = 0.05  # of those who are compared; with fewer, the effect is only understated
FAMILIES_IN_ORDER = tuple(dict.fromkeys(FAMILIES.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One side: how many were assigned, of how many the days are over, how many came back, what each brought and cost."""

    assigned: int
    counted: int
    came_back: int
    margin: float
    cost: float

    @property
    def share(self) -> Share:
        """Who came back, of those whose days are over."""
        return Share(self.came_back, self.counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a trial says now. `problem` replaces every result; an interval is empty while there are too few customers.

    `came_back` is a difference of shares, `margin` one of money per assigned customer after costs, in the minor unit.
    `needed` and `needed_margin` say how many customers more would show what was called worthwhile. `final` is Newcombe's
    interval, once all days are over and the trial ran as planned. `got_it_too` counts those compared who were given the same
    by another way.
    """

    trial: Trial
    gift: Arm
    control: Arm
    problem: str
    came_back: Interval | None
    margin: Interval | None
    final: Interval | None
    needed: int
    needed_margin: int
    variance_removed: float
    got_it_too: int

    @property
    def counted(self) -> int:
        """How many customers count so far."""
        return self.gift.counted + self.control.counted

    @property
    def assigned(self) -> int:
        """How many customers were assigned, those whose days go on included."""
        return self.gift.assigned + self.control.assigned

    @property
    def excludes_benefit(self) -> bool:
        """Whether fewer come back, or it costs more than it brings, beyond doubt."""
        return any(it is not None and it.excludes_benefit for it in (self.came_back, self.margin))

    @property
    def error(self) -> float | None:
        """The standard error of the difference of shares, for pooling; None while there is no interval."""
        if self.came_back is None:
            return None
        smooth = [Share(arm.came_back + 1, arm.counted + 2) for arm in (self.gift, self.control)]
        return sqrt(sum(share.rate * (1 - share.rate) / share.of for share in smooth))


def report(*, trial: Trial, now: dt.datetime, too: int | None = None) -> Report:
    """Return what a trial says at an instant, by a handful of queries however large it is.

    `too` counts those compared who were given the same by another way, where only the caller can know.
    """
    found, assigned = totals(trial=trial, now=now), _assigned(trial, now)
    gift, control = (_arm(arm, number) for arm, number in zip(found, assigned, strict=True))
    too = got_it_too(trial=trial, now=now) if too is None else too
    problem = problem_of(trial=trial) or (GOT_IT_TOO if too > MOST_GOT_IT_TOO * control.assigned else "")
    moments = [arm.moments for arm in found]
    came_back = margin = final = None
    if not problem:
        came_back = sequences.watched(
            *(_sums(arm.share) for arm in (gift, control)), planned=trial.planned, are_shares=True
        )
        adjusted = covariates.adjusted(*moments)
        margin = sequences.watched(*adjusted, planned=trial.planned, are_shares=False)
        final = _final(trial, gift, control, now)
    return Report(
        trial=trial, gift=gift, control=control, problem=problem, came_back=came_back, margin=margin, final=final,
        needed=_needed(trial, gift, control), needed_margin=_needed_margin(trial, moments),
        variance_removed=covariates.removed(*moments), got_it_too=too,
    )  # fmt: skip


def problem_of(*, trial: Trial) -> str:
    """Return what makes a result worthless: a coin that did not stay fair, a message before its assignment; or nothing."""
    rows = Assignment.objects.filter(trial=trial)
    counts = rows.aggregate(
        heads=Count("pk", filter=Q(is_gift=True)),
        tosses=Count("pk"),
        early=Count("pk", filter=Q(first_message_at__lt=F("assigned_at"))),
        given=Count("pk", filter=Q(gift__coupon__issued_at__lt=F("assigned_at"))),
    )
    if counts["early"] or counts["given"]:
        return EARLY_MESSAGE
    if not coins.is_fair(heads=counts["heads"], tosses=counts["tosses"], odds=trial.odds):
        return BENT_COIN
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The surprises of one kind of occasion together; `pool` is empty while fewer than two of them have an interval."""

    family: str
    reports: list[Report]
    pool: pooling.Pool | None

    @property
    def rows(self) -> list[tuple[Report, pooling.Pooled | None]]:
        """Each report with what it is after borrowing from the others."""
        each = list(self.pool.each) if self.pool else [None] * len(self.reports)
        return list(zip(self.reports, each, strict=True))


def families(*, reports: Iterable[Report]) -> list[Family]:
    """Return the kinds of occasions with the reports of their surprises, pooled where there are several."""
    found: dict[str, list[Report]] = {}
    for each in reports:
        found.setdefault(FAMILIES[each.trial.surprise.trigger], []).append(each)
    return [_family(family, found[family]) for family in FAMILIES_IN_ORDER if family in found]


def newest(*, now: dt.datetime, most: int = 60) -> list[Report]:
    """Return the reports of the newest surprises, the newest first."""
    rows = (
        Surprise.objects.filter(trial__opened_at__lte=now)
        .select_related("trial__surprise__batch")
        .order_by("-pk")[:most]
    )
    return [report(trial=row.trial, now=now) for row in rows]


def _family(family: str, reports: list[Report]) -> Family:
    shown = [it for it in reports if it.came_back is not None]
    effects = [(it.came_back.estimate, it.error) for it in shown if it.came_back is not None and it.error is not None]
    return Family(family=family, reports=shown, pool=pooling.pool(effects))


def _assigned(trial: Trial, now: dt.datetime) -> tuple[int, int]:
    counts = Assignment.objects.counted().filter(trial=trial, assigned_at__lte=now).aggregate(
        gift=Count("pk", filter=Q(is_gift=True)), control=Count("pk", filter=Q(is_gift=False))
    )  # fmt: skip
    return counts["gift"], counts["control"]


def _arm(found: Totals, assigned: int) -> Arm:
    counted = int(found.moments.customers)
    number = max(counted, 1)
    return Arm(
        assigned=assigned,
        counted=counted,
        came_back=found.came_back,
        margin=found.margin / number,
        cost=found.cost / number,
    )


def _sums(share: Share) -> Sums:
    return Sums(share.of, share.hits, share.hits)


def _final(trial: Trial, gift: Arm, control: Arm, now: dt.datetime) -> Interval | None:
    """Return the interval for one look at the end: when nothing is open any more, and nobody stopped for what they saw."""
    is_over = trial.closed_at is not None and trial.closed_at <= now
    all_counted = gift.assigned == gift.counted and control.assigned == control.counted
    as_planned = not trial.is_cut_short or gift.counted + control.counted >= trial.planned
    if not (is_over and all_counted and as_planned and gift.counted and control.counted):
        return None
    return proportions.newcombe(gift.share, control.share)


def _needed(trial: Trial, gift: Arm, control: Arm) -> int:
    """Return how many customers more would show the worthwhile effect, by the share that comes back without a gift."""
    base = control.share.rate if control.counted >= sequences.FEWEST_EACH else trial.base / coins.ALL
    in_all = proportions.needed(base=base, effect=trial.worthwhile / coins.ALL, odds=trial.odds / coins.ALL)
    return max(0, in_all - gift.counted - control.counted)


def _needed_margin(trial: Trial, moments: list[Moments]) -> int:
    counted = sum(int(arm.customers) for arm in moments)
    if counted < 2 * sequences.FEWEST_EACH:
        return 0
    arms = covariates.adjusted(*moments)
    variance = sum(float(arm.customers * arm.variance) for arm in arms) / counted
    in_all = proportions.needed_for_mean(variance=variance, effect=trial.worthwhile_margin, odds=trial.odds / coins.ALL)
    return max(0, in_all - counted)
