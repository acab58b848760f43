"""What is due on a customer's points, and what happens next: the next to become spendable, the next to expire."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from customers.models import Customer
from rewards import absence
from rewards.models import PointBalance, PointLot


@dataclass(frozen=True, slots=True)
class Change:
    """Some points and the instant at which something happens to them."""

    points: int
    at: dt.datetime


def active_at(*, customer: Customer, now: dt.datetime) -> int:
    """Return how many points can be spent at a moment: those that are active, as if what is due by then were booked."""
    balance = PointBalance.objects.filter(customer=customer).first() or PointBalance()
    comes = customer.point_lots.due_to_activate(now).exclude(expires_at__lte=now)
    goes = customer.point_lots.due_to_expire(now)
    left = Sum("remaining", default=0)
    return balance.active + comes.aggregate(points=left)["points"] - goes.aggregate(points=left)["points"]


def next_activation(*, customer: Customer) -> Change | None:
    """Return the pending points that become spendable first."""
    return _first(customer.point_lots.filter(activated_at=None, remaining__gt=0), "activates_at")


def next_expiry(*, customer: Customer, now: dt.datetime) -> Change | None:
    """Return the spendable points that expire first; those that end with absence only in their last weeks."""
    far_off = Q(expires_at=None, lapses_at__gt=now + absence.AHEAD)
    # Of as many lots as there may be, an index gives the first end; the expression is the index's.
    lots = customer.point_lots.annotate(end=Coalesce("expires_at", "lapses_at")).filter(end__gt=now, remaining__gt=0)
    return _first(lots.filter(activated_at__isnull=False).exclude(far_off), "end")


def _first(lots: QuerySet[PointLot], moment: str) -> Change | None:
    row = lots.order_by(moment).values_list(moment).annotate(points=Sum("remaining")).first()
    return Change(points=row[1], at=row[0]) if row else None
