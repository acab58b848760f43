"""Tiers: who is in which, and what moves them up at once, or down when purchases come back.

What the calendar decides is in `rewards.tier_calendar`. Every change holds the lock of the customer's points, so that two
of them never meet. docs/points.md#tiers works through the numbers.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from django.db import connection, transaction
from django.utils.translation import gettext as _

from customers import notices, statements
from customers.models import Customer, User
from customers.statements import Question, Rows, Statement
from rewards import announcements, ledger, qualifying, tier_letters
from rewards.adjustments import refuse_own_card
from rewards.dates import end_of_month_after
from rewards.earning import ONCE
from rewards.models import Tier, TierMembership

KEPT_MONTHS = 12
Reason = TierMembership.Reason
type Values = Mapping[str, Mapping[int, int]]


class HeldAlready(Exception):
    """The customer is in this tier or a higher one; nothing was changed."""

    def __init__(self, *, tier: Tier) -> None:
        self.tier = tier
        super().__init__(_("The customer is “%(tier)s” already.") % {"tier": tier.name})


class NotGranted(Exception):
    """Staff take back only what staff gave; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(_("The tier was not granted by staff; who reaches a tier keeps it."))


@dataclass(frozen=True, slots=True)
class Ladder:
    """The tiers from low to high; `base` is where everybody starts, if it has a name."""

    base: Tier | None
    tiers: tuple[Tier, ...]

    @property
    def reachable(self) -> tuple[Tier, ...]:
        """The tiers that purchases lead to; those without a threshold are given by staff alone."""
        return tuple(tier for tier in self.tiers if tier.threshold)

    def below(self, tier: Tier) -> Tier | None:
        """Return the tier one step down, None where everybody starts."""
        return max((one for one in self.reachable if one.rank < tier.rank), key=lambda one: one.rank, default=None)

    def above(self, tier: Tier | None) -> Tier | None:
        """Return the next tier that purchases lead to."""
        rank = tier.rank if tier else 0
        return next((one for one in self.reachable if one.rank > rank), None)

    def values(
        self, customer_ids: Collection[int], *, at: dt.datetime, count: Callable[..., dict[int, int]] = qualifying.net
    ) -> Values:
        """Return what counts for some customers at an instant, by metric."""
        since = qualifying.window_start(at)
        return {
            metric: count(metric=metric, customer_ids=customer_ids, since=since, until=at)
            for metric in sorted({tier.metric for tier in self.reachable})
        }

    def reached(self, values: Values, customer_id: int) -> Tier | None:
        """Return the highest tier that the values reach."""
        found = [tier for tier in self.reachable if values[tier.metric].get(customer_id, 0) >= tier.threshold]
        return found[-1] if found else None


@cache
def rungs(vendor: str) -> Question[Tier]:
    """Return what reads the tiers, for `ladder_of`."""
    return Question(Tier.objects.order_by("rank"))


def ladder() -> Ladder:
    """Return the tiers as they stand."""
    return ladder_of(Tier.objects.order_by("rank"))


def ladder_of(rows: Iterable[Tier]) -> Ladder:
    """Put the tiers together, given from low to high."""
    tiers = list(rows)
    return Ladder(
        base=next((tier for tier in tiers if tier.rank == 0), None), tiers=tuple(tier for tier in tiers if tier.rank)
    )


@dataclass(frozen=True, slots=True)
class Standings:
    """The ladder, and who was on which tier when: rows by customer, the newest last."""

    ladder: Ladder
    rows: Mapping[int, list[TierMembership]]

    def newest(self, customer_id: int) -> TierMembership | None:
        """Return the newest row of a customer."""
        return self.rows[customer_id][-1] if customer_id in self.rows else None

    def multiplier(self, customer_id: int | None, at: dt.datetime) -> int:
        """Return the multiplier of the tier in which a customer was at an instant, in basis points."""
        for row in self.rows.get(customer_id or 0, ()):
            if row.started_at <= at and (row.ended_at is None or at < row.ended_at):
                return row.tier.multiplier
        return self.ladder.base.multiplier if self.ladder.base and customer_id else ONCE


NOBODY = Standings(Ladder(base=None, tiers=()), {})


def standings(*, customer_ids: Collection[int], since: dt.datetime, steps: Ladder | None = None) -> Standings:
    """Return the tiers of some customers since an instant: one query, and a second one when there are tiers."""
    steps = steps or ladder()
    asked = memberships(steps=steps, customer_ids=customer_ids, since=since)
    return standings_of(steps, statements.run(*asked))


# In the order of the model's fields, which from_db expects.
COLUMNS = ("id", "customer_id", "tier_id", "started_at", "grace_until", "ended_at")


def memberships(*, steps: Ladder, customer_ids: Collection[int], since: dt.datetime) -> list[Statement]:
    """Return what reads the tiers of some customers since an instant, for `standings_of`: nothing where there are no tiers."""
    if not steps.tiers or not customer_ids:
        return []
    return [
        Statement(
            f"SELECT {', '.join(COLUMNS)} FROM {TierMembership._meta.db_table} "  # noqa: S608 (our own names)
            f"WHERE customer_id IN ({', '.join(['%s'] * len(customer_ids))}) AND (ended_at IS NULL OR ended_at > %s) "
            "ORDER BY started_at, id",
            [*customer_ids, statements.stored(since)],
        )
    ]


