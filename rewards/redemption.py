"""Taking a coupon at the till: check, reserve, redeem, take back. docs/coupons.md has the states and refusals.

Two walls stand against a second use: one conditional UPDATE that must hit one row, and UNIQUE(coupon, number) on the uses.
The batch's row is locked first, so limits and budget are counted by one redeemer at a time.
"""

import datetime as dt
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from customers.models import Customer, Purchase, Store, User
from rewards import announcements, coupon_rows, coupon_rules, coupons
from rewards.coupon_rows import Look
from rewards.coupon_rules import Situation
from rewards.coupons import CouponRefused, Reason, free
from rewards.models import Coupon, CouponBatch, CouponEvent, CouponHold, CouponUse

TILL_HOLD = dt.timedelta(minutes=15)
WEB_HOLD = dt.timedelta(hours=24)
ONE_BASIS = 10_000

__all__ = [
    "KeyConflict",
    "Situation",
    "discount_of",
    "give_back",
    "redeem",
    "redeem_many",
    "refusal",
    "release",
    "reserve",
]


class KeyConflict(Exception):
    """The key of this request was already used with another meaning; nothing was changed."""

    def __init__(self, *, key: str) -> None:
        self.key = key
        super().__init__(_("The request %(key)s was already sent with other contents.") % {"key": key})


def refusal(coupon: Coupon, situation: Situation) -> Reason | None:
    """Return why a till would refuse the coupon, None when it would take it; reads the coupon's row anew, changes nothing."""
    return coupon_rules.refusal(_look(coupon, situation), situation)


def discount_of(batch: CouponBatch, amount: int) -> int:
    """Return what a coupon of the batch takes off an amount, rounded down, never more than the amount."""
    if batch.value_kind == CouponBatch.Value.PERCENT:
        return amount * batch.value // ONE_BASIS
    if batch.value_kind == CouponBatch.Value.AMOUNT:
        return min(batch.value, amount)
    if batch.value_kind == CouponBatch.Value.PRODUCT:
        return min(batch.product.price or 0, amount)
    return 0


def reserve(
    *,
    coupon: Coupon,
    key: str,
    now: dt.datetime,
    hold: dt.timedelta = TILL_HOLD,
    customer: Customer | None = None,
    store: Store | None = None,
    basket: int = 0,
    discount: int = 0,
    basket_digest: str = "",
    by: User | None = None,
) -> Coupon:
    """Hold a coupon for one basket until a deadline, and return it; the same key again moves the deadline.

    What is held counts against every limit. A code for many is held once for each basket, and so never locks out others
    before its uses are all spoken for. Raises CouponRefused.
    """
    situation = Situation(
        now=now, customer=customer, store=store, basket=basket, discount=discount, reservation_key=key
    )  # another basket under the same key is a new reservation, so its digest is not compared
    with transaction.atomic():
        coupon_rows.lock(batch_id=coupon.batch_id)
        if reason := refusal(coupon, situation):
            raise CouponRefused(reason, coupon=coupon)
        if coupon.uses_allowed == 1:
            changed = _takeable(coupon, situation).update(
                state=Coupon.State.RESERVED, reserved_until=now + hold, reservation_key=key
            )
            if not changed:
                raise CouponRefused(_state_refusal(coupon, situation) or Reason.RESERVED, coupon=coupon)
        CouponHold.objects.filter(coupon=coupon, held_until__lte=now).exclude(key=key).delete()
        kept = {
            "batch_id": coupon.batch_id, "customer_id": situation.person(coupon), "discount": discount,
            "basket_digest": basket_digest, "held_until": now + hold,
        }  # fmt: skip
        _hold, is_new = CouponHold.objects.update_or_create(coupon=coupon, key=key, defaults=kept)
        if is_new:
            coupons.note(coupon=coupon, kind=CouponEvent.Kind.RESERVED, now=now, by=by, store=store)
    coupon.refresh_from_db()
    return coupon


