"""What assigned customers did afterwards, and before: one row for each, gift or compared, delivered or not.

A customer counts once the days to come back are over. Only the first occasion of each customer counts, and the purchase that
was the occasion never does. Money is in the currency's minor unit. The database adds up, so that a trial of a million customers
takes no more memory than one of ten.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.db.models import (
    Aggregate,
    BigIntegerField,
    Case,
    CharField,
    Count,
    Exists,
    Expression,
    F,
    FilteredRelation,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Concat, Greatest, NullIf
from django.db.models.lookups import GreaterThan

from customers.models import Return
from rewards.covariates import Moments
from rewards.models import Assignment, Coupon, CouponBatch, CouponUse, PointTransaction, Trial
from rewards.models.points import Kind
from rewards.models.trial import AssignmentQuerySet

AT_ONCE = 2_000
_ALL = 10_000


@dataclass(slots=True, kw_only=True)
class Outcome:
    """One customer: purchases kept within the days after, margin before and after, and what gift and message cost."""

    assignment_id: int
    customer_id: int
    is_gift: bool
    assigned_at: dt.datetime
    closes_at: dt.datetime
    gift_cost: int
    message_cost: int
    purchases: int = 0
    before: float = 0.0
    margin: float = 0.0

    @property
    def has_come_back(self) -> bool:
        """Whether anything was bought and kept."""
        return self.purchases > 0

    @property
    def net(self) -> float:
        """The margin after what gift and message cost."""
        return self.margin - self.gift_cost - self.message_cost


class Totals(NamedTuple):
    """One arm added up: how many came back, margin and costs, and what its intervals are made of, by margin after costs."""

    came_back: int
    margin: float
    cost: float
    moments: Moments


def outcomes(*, trial: Trial, now: dt.datetime) -> Iterator[Outcome]:
    """Give the customers of a trial whose days are over, in the order in which they were assigned."""
    rows = _counted(trial, now).order_by("assigned_at", "pk")
    for row in rows.iterator(chunk_size=AT_ONCE):
        yield Outcome(assignment_id=row.pop("pk"), **row)


def totals(*, trial: Trial, now: dt.datetime) -> tuple[Totals, Totals]:
    """Return the same customers added up, those with a gift first: one statement, however many they are."""
    cost = F("gift_cost") + F("message_cost")
    net, before = F("margin") - cost, F("before")
    summed = (F("margin"), cost, net, net * net, before, before * before, net * before)
    wanted: dict[str, Aggregate] = {}
    for side in (True, False):
        arm = Q(is_gift=side)
        wanted |= {
            f"{side}_customers": Count("pk", filter=arm), f"{side}_came_back": Count("pk", filter=arm & Q(purchases__gt=0)),
            **{f"{side}_{n}": Sum(_real(value), filter=arm, default=0.0) for n, value in enumerate(summed)},
        }  # fmt: skip
    found = list(_counted(trial, now).aggregate(**wanted).values())
    gift, control = found[: len(found) // 2], found[len(found) // 2 :]
    return _totals(*gift), _totals(*control)


def _totals(customers: int, came_back: int, margin: float, cost: float, *sums: float) -> Totals:
    return Totals(came_back, margin, cost, Moments(customers, *sums))


def got_it_too(*, trial: Trial, now: dt.datetime) -> int:
    """Return how many of those who are compared were given the same coupon by another way, within their days.

    What a survey thanks with only the survey knows: surveys/comparing.py counts that.
    """
    batch, __ = _batch_and_cost(trial)
    return 0 if batch is None else left_out(trial=trial).filter(given_coupon(batch=batch, now=now)).count()


def left_out(*, trial: Trial) -> AssignmentQuerySet:
    """Return those who are compared."""
    return Assignment.objects.counted().filter(trial=trial, is_gift=False)


def given_coupon(*, batch: CouponBatch, now: dt.datetime) -> Exists:
    """Return the condition of an assignment that its customer was given a coupon of a batch within the days, by whatever way."""
    coupons = Coupon.objects.filter(
        batch=batch, customer=OuterRef("customer"), issued_at__gt=OuterRef("assigned_at"),
        issued_at__lte=OuterRef("closes_at"),
    )  # fmt: skip
    return Exists(coupons.filter(issued_at__lte=now).exclude(state=Coupon.State.VOIDED))


def _counted(trial: Trial, now: dt.datetime) -> QuerySet:
    """Select who counts, each with purchases, margin before and after, and costs."""
    within = Q(customer__purchases__occurred_at__gt=F("since_at"), customer__purchases__occurred_at__lte=F("closes_at"))
    back = Return.objects.filter(purchase=OuterRef("bought__pk")).order_by().values("purchase")
    kept = F("bought__total") - Coalesce(Subquery(back.annotate(sum=Sum("total")).values("sum")), 0)
    margin = _margin(trial, kept)
    other = Q(purchase=None) | ~Q(bought__pk=F("purchase"))
    after, earlier = Q(bought__occurred_at__gt=F("assigned_at")), Q(bought__occurred_at__lte=F("assigned_at"))
    rows = Assignment.objects.counted().filter(trial=trial, closes_at__lte=now)
    rows = rows.alias(bought=FilteredRelation("customer__purchases", condition=within))
    return rows.values("pk", "customer_id", "is_gift", "assigned_at", "closes_at").annotate(
        gift_cost=F("cost") + _coupon_costs(trial),
        message_cost=Case(When(first_message_at=None, then=0), default=trial.message_cost),
        purchases=Count("bought", filter=other & after & GreaterThan(kept, 0)),
        before=Sum(margin, filter=other & earlier, default=0.0),
        margin=Sum(margin, filter=other & after, default=0.0),
    )


def _margin(trial: Trial, kept: Expression) -> Expression:
    """Return what a purchase leaves of what was kept of it; what was taken off it counts in proportion."""
    paid, off = _real(F("bought__total")), _real(F("bought__discount") + F("bought__paid_by_points"))
    rate = (paid * trial.margin_rate - off * _ALL) / (NullIf(paid, 0.0) * _ALL)
    return _real(Greatest(kept, 0)) * rate


def _real(value: Expression) -> Cast:
    return Cast(value, FloatField())


def _coupon_costs(trial: Trial) -> Expression:
    """Return what the coupons used within the days cost beyond their discount, which stands with the purchases.

    A use costs its discount, its cost price and, where it multiplied points, what the additional ones pay for; and never less than
    was typed in for the gift, since a thing takes nothing off a receipt.
    """
    batch, typed = _batch_and_cost(trial)
    if batch is None:
        return Value(0)
    uses = CouponUse.objects.filter(
        batch=batch, returned_at=None, customer=OuterRef("customer"), redeemed_at__gt=OuterRef("assigned_at"),
        redeemed_at__lte=OuterRef("closes_at"),
    )  # fmt: skip
    cost = Greatest(Value(batch.cost_price) + _additional_points(batch), Value(typed) - F("discount"))
    return Coalesce(Subquery(uses.order_by().values("batch").annotate(sum=Sum(cost)).values("sum")), 0)


def _additional_points(batch: CouponBatch) -> Expression:
    """Return what the points pay for that a use has multiplied, rounded down twice as `sale.value_of` does."""
    if batch.value_kind != CouponBatch.Value.MULTIPLIER:
        return Value(0)
    source = Concat(Value("purchase:"), Cast(OuterRef("purchase"), CharField()))
    rows = PointTransaction.objects.filter(source=source, kind=Kind.EARN).order_by().values("source")
    earned = Coalesce(Subquery(rows.annotate(sum=Sum("points")).values("sum")), 0)
    more = Cast(earned, BigIntegerField()) * max(0, batch.value - _ALL) / batch.value
    return more * 10**settings.PROGRAMME_CURRENCY_DIGITS / settings.POINTS_PER_UNIT


def _batch_and_cost(trial: Trial) -> tuple[CouponBatch | None, int]:
    """Return the coupons that a trial gives, and what one was said to cost."""
    if trial.kind == Trial.Kind.SURPRISE:
        return trial.surprise.batch, trial.surprise.cost
    return (trial.plan.batch if trial.kind == Trial.Kind.COUPONS else None), 0
