"""Why a till refuses a coupon: its state, what its batch says about place, person and basket, and the limits."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from customers import segments
from customers.models import Customer, Store
from customers.timezones import programme_date, start_of_day
from rewards import freezes
from rewards.coupon_rows import Look
from rewards.coupons import REASON_OF_STATE, Reason
from rewards.models import Coupon, CouponBatch, CouponHold, CouponUse, Tier, TierMembership


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Who wants to use a coupon where and for how much; amounts in the currency's minor unit.

    `basket_digest` stands for what lies in the basket; a reservation holds for that basket only.
    """

    now: dt.datetime
    customer: Customer | None = None
    store: Store | None = None
    basket: int = 0
    discount: int = 0
    reservation_key: str = ""
    basket_digest: str = ""

    def person(self, coupon: Coupon) -> int | None:
        """Return for whom a use counts: who is named, or else the coupon's owner, for who shows the code has it."""
        return self.customer.pk if self.customer else coupon.customer_id


def refusal(look: Look, situation: Situation) -> Reason | None:
    """Return the first reason against a coupon, None when a till takes it; about limits this is certain only under the lock."""
    if freezes.is_frozen():
        return Reason.FROZEN
    return (
        state_refusal(look.coupon, situation)
        or _hold_refusal(look, situation)
        or _rule_refusal(look, situation)
        or limit_refusal(look.coupon, situation)
    )


def state_refusal(coupon: Coupon, situation: Situation) -> Reason | None:
    """Return what the coupon's state says."""
    state = coupon.state_at(situation.now)
    if state == "active" or (state == "reserved" and coupon.reservation_key == situation.reservation_key != ""):
        return None
    return REASON_OF_STATE[state]


def limit_refusal(coupon: Coupon, situation: Situation) -> Reason | None:
    """Return what the counters say; what is held for other baskets counts, too. Certain only under the batch's lock."""
    batch, now = coupon.batch, situation.now
    if not has_limits(batch):
        return None
    used = CouponUse.objects.filter(batch=batch, returned_at=None)
    held = _others_holds(coupon, situation)
    if batch.per_customer is not None:
        person = situation.person(coupon)
        if person is None:
            return Reason.CUSTOMER_NEEDED
        if _reaches(batch.per_customer, used.filter(customer=person), held.filter(customer=person)):
            return Reason.CUSTOMER_LIMIT
    if batch.per_day is not None:
        today = programme_date(now)
        used = used.filter(
            redeemed_at__gte=start_of_day(today), redeemed_at__lt=start_of_day(today + dt.timedelta(days=1))
        )
        if _reaches(batch.per_day, used, held):
            return Reason.DAY_LIMIT
    if batch.budget is not None:
        promised = held.aggregate(total=Sum("discount", default=0))["total"]
        spent = CouponBatch.objects.values_list("spent", flat=True).get(pk=batch.pk)
        if spent + promised + situation.discount > batch.budget:
            return Reason.BUDGET
    return None


def has_limits(batch: CouponBatch) -> bool:
    """Return whether uses of a batch depend on its other uses."""
    return batch.per_customer is not None or batch.per_day is not None or batch.budget is not None


def _others_holds(coupon: Coupon, situation: Situation) -> QuerySet[CouponHold]:
    """Select what the batch holds now for other baskets than this one."""
    live = CouponHold.objects.filter(batch=coupon.batch_id, held_until__gt=situation.now)
    return live.exclude(coupon=coupon.pk, key=situation.reservation_key)


def _hold_refusal(look: Look, situation: Situation) -> Reason | None:
    """A code for many is used up by what others hold; a reservation is for the basket that it was made for."""
    if not look.has_holds:
        return None
    coupon = look.coupon
    if coupon.uses_allowed > 1:
        others = _others_holds(coupon, situation).filter(coupon=coupon.pk)
        if coupon.uses + others.count() >= coupon.uses_allowed:
            return Reason.RESERVED
    if situation.basket_digest:
        own = CouponHold.objects.filter(coupon=coupon.pk, key=situation.reservation_key, held_until__gt=situation.now)
        if own.exclude(basket_digest__in=["", situation.basket_digest]).exists():
            return Reason.BASKET_CHANGED
    return None


def _rule_refusal(look: Look, situation: Situation) -> Reason | None:
    """What the batch says about now, here, this person and this basket."""
    coupon, batch = look.coupon, look.coupon.batch
    if batch.state != CouponBatch.State.ACTIVE:
        return Reason.PAUSED if batch.state == CouponBatch.State.PAUSED else Reason.CLOSED
    if situation.customer and coupon.customer_id not in (None, situation.customer.pk):
        return Reason.OTHER_CUSTOMER
    if look.has_stores and not look.is_in_store:
        return Reason.OTHER_STORE
    if situation.basket < batch.minimum_basket:
        return Reason.BASKET_TOO_SMALL
    person = situation.person(coupon)
    if look.has_tiers and not batch.tiers.filter(pk=_tier_of(person)).exists():
        return Reason.OTHER_TIER
    if batch.segments:
        if person is None:
            return Reason.CUSTOMER_NEEDED
        if not any(_is_in(segment, person, situation.now) for segment in batch.segments):
            return Reason.OTHER_SEGMENT
    return None


def _tier_of(customer_id: int | None) -> int | None:
    """Return the tier a customer is in; who has reached none is where everybody starts."""
    row = TierMembership.objects.open().filter(customer=customer_id).first()
    if customer_id is None or row is not None:
        return row and row.tier_id
    return Tier.objects.filter(rank=0).values_list("pk", flat=True).first()


def _is_in(segment: str, customer_id: int, now: dt.datetime) -> bool:
    """Return whether a customer is in a segment; nobody is in one that is gone."""
    try:
        return segments.members(segment, now=now).filter(pk=customer_id).exists()
    except segments.UnknownSegment:
        return False


def _reaches(limit: int, *rows: QuerySet) -> bool:
    return sum(queryset[:limit].count() for queryset in rows) >= limit
