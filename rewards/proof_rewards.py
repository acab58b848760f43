"""The rewards' part of the proof: what was taken off the stock equals the standing orders, and each order was paid for."""

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from rewards.models import PointTransaction, Reward, RewardOrder
from rewards.models.points import Kind

KEPT = 100


def reward_faults() -> list[str]:
    """Return a sentence for each reward and order that does not fit; one statement each."""
    standing = RewardOrder.objects.standing().filter(reward=OuterRef("pk")).order_by().values("reward")
    counted = Coalesce(Subquery(standing.annotate(total=Count("pk")).values("total")), 0)
    rewards = Reward.objects.annotate(rows=counted).exclude(rows=F("taken")).order_by("pk")
    faults = [
        _("reward %(reward)d: %(stored)d taken, its orders say %(rows)d")
        % {"reward": pk, "stored": stored, "rows": rows}
        for pk, stored, rows in rewards.values_list("pk", "taken", "rows")[:KEPT]
    ]
    return faults + [
        _("reward order %(order)d: its points do not equal what was spent") % {"order": pk}
        for pk in _unpaid().values_list("pk", flat=True)[:KEPT]
    ]


def _unpaid() -> QuerySet[RewardOrder]:
    """Select the orders for which the ledger holds other points than they say, those of cancelled ones given back."""
    spent = PointTransaction.objects.filter(source=OuterRef("source"), kind=Kind.REDEEM)
    back = PointTransaction.objects.filter(reverses__source=OuterRef("source"), kind=Kind.REVERSE).order_by()
    given = back.values("reverses__source").annotate(total=Sum("points")).values("total")
    rows = RewardOrder.objects.annotate(
        spent=Coalesce(Subquery(spent.values("points")[:1]), 0), given=Coalesce(Subquery(given[:1]), 0)
    )
    return rows.exclude(
        Q(spent=F("points")) & (Q(state="cancelled", given=F("points")) | (~Q(state="cancelled") & Q(given=0)))
    ).order_by("pk")