def standings_of(steps: Ladder, answers: Iterable[Rows]) -> Standings:
    """Put together who was in which tier, from the answers to `memberships`."""
    known, found = {tier.pk: tier for tier in (*steps.tiers, *([steps.base] if steps.base else []))}, defaultdict(list)
    for key, customer_id, tier_id, *moments in (row for rows in answers for row in rows):
        row = TierMembership.from_db(
            connection.alias, COLUMNS, [key, customer_id, tier_id, *map(statements.moment, moments)]
        )
        row.tier = known[tier_id]
        found[customer_id].append(row)
    return Standings(steps, dict(found))


def kept_until(moment: dt.datetime) -> dt.datetime:
    """Return until when a tier is kept that is reached at an instant: twelve months, then to the end of that month."""
    return end_of_month_after(moment, KEPT_MONTHS)


def go_up(*, customer_ids: Collection[int], at: dt.datetime, known: Standings | None = None) -> int:
    """Put customers into the tier that their last twelve months reach and return how many that changed.

    Who reaches their own tier during its grace keeps it anew. Part of the caller's transaction, which holds the customers'
    locks. Nothing is changed before what is written already: a purchase told late is left to the daily run. `known` spares
    the caller a second look.
    """
    known = known or standings(customer_ids=customer_ids, since=at)
    waiting = candidates(customer_ids=customer_ids, at=at, known=known)
    if not waiting:
        return 0
    values = known.ladder.values(waiting, at=at)
    rising, again = [], []
    for pk in waiting:
        row, tier = known.newest(pk), known.ladder.reached(values, pk)
        if tier is None or not _is_news(row, tier):
            continue
        if row is not None and row.tier == tier:
            again.append(row)
        else:
            rising.append(_row(pk, tier, Reason.REACHED, at, qualified_at=at))
    TierMembership.objects.filter(pk__in=[row.pk for row in again]).update(
        qualified_at=at, kept_until=kept_until(at), grace_until=None
    )
    close([row for one in rising if (row := known.newest(one.customer_id))], Reason.REACHED, at)
    notices.queue([tier_letters.reached(row) for row in open_rows(rising)], now=at)
    return len(rising) + len(again)


def candidates(*, customer_ids: Collection[int], at: dt.datetime, known: Standings) -> list[int]:
    """Return the customers who may have reached more than they have; what came back is not taken off yet."""
    steps = known.ladder
    waiting = [pk for pk in customer_ids if _may_rise(known.newest(pk), steps, at)]
    if not waiting:
        return []
    values = steps.values(waiting, at=at, count=qualifying.gross)
    return [pk for pk in waiting if (tier := steps.reached(values, pk)) and _is_news(known.newest(pk), tier)]


def _may_rise(row: TierMembership | None, steps: Ladder, at: dt.datetime) -> bool:
    if row is None:
        return bool(steps.reachable)
    if row.ended_at is not None or row.started_at > at:
        return False
    return row.grace_until is not None or steps.above(row.tier) is not None


def _is_news(row: TierMembership | None, tier: Tier) -> bool:
    """Return whether a tier that is reached is a higher one, or the own one during its grace."""
    return row is None or tier.rank > row.tier.rank or (tier == row.tier and row.grace_until is not None)


def _row(
    customer_id: int, tier: Tier, reason: Reason, at: dt.datetime, *, qualified_at: dt.datetime | None = None
) -> TierMembership:
    return TierMembership(
        customer_id=customer_id, tier=tier, reason=reason, started_at=at, qualified_at=qualified_at,
        kept_until=kept_until(at),
    )  # fmt: skip


def step_down(row: TierMembership, steps: Ladder, at: dt.datetime) -> TierMembership | None:
    """Return the row, not written yet, that follows a grace which is over: one tier down, None where everybody starts."""
    tier = steps.below(row.tier)
    return tier and _row(row.customer_id, tier, Reason.STEPPED_DOWN, at)


def close(rows: Iterable[TierMembership], reason: Reason, at: dt.datetime, **fields: object) -> None:
    """End memberships."""
    if keys := [row.pk for row in rows]:
        TierMembership.objects.filter(pk__in=keys).update(ended_at=at, end_reason=reason, **fields)


def open_rows(rows: Iterable[TierMembership]) -> list[TierMembership]:
    """Write memberships that begin, tell other systems, and return them."""
    written = TierMembership.objects.bulk_create(rows)
    announcements.tiers_reached(written)
    return written


def follow_return(*, customer_id: int, at: dt.datetime) -> None:
    """Withdraw, without grace, a tier that was reached only through purchases that came back.

    The customer is back where they were before: with the end that this had, or in the tier that what they keep reaches.
    Part of the caller's transaction, which holds the customer's lock.
    """
    row = TierMembership.objects.open().filter(customer_id=customer_id).select_related("tier").first()
    if row is None or row.qualified_at is None:
        return
    steps = ladder()
    left = _deserved(row, steps)
    if left is not row:
        _fall_back(row, left, Reason.REFUNDED, max(at, row.started_at), steps)


