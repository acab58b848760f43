"""The coupons' part of the proof: uses equal redemptions, and the batches' counters equal their coupons."""

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from rewards.models import Coupon, CouponBatch, CouponUse


def coupon_faults() -> list[str]:
    """Return a sentence for each coupon and batch whose counters do not equal their rows.

    One statement each, so that a redemption in between is seen whole or not at all.
    """
    uses = CouponUse.objects.filter(returned_at=None).order_by()
    by_coupon = _count(uses.filter(coupon=OuterRef("pk")).values("coupon"))
    faults = [
        _("coupon %(coupon)d: %(uses)d uses, %(rows)d redemptions") % {"coupon": pk, "uses": stored, "rows": rows}
        for pk, stored, rows in _differing(Coupon.objects.annotate(rows=by_coupon), "uses")
    ]
    strays = CouponUse.objects.exclude(batch=F("coupon__batch")).order_by("pk").values_list("pk", flat=True)[:100]
    faults += [_("coupon use %(use)d names another batch than its coupon") % {"use": pk} for pk in strays]
    of_batch = uses.filter(batch=OuterRef("pk")).values("batch")
    coupons = Coupon.objects.order_by().filter(batch=OuterRef("pk")).values("batch")
    spent = Coalesce(Subquery(of_batch.annotate(total=Sum("discount")).values("total")), 0)
    for name, rows in (("redeemed", _count(of_batch)), ("issued", _count(coupons)), ("spent", spent)):
        faults += [
            _("coupon batch %(batch)d: %(name)s is %(stored)d, its coupons say %(rows)d")
            % {"batch": pk, "name": name, "stored": stored, "rows": counted}
            for pk, stored, counted in _differing(CouponBatch.objects.annotate(rows=rows), name)
        ]
    return faults


def _count(rows: QuerySet) -> Coalesce:
    return Coalesce(Subquery(rows.annotate(total=Count("pk")).values("total")), 0)


def _differing(rows: QuerySet, column: str) -> list[tuple[int, int, int]]:
    return list(rows.exclude(rows=F(column)).order_by("pk").values_list("pk", column, "rows")[:100])
