"""Coupons at a till or in a web shop: check, reserve, release, redeem, take back.

Codes travel in bodies, never in an address that ends up in a log. A key without the scope coupons:reasons is told one
neutral sentence, so that it learns nothing about codes that it guesses.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja import Router

from customers.api.door import business_key, look_up, operation
from customers.api.lookups import customer_by_number, optional_store_of, store_of, till_of
from customers.api.problems import Problem, not_found
from customers.models import Customer, Purchase, Store
from customers.models.api_key import Scope
from rewards import coupons, redemption
from rewards.api.coupon_schemas import (
    CouponCheck,
    CouponOut,
    CouponVerdict,
    RedeemIn,
    RedemptionOut,
    ReleaseIn,
    ReserveIn,
    TakeBackIn,
)
from rewards.coupons import CouponRefused, Reason
from rewards.models import Coupon, CouponUse
from rewards.redemption import Situation

router = Router(tags=["coupons"])


@operation(
    router,
    "POST",
    "/coupons/validate",
    scope=Scope.COUPONS_READ,
    answer=CouponVerdict,
    summary=gettext_noop("Say whether a till would take a coupon, and what it takes off; nothing is changed."),
)
def validate_coupon(request: HttpRequest, body: CouponCheck) -> CouponVerdict:
    try:
        coupon = _find(request, body.code)
    except CouponRefused as refused:
        return verdict(request, None, refused.reason)
    customer, store = _whose(request, body.member_number), optional_store_of(request, body.store)
    discount = redemption.discount_of(coupon.batch, body.basket)
    situation = Situation(
        now=timezone.now(), customer=customer, store=store, basket=body.basket, discount=discount,
        reservation_key=_reservation(request, body.reservation),
    )  # fmt: skip
    return verdict(request, coupon, redemption.refusal(coupon, situation), discount)


@operation(
    router,
    "POST",
    "/coupons/reserve",
    scope=Scope.COUPONS_REDEEM,
    answer=CouponOut,
    status=201,
    summary=gettext_noop(
        "Hold a coupon for one basket: 15 minutes at a counter, 24 hours in a web shop. Again moves the deadline."
    ),
)
def reserve_coupon(request: HttpRequest, body: ReserveIn) -> CouponOut:
    with saying_why(request):
        store = optional_store_of(request, body.store)
        hold = redemption.WEB_HOLD if store is not None and store.kind == Store.Kind.WEB else redemption.TILL_HOLD
        coupon = _find(request, body.code)
        coupon = redemption.reserve(
            coupon=coupon, key=_reservation(request, body.reservation), now=timezone.now(), hold=hold,
            customer=_whose(request, body.member_number), store=store, basket=body.basket,
            discount=redemption.discount_of(coupon.batch, body.basket), basket_digest=body.basket_digest or "",
        )  # fmt: skip
    return _coupon(coupon)


@operation(
    router,
    "POST",
    "/coupons/release",
    scope=Scope.COUPONS_REDEEM,
    answer=CouponOut,
    status=201,
    summary=gettext_noop("Let go of a reserved coupon."),
)
def release_coupon(request: HttpRequest, body: ReleaseIn) -> CouponOut:
    with saying_why(request):
        coupon = redemption.release(
            coupon=_find(request, body.code), key=_reservation(request, body.reservation), now=timezone.now()
        )
    return _coupon(coupon)


@operation(
    router,
    "POST",
    "/coupons/redeem",
    scope=Scope.COUPONS_REDEEM,
    answer=RedemptionOut,
    status=201,
    summary=gettext_noop("Use a coupon. The discount is reckoned here, from the basket and the coupon's rules."),
)
def redeem_coupon(request: HttpRequest, body: RedeemIn) -> RedemptionOut:
    with saying_why(request):
        coupon, store = _find(request, body.code), optional_store_of(request, body.store)
        use = redemption.redeem(
            coupon=coupon, request_key=business_key(request), now=timezone.now(),
            customer=_whose(request, body.member_number), store=store, purchase=_purchase(request, body),
            basket=body.basket, discount=redemption.discount_of(coupon.batch, body.basket),
            reservation_key=_reservation(request, body.reservation), basket_digest=body.basket_digest or "",
        )  # fmt: skip
    return _redemption(use)


@operation(
    router,
    "POST",
    "/coupons/return",
    scope=Scope.COUPONS_REDEEM,
    answer=RedemptionOut,
    status=201,
    summary=gettext_noop(
        "Undo the use of a coupon, because its purchase is undone; the coupon can be used again unless it has ended."
    ),
)
def take_back_coupon(request: HttpRequest, body: TakeBackIn) -> RedemptionOut:
    rows = CouponUse.objects.select_related("coupon__batch__product", "customer", "store")
    use = rows.filter(pk=body.redemption).first()
    own = request.auth.store_id
    if use is None or (own is not None and use.store_id != own):
        raise not_found("/redemption")
    with saying_why(request):
        use = redemption.give_back(use=use, return_key=business_key(request), now=timezone.now(), store=use.store)
    return _redemption(use)


def _find(request: HttpRequest, code: str) -> Coupon:
    """Return the coupon of a code. An unknown one is a miss, told like every other refusal."""
    try:
        return look_up(request, lambda: coupons.find(code), pointer="/code", detail=str(Reason.UNKNOWN.label))
    except Problem as problem:
        if problem.code == "not_found":
            raise CouponRefused(Reason.UNKNOWN) from problem
        raise


@contextmanager
def saying_why(request: HttpRequest) -> Iterator[None]:
    """Tell keys with the scope for it why a coupon is refused, and all others only that it is."""
    try:
        yield
    except CouponRefused as refused:
        if request.auth.may(Scope.COUPONS_REASONS):
            raise Problem("coupon_refused", str(refused), more={"reason": refused.reason.value}) from refused
        raise Problem("coupon_refused", _neutral()) from refused


def _neutral() -> str:
    return _("This coupon cannot be used here and now.")


def verdict(request: HttpRequest, coupon: Coupon | None, reason: Reason | None, discount: int = 0) -> CouponVerdict:
    """Say whether a coupon would be taken, and why not to keys with the scope for it."""
    if reason is None and coupon is not None:
        return CouponVerdict(is_valid=True, reason=None, detail=None, discount=discount, coupon=_coupon(coupon))
    if not request.auth.may(Scope.COUPONS_REASONS):
        return CouponVerdict(is_valid=False, reason=None, detail=_neutral(), discount=0, coupon=None)
    shown = _coupon(coupon) if coupon else None
    return CouponVerdict(is_valid=False, reason=reason.value, detail=str(reason.label), discount=0, coupon=shown)


def _whose(request: HttpRequest, member_number: str | None) -> Customer | None:
    return None if member_number is None else customer_by_number(request, member_number)


def _reservation(request: HttpRequest, name: str | None) -> str:
    """Return the key of a reservation: the client's own name for the basket, so that clients cannot meet."""
    return f"api:{request.auth.client}:{name}" if name else ""


def _purchase(request: HttpRequest, body: RedeemIn) -> Purchase | None:
    if body.purchase is None:
        return None
    rows = Purchase.objects.filter(store=store_of(request, body.store), till=till_of(request, body.till))
    purchase = rows.filter(reference=body.purchase).first()
    if purchase is None:
        raise not_found("/purchase", _("No receipt has this number here."))
    return purchase


def _coupon(coupon: Coupon) -> CouponOut:
    batch = coupon.batch
    return CouponOut(
        ends_in=coupon.code_tail, name=batch.name, state=coupon.state_at(timezone.now()), value_kind=batch.value_kind,
        value=batch.value, product=batch.product and batch.product.sku, minimum_basket=batch.minimum_basket,
        expires_at=coupon.expires_at, reserved_until=coupon.reserved_until,
    )  # fmt: skip


def _redemption(use: CouponUse) -> RedemptionOut:
    return RedemptionOut(
        id=use.pk, coupon=_coupon(use.coupon), member_number=use.customer and use.customer.member_number,
        store=use.store and use.store.code, discount=use.discount, redeemed_at=use.redeemed_at,
        returned_at=use.returned_at,
    )  # fmt: skip
