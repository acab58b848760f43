"""What the mail about a coupon is made of: the notice keeps two keys, the words are read when it is sent."""

from django import template
from django.utils import timezone

from rewards.models import Coupon, CouponPlan
from rewards.passes import Pass, conditions_of

register = template.Library()


@register.simple_tag
def ticket_of(coupon_id: int) -> Pass:
    """Return a coupon in words."""
    return Pass.of(Coupon.objects.select_related("batch__product").get(pk=coupon_id), now=timezone.now())


@register.simple_tag
def plan_of(plan_id: int) -> CouponPlan:
    """Return the plan with the merchant's subject and message."""
    return CouponPlan.objects.get(pk=plan_id)


@register.simple_tag
def conditions(ticket: Pass) -> list[str]:
    """Return the sentences about where and on what a coupon holds."""
    return conditions_of(ticket.coupon.batch)