def _deserved(row: TierMembership | None, steps: Ladder) -> TierMembership | None:
    """Return the row that holds once what came back no longer counts; None where everybody starts."""
    while row is not None and row.qualified_at is not None:
        since, tier = qualifying.window_start(row.qualified_at), row.tier
        kept = qualifying.net(metric=tier.metric, customer_ids=[row.customer_id], since=since)
        # A threshold that was raised since takes nothing away: the tier must have been lost by what came back.
        bought = qualifying.gross(metric=tier.metric, customer_ids=[row.customer_id], since=since)
        if kept.get(row.customer_id, 0) >= tier.threshold or bought.get(row.customer_id, 0) < tier.threshold:
            return row
        row = _higher(_before(row, steps), _still_reached(row, steps, since))
    return row


def _still_reached(row: TierMembership, steps: Ladder, since: dt.datetime) -> TierMembership | None:
    """Return the lower tier that the purchases which are kept reach, as it would have been reached then."""
    lower = [tier for tier in steps.reachable if tier.rank < row.tier.rank]
    for tier in reversed(lower):
        kept = qualifying.net(metric=tier.metric, customer_ids=[row.customer_id], since=since)
        if kept.get(row.customer_id, 0) >= tier.threshold:
            return _like(row, tier, row.qualified_at)
    return None


def _before(row: TierMembership, steps: Ladder) -> TierMembership | None:
    """Return the row that this one has replaced; where it was only kept anew, one step down."""
    if row.qualified_at and row.qualified_at > row.started_at:
        tier = steps.below(row.tier)
        return tier and _like(row, tier, None)
    replaced = TierMembership.objects.filter(
        customer_id=row.customer_id, ended_at=row.started_at, end_reason__in=[Reason.REACHED, Reason.GRANTED]
    )
    return replaced.exclude(pk=row.pk).select_related("tier").order_by("-tier__rank", "-pk").first()


def _like(row: TierMembership, tier: Tier, qualified_at: dt.datetime | None) -> TierMembership:
    return TierMembership(
        customer_id=row.customer_id, tier=tier, started_at=row.started_at, kept_until=row.kept_until,
        grace_until=row.grace_until, qualified_at=qualified_at,
    )  # fmt: skip


def _higher(one: TierMembership | None, other: TierMembership | None) -> TierMembership | None:
    """Return the row of the higher tier, the first of two equals."""
    return max((row for row in (one, other) if row), key=lambda row: row.tier.rank, default=None)


def _fall_back(
    row: TierMembership, left: TierMembership | None, reason: Reason, at: dt.datetime, steps: Ladder, **fields: object
) -> None:
    """End a membership, go on with what is left, and tell the customer."""
    close([row], reason, at, **fields)
    if left is not None:
        went_on = _row(row.customer_id, left.tier, reason, at, qualified_at=left.qualified_at)
        went_on.kept_until, went_on.grace_until = left.kept_until, left.grace_until
        open_rows([went_on])
    else:
        announcements.tiers_lost([row.customer_id], base=steps.base, reason=reason, at=at)
    tier = left.tier if left else steps.base
    notices.queue([tier_letters.lowered(row, tier, is_return=reason == Reason.REFUNDED)], now=at)


def grant(*, customer: Customer, tier: Tier, note: str, by: User, now: dt.datetime) -> TierMembership:
    """Put a customer into a tier by hand and return the membership; it is kept as long as one that was reached.

    Raises HeldAlready when the customer is in this tier or a higher one, and OwnCard.
    """
    refuse_own_card(customer, by)
    with transaction.atomic():
        ledger.lock(customer_ids=[customer.pk])
        held = TierMembership.objects.open().filter(customer=customer).select_related("tier").first()
        if held is not None:
            if held.tier.rank >= tier.rank:
                raise HeldAlready(tier=held.tier)
            close([held], Reason.GRANTED, now)
        row = _row(customer.pk, tier, Reason.GRANTED, now)
        row.note, row.by = note, by
        open_rows([row])
        notices.queue([tier_letters.reached(row)], now=now)
    return row


def withdraw(*, customer: Customer, note: str, by: User, now: dt.datetime) -> None:
    """Take back a tier that staff gave: what the customer had before, or has reached since, holds again.

    Raises NotGranted when there is no such tier, and OwnCard.
    """
    refuse_own_card(customer, by)
    with transaction.atomic():
        ledger.lock(customer_ids=[customer.pk])
        row = TierMembership.objects.open().filter(customer=customer).select_related("tier").first()
        if row is None or row.reason != Reason.GRANTED:
            raise NotGranted
        steps = ladder()
        row.qualified_at = None
        _fall_back(row, _before(row, steps), Reason.WITHDRAWN, now, steps, end_note=note, ended_by=by)
        go_up(customer_ids=[customer.pk], at=now)