def release(
    *, coupon: Coupon, key: str, now: dt.datetime, by: User | None = None, store: Store | None = None
) -> Coupon:
    """Let go of a reservation and return the coupon. Raises CouponRefused when it is not held under this key."""
    with transaction.atomic():
        changed = Coupon.objects.filter(pk=coupon.pk, state=Coupon.State.RESERVED, reservation_key=key).update(
            state=Coupon.State.ACTIVE, reserved_until=None, reservation_key=""
        )
        gone, _kinds = CouponHold.objects.filter(coupon=coupon, key=key).delete()
        if not (changed or (gone and coupon.uses_allowed > 1)):
            raise CouponRefused(Reason.NOT_RESERVED, coupon=coupon)
        coupons.note(coupon=coupon, kind=CouponEvent.Kind.RELEASED, now=now, by=by, store=store)
    coupon.refresh_from_db()
    return coupon


def redeem(
    *,
    coupon: Coupon,
    request_key: str,
    now: dt.datetime,
    customer: Customer | None = None,
    store: Store | None = None,
    purchase: Purchase | None = None,
    basket: int = 0,
    discount: int = 0,
    reservation_key: str = "",
    basket_digest: str = "",
    by: User | None = None,
) -> CouponUse:
    """Use a coupon once per request key and return the use; amounts in the currency's minor unit.

    Without a customer a personal coupon counts for its owner: who shows the code has it. Raises CouponRefused, and KeyConflict
    when the key was used for something else.
    """
    situation = Situation(
        now=now, customer=customer, store=store, basket=basket, discount=discount, reservation_key=reservation_key,
        basket_digest=basket_digest,
    )  # fmt: skip
    use = CouponUse(
        coupon=coupon, batch_id=coupon.batch_id, request_key=request_key, store=store, purchase=purchase,
        discount=discount, redeemed_at=now, customer_id=situation.person(coupon), by=by,
    )  # fmt: skip
    try:
        # A look before the lock: with one writer at a time, most of those who come too late need not queue.
        look = _look(coupon, situation, request_key)
        if look.use_id is not None and (earlier := _replayed(use)):
            return earlier
        if reason := coupon_rules.refusal(look, situation):
            raise CouponRefused(reason, coupon=coupon)
        return _use(use, situation, look)
    except (CouponRefused, IntegrityError):
        # The same request may have been served by another process meanwhile.
        if earlier := _replayed(use):
            return earlier
        raise


def redeem_many(
    *,
    discounts: Sequence[tuple[Coupon, int]],
    request_key: str,
    now: dt.datetime,
    customer: Customer | None = None,
    store: Store | None = None,
    purchase: Purchase | None = None,
    basket: int = 0,
    by: User | None = None,
) -> list[CouponUse]:
    """Use several coupons, each with what it takes off, all or none of them, and return the uses.

    Batches are locked by number, so two baskets with the same offers never wait for each other in a circle. The use of an
    only coupon has the request's key, those of several have the coupon's number behind it. Raises CouponRefused and KeyConflict; coupon_baskets says what may be
    combined.
    """
    keys = {coupon.pk: f"{request_key}:{coupon.pk}" if len(discounts) > 1 else request_key for coupon, __ in discounts}
    with transaction.atomic():
        return [
            redeem(
                coupon=coupon, request_key=keys[coupon.pk], now=now, customer=customer, store=store,
                purchase=purchase, basket=basket, discount=discount, by=by,
            )
            for coupon, discount in sorted(discounts, key=lambda pair: (pair[0].batch_id, pair[0].pk))
        ]  # fmt: skip


