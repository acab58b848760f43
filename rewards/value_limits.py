"""How much money one person may give or take by hand: at a time and per day of the programme.

Selling is without limit but the card's own, because money comes in for it; this is about what the shop gives away. The
figures are the setting VALUE_LIMITS, in whole units of the programme's currency.
"""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from customers.models import User
from customers.templatetags.loyalty import money
from customers.timezones import programme_date, start_of_day
from rewards.models import ValueMovement

Kind = ValueMovement.Kind
# By staff these give something away, or take it: what was paid for is not counted.
COUNTED = (Kind.SOLD, Kind.TOPPED_UP, Kind.GRANTED, Kind.ADJUSTED)


@dataclass(frozen=True, slots=True)
class Limits:
    """In the minor unit, given and taken counted alike."""

    each: int = 0
    per_day: int = 0


OWNER = "manager"  # whose limits the owner has


class AboveValueLimit(Exception):
    """It is more than the person may give or take alone; nothing was booked."""

    def __init__(self, *, amount: int, each: int, left: int) -> None:
        self.amount, self.each, self.left = amount, each, left
        if abs(amount) > each:
            sentence = _("You may give or take %(each)s at a time: please ask a manager.") % {"each": money(each)}
        else:
            sentence = _("You have %(left)s left for today: please ask a manager.") % {"left": money(max(0, left))}
        super().__init__(sentence)


def limits_of(by: User) -> Limits:
    """Return the limits of a person: the widest of their groups, a manager's for the owner; whoever has none gives nothing."""
    names = {*by.groups.values_list("name", flat=True), *([OWNER] if by.is_superuser else [])}
    found = [settings.VALUE_LIMITS[name] for name in names if name in settings.VALUE_LIMITS]
    unit = 10**settings.PROGRAMME_CURRENCY_DIGITS
    return Limits(
        each=max((each for each, __ in found), default=0) * unit,
        per_day=max((day for __, day in found), default=0) * unit,
    )


def left_today(*, by: User, now: dt.datetime) -> int:
    """Return what a person may still give or take on the programme's day of `now`."""
    today = programme_date(now)
    done = ValueMovement.objects.filter(
        by=by,
        kind__in=COUNTED,
        occurred_at__gte=start_of_day(today),
        occurred_at__lt=start_of_day(today + dt.timedelta(days=1)),
    )
    moved = sum(
        given(kind=kind, paid=paid, promotional=back)
        for kind, paid, back in done.values_list("kind", "paid", "promotional")
    )
    return limits_of(by).per_day - moved


def given(*, kind: str, paid: int, promotional: int) -> int:
    """Return how much of a movement counts against the person: what no money came in for."""
    if kind not in COUNTED:
        return 0
    return abs(promotional) + (abs(paid) if kind == Kind.ADJUSTED else 0)


def refuse_above(*, amount: int, by: User, now: dt.datetime) -> None:
    """Raise AboveValueLimit when it is too much for one person. Call it under `staff_limits.lock`."""
    each, left = limits_of(by).each, left_today(by=by, now=now)
    if abs(amount) > min(each, left):
        raise AboveValueLimit(amount=amount, each=each, left=left)
