"""What else is done at a counter, once per key: gift cards sold and filled, rewards handed over.

The keys and rows are those of rewards/till_actions.py.
"""

import datetime as dt
import uuid
from typing import Any

from rewards import catalogue, stored_value, till_actions
from rewards.adjustments import refuse_own_card
from rewards.models import RewardOrder, TillAction, ValueAccount, ValueMovement
from rewards.till_actions import KeyReused, Kind, Station


def sell_card(*, station: Station, key: uuid.UUID, amount: int, now: dt.datetime) -> TillAction:
    """Sell a new gift card, once per key, and return the action; card_of gives the card. Raises KeyReused and ValueRefused."""

    def act() -> dict[str, Any]:
        row = stored_value.sell(
            amount=amount, source=f"till:{key}", occurred_at=now, store=station.store, by=station.by
        )
        return {"source": row.source, "money": amount}

    return _same(till_actions.once(Kind.CARD_SOLD, station, key, None, now, act), amount)


def fill_card(*, station: Station, key: uuid.UUID, account: ValueAccount, amount: int, now: dt.datetime) -> TillAction:
    """Put paid money on a gift card or store credit, once per key, and return the action.

    Raises KeyReused, OwnCard and ValueRefused.
    """
    if account.customer is not None:
        refuse_own_card(account.customer, station.by)

    def act() -> dict[str, Any]:
        row = stored_value.top_up(
            account=account, amount=amount, source=f"till:{key}", occurred_at=now, store=station.store, by=station.by
        )
        return {"source": row.source, "money": amount}

    return _same(till_actions.once(Kind.CARD_FILLED, station, key, account.customer, now, act), amount)


def hand_over(*, station: Station, key: uuid.UUID, order: RewardOrder, now: dt.datetime) -> TillAction:
    """Hand a reward over and take its price in money, once per key, and return the action.

    Raises KeyReused, OwnCard and OrderClosed.
    """
    refuse_own_card(order.customer, station.by)

    def act() -> dict[str, Any]:
        done = catalogue.hand_over(order=order, by=station.by, now=now, store=station.store)
        return {"source": f"order:{done.pk}", "money": done.price}

    action = till_actions.once(Kind.PICKUP, station, key, order.customer, now, act)
    if action.source != f"order:{order.pk}":
        raise KeyReused(action=action)
    return action


def movement_of(action: TillAction) -> ValueMovement | None:
    """Return what an action booked on a gift card, None when it booked nothing there."""
    is_undone_card = action.kind == Kind.UNDO and action.undoes.kind in till_actions.ON_CARDS
    if action.kind not in till_actions.ON_CARDS and not is_undone_card:
        return None
    return ValueMovement.objects.select_related("account").get(source=action.source)


def order_of(action: TillAction) -> RewardOrder | None:
    """Return the reward that an action handed over."""
    if action.kind != Kind.PICKUP:
        return None
    return RewardOrder.objects.select_related("reward", "customer").get(pk=action.source.partition(":")[2])


def _same(action: TillAction, amount: int) -> TillAction:
    if action.money != amount:
        raise KeyReused(action=action)
    return action
