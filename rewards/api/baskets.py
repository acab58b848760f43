"""Points and coupons that pay for a basket, in a quote and in a purchase alike; and the gift cards of a purchase."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.utils.translation import gettext as _

from customers.api.door import look_up
from customers.api.problems import Problem, invalid, not_found
from customers.models import Customer, Store
from customers.models.api_key import Scope
from rewards import coupon_baskets, coupon_offers, outlook, redemption, sale, value_accounts
from rewards.api.coupon_schemas import CouponVerdict
from rewards.api.coupons import saying_why, verdict
from rewards.api.points import find_hold
from rewards.api.purchase_schemas import BasketIn, CardPayment, PurchaseIn
from rewards.coupons import CouponRefused, Reason, find
from rewards.ledger import InsufficientPoints
from rewards.models import Coupon, PointHold, ValueAccount
from rewards.redemption import Situation
from rewards.sale import PaysTooMuch, Receipt, SoldLine


def needs(request: HttpRequest, scope: Scope) -> None:
    """Refuse what goes beyond the scope of the operation itself."""
    if not request.auth.may(scope):
        sentence = _("This needs the scope %(scope)s, which the key does not have.") % {"scope": scope}
        raise Problem("scope_missing", sentence, more={"scope": scope.value})


def paying_coupons(request: HttpRequest, body: BasketIn) -> list[Coupon]:
    """Return the coupons of the codes in a basket. An unknown one is a miss, and refused like any other."""
    if not body.coupons:
        return []
    needs(request, Scope.COUPONS_REDEEM)
    found = [_coupon(request, code, f"/coupons/{place}") for place, code in enumerate(body.coupons)]
    if len({coupon.pk for coupon in found}) < len(found):
        raise invalid("/coupons", _("Each coupon may stand only once."))
    return found


def _coupon(request: HttpRequest, code: str, pointer: str) -> Coupon:
    with saying_why(request):
        try:
            return look_up(request, lambda: find(code), pointer=pointer, detail=str(Reason.UNKNOWN.label))
        except Problem as problem:
            if problem.code == "not_found":
                raise CouponRefused(Reason.UNKNOWN) from problem
            raise


def paying_points(request: HttpRequest, body: BasketIn, customer: Customer | None) -> int:
    """Return the points that are to pay for a basket."""
    if body.points:
        needs(request, Scope.POINTS_HOLD)
        if customer is None:
            raise invalid("/points", _("Only a member pays with points: give the member number."))
    return body.points


def paying_hold(request: HttpRequest, body: PurchaseIn, customer: Customer | None) -> PointHold | None:
    """Return the hold whose points are to pay for a purchase; it must be the member's own."""
    if body.hold is None:
        return None
    needs(request, Scope.POINTS_HOLD)
    hold = find_hold(request, body.hold)
    if customer is None or hold.customer_id != customer.pk:
        raise invalid("/hold", _("These points are on hold for another customer."))
    return hold


def paying_cards(request: HttpRequest, body: PurchaseIn, customer: Customer | None) -> list[tuple[ValueAccount, int]]:
    """Return the gift cards that pay for a basket, and how much each; without a code the member's store credit."""
    if body.value:
        needs(request, Scope.VALUE_SPEND)
    return [(_card(request, one, customer, place), one.amount) for place, one in enumerate(body.value)]


def _card(request: HttpRequest, one: CardPayment, customer: Customer | None, place: int) -> ValueAccount:
    if one.code is not None:
        code = one.code
        sentence = str(value_accounts.Reason.UNKNOWN.label)
        return look_up(
            request, lambda: value_accounts.find_by_code(code), pointer=f"/value/{place}/code", detail=sentence
        )
    credit = customer and customer.value_accounts.filter(kind=ValueAccount.Kind.STORE_CREDIT).first()
    if credit is None:
        raise not_found(f"/value/{place}", _("This customer has no store credit."))
    return credit


def quoted_receipt(
    request: HttpRequest, body: BasketIn, store: Store, till: str, customer: Customer | None, lines: Sequence[SoldLine]
) -> Receipt:
    """Return the receipt that a purchase of this basket would be. Refused as the purchase would be."""
    points, coupons = paying_points(request, body, customer), paying_coupons(request, body)
    whole = sum(line.total for line in lines) - body.discount
    with saying_why(request):
        off = 0
        if coupons:
            taken = coupon_baskets.discounts(coupons=coupons, lines=lines, off=body.discount)
            off = sum(amount for __, amount in taken)
            for coupon, amount in taken:
                situation = Situation(
                    now=body.occurred_at, customer=customer, store=store, basket=whole, discount=amount
                )
                if reason := redemption.refusal(coupon, situation):
                    raise CouponRefused(reason, coupon=coupon)
    paid = sale.value_of(points)
    if paid > whole - off:
        raise PaysTooMuch(points=points, to_pay=whole - off)
    if points and customer is not None:
        available = outlook.active_at(customer=customer, now=body.occurred_at)
        if points > available:
            raise InsufficientPoints(needed=points, available=available)
    return Receipt(
        store=store, till=till, reference="quote", customer_id=customer and customer.pk, occurred_at=body.occurred_at,
        lines=lines, discount=body.discount + off, points=points, paid_by_points=paid,
        multiplier=coupon_baskets.multiplier(coupons),
    )  # fmt: skip


def fitting_coupons(
    request: HttpRequest, body: BasketIn, store: Store, customer: Customer | None, lines: Sequence[SoldLine]
) -> list[CouponVerdict]:
    """Return what each coupon of the customer would take off a basket by itself, the best first; nothing without the scope."""
    if customer is None or not request.auth.may(Scope.COUPONS_READ):
        return []
    rows = coupon_offers.offers(customer=customer, store=store, lines=lines, now=body.occurred_at)
    return [verdict(request, row.coupon, row.reason, row.discount) for row in rows]