def give_back(
    *, use: CouponUse, return_key: str, now: dt.datetime, by: User | None = None, store: Store | None = None
) -> CouponUse:
    """Take back a use, because its purchase is reversed, once per return key, and return it.

    The coupon can be used again unless it has expired or was voided meanwhile. Raises CouponRefused when the use was taken back
    before, and KeyConflict when the key took back another one.
    """
    with transaction.atomic():
        coupon_rows.lock(batch_id=use.batch_id)
        is_repeated = _returned(use, return_key)
        changed = CouponUse.objects.filter(pk=use.pk, returned_at=None).update(returned_at=now, return_key=return_key)
        if changed:
            batch = CouponBatch.objects.filter(pk=use.batch_id)
            batch.update(redeemed=F("redeemed") - 1, spent=F("spent") - use.discount)
            redeemed = When(state=Coupon.State.REDEEMED, then=Value(Coupon.State.ACTIVE))
            Coupon.objects.filter(pk=use.coupon_id).update(uses=F("uses") - 1, state=Case(redeemed, default=F("state")))
            coupons.note(coupon=use.coupon, kind=CouponEvent.Kind.RETURNED, now=now, by=by, store=store)
            announcements.coupon_returned(use, at=now)
        elif not is_repeated:
            raise CouponRefused(Reason.RETURNED, coupon=use.coupon)
    use.refresh_from_db()
    return use


def _look(coupon: Coupon, situation: Situation, request_key: str = "") -> Look:
    store_id = situation.store.pk if situation.store else None
    return coupon_rows.look(coupon_id=coupon.pk, store_id=store_id, request_key=request_key)


def _state_refusal(coupon: Coupon, situation: Situation) -> Reason | None:
    return coupon_rules.state_refusal(_look(coupon, situation).coupon, situation)


def _takeable(coupon: Coupon, situation: Situation) -> QuerySet[Coupon]:
    """Select the coupon's row as long as nobody else has taken it."""
    own = Q(state=Coupon.State.RESERVED, reservation_key=situation.reservation_key) & ~Q(reservation_key="")
    lasting = Q(expires_at=None) | Q(expires_at__gt=situation.now)
    return Coupon.objects.filter(free(situation.now) | (own & lasting), pk=coupon.pk, uses__lt=F("uses_allowed"))


@transaction.atomic
def _use(use: CouponUse, situation: Situation, look: Look) -> CouponUse:
    """Count, take and record a use, all or nothing."""
    coupon = use.coupon
    if coupon_rules.has_limits(look.coupon.batch):
        # Counted again now that no other use of the batch can happen.
        coupon_rows.lock(batch_id=use.batch_id)
        if reason := coupon_rules.limit_refusal(look.coupon, situation):
            raise CouponRefused(reason, coupon=coupon)
    if not coupon_rows.count(batch_id=use.batch_id, discount=use.discount):
        raise CouponRefused(refusal(coupon, situation) or Reason.BUDGET, coupon=coupon)
    if not coupon_rows.take(coupon=coupon, now=situation.now, key=situation.reservation_key):
        raise CouponRefused(refusal(coupon, situation) or Reason.USED, coupon=coupon)
    coupon_rows.record(use=use)
    if look.has_holds:
        held = CouponHold.objects.filter(coupon=coupon)
        (held if coupon.uses_allowed == 1 else held.filter(key=situation.reservation_key)).delete()
    announcements.coupon_redeemed(use)
    return use


def _replayed(use: CouponUse) -> CouponUse | None:
    """Return what the request did before, None at the first time."""
    earlier = CouponUse.objects.select_related("coupon").filter(request_key=use.request_key).first()
    names = ("coupon_id", "customer_id", "store_id", "purchase_id", "discount")
    if earlier is not None and any(getattr(earlier, name) != getattr(use, name) for name in names):
        raise KeyConflict(key=use.request_key)
    return earlier


def _returned(use: CouponUse, return_key: str) -> bool:
    """Return whether the key took back this use before."""
    other = CouponUse.objects.filter(return_key=return_key).first()
    if other is not None and other.pk != use.pk:
        raise KeyConflict(key=return_key)
    return other is not None
