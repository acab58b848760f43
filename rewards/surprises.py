"""Surprises: who is drawn. Eligible by rule, rested, within the budget, then the coin: all written down before anything is sent.

Surveys and whatever else stands above calls `consider`; the other occasions are found by rewards/surprise_occasions.py.
Locks are taken in the order: customer's balance, rest, month of the surprise.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import batched

from django.db import transaction
from django.db.models import F, Q

from customers import segments, windows
from customers.models import Customer
from customers.models.customer import CustomerQuerySet
from customers.timezones import programme_date
from rewards import coins, ledger, surprise_letters, trials
from rewards.models import Assignment, Surprise, SurpriseGift, SurpriseMonth, SurpriseRest
from rewards.models.surprise import FAMILIES
from rewards.trials import Occasion

AT_ONCE = 200


def consider(*, trigger: Surprise.Trigger, occasions: Iterable[Occasion], now: dt.datetime) -> int:
    """Let every running surprise of a trigger draw from some occasions; return how many customers were assigned.

    Call it for what just happened, such as an unhappy answer, outside of the transaction that must not wait. The same
    occasions again change nothing.
    """
    found = list(occasions)
    running = Surprise.objects.running(now).filter(trigger=trigger).select_related("trial").order_by("pk")
    return sum(draw(surprise=surprise, occasions=found, now=now) for surprise in running) if found else 0


def draw(*, surprise: Surprise, occasions: Sequence[Occasion], now: dt.datetime) -> int:
    """Let one running surprise draw from occasions and return how many customers it assigned, gift or not."""
    assigned = 0
    for some in batched((it for it in occasions if is_drawn(surprise, it.key)), AT_ONCE, strict=False):
        if fitting := _fitting(surprise, trials.unassigned(trial=surprise.trial, occasions=some), now):
            with transaction.atomic():
                ledger.lock(customer_ids={occasion.customer_id for occasion in fitting})
                assigned += len(_assign(surprise, fitting, now))
    return assigned


def is_drawn(surprise: Surprise, key: str, *, chance: int | None = None) -> bool:
    """Return whether an occasion is drawn at all, by its own coin; the other ones are neither given to nor compared."""
    odds = surprise.chance if chance is None else chance
    return odds >= coins.ALL or coins.falls(purpose=f"draw:{surprise.trial.key}", key=key, odds=odds)


def eligible(*, surprise: Surprise, now: dt.datetime) -> CustomerQuerySet:
    """Return whom a surprise may draw now: its audience, without staff and whoever switched personalisation off.

    By mail only those who agreed to offers and have an address. Raises segments.UnknownSegment.
    """
    customers = segments.members(surprise.segment or "everyone", now=now)
    customers = customers.filter(Q(user=None) | Q(user__is_staff=False), is_personalised=True)
    return surprise_letters.reachable(customers) if surprise.has_mail else customers


def month_of(now: dt.datetime) -> dt.date:
    """Return the first day of the programme's month."""
    return programme_date(now).replace(day=1)


def rests_until(*, surprise: Surprise, now: dt.datetime) -> dt.date | None:
    """Return when a surprise whose budget of this month is spent goes on; None when it does not rest."""
    month = SurpriseMonth.objects.filter(surprise=surprise, month_date=month_of(now)).first()
    if month is None or month.spent + surprise.cost <= month.budget:
        return None
    return (month_of(now) + dt.timedelta(days=32)).replace(day=1)


