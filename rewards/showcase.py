"""The rewards as one customer sees them: what is in reach, what is missing, and what is for others. Changes nothing."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers import segments
from customers.models import Customer
from customers.templatetags.loyalty import money, near_day, points
from rewards.models import CouponBatch, PointBalance, Reward, RewardOrder, Tier, TierMembership

MOST = 100  # on one page


class Reason(models.TextChoices):
    """Why a reward cannot be taken: the complete list, as the customer reads it."""

    UNKNOWN = "unknown", gettext_lazy("There is no such reward.")
    OVER = "over", gettext_lazy("This reward is not on offer at the moment.")
    SOLD_OUT = "sold_out", gettext_lazy("This reward has just run out.")
    TIER = "tier", gettext_lazy("This reward is for members of a higher tier.")
    LIMIT = "limit", gettext_lazy("You have taken this reward as often as it may be taken.")
    FROZEN = "frozen", gettext_lazy("No reward can be taken at the moment. Nothing is lost.")
    HELD = (
        "held",
        gettext_lazy("Your e-mail address was changed a short while ago: you can take rewards 72 hours later."),
    )
    POINTS = "points", gettext_lazy("You do not have enough points for this reward yet.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One reward in front of one customer."""

    reward: Reward
    spendable: int
    reason: Reason | None
    tier: Tier | None

    @property
    def is_within_reach(self) -> bool:
        """Whether it can be taken now."""
        return self.reason is None

    @property
    def missing(self) -> int:
        """How many points are missing."""
        return max(0, self.reward.points_cost - self.spendable)

    @property
    def reached(self) -> int:
        """What of the price is there, never more than it, for a bar that is full at the end."""
        return min(self.spendable, self.reward.points_cost)

    @property
    def cost(self) -> str:
        """The price in words: points, money, or both."""
        return cost_of(self.reward.points_cost, self.reward.price)

    @property
    def is_coupon(self) -> bool:
        """Whether a coupon is handed out at once."""
        return self.reward.batch_id is not None

    @property
    def left(self) -> int | None:
        """How many are left, where that is little enough to say."""
        return self.reward.left if self.reward.left is not None and self.reward.left <= 10 else None

    @property
    def status(self) -> str:
        """One short line: what is missing or why not; empty when it can be taken."""
        match self.reason:
            case None:
                return ""
            case Reason.POINTS:
                return ngettext("%(missing)s point to go", "%(missing)s points to go", self.missing) % {
                    "missing": points(self.missing)
                }
            case Reason.TIER if self.tier is not None:
                return _("For %(tier)s and above") % {"tier": self.tier.name}
            case Reason.LIMIT:
                return _("You have had it as often as it goes")
            case Reason.SOLD_OUT:
                return _("Sold out at the moment")
        return str(self.reason.label)


def cost_of(points_cost: int, price: int) -> str:
    """Write a price: 500 points, €5.00, or 500 points + €5.00."""
    parts = []
    if points_cost:
        number = ngettext("%(points)s point", "%(points)s points", points_cost) % {"points": points(points_cost)}
        parts.append(number)
    if price:
        parts.append(money(price))
    return " + ".join(parts)


def offers_for(*, customer: Customer, now: dt.datetime) -> list[Offer]:
    """Return the rewards that a customer may see: those in reach first, then by what is missing, the locked ones last."""
    rewards = [reward for reward in _shown(now).order_by("pk")[:MOST] if _is_for(reward, customer, now)]
    standing = _Standing.of(customer, rewards)
    offers = [_offer(reward, standing, now) for reward in rewards]
    ranks = {None: 0, Reason.POINTS: 1}
    return sorted(
        offers,
        key=lambda it: (ranks.get(it.reason, 2), it.missing, -it.reward.points_cost if it.reason is None else it.reward.points_cost, it.reward.pk),
    )  # fmt: skip


def offer_of(*, customer: Customer, slug: str, now: dt.datetime) -> Offer | None:
    """Return one reward as the customer sees it, None when they may not see it."""
    reward = _shown(now).filter(slug=slug).first()
    if reward is None or not _is_for(reward, customer, now):
        return None
    return _offer(reward, _Standing.of(customer, [reward]), now)


def nearest(*, customer: Customer, now: dt.datetime) -> Offer | None:
    """Return the dearest reward in reach, else the next one ahead, None when there is none to hope for."""
    offers = offers_for(customer=customer, now=now)
    return next((offer for offer in offers if offer.reason in (None, Reason.POINTS)), None)


def refusal(*, reward: Reward, customer: Customer, now: dt.datetime) -> Reason | None:
    """Return why a customer cannot take a reward, None when they can; certain only under the customer's lock."""
    if not _is_for(reward, customer, now):
        return Reason.UNKNOWN
    return _reason(reward, _Standing.of(customer, [reward]), now)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the offers depend on: points, tier, and what was taken before."""

    spendable: int
    rank: int
    taken: Counter[int]

    @classmethod
    def of(cls, customer: Customer, rewards: Sequence[Reward]) -> "_Standing":
        """Read what some rewards ask for, and nothing else."""
        spendable = PointBalance.objects.filter(customer=customer).values_list("active", flat=True).first() or 0
        rank, taken = 0, []
        if any(reward.minimum_tier_id for reward in rewards):
            held = TierMembership.objects.open().filter(customer=customer)
            rank = held.values_list("tier__rank", flat=True).first() or 0
        if any(reward.per_customer is not None for reward in rewards):
            orders = RewardOrder.objects.standing().filter(customer=customer, reward__per_customer__isnull=False)
            taken = orders.values_list("reward_id", flat=True)
        return cls(spendable, rank, Counter(taken))


def _shown(now: dt.datetime) -> QuerySet[Reward]:
    """Select what is shown: active, inside its window, sold out or not, its coupon to be had."""
    return Reward.objects.in_window(now).select_related("minimum_tier", "batch__product")


def _is_for(reward: Reward, customer: Customer, now: dt.datetime) -> bool:
    if not reward.segment:
        return True
    try:
        return segments.members(reward.segment, now=now).filter(pk=customer.pk).exists()
    except segments.UnknownSegment:
        return False


def _offer(reward: Reward, standing: _Standing, now: dt.datetime) -> Offer:
    return Offer(
        reward=reward, spendable=standing.spendable, reason=_reason(reward, standing, now), tier=reward.minimum_tier
    )


def _reason(reward: Reward, standing: _Standing, now: dt.datetime) -> Reason | None:
    if not reward.is_on_offer(now) or not _has_coupons(reward, now):
        return Reason.OVER
    if reward.minimum_tier is not None and reward.minimum_tier.rank > standing.rank:
        return Reason.TIER
    if reward.per_customer is not None and standing.taken[reward.pk] >= reward.per_customer:
        return Reason.LIMIT
    if reward.left == 0:
        return Reason.SOLD_OUT
    return Reason.POINTS if standing.spendable < reward.points_cost else None


def _has_coupons(reward: Reward, now: dt.datetime) -> bool:
    batch = reward.batch
    if batch is None:
        return True
    is_open = batch.state == CouponBatch.State.ACTIVE and (batch.ends_at is None or batch.ends_at > now)
    return is_open and (batch.limit is None or batch.issued < batch.limit)


def until_of(reward: Reward, now: dt.datetime) -> str:
    """Write until when a reward is on offer, empty when that is open."""
    return _("On offer until %(day)s") % {"day": near_day(reward.ends_at, now)} if reward.ends_at else ""
