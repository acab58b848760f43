"""What an action of a till did, in words and figures: for the page after it, the receipt on paper and the receipt by mail."""

import datetime as dt
from typing import Any

from django.db.models import Sum
from django.utils import translation

from customers import consents, notices
from customers.models import Customer, Purchase, Return
from customers.notices import Letter
from customers.recommendations import choices
from customers.timezones import programme_date
from rewards import consequences, receipts, stamps, tier_progress, till_counter
from rewards.models import CouponUse, PointBalance, PointTransaction, TierMembership, TillAction, ValueMovement
from rewards.models.points import Account, Kind
from rewards.models.till import TillAction as Till

HINTS = 2  # products in the mail of a receipt


class NoAddress(Exception):
    """The customer of this receipt has no e-mail address, or is a guest; nothing was queued."""


def of(*, action: TillAction) -> dict[str, Any]:
    """Return everything that the page about an action shows."""
    context: dict[str, Any] = {"action": action, "customer": action.customer, "undo": undone_by(action)}
    if action.purchase is not None:
        context |= receipts.receipt_of(purchase=action.purchase)
    if action.goods_back is not None:
        context["back"] = back_of(action.purchase, action.goods_back)
    if action.kind == Till.Kind.SALE and action.purchase is not None:
        context["spent"] = spent_by(action.purchase)
        context["new_tier"] = _new_tier(action)
        context["stamps"] = stamps.of_purchase(purchase=action.purchase)
    if movement := till_counter.movement_of(action):
        context["account"] = movement.account
    context["order"] = till_counter.order_of(action)
    if action.customer is not None:
        balance = PointBalance.objects.filter(customer=action.customer).first()
        context["balance"] = balance or PointBalance(customer=action.customer)
        context["progress"] = tier_progress.progress_of(customer=action.customer, now=action.occurred_at)
        context["has_email"] = action.customer.identifiers.filter(kind="email").exists()
    return context


def undone_by(action: TillAction) -> TillAction | None:
    """Return what undid an action, None when it stands."""
    return TillAction.objects.filter(undoes=action).first()


def spent_by(purchase: Purchase) -> int:
    """Return how many points paid for a purchase."""
    spent = PointTransaction.objects.filter(source=purchase.source, kind=Kind.REDEEM).first()
    return spent.points if spent else 0


def back_of(purchase: Purchase, row: Return) -> dict[str, Any]:
    """Return what a return moved: money, points taken back and given back, coupons returned."""
    taken = given = 0
    moved = PointTransaction.objects.filter(source=row.source, kind=Kind.REVERSE)
    for origin, target, points in moved.values_list("from_account", "to_account", "points"):
        if target == Account.REVERSED:
            taken += points
        elif origin == Account.REDEEMED:
            given += points
    uses = CouponUse.objects.filter(return_key__startswith=f"{row.source}:").select_related("coupon__batch")
    return {
        "row": row,
        "lines": row.lines.select_related("line__product").order_by("line__position"),
        "money": consequences.money_back(purchase=purchase, row=row),
        "taken": taken,
        "given": given,
        "value": _given_to_cards(row),
        "coupons": list(uses),
    }


def _given_to_cards(row: Return) -> int:
    """Return how much a return gave back to gift cards and store credit."""
    moved = ValueMovement.objects.filter(source__startswith=f"{row.source}:value:").aggregate(
        paid=Sum("paid", default=0), promotional=Sum("promotional", default=0)
    )
    return moved["paid"] + moved["promotional"]


def mail_receipt(*, action: TillAction, now: dt.datetime) -> None:
    """Queue the receipt of a sale to its customer, once: it was asked for, so it needs no consent. Raises NoAddress."""
    purchase, customer = action.purchase, action.customer
    if purchase is None or customer is None or not customer.identifiers.filter(kind="email").exists():
        raise NoAddress
    context = {
        "receipt": purchase.reference,
        "store": {"en": purchase.store.name_en, "zh": purchase.store.name_zh},
        "lines": [
            {
                "name": {"en": line.product.name_en, "zh": line.product.name_zh},
                "quantity": line.quantity,
                "total": line.total,
            }
            for line in purchase.lines.select_related("product").order_by("position")
        ],
        "total": purchase.total,
        "discount": purchase.discount,
        "paid_by_points": purchase.paid_by_points,
        "to_pay": purchase.to_pay,
        "earned": receipts.receipt_of(purchase=purchase)["earned"],
        "day": programme_date(purchase.occurred_at).isoformat(),
        "hints": _hints(customer, now),
    }
    notices.queue([Letter(customer.pk, "receipt", purchase.source, context)], now=now)


def _hints(customer: Customer, now: dt.datetime) -> list[dict[str, str]]:
    """Return what the customer may like next and why, in their language; nothing without their yes to offers by mail."""
    if not consents.is_granted(customer=customer, channel="email", purpose="marketing"):
        return []
    with translation.override(customer.mail_language):
        __, new = choices.both(customer=customer, now=now, each=HINTS)
    return [{"en": one.product.name_en, "zh": one.product.name_zh, "why": one.reason} for one in new]


def _new_tier(action: TillAction) -> TierMembership | None:
    """Return the tier that a sale reached."""
    rows = TierMembership.objects.open().filter(customer=action.customer, started_at=action.occurred_at)
    return rows.select_related("tier").first()
