"""How much the caps still leave: counted per customer and day, and per month of the whole programme.

Without a cap among the rules nothing is read or locked. With one, the counters are locked after the customers' balances and
before anything else; a cap on the whole programme lets one till count at a time. Points that a return takes back do not
make room again. docs/points.md#caps works through the numbers.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import Q

from customers import bulk
from customers.timezones import programme_date
from rewards.earning import Earned
from rewards.models import CapUse, EarningRule

Per = EarningRule.CapPer


class Slot(NamedTuple):
    """One counter: a cap, whose points, and over what time."""

    key: str
    customer_id: int | None
    period_date: dt.date


class Moment(NamedTuple):
    """Somebody earns at a time."""

    customer_id: int
    occurred_at: dt.datetime


@dataclass(slots=True)
class Rooms:
    """What caps leave, in memory; what is taken is written in the end. Empty counters are full of room."""

    caps: tuple[EarningRule, ...] = ()
    used: dict[Slot, int] = field(default_factory=dict)
    _rows: dict[Slot, CapUse] = field(default_factory=dict)
    _trimmed: dict[Slot, int] = field(default_factory=dict)

    def left(self, moment: Moment | None) -> Mapping[str, int]:
        """Return the points that each cap still leaves, by its key; nobody has all of the room."""
        if not self.caps or moment is None:
            return {}
        return {cap.key: max(0, cap.points - self.used.get(slot_of(cap, moment), 0)) for cap in self.caps}

    def take(self, moment: Moment, earned: Earned) -> None:
        """Count what was earned against the caps that held, and what the tightest of them cut off."""
        for cap in earned.caps:
            slot = slot_of(cap, moment)
            self.used[slot] = self.used.get(slot, 0) + earned.points
            cut = earned.trimmed if earned.cut and earned.cut.rule.key == cap.key else 0
            self._trimmed[slot] = self._trimmed.get(slot, 0) + cut

    def write(self) -> None:
        """Write what was taken to the counters, which are locked."""
        changed = [
            [row.pk, self.used[slot], row.trimmed + self._trimmed.get(slot, 0)]
            for slot, row in self._rows.items()
            if slot in self._trimmed
        ]
        if changed:
            bulk.update_rows(CapUse, ("points", "trimmed"), sorted(changed))


def slot_of(cap: EarningRule, moment: Moment) -> Slot:
    """Return the counter of a cap that somebody's points go to."""
    day = programme_date(moment.occurred_at)
    if cap.cap_per == Per.CUSTOMER_DAY:
        return Slot(cap.key, moment.customer_id, day)
    return Slot(cap.key, None, day.replace(day=1))


def caps_among(rules: Iterable[EarningRule]) -> tuple[EarningRule, ...]:
    """Return the caps of some rules."""
    return tuple(rule for rule in rules if rule.kind == EarningRule.Kind.CAP)


def look(*, rules: Iterable[EarningRule], moments: Collection[Moment]) -> Rooms:
    """Return what the caps leave at the moment, without a lock: for a quote."""
    caps = caps_among(rules)
    if not caps or not moments:
        return Rooms(caps)
    slots = {slot_of(cap, moment) for cap in caps for moment in moments}
    return Rooms(caps, {slot: row.points for slot, row in _found(slots, is_locked=False).items()})


def open_rooms(*, rules: Iterable[EarningRule], moments: Collection[Moment]) -> Rooms:
    """Lock the counters that some earnings go to and return what they leave.

    Call it in a transaction that holds the locks of these customers' points, and `write` in the end.
    """
    caps = caps_among(rules)
    if not caps or not moments:
        return Rooms(caps)
    slots = sorted(
        {slot_of(cap, moment) for cap in caps for moment in moments},
        key=lambda slot: (slot.key, slot.customer_id or 0, slot.period_date),
    )
    known = _found(slots, is_locked=False)
    CapUse.objects.bulk_create(
        [CapUse(**slot._asdict()) for slot in slots if slot not in known], ignore_conflicts=True, batch_size=1_000
    )
    rows = _found(slots, is_locked=True)
    return Rooms(caps, {slot: row.points for slot, row in rows.items()}, rows)


def _found(slots: Collection[Slot], *, is_locked: bool) -> dict[Slot, CapUse]:
    days = [slot.period_date for slot in slots]
    customer_ids = {slot.customer_id for slot in slots if slot.customer_id is not None}
    rows = CapUse.objects.filter(
        Q(customer=None) | Q(customer_id__in=customer_ids),
        key__in={slot.key for slot in slots},
        period_date__gte=min(days),
        period_date__lte=max(days),
    ).order_by("pk")
    if is_locked:
        rows = rows.select_for_update(of=("self",))
    found = {Slot(row.key, row.customer_id, row.period_date): row for row in rows}
    return {slot: found[slot] for slot in slots if slot in found}
