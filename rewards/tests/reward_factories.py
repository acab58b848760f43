"""Test data of the reward catalogue, by typed keyword functions."""

from itertools import count

from rewards.models import Reward
from rewards.tests.coupon_factories import create_batch

_numbers = count(1)


def create_reward(*, points_cost: int = 100, **fields) -> Reward:
    """Put up a reward: by default a thing to be picked up, for 100 points, without any limit."""
    fields = {"slug": f"reward-{next(_numbers)}", "name_en": "Mug", "name_zh": "马克杯"} | fields
    return Reward.objects.create(points_cost=points_cost, **fields)


def create_coupon_reward(*, points_cost: int = 100, **fields) -> Reward:
    """Put up a reward that hands out a coupon."""
    fields.setdefault("batch", create_batch(value_kind="gift", value=0, name_en="Cake", name_zh="蛋糕"))
    return create_reward(points_cost=points_cost, **{"name_en": "Cake", "name_zh": "蛋糕"} | fields)
