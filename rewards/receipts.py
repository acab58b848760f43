"""Purchases as a customer reads them: the list with its points, and one receipt with its reasons."""

from typing import Any

from django.db.models import OuterRef, Q, Subquery, Sum

from customers.models import Customer, Purchase, ReturnLine
from rewards.models import CouponUse, PointTransaction
from rewards.models.points import Kind
from rewards.statement import lines_of


def page_of(*, customer: Customer, before: int | None, size: int) -> tuple[list[Purchase], int | None]:
    """Return the newest purchases older than one of the customer's (all when None), with their points, and the next key."""
    rows = customer.purchases.select_related("store").newest_first()
    if before is not None:
        at = Subquery(customer.purchases.filter(pk=before).values("occurred_at")[:1])
        rows = rows.alias(at=at).filter(Q(occurred_at__lt=at) | Q(occurred_at=at, pk__lt=before))
    found = list(rows[: size + 1])
    page = found[:size]
    _attach_points(page)
    return page, page[-1].pk if len(found) > size else None


def receipt_of(*, purchase: Purchase) -> dict[str, Any]:
    """Return a receipt: lines with how many came back, what reduced the price, points earned and taken back."""
    returned = ReturnLine.objects.filter(line=OuterRef("pk")).values("line").annotate(sum=Sum("quantity")).values("sum")
    lines = purchase.lines.select_related("product").annotate(returned=Subquery(returned)).order_by("position")
    returns = list(purchase.returns.order_by("occurred_at", "pk"))
    sources = [purchase.source, *(back.source for back in returns)]
    # By the cause alone: what was bought before a merge was awarded to the other record.
    moves = (
        PointTransaction.objects.filter(source__in=sources)
        .exclude(kind=Kind.TRANSFER)
        .select_related("store", "lot")
        .order_by("sequence")
    )
    return {
        "purchase": purchase,
        "lines": lines,
        "returns": returns,
        "coupon_uses": CouponUse.objects.filter(purchase=purchase).select_related("coupon__batch").order_by("pk"),
        "moves": lines_of(moves),
        "earned": sum(move.points for move in moves if move.kind == Kind.EARN),
    }


def _attach_points(purchases: list[Purchase]) -> None:
    sources = [purchase.source for purchase in purchases]
    earned = dict(
        PointTransaction.objects.filter(source__in=sources, kind=Kind.EARN)
        .order_by()
        .values_list("source")
        .annotate(points=Sum("points"))
    )
    for purchase in purchases:
        purchase.points = earned.get(purchase.source, 0)
