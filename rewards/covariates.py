"""Less noise by what was known before: CUPED, the outcome less what the time before the gift explains of it.

Deng, Xu, Kohavi and Walker, "Improving the sensitivity of online controlled experiments by utilizing pre-experiment data"
(2013). Every function takes single numbers or numpy arrays alike.
"""

from typing import NamedTuple

import numpy as np

from rewards.sequences import Number, Sums


class Moments(NamedTuple):
    """What has to be known of one arm: customers, sums of outcomes and of what was before, of squares and products."""

    customers: Number
    after: Number
    after_squares: Number
    before: Number
    before_squares: Number
    products: Number

    @property
    def plain(self) -> Sums:
        """The outcomes as they are."""
        return Sums(self.customers, self.after, self.after_squares)


def slope(gift: Moments, control: Moments) -> Number:
    """Return by how much the outcome goes up with what was before, within the arms; 0 where nothing was before."""
    together = variation = 0
    for arm in (gift, control):
        customers = np.maximum(arm.customers, 1)
        together = together + arm.products - arm.after * arm.before / customers
        variation = variation + arm.before_squares - arm.before**2 / customers
    return np.where(variation > 0, together / np.where(variation > 0, variation, 1), 0)


def adjusted(gift: Moments, control: Moments) -> tuple[Sums, Sums]:
    """Return both arms with their outcomes less what was before explains, around the mean of all."""
    theta = slope(gift, control)
    middle = (gift.before + control.before) / np.maximum(gift.customers + control.customers, 1)
    return _adjusted(gift, theta, middle), _adjusted(control, theta, middle)


def removed(gift: Moments, control: Moments) -> float:
    """Return the share of the variance, 0 to 1, that the adjustment takes away."""
    plain = sum(float(arm.customers * arm.plain.variance) for arm in (gift, control))
    left = sum(float(arm.customers * arm.variance) for arm in adjusted(gift, control))
    return max(0.0, 1 - left / plain) if plain else 0.0


def _adjusted(arm: Moments, theta: Number, middle: Number) -> Sums:
    total = arm.after - theta * (arm.before - arm.customers * middle)
    squares = (
        arm.after_squares
        + theta**2 * (arm.before_squares + arm.customers * middle**2 - 2 * middle * arm.before)
        - 2 * theta * (arm.products - middle * arm.after)
    )
    return Sums(arm.customers, total, squares)
