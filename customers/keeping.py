"""How long things are kept where the merchant may choose: the portal's own periods, the bounds, and what was chosen.

customers/retention.py applies them every night; docs/privacy.md has the table.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import audit
from customers.models import AuditEvent, KeepingPeriod, User

YEARS = 365


@dataclass(frozen=True, kw_only=True)
class Period:
    """What a merchant may choose, in days: from `least` to `most`, and without end where that is allowed; None is without end.

    `then` is a sentence of what happens after it.
    """

    usual: Callable[[], int | None]
    least: int
    most: int
    may_be_endless: bool = False
    then: Any

    def holds(self, days: int | None) -> bool:
        """Whether so many days may be chosen."""
        return self.may_be_endless if days is None else self.least <= days <= self.most


class OutOfBounds(Exception):
    """The period is shorter or longer than may be; nothing was changed."""

    def __init__(self, period: Period) -> None:
        self.period = period
        words = {"least": period.least, "most": period.most}
        super().__init__(_("This is kept for %(least)d to %(most)d days.") % words)


_periods: dict[str, Period] = {}


def offer(name: str, period: Period) -> None:
    """Let the merchant choose a period; apps above offer theirs. `name` is that of its line in customers/retention.py."""
    _periods[name] = period


def period(name: str) -> Period | None:
    """Return what may be chosen, None where the period is fixed."""
    return _periods.get(name)


def chosen() -> dict[str, int | None]:
    """Return the days of every period that may be chosen, by name."""
    said = dict(KeepingPeriod.objects.values_list("name", "days"))
    return {name: said[name] if name in said else each.usual() for name, each in _periods.items()}


def kept(name: str) -> dt.timedelta | None:
    """Return how long something is kept now, None for without end."""
    days = chosen()[name]
    return None if days is None else dt.timedelta(days=days)


def before(name: str, now: dt.datetime) -> dt.datetime | None:
    """Return the moment before which something is kept no longer, None when it is kept without end."""
    time = kept(name)
    return None if time is None else now - time


def choose(*, name: str, days: int | None, by: User | None, now: dt.datetime) -> bool:
    """Keep something for so many days from now on and return whether that is new; it is written down. Raises OutOfBounds."""
    if not _periods[name].holds(days):
        raise OutOfBounds(_periods[name])
    with transaction.atomic():
        earlier = chosen()[name]
        if earlier == days:
            return False
        KeepingPeriod.objects.update_or_create(name=name, defaults={"days": days, "changed_at": now, "by": by})
        audit.note(
            action=AuditEvent.Action.PERIOD, place=AuditEvent.Place.ADMIN, customer=None, by=by, now=now,
            reference=name, changes={"before": earlier, "after": days},
        )  # fmt: skip
    return True


def _inactive_days() -> int | None:
    return 30 * settings.INACTIVE_MONTHS or None


offer(
    "inactive",
    Period(
        usual=_inactive_days, least=180, most=20 * YEARS, may_be_endless=True,
        then=gettext_lazy("Points, coupons and store credit end."),
    ),
)  # fmt: skip
offer(
    "exports",
    Period(usual=lambda: 7, least=1, most=30, then=gettext_lazy("The file is deleted; a new one can be asked for.")),
)
offer(
    "imports",
    Period(usual=lambda: 30, least=1, most=90, then=gettext_lazy("The file and its list of bad lines are deleted; the counts stay.")),
)  # fmt: skip
offer(
    "webhooks",
    Period(usual=lambda: 30, least=7, most=YEARS, then=gettext_lazy("Events and their deliveries are deleted; what still waits stays.")),
)  # fmt: skip
offer(
    "admin_log",
    Period(usual=lambda: 2 * YEARS, least=90, most=10 * YEARS, then=gettext_lazy("The rows are deleted; the audit trail has its own line.")),
)  # fmt: skip
offer(
    "audit",
    Period(
        usual=lambda: 2 * YEARS, least=2 * YEARS, most=10 * YEARS,
        then=gettext_lazy("The rows are deleted, and customers no longer see these looks at their data."),
    ),
)  # fmt: skip
