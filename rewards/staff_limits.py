"""How much one person may give or take by hand: per adjustment and per day of the programme.

The figures are the setting POINT_LIMITS; docs/points.md#points-by-hand says what follows from them. Every door (admin, API,
command) meets them, because rewards/adjustments.py asks here.
"""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from customers.models import User
from customers.timezones import programme_date, start_of_day
from rewards.models import PointTransaction
from rewards.models.points import Kind

DIRECT = "adjust:"  # what needed nobody else; approved requests have keys of their own and count for nobody
BROUGHT_BACK = "bring-back:"  # expired points, once per expiry


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Whole points, given and taken counted alike; None is without limit."""

    each: int = 0
    per_day: int = 0
    times_per_day: int | None = None


OWNER = "manager"  # whose limits the owner has


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What somebody may still do today without asking."""

    each: int
    today: int
    times: int | None
    is_alone: bool = False  # a shop of one person: there is nobody to ask, so there is no limit

    @property
    def points(self) -> int:
        """The largest adjustment that needs no second person now."""
        return 0 if self.times == 0 else max(0, min(self.each, self.today))


class AboveLimit(Exception):
    """The adjustment is above what the person may do alone; nothing was posted."""

    def __init__(self, *, points: int, left: Left) -> None:
        self.points, self.left = points, left
        if left.times == 0:
            sentence = _(
                "You have made all the adjustments you may make in a day: a second person has to approve this one."
            )
        elif abs(points) > left.each:
            sentence = _("Above %(each)d points at a time a second person has to approve.") % {"each": left.each}
        else:
            sentence = _("You have %(left)d points left for today: above that a second person has to approve.") % {
                "left": max(0, left.today)
            }
        super().__init__(sentence)


def of_role(name: str) -> Limits:
    """Return the limits of a role."""
    return Limits(**dict(zip(("each", "per_day", "times_per_day"), settings.POINT_LIMITS[name], strict=False)))


def limits_of(by: User) -> Limits:
    """Return the limits of a person: the widest of their groups, a manager's for the owner; whoever has none asks for everything."""
    names = {*by.groups.values_list("name", flat=True), *([OWNER] if by.is_superuser else [])}
    found = [of_role(name) for name in names if name in settings.POINT_LIMITS]
    times = [limits.times_per_day for limits in found]
    return Limits(
        each=max((limits.each for limits in found), default=0),
        per_day=max((limits.per_day for limits in found), default=0),
        times_per_day=0 if not found else None if None in times else max(times),
    )


def left_for(*, by: User, now: dt.datetime) -> Left:
    """Return what a person may still give or take on the programme's day of `now`."""
    limits, today = limits_of(by), programme_date(now)
    is_alone = not settings.FOUR_EYES and by.has_perm("rewards.approve_adjustmentrequest")
    done = PointTransaction.objects.filter(
        Q(kind=Kind.ADJUST, source__startswith=DIRECT) | Q(kind=Kind.REINSTATE, source__startswith=BROUGHT_BACK),
        by=by,
        occurred_at__gte=start_of_day(today),
        occurred_at__lt=start_of_day(today + dt.timedelta(days=1)),
    ).aggregate(points=Sum("points", default=0), times=Count("source", distinct=True))
    times = None if limits.times_per_day is None else max(0, limits.times_per_day - done["times"])
    return Left(each=limits.each, today=limits.per_day - done["points"], times=times, is_alone=is_alone)


def lock(*, by: User) -> None:
    """Let one adjustment of a person be counted at a time, to the end of the caller's transaction.

    Taken before the customer's lock, and by nobody who holds one. SQLite has one writer anyway.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("limits are counted inside the transaction that uses them up")
    User.objects.select_for_update(no_key=True).order_by().get(pk=by.pk)


def refuse_above(*, points: int, by: User, now: dt.datetime) -> None:
    """Raise AboveLimit when a person needs a second one for so many points. Call it under `lock`."""
    left = left_for(by=by, now=now)
    if not left.is_alone and abs(points) > left.points:
        raise AboveLimit(points=points, left=left)
