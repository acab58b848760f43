"""What saved filters can ask about tiers and coupons."""

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from customers.segment_facts import Fact, one_of, register
from rewards.models import Coupon, CouponBatch, CouponUse, Tier, TierMembership


def _in_tier() -> Fact:
    return Fact(
        "tier",
        one_of(Tier.objects.all, _("In tier")),
        lambda customers, tier, now: customers.filter(
            Exists(TierMembership.objects.open().filter(customer=OuterRef("pk"), tier=tier))
        ),
    )


def _has_coupon() -> Fact:
    return Fact(
        "coupon",
        one_of(CouponBatch.objects.all, _("Has a coupon of")),
        lambda customers, batch, now: customers.filter(
            Exists(Coupon.objects.filter(customer=OuterRef("pk"), batch=batch))
        ),
    )


def _used_coupon() -> Fact:
    return Fact(
        "coupon_used",
        one_of(CouponBatch.objects.all, _("Used a coupon of"), _("Uses that came back do not count.")),
        lambda customers, batch, now: customers.filter(
            Exists(
                CouponUse.objects.filter(customer=OuterRef("pk"), batch=batch, returned_at=None, redeemed_at__lte=now)
            )
        ),
    )


register(_in_tier(), _has_coupon(), _used_coupon())
