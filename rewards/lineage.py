"""Where the points of an award are after its owner's record was merged into another: whose lots they are in now.

A merge moves each lot by two movements whose keys end alike (`rewards.merging`), so an award's points are found again over
any number of merges. docs/points.md#refunds says why it matters: goods come back long after two records became one.
"""

from django.db.models import Q

from customers.models import CustomerMerge
from rewards.models import LotAllocation, PointLot, PointTransaction
from rewards.models.points import Kind

OUT, IN = ":out", ":in"


def moved_lots(award: PointTransaction) -> list[PointLot]:
    """Return the lots into which merges moved the points of an award, the oldest first; none where nothing was merged."""
    found: dict[int, PointLot] = {}
    among = Q(lot__transaction__source=award.source, lot__transaction__kind=Kind.EARN)
    while keys := _left_by(among):
        arrived = PointLot.all_currencies.filter(transaction__source__in=keys, transaction__kind=Kind.TRANSFER)
        new = [lot for lot in arrived.exclude(pk__in=found) if lot.pk not in found]
        found |= {lot.pk: lot for lot in new}
        among = Q(lot__in=[lot.pk for lot in new])
        if not new:
            break
    return [found[pk] for pk in sorted(found)]


def _left_by(among: Q) -> list[str]:
    """Return the keys under which the points of some lots arrived elsewhere."""
    rows = LotAllocation.objects.filter(among, transaction__kind=Kind.TRANSFER, transaction__source__endswith=OUT)
    return [key.removesuffix(OUT) + IN for key in rows.values_list("transaction__source", flat=True).distinct()]


def family_of(customer_id: int) -> set[int]:
    """Return a customer and whoever was ever merged with them, undone or not: where their points can be."""
    found: set[int] = set()
    new = {customer_id}
    while new:
        found |= new
        merges = CustomerMerge.objects.filter(Q(kept__in=new) | Q(duplicate__in=new))
        new = {pk for pair in merges.values_list("kept", "duplicate") for pk in pair} - found
    return found
