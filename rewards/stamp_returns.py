"""What a return does to stamp cards. docs/stamps.md#returns works through the numbers.

Stamps of goods that came back are taken off the card. Where the card was full in the meantime, its coupon is taken back as
long as nobody used it, and the stamps in it count again; what is still missing is a debt that the next stamps make up for.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from customers.models import Purchase, Return, User
from rewards import coupons, ledger, lineage, stamps
from rewards.kept import earned_by_what_is_kept
from rewards.models import Coupon, PointTransaction, StampBalance, StampCard
from rewards.models.points import Kind
from rewards.postings import already_reversed

REASON = "stamps returned"


def take_back(*, purchase: Purchase, row: Return, by: User | None) -> list[dict[str, Any]]:
    """Take back the stamps that what is kept does not earn; return for each card its name, how many, and lost coupons.

    A part of the caller's transaction, which holds the customer's lock.
    """
    legs: dict[int, list[PointTransaction]] = defaultdict(list)
    family = lineage.family_of(purchase.customer_id) if purchase.customer_id else ()
    for leg in stamps.rows_of(purchase=purchase, customer_ids=family) if family else []:
        legs[leg.currency].append(leg)
    told = []
    for number, some in sorted(legs.items()):
        left = sum(leg.points - already_reversed(leg) for leg in some)
        kept = earned_by_what_is_kept(purchase, some[-1])
        points = max(0, left - (kept.points if kept.basis else 0))
        if not points:
            continue
        card = StampCard.objects.get(pk=number)
        lost = _empty_less(card, purchase.customer_id, family, points, row, by)
        ledger.reverse_award(
            award=some[-1],
            points=points,
            source=stamps.source_of(number, row.source),
            occurred_at=row.occurred_at,
            by=by,
        )
        told.append({"name": {"en": card.name_en, "zh": card.name_zh}, "taken": points, "coupons": lost})
    return told


def _empty_less(
    card: StampCard, customer_id: int, family: Collection[int], points: int, row: Return, by: User | None
) -> int:
    """Take unused coupons of full cards back, the newest first, until the card holds enough stamps; return how many."""
    lost = 0
    active = StampBalance.objects.get(card=card, customer=customer_id).active
    full = PointTransaction.all_currencies.filter(customer__in=family, currency=card.pk, kind=Kind.REDEEM)
    for emptied in full.order_by("-occurred_at", "-pk"):
        if active >= points:
            break
        coupon = Coupon.objects.live(row.occurred_at).filter(source=emptied.source, uses=0).first()
        if coupon is None or already_reversed(emptied):
            continue
        coupons.void(coupon=coupon, reason=REASON, now=row.occurred_at, by=by)
        ledger.restore(
            spent=emptied, points=emptied.points, source=f"{stamps.source_of(card.pk, row.source)}:full:{emptied.sequence}",
            occurred_at=row.occurred_at, by=by,
        )  # fmt: skip
        active, lost = active + emptied.points, lost + 1
    return lost
