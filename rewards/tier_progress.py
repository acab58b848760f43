"""How far a customer has come: the tier now, the next one and what is missing."""

import datetime as dt
from dataclasses import dataclass

from customers.models import Customer
from rewards import qualifying, tiers
from rewards.models import Tier, TierMembership


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a customer stands. `goal` is the next tier, or in the grace the own one; None at the top."""

    tier: Tier | None
    membership: TierMembership | None
    goal: Tier | None
    value: int

    @property
    def missing(self) -> int:
        """What is missing to the goal, in the unit of its metric."""
        return max(0, self.goal.threshold - self.value) if self.goal else 0

    @property
    def reached(self) -> int:
        """What counts so far, never more than the goal, for a bar that is full at the end."""
        return min(max(0, self.value), self.goal.threshold) if self.goal else 0

    @property
    def in_grace(self) -> bool:
        """Whether the tier ends soon unless it is reached again."""
        return self.membership is not None and self.membership.grace_until is not None

    @property
    def ends_at(self) -> dt.datetime | None:
        """Until when the tier is kept for certain; None where everybody starts."""
        return self.membership and (self.membership.grace_until or self.membership.kept_until)


def progress_of(*, customer: Customer, now: dt.datetime) -> Progress | None:
    """Return where a customer stands, None when the programme has no tiers. A handful of queries, none over all history."""
    steps = tiers.ladder()
    if not steps.tiers:
        return None
    row = TierMembership.objects.open().filter(customer=customer).select_related("tier").first()
    tier = row.tier if row else steps.base
    goal = tier if row and row.grace_until and row.tier.threshold else steps.above(row.tier if row else None)
    value = 0
    if goal is not None:
        values = qualifying.net(
            metric=goal.metric, customer_ids=[customer.pk], since=qualifying.window_start(now), until=now
        )
        value = values.get(customer.pk, 0)
    return Progress(tier=tier, membership=row, goal=goal, value=value)
