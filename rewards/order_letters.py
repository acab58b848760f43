"""What customers are told about the rewards they took. Names go along in both languages, for the mail is written later."""

import datetime as dt

from customers.notices import Letter
from customers.timezones import programme_date
from rewards.models import Reward, RewardOrder


def ordered(order: RewardOrder) -> Letter:
    """Confirm an order that waits at the counter: what, until when, and what is to pay."""
    context = {
        "order": order.pk,
        "reward": _names(order.reward),
        "points": order.points,
        "price": order.price,
        "last_day": programme_date(order.pick_up_until - dt.timedelta(microseconds=1)).isoformat(),
    }
    return Letter(order.customer_id, "reward_ordered", order.source, context)


def cancelled(order: RewardOrder) -> Letter:
    """Say that an order is cancelled by the shop or the calendar, and that the points are back."""
    context = {
        "reward": _names(order.reward),
        "points": order.points,
        "is_coupon": not order.is_ticket,
        "has_lapsed": order.cancelled_because == RewardOrder.Ending.LAPSED,
    }
    return Letter(order.customer_id, "reward_cancelled", order.source, context)


def _names(reward: Reward) -> dict[str, str]:
    return {"en": reward.name_en, "zh": reward.name_zh}
