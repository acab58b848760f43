"""What the part of a purchase that is still kept earns, under the rule versions of that day."""

from typing import Any

from django.db.models import Sum

from customers.models import Purchase
from rewards import earning
from rewards.earning import Basket, BasketLine, Earned
from rewards.models import EarningRule, PointTransaction


def earned_by_what_is_kept(purchase: Purchase, award: PointTransaction) -> Earned:
    """Return what the part that is still kept earns under the stored rule versions, of points or on a stamp card.

    Each line keeps its share of what came off the receipt, so a line that comes back never changes another one's points.
    """
    explanation = award.explanation
    lines = list(
        purchase.lines.select_related("product").annotate(back=Sum("returns__quantity", default=0)).order_by("position")
    )
    shares = earning.basis_shares([line.total for line in lines], purchase.discount + purchase.paid_by_points)
    categories = explanation.get("categories") or [line.product.category_id for line in lines]
    kept = [
        BasketLine(
            line.product_id,
            category,
            line.quantity - line.back,
            share - share * line.back // line.quantity,
            not line.is_excluded,
        )
        for line, category, share in zip(lines, categories, shares, strict=True)
        if line.back < line.quantity
    ]
    basket = Basket(
        store_id=purchase.store_id, time_zone=purchase.store.time_zone, occurred_at=purchase.occurred_at, lines=kept
    )
    return earning.earn(
        basket=basket,
        rules=_stored_rules(explanation),
        tier_multiplier=explanation["multiplier"],
        coupon_multiplier=explanation.get("coupon", earning.ONCE),
        rooms={cap["key"]: cap["room"]} if (cap := explanation.get("cap")) else None,
    )


def _stored_rules(explanation: dict[str, Any]) -> list[EarningRule]:
    """Return the rule versions of an award. They applied on their day, even if the store's time zone was corrected since."""
    named = [*explanation["parts"], *explanation["multipliers"], *explanation.get("exclusions", [])]
    if cap := explanation.get("cap"):
        named.append(cap)
    rules = EarningRule.objects.filter(pk__in=[one["rule"] for one in named])
    for rule in rules:
        rule.weekdays, rule.from_time, rule.until_time = "", None, None
    return list(rules)
