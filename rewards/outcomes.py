"""What assigned customers did afterwards, and before: one row for each, gift or compared, delivered or not.

A customer counts once the days to come back are over. Only the first occasion of each customer counts, and the purchase that
was the occasion never does. Money is in the currency's minor unit.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce, Concat

from customers.models import Purchase, Return
from rewards import sale
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


def outcomes(*, trial: Trial, now: dt.datetime) -> list[Outcome]:
    """Return the customers of a trial whose days are over, in the order in which they were assigned."""
    rows = Assignment.objects.counted().filter(trial=trial, closes_at__lte=now).order_by("assigned_at", "pk")
    found = {
        row.pk: Outcome(
            assignment_id=row.pk,
            customer_id=row.customer_id,
            is_gift=row.is_gift,
            assigned_at=row.assigned_at,
            closes_at=row.closes_at,
            gift_cost=row.cost,
            message_cost=trial.message_cost if row.first_message_at else 0,
        )
        for row in rows.iterator(chunk_size=AT_ONCE)
    }
    for assignment_id, cause, pk, occurred_at, paid, off, returned in _purchases(trial, now):
        outcome, kept = found[assignment_id], paid - returned
        if kept <= 0 or pk == cause:
            continue
        margin = kept * trial.margin_rate / _ALL - off * kept / paid
        if occurred_at > outcome.assigned_at:
            outcome.purchases += 1
            outcome.margin += margin
        else:
            outcome.before += margin
    for assignment_id, cost in _coupon_costs(trial, now):
        if assignment_id in found:
            found[assignment_id].gift_cost += cost
    return list(found.values())


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


def _purchases(trial: Trial, now: dt.datetime) -> Iterator[Sequence]:
    """Give the purchases before and after of everybody who counts, with what came back of each."""
    back = Return.objects.filter(purchase=OuterRef("pk")).order_by().values("purchase")
    within = Q(
        customer__assignments__trial=trial, customer__assignments__number=1, customer__assignments__closes_at__lte=now,
        occurred_at__gt=F("customer__assignments__since_at"), occurred_at__lte=F("customer__assignments__closes_at"),
    )  # fmt: skip
    rows = Purchase.objects.filter(within)
    returned = Coalesce(Subquery(back.annotate(total=Sum("total")).values("total")), 0)
    return rows.values_list(
        "customer__assignments__pk",
        "customer__assignments__purchase",
        "pk",
        "occurred_at",
        "total",
        F("discount") + F("paid_by_points"),
        returned,
    ).iterator(chunk_size=AT_ONCE)


def _coupon_costs(trial: Trial, now: dt.datetime) -> Iterator[tuple[int, int]]:
    """Give what each coupon used within the days cost beyond its discount, which stands with the purchases.

    A use costs its discount, its cost price and, where it multiplied points, what the additional ones pay for; and never less than
    was typed in for the gift, since a thing takes nothing off a receipt.
    """
    uses = CouponUse.objects.filter(returned_at=None)
    within = Q(
        customer__assignments__trial=trial, customer__assignments__number=1, customer__assignments__closes_at__lte=now,
        redeemed_at__gt=F("customer__assignments__assigned_at"), redeemed_at__lte=F("customer__assignments__closes_at"),
    )  # fmt: skip
    batch, typed = _batch_and_cost(trial)
    if batch is None:
        return
    multiplies = batch.value_kind == CouponBatch.Value.MULTIPLIER
    earned = Coalesce(Subquery(_earned_with("purchase")), 0) if multiplies else Value(0)
    counted = uses.filter(within, batch=batch).values_list("customer__assignments__pk", "discount", earned)
    for assignment_id, discount, points in counted.iterator(chunk_size=AT_ONCE):
        more = sale.value_of(points * max(0, batch.value - _ALL) // batch.value) if multiplies else 0
        yield assignment_id, max(batch.cost_price + more, typed - discount)


def _earned_with(purchase: str) -> QuerySet:
    """Give the points that the purchase named by an outer field has earned."""
    source = Concat(Value("purchase:"), Cast(OuterRef(purchase), CharField()))
    rows = PointTransaction.objects.filter(source=source, kind=Kind.EARN).order_by()
    return rows.values("source").annotate(points_earned=Sum("points")).values("points_earned")


def _batch_and_cost(trial: Trial) -> tuple[CouponBatch | None, int]:
    """Return the coupons that a trial gives, and what one was said to cost."""
    if trial.kind == Trial.Kind.SURPRISE:
        return trial.surprise.batch, trial.surprise.cost
    return (trial.plan.batch if trial.kind == Trial.Kind.COUPONS else None), 0
