"""How points, stamps, coupons, rewards, gift cards, store credit, tier, friends and surprises follow a customer into another record, and back.

Coupons and what else hangs on a key alone follow by `customers.merging`; this module does what needs the books or is unique
to a customer.
"""

from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from customers.merging import Part, part
from customers.models import Customer, CustomerMerge
from customers.templatetags.loyalty import money, points
from rewards import closing, ledger, merged_friends, merged_trials, merging, stored_value, tiers
from rewards.merging import Sides
from rewards.models import PointBalance, RewardOrder, StampBalance, TierMembership, ValueAccount


def move(merge: CustomerMerge) -> dict[str, Any]:
    """Move what belongs to the duplicate, and return what an undo needs."""
    ledger.lock(customer_ids=[merge.kept_id, merge.duplicate_id])
    by_id = merge.by_id
    sides = Sides(
        giver_id=merge.duplicate_id, receiver_id=merge.kept_id, source=merge.source, now=merge.merged_at, by_id=by_id
    )
    for currency in merging.currencies_of(merge.duplicate_id, merge.kept_id):
        merging.move_points(sides, currency=currency)
    return {
        "orders": _move_orders(merge.duplicate_id, merge.kept_id, None),
        "cards": _move_cards(merge.duplicate_id, merge.kept_id, None),
        "credit": _move_credit(merge.duplicate, merge.kept, merge.source, merge),
        "tier": _move_tier(merge),
        "friends": merged_friends.move(merge),
        "trials": merged_trials.move(merge),
    }


def undo(merge: CustomerMerge, moved: dict[str, Any]) -> None:
    """Bring home what a merge moved, as far as it is still there. The purchases are home already."""
    now, by_id = merge.undone_at, merge.undone_by_id
    ledger.lock(customer_ids=[merge.kept_id, merge.duplicate_id])
    sides = Sides(
        giver_id=merge.kept_id, receiver_id=merge.duplicate_id, source=f"{merge.source}:undo", now=now, by_id=by_id
    )
    for currency in merging.currencies_of(merge.duplicate_id, merge.kept_id):
        merging.return_points(sides, merged=merge.source, currency=currency)
    _move_orders(merge.kept_id, merge.duplicate_id, moved["orders"])
    _move_cards(merge.kept_id, merge.duplicate_id, moved["cards"])
    if moved["credit"]:
        _move_credit(merge.kept, merge.duplicate, f"{merge.source}:undo", merge, most=moved["credit"])
    _return_tier(merge, moved["tier"])
    merged_friends.undo(merge, moved["friends"])
    merged_trials.undo(merge, moved["trials"])


def _move_orders(origin: int, target: int, only: list[int] | None) -> list[int]:
    """Move the rewards that were taken; each gets the next free place among those of the same reward."""
    orders = RewardOrder.objects.filter(customer=origin)
    moved = []
    for order in (orders if only is None else orders.filter(pk__in=only)).order_by("pk"):
        taken = RewardOrder.objects.filter(customer=target, reward=order.reward_id).aggregate(last=Max("place"))["last"]
        RewardOrder.objects.filter(pk=order.pk).update(customer=target, place=(taken or 0) + 1)
        moved.append(order.pk)
    return moved


def _move_cards(origin: int, target: int, only: list[int] | None) -> list[int]:
    cards = ValueAccount.objects.filter(customer=origin, kind=ValueAccount.Kind.GIFT_CARD)
    keys = sorted((cards if only is None else cards.filter(pk__in=only)).values_list("pk", flat=True))
    ValueAccount.objects.filter(pk__in=keys).update(customer=target)
    return keys


def _move_credit(
    giver: Customer, receiver: Customer, source: str, merge: CustomerMerge, most: list[int] | None = None
) -> list[int]:
    """Move store credit, paid and given apart, and return how much of each; `most` of each on the way back."""
    own = ValueAccount.objects.filter(customer=giver, kind=ValueAccount.Kind.STORE_CREDIT).first()
    if own is None or not own.balance:
        return []
    now, by = merge.undone_at or merge.merged_at, merge.undone_by or merge.by
    row = stored_value.hand_over(account=own, receiver=receiver, source=source, most=most, by=by, now=now)
    return [-row.paid, -row.promotional] if row else []


def _move_tier(merge: CustomerMerge) -> dict[str, Any]:
    """Let the higher of the two tiers stand, and then what the purchases of both reach."""
    opened = TierMembership.objects.open().select_related("tier")
    theirs = opened.filter(customer=merge.duplicate_id).first()
    ours = opened.filter(customer=merge.kept_id).first()
    moved: dict[str, Any] = {}
    if theirs is not None and (ours is None or theirs.tier.rank > ours.tier.rank):
        if ours is not None:
            tiers.close([ours], TierMembership.Reason.REACHED, max(merge.merged_at, ours.started_at))
        TierMembership.objects.filter(pk=theirs.pk).update(customer=merge.kept)
        moved["moved"] = theirs.pk
    return moved


def recompute_tier(merge: CustomerMerge) -> dict[str, Any]:
    """Put the kept record into the tier that the purchases of both reach; they have moved by now."""
    tiers.go_up(customer_ids=[merge.kept_id], at=merge.merged_at)
    return {}


def _return_tier(merge: CustomerMerge, moved: dict[str, Any]) -> None:
    """Give each record its own tier back: what both reached together ends, what that had replaced goes on."""
    at = merge.undone_at
    together = TierMembership.objects.open().filter(
        customer=merge.kept_id, reason=TierMembership.Reason.REACHED, qualified_at=merge.merged_at
    )
    tiers.close(list(together), TierMembership.Reason.WITHDRAWN, at)
    TierMembership.objects.open().filter(pk=moved.get("moved"), customer=merge.kept_id).update(customer=merge.duplicate)
    if not TierMembership.objects.open().filter(customer=merge.kept_id).exists():
        ended = TierMembership.objects.filter(customer=merge.kept_id, ended_at=merge.merged_at)
        again = ended.exclude(pk=moved.get("moved")).order_by("-tier__rank", "-pk").first()
        if again is not None:
            TierMembership.objects.filter(pk=again.pk).update(ended_at=None, end_reason="")
    tiers.go_up(customer_ids=[merge.kept_id, merge.duplicate_id], at=at)


def facts(customer: Customer) -> list[tuple[str, str]]:
    """Return what staff compare before two records become one."""
    balance = PointBalance.objects.filter(customer=customer).first() or PointBalance()
    opened = closing.open_of(customer=customer, now=balance.updated_at)
    stamps = StampBalance.objects.filter(customer=customer).exclude(active=0).select_related("card").order_by("card")
    tier = TierMembership.objects.open().filter(customer=customer).select_related("tier").first()
    return [
        (_("Spendable points"), points(balance.active)),
        (_("Pending points"), points(balance.pending)),
        (_("Points on hold"), points(balance.held)),
        (_("Points owed"), points(-balance.debt)),
        (_("Stamps"), ", ".join(f"{row.card.name}: {points(row.active)}" for row in stamps) or "–"),
        (_("Coupons"), str(opened.coupons)),
        (_("Rewards to pick up"), str(opened.rewards)),
        (_("Gift cards"), money(opened.gift_cards)),
        (_("Store credit"), money(opened.store_credit)),
        (_("Tier"), str(tier.tier) if tier else "–"),
    ]


part("rewards", Part(move=move, undo=undo, facts=facts, settle=recompute_tier))