def _fitting(surprise: Surprise, occasions: Sequence[Occasion], now: dt.datetime) -> list[Occasion]:
    """Return the occasions of customers who may be drawn, one for each customer."""
    ids = {occasion.customer_id for occasion in occasions}
    known = set(eligible(surprise=surprise, now=now).filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    one_each = {it.customer_id: it for it in reversed(occasions) if it.customer_id in known}
    return sorted(one_each.values())


def _assign(surprise: Surprise, occasions: Sequence[Occasion], now: dt.datetime) -> list[Assignment]:
    """Assign those who are rested, as far as the budget goes; the caller's transaction holds their locks.

    The budget must have room for a gift before the coin is tossed, whichever way it falls: otherwise those for whom nothing
    is left would be missing on one side.
    """
    fresh = trials.unassigned(trial=surprise.trial, occasions=_rested(surprise, occasions, now))
    if not fresh:
        return []
    month = _month(surprise, now)
    taken, spent = [], month.spent
    for occasion in fresh:
        if spent + surprise.cost > month.budget:
            break
        taken.append(occasion)
        if coins.falls(purpose=f"trial:{surprise.trial.key}", key=occasion.key, odds=surprise.trial.odds):
            spent += surprise.cost
    rows = trials.assign_locked(trial=surprise.trial, occasions=taken, now=now)
    gifts = sum(row.is_gift for row in rows)
    _spend(month, gifts * surprise.cost)
    _rest(surprise, [row.customer_id for row in rows], now)
    _promise(surprise, [row for row in rows if row.is_gift], month, now)
    return rows


def _rested(surprise: Surprise, occasions: Sequence[Occasion], now: dt.datetime) -> list[Occasion]:
    """Return the occasions of those whose rest is over: the longer one, of the surprise that drew and of the one that would."""
    ids = {occasion.customer_id for occasion in occasions}
    resting = SurpriseRest.objects.filter(customer__in=ids, family=surprise.family, until_at__gt=now)
    of_family = [trigger for trigger, family in FAMILIES.items() if family == surprise.family]
    too_soon = Assignment.objects.filter(
        customer__in=ids,
        trial__surprise__trigger__in=of_family,
        assigned_at__gt=now - dt.timedelta(days=surprise.cooldown_days),
    )
    tired = {*resting.values_list("customer", flat=True), *too_soon.values_list("customer", flat=True)}
    return [occasion for occasion in occasions if occasion.customer_id not in tired]


def _rest(surprise: Surprise, customer_ids: Sequence[int], now: dt.datetime) -> None:
    """Let customers rest from now on. The rows move only where an earlier rest is over, whoever else is at it."""
    until = now + dt.timedelta(days=surprise.cooldown_days)
    rests = SurpriseRest.objects.filter(customer__in=customer_ids, family=surprise.family)
    known = set(rests.values_list("customer", flat=True))
    if rests.filter(until_at__lte=now).update(until_at=until) != len(known):
        raise RuntimeError("somebody who rests was drawn")  # the customers' locks make this impossible
    SurpriseRest.objects.bulk_create(
        SurpriseRest(customer_id=pk, family=surprise.family, until_at=until) for pk in customer_ids if pk not in known
    )


def _month(surprise: Surprise, now: dt.datetime) -> SurpriseMonth:
    """Lock and return the month's row of the budget, made on its first day."""
    SurpriseMonth.objects.get_or_create(
        surprise=surprise, month_date=month_of(now), defaults={"budget": surprise.budget}
    )
    return SurpriseMonth.objects.select_for_update().get(surprise=surprise, month_date=month_of(now))


def _spend(month: SurpriseMonth, cost: int) -> None:
    room = SurpriseMonth.objects.filter(pk=month.pk, spent__lte=F("budget") - cost)
    if cost and not room.update(spent=F("spent") + cost):
        raise RuntimeError("the budget of the month was passed")  # its lock makes this impossible


def _promise(surprise: Surprise, rows: Sequence[Assignment], month: SurpriseMonth, now: dt.datetime) -> None:
    """Write down the gifts of those for whom the coin fell well."""
    zones = dict(Customer.objects.filter(pk__in=[row.customer_id for row in rows]).values_list("pk", "time_zone"))
    SurpriseGift.objects.bulk_create(
        SurpriseGift(
            assignment=row,
            surprise=surprise,
            customer_id=row.customer_id,
            month_date=month.month_date,
            not_before=_opening(surprise, zones[row.customer_id], now),
            waits_until=now + dt.timedelta(days=surprise.waits_days),
        )
        for row in rows
    )


def _opening(surprise: Surprise, time_zone: str, now: dt.datetime) -> dt.datetime:
    """Return when a mail may leave by the customer's own clock; at the till that is at once."""
    if not surprise.has_mail:
        return now
    hours = {"hour_from": surprise.hour_from, "hour_until": surprise.hour_until}
    return windows.next_opening(moment=now, time_zone=time_zone, **hours)
