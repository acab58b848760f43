"""Trials: opened with what will count, assigned by the coin before anything is given, closed.

Whoever rewards and wants to know whether it helps (surprises, coupons with a hold-out, thanks for an answered survey) asks here who
gets something. docs/surprises.md#what-is-measured works through it.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count

from customers.models import Customer, Purchase, User
from rewards import coins, ledger, proportions
from rewards.models import Assignment, Trial
from rewards.models.trial import Measured

ASSUMED_BASE = 3_000  # basis points that come back anyway, until the shop has a history of its own
FEWEST_BASE = 100  # customers, before that history says anything
AT_ONCE = 1_000
MEASURES = tuple(field.name for field in Measured._meta.fields)


class Occasion(NamedTuple):
    """Why a customer may be drawn: the key makes it happen once, the reason is kept as it is (keys and numbers)."""

    customer_id: int
    key: str
    reason: dict[str, Any]
    purchase_id: int | None = None


def open_trial(*, kind: Trial.Kind, name: str, now: dt.datetime, by: User | None = None, **measures: int) -> Trial:
    """Open a trial and return it; `measures` are the fields of Measured, fixed from here on.

    The planned size is what the worthwhile effect needs at the share of customers who come back anyway.
    """
    trial = Trial(kind=kind, name=name[:100], opened_at=now, by=by, base=0, planned=0, **measures)
    trial.base = usual_base(days=trial.window_days, now=now)
    trial.planned = proportions.needed(
        base=trial.base / coins.ALL, effect=trial.worthwhile / coins.ALL, odds=trial.odds / coins.ALL
    )
    trial.save(force_insert=True)
    return trial


def measures_of(row: Measured) -> dict[str, int]:
    """Return how an effect of something that is a draft will be judged."""
    return {name: getattr(row, name) for name in MEASURES}


def usual_base(*, days: int, now: dt.datetime) -> int:
    """Return how many in 10,000 of those who bought in a stretch of days bought in the next one, too; a guess when few did."""
    middle, start = now - dt.timedelta(days=days), now - dt.timedelta(days=2 * days)
    known = Purchase.objects.filter(customer__isnull=False)
    earlier = known.filter(occurred_at__gt=start, occurred_at__lte=middle).values("customer")
    bought = earlier.aggregate(number=Count("customer", distinct=True))["number"]
    if bought < FEWEST_BASE:
        return ASSUMED_BASE
    later = known.filter(occurred_at__gt=middle, occurred_at__lte=now, customer__in=earlier)
    again = later.aggregate(number=Count("customer", distinct=True))["number"]
    return min(max(again * coins.ALL // bought, 1), coins.ALL - 1)


def assign(*, trial: Trial, occasions: Sequence[Occasion], now: dt.datetime) -> list[Assignment]:
    """Toss the coin for the occasions that were not tossed for yet, write how it fell, and return the new rows.

    Nothing may be given or sent before. Takes the customers' locks; a second call changes nothing. A closed trial assigns
    nobody.
    """
    made: list[Assignment] = []
    for start in range(0, len(occasions), AT_ONCE):
        some = occasions[start : start + AT_ONCE]
        with transaction.atomic():
            ledger.lock(customer_ids={occasion.customer_id for occasion in some})
            made += assign_locked(trial=trial, occasions=some, now=now)
    return made


def assign_locked(*, trial: Trial, occasions: Sequence[Occasion], now: dt.datetime) -> list[Assignment]:
    """Do the same for customers whose locks the caller's transaction holds."""
    if Trial.objects.filter(pk=trial.pk, closed_at__isnull=False).exists():
        return []
    new = unassigned(trial=trial, occasions=occasions)
    numbers = dict(
        Assignment.objects.filter(trial=trial, customer__in={occasion.customer_id for occasion in new})
        .values_list("customer")
        .annotate(number=Count("pk"))
    )
    window, rows = dt.timedelta(days=trial.window_days), []
    for customer_id, key, reason, purchase_id in new:
        numbers[customer_id] = numbers.get(customer_id, 0) + 1
        rows.append(
            Assignment(
                trial=trial,
                customer_id=customer_id,
                key=key,
                number=numbers[customer_id],
                reason=reason,
                is_gift=coins.falls(purpose=f"trial:{trial.key}", key=key, odds=trial.odds),
                purchase_id=purchase_id,
                assigned_at=now,
                since_at=now - window,
                closes_at=now + window,
            )
        )
    return Assignment.objects.bulk_create(rows)


def unassigned(*, trial: Trial, occasions: Iterable[Occasion]) -> list[Occasion]:
    """Return the occasions for which the coin was not tossed, each key once."""
    by_key = {occasion.key: occasion for occasion in occasions}
    known = Assignment.objects.filter(trial=trial, key__in=by_key).values_list("key", flat=True)
    for key in known:
        del by_key[key]
    return list(by_key.values())


def gets_gift(*, trial: Trial, customer: Customer, key: str, reason: dict[str, Any], now: dt.datetime) -> Assignment:
    """Return how the coin fell for one customer and key, tossing it the first time: for a survey's thanks and the like.

    Ask before the invitation leaves and give only where `is_gift` says so. Raises Assignment.DoesNotExist when the trial
    was closed before the key was known.
    """
    assign(trial=trial, occasions=[Occasion(customer.pk, key, reason)], now=now)
    return Assignment.objects.get(trial=trial, key=key)


def note_message(*, assignment_ids: Iterable[int], now: dt.datetime) -> None:
    """Write down that the first message about a gift leaves, in the transaction that queues it."""
    Assignment.objects.filter(pk__in=list(assignment_ids), first_message_at=None).update(first_message_at=now)


def note_cost(*, assignment: Assignment, cost: int) -> None:
    """Write down what a gift cost the shop (minor unit); discounts of coupons are counted with their purchases instead."""
    Assignment.objects.filter(pk=assignment.pk).update(cost=cost)


def close(*, trial: Trial, now: dt.datetime, is_cut_short: bool) -> Trial:
    """Assign nobody any more and return the trial; what was assigned is counted to its end. Again changes nothing."""
    changed = Trial.objects.filter(pk=trial.pk, closed_at=None).update(closed_at=now, is_cut_short=is_cut_short)
    if changed:
        trial.closed_at, trial.is_cut_short = now, is_cut_short
    return trial
