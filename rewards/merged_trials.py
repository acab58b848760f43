"""Surprises of two records that become one: how the coins fell, and until when nobody is drawn again.

What somebody buys afterwards counts for the first toss of each trial, so the tosses follow; where both records take part in a
trial, the kept one's was first.
"""

import datetime as dt
from typing import Any

from django.db.models import Max

from customers.models import CustomerMerge
from rewards.models import Assignment, SurpriseRest


def move(merge: CustomerMerge) -> dict[str, Any]:
    """Move the tosses behind those of the kept record, let the longer rest stand, and return what an undo needs."""
    taken = dict(
        Assignment.objects.filter(customer=merge.kept_id).order_by().values_list("trial").annotate(last=Max("number"))
    )
    tosses = []
    for row in Assignment.objects.filter(customer=merge.duplicate_id).order_by("trial", "number"):
        tosses.append([row.pk, row.trial_id, row.number])
        number = taken.get(row.trial_id, 0) + row.number
        Assignment.objects.filter(pk=row.pk).update(customer=merge.kept_id, number=number)
    return {"tosses": tosses, "rests": _longer_rests(merge)}


def undo(merge: CustomerMerge, moved: dict[str, Any]) -> None:
    """Bring the tosses home with their old numbers, close the gaps they leave, and shorten rests again."""
    for pk, _trial_id, number in moved["tosses"]:
        Assignment.objects.filter(pk=pk, customer=merge.kept_id).update(customer=merge.duplicate_id, number=number)
    for trial_id in sorted({trial_id for _pk, trial_id, _number in moved["tosses"]}):
        left = Assignment.objects.filter(customer=merge.kept_id, trial=trial_id).order_by("number")
        for number, row in enumerate(left, 1):
            Assignment.objects.filter(pk=row.pk).exclude(number=number).update(number=number)
    for family, before, after in moved["rests"]:
        rest = SurpriseRest.objects.filter(
            customer=merge.kept_id, family=family, until_at=dt.datetime.fromisoformat(after)
        )
        if before is None:
            rest.delete()
        else:
            rest.update(until_at=dt.datetime.fromisoformat(before))


def _longer_rests(merge: CustomerMerge) -> list[list[str | None]]:
    ours = dict(SurpriseRest.objects.filter(customer=merge.kept_id).values_list("family", "until_at"))
    changed = []
    for family, until in (
        SurpriseRest.objects.filter(customer=merge.duplicate_id).order_by("family").values_list("family", "until_at")
    ):
        before = ours.get(family)
        if before is None or before < until:
            SurpriseRest.objects.update_or_create(customer=merge.kept, family=family, defaults={"until_at": until})
            changed.append([family, before and before.isoformat(), until.isoformat()])
    return changed
