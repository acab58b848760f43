"""What saved filters can ask about tiers and coupons, and what of ours selects by a segment."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from customers import segment_uses
from customers.segment_facts import Fact, one_of, register
from customers.segment_uses import Use
from rewards.models import Coupon, CouponBatch, CouponPlan, CouponUse, Reward, Surprise, Tier, TierMembership


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


def _batches_for(key: str) -> QuerySet[CouponBatch]:
    """Batches keep a list; SQLite cannot look into it, and there are few that have one."""
    lists = CouponBatch.objects.exclude(segments=[]).values_list("pk", "segments")
    return CouponBatch.objects.filter(pk__in=[pk for pk, keys in lists if key in keys])


register(_in_tier(), _has_coupon(), _used_coupon())
segment_uses.register(
    surprises=Use(lambda key: Surprise.objects.filter(segment=key), Q(state=Surprise.State.ACTIVE)),
    coupon_plans=Use(
        lambda key: CouponPlan.objects.filter(segment=key), Q(approved_at__isnull=False, finished_at__isnull=True)
    ),
    coupon_batches=Use(_batches_for, Q(state__in=[CouponBatch.State.ACTIVE, CouponBatch.State.PAUSED])),
    rewards=Use(lambda key: Reward.objects.filter(segment=key)),
)
