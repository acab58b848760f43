"""The stamp cards' part of the proof: each emptied card became the coupon of its customer."""

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from rewards.models import Coupon, PointTransaction, StampCard
from rewards.models.points import POINTS, Kind

KEPT = 100


def stamp_faults() -> list[str]:
    """Return a sentence for each emptied card without a coupon."""
    if not StampCard.objects.exists():
        return []
    coupon = Coupon.objects.filter(source=OuterRef("source"), customer=OuterRef("customer"))
    emptied = PointTransaction.all_currencies.filter(~Exists(coupon), currency__gt=POINTS, kind=Kind.REDEEM)
    return [
        _("transaction %(row)d emptied a stamp card, and there is no coupon for it") % {"row": pk}
        for pk in emptied.order_by("pk").values_list("pk", flat=True)[:KEPT]
    ]
