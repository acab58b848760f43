"""What other systems are told about purchases, points, coupons and tiers: keys and whole numbers, one function for each event.

Each is called in the transaction of what happened and costs nothing where nobody listens. docs/webhooks.md shows the bodies.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from customers import webhooks
from customers.models import Purchase, Return
from customers.models.webhook import EventType
from customers.webhooks import News
from rewards import chain
from rewards.models import Coupon, CouponBatch, CouponUse, Tier, TierMembership

_PLACE = {name: place for place, name in enumerate(chain.SEALED)}
_ACCOUNTS = ("pending", "active", "held", "debt")


def purchase_recorded(purchase: Purchase) -> None:
    """Tell of a receipt; amounts are in the currency's minor unit."""
    if not webhooks.is_wanted(EventType.PURCHASE_RECORDED):
        return
    webhooks.announce(
        EventType.PURCHASE_RECORDED, customer_id=purchase.customer_id, occurred_at=purchase.occurred_at,
        purchase=purchase.pk, store=purchase.store.code, till=purchase.till, reference=purchase.reference,
        total=purchase.total, discount=purchase.discount, paid_by_points=purchase.paid_by_points,
    )  # fmt: skip


def purchase_returned(row: Return) -> None:
    """Tell of goods that came back."""
    if not webhooks.is_wanted(EventType.PURCHASE_RETURNED):
        return
    webhooks.announce(
        EventType.PURCHASE_RETURNED, customer_id=row.purchase.customer_id, occurred_at=row.occurred_at,
        purchase=row.purchase_id, **{"return": row.pk}, reference=row.reference, total=row.total,
    )  # fmt: skip


def points_changed(ids: Sequence[int], rows: Sequence[Sequence[Any]]) -> None:
    """Tell of each transaction of the ledger with the balance after it; rows begin with the columns of chain.SEALED."""
    webhooks.announce_many(
        EventType.POINTS_CHANGED, (_movement(pk, row) for pk, row in zip(ids, rows, strict=True))
    )  # fmt: skip


def _movement(pk: int, row: Sequence[Any]) -> News:
    def value(name: str) -> Any:
        return row[_PLACE[name]]

    moved, own = value("points"), (value("from_account") in _ACCOUNTS, value("to_account") in _ACCOUNTS)
    data = {
        "transaction": pk, "sequence": value("sequence"), "kind": value("kind"), "points": moved * (own[1] - own[0]),
        "moved": moved, "from_account": value("from_account"), "to_account": value("to_account"),
        "source": value("source"), "balance": {account: value(f"{account}_after") for account in _ACCOUNTS},
    }  # fmt: skip
    return News(value("customer_id"), value("occurred_at"), data)


def coupon_issued(coupon: Coupon) -> None:
    """Tell of one coupon; its code stays a secret between customer and till."""
    webhooks.announce(
        EventType.COUPON_ISSUED, customer_id=coupon.customer_id, occurred_at=coupon.issued_at,
        coupon=coupon.pk, batch=coupon.batch_id, count=1,
    )  # fmt: skip


def coupons_issued(batch: CouponBatch, *, count: int, at: dt.datetime) -> None:
    """Tell of many coupons at once: one event with their number."""
    if count:
        webhooks.announce(EventType.COUPON_ISSUED, occurred_at=at, coupon=None, batch=batch.pk, count=count)


def coupon_redeemed(use: CouponUse) -> None:
    """Tell of a use."""
    webhooks.announce(
        EventType.COUPON_REDEEMED, customer_id=use.customer_id, occurred_at=use.redeemed_at, **_use(use)
    )  # fmt: skip


def coupon_returned(use: CouponUse, *, at: dt.datetime) -> None:
    """Tell of a use that was taken back."""
    webhooks.announce(EventType.COUPON_RETURNED, customer_id=use.customer_id, occurred_at=at, **_use(use))


def _use(use: CouponUse) -> dict[str, Any]:
    return {
        "coupon": use.coupon_id, "batch": use.coupon.batch_id, "use": use.pk, "purchase": use.purchase_id,
        "discount": use.discount,
    }  # fmt: skip


def coupon_voided(coupon: Coupon, *, at: dt.datetime) -> None:
    """Tell of a coupon that is cancelled for good."""
    webhooks.announce(
        EventType.COUPON_VOIDED, customer_id=coupon.customer_id, occurred_at=at, coupon=coupon.pk,
        batch=coupon.batch_id, count=1,
    )  # fmt: skip


def coupons_voided(batch: CouponBatch, *, count: int, at: dt.datetime) -> None:
    """Tell of many coupons that are cancelled at once: one event with their number."""
    if count:
        webhooks.announce(EventType.COUPON_VOIDED, occurred_at=at, coupon=None, batch=batch.pk, count=count)


def tiers_reached(rows: Iterable[TierMembership]) -> None:
    """Tell who is in which tier now."""
    webhooks.announce_many(
        EventType.TIER_CHANGED,
        (News(row.customer_id, row.started_at, _tier(row.tier, row.reason)) for row in rows),
    )


def tiers_lost(customer_ids: Iterable[int], *, base: Tier | None, reason: str, at: dt.datetime) -> None:
    """Tell who is back where everybody starts; that need not have a name."""
    webhooks.announce_many(EventType.TIER_CHANGED, (News(pk, at, _tier(base, reason)) for pk in customer_ids))


def _tier(tier: Tier | None, reason: str) -> dict[str, Any]:
    return {"tier": tier and tier.pk, "rank": tier.rank if tier else 0, "reason": str(reason)}
