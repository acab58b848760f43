"""What a return causes: points taken back, points given back, the coupon returned, the tier looked at, the customer told.

The kept part of the purchase is awarded again with the stored rule versions, so the result depends on what is finally
kept and not on how many returns it took. docs/points.md works through the numbers.
"""

from django.db.models import Sum
from django.utils.translation import gettext as _

from customers import notices
from customers.models import Purchase, Return, User
from rewards import ledger, redemption, stamp_returns, stored_value, surprise_gifts, tiers
from rewards.kept import earned_by_what_is_kept
from rewards.models import CouponUse, PointTransaction
from rewards.models.points import Account, Kind
from rewards.postings import already_reversed


class CouponChoiceNeeded(Exception):
    """What is kept is worth less than the coupon's minimum: staff say whether the coupon goes back; nothing was recorded."""

    def __init__(self, *, use: CouponUse) -> None:
        self.use = use
        super().__init__(
            _("What the customer keeps is below the minimum of the coupon. Say whether the customer gets it back.")
        )


def follow(*, purchase: Purchase, row: Return, returns_coupon: bool | None, by: User | None) -> None:
    """Book what a recorded return causes; a part of the caller's transaction, which holds the customer's lock.

    Raises CouponChoiceNeeded.
    """
    taken = _take_back(purchase, row, by)
    given = _give_back(purchase, row, by)
    coupons = _return_coupons(purchase, row, returns_coupon, by)
    value = _give_back_value(purchase, row, by)
    stamps = stamp_returns.take_back(purchase=purchase, row=row, by=by)
    gifts = 0
    if purchase.customer_id is not None:
        tiers.follow_return(customer_id=purchase.customer_id, at=row.occurred_at)
        if _is_whole(purchase):
            gifts = surprise_gifts.follow_return(purchase=purchase, now=row.occurred_at, by=by)
    if purchase.customer_id is not None and (taken or given or coupons or value or stamps or gifts):
        context = {
            "receipt": purchase.reference,
            "taken": taken,
            "given": given,
            "coupons": coupons,
            "value": value,
            "stamps": stamps,
            "gifts": gifts,
            "total": row.total,
            "money": money_back(purchase=purchase, row=row),
        }
        notices.queue(
            [notices.Letter(purchase.customer_id, "return_explained", row.source, context)], now=row.recorded_at
        )


def money_back(*, purchase: Purchase, row: Return) -> int:
    """Return what the customer gets back in money for a return, in the minor unit.

    The returned share of what was paid in money, cumulative and rounded down, so that all returns together give back
    exactly what was paid.
    """
    until = purchase.returns.filter(pk__lte=row.pk).aggregate(total=Sum("total", default=0))["total"]
    return _share(purchase.to_pay, until, purchase) - _share(purchase.to_pay, until - row.total, purchase)


def _share(amount: int, returned: int, purchase: Purchase) -> int:
    return amount * returned // purchase.total if purchase.total else 0


def _returned(purchase: Purchase) -> int:
    return purchase.returns.aggregate(total=Sum("total", default=0))["total"]


def _is_whole(purchase: Purchase) -> bool:
    """Return whether every piece came back; by pieces, for lines may cost nothing."""
    lines = purchase.lines.annotate(back=Sum("returns__quantity", default=0))
    return all(line.back == line.quantity for line in lines)


def _take_back(purchase: Purchase, row: Return, by: User | None) -> int:
    """Take back the earned points that what is kept does not earn; return how many that cost the customer.

    What had expired before, or is written off, costs nothing.
    """
    legs = list(PointTransaction.objects.filter(source=purchase.source, kind=Kind.EARN).order_by("sequence"))
    if not legs:
        return 0
    left = sum(leg.points - already_reversed(leg) for leg in legs)
    points = max(0, left - earned_by_what_is_kept(purchase, legs[-1]).points)
    if not points:
        return 0
    rows = ledger.reverse_award(award=legs[-1], points=points, source=row.source, occurred_at=row.occurred_at, by=by)
    return points - sum(row.points for row in rows if row.to_account == Account.DEBT)


def _give_back(purchase: Purchase, row: Return, by: User | None) -> int:
    """Give back the returned share of the points that paid for it, all of them with the last piece; return how many."""
    spent = PointTransaction.objects.filter(source=purchase.source, kind=Kind.REDEEM).first()
    if spent is None:
        return 0
    due = spent.points if _is_whole(purchase) else _share(spent.points, _returned(purchase), purchase)
    points = due - already_reversed(spent)
    if points > 0:
        ledger.restore(spent=spent, points=points, source=row.source, occurred_at=row.occurred_at, by=by)
    return max(0, points)


def _give_back_value(purchase: Purchase, row: Return, by: User | None) -> int:
    """Give back the returned share of what gift cards and store credit paid, to the card that paid last first; return it."""
    if not purchase.paid_by_value:
        return 0
    payments = list(purchase.value_movements.filter(kind="spent").select_related("account").order_by("-pk"))
    back = {payment.pk: stored_value.given_back(payment).amount for payment in payments}
    whole = purchase.paid_by_value
    due = whole if _is_whole(purchase) else _share(whole, _returned(purchase), purchase)
    amount = left = max(0, due - sum(back.values()))
    for payment in payments:
        if part := min(left, -payment.amount - back[payment.pk]):
            stored_value.refund(
                spent=payment,
                amount=part,
                source=f"{row.source}:value:{payment.pk}",
                occurred_at=row.occurred_at,
                by=by,
            )
            left -= part
    return amount


def _return_coupons(purchase: Purchase, row: Return, returns_coupon: bool | None, by: User | None) -> int:
    """Return the coupons of a purchase that came back whole, or as staff decide below the minimum; return how many."""
    uses = CouponUse.objects.filter(purchase=purchase, returned_at=None).select_related("coupon__batch").order_by("pk")
    is_whole, kept = _is_whole(purchase), purchase.total - _returned(purchase)
    returned = 0
    for use in uses:
        gives = is_whole
        if not is_whole and kept < use.coupon.batch.minimum_basket:
            if returns_coupon is None:
                raise CouponChoiceNeeded(use=use)
            gives = returns_coupon
        if gives:
            redemption.give_back(
                use=use, return_key=f"{row.source}:{use.pk}", now=row.occurred_at, by=by, store=purchase.store
            )
            returned += 1
    return returned
