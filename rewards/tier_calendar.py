"""What the calendar decides about tiers: who has reached one unnoticed, whose is kept anew, who is warned, who steps down.

In chunks of customers, each one transaction of a moment. Restartable; a second run changes nothing.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import batched

from django.db import transaction

from customers import notices
from customers.models import Customer
from customers.timezones import programme_date, start_of_day
from rewards import announcements, ledger, qualifying, tier_letters, tiers
from rewards.models import TierMembership
from rewards.tiers import Ladder, Reason

CUSTOMERS_AT_ONCE = 500
CUSTOMERS_LOOKED_AT = 2_000
GRACE_DAYS = 30
A_MOMENT = dt.timedelta(microseconds=1)


def raise_due(*, now: dt.datetime) -> int:
    """Put everybody up whose purchases have reached a tier unnoticed, by an import for example; return how many changed."""
    steps, changed = tiers.ladder(), 0
    for customer_ids in _risen(steps, now):
        with transaction.atomic():
            ledger.lock(customer_ids=customer_ids)
            known = tiers.standings(customer_ids=customer_ids, since=now, steps=steps)
            changed += tiers.go_up(customer_ids=customer_ids, at=now, known=known)
    return changed


def _risen(steps: Ladder, now: dt.datetime) -> Iterator[Sequence[int]]:
    """Give the customers, some at a time, who may have reached more than they have.

    Walks all customers by key and their year by an index, without a lock, and holds no cursor open while others write.
    """
    after = 0
    while steps.reachable:
        customers = Customer.objects.enrolled().filter(pk__gt=after).order_by("pk")
        customer_ids = list(customers.values_list("pk", flat=True)[:CUSTOMERS_LOOKED_AT])
        if not customer_ids:
            return
        known = tiers.standings(customer_ids=customer_ids, since=now, steps=steps)
        more = tiers.candidates(customer_ids=customer_ids, at=now, known=known)
        yield from batched(more, CUSTOMERS_AT_ONCE, strict=False)
        after = customer_ids[-1]


def lower_due(*, now: dt.datetime) -> int:
    """Keep tiers anew whose year is over, warn those who miss it, let those step down whose grace is over.

    Returns how many memberships changed.
    """
    steps = tiers.ladder()
    return _each(now, steps, _end_grace, grace_until__lte=now) + _each(
        now, steps, _renew_or_warn, grace_until=None, kept_until__lte=now
    )


type Step = Callable[[list[TierMembership], Ladder, dt.datetime], None]


def _each(now: dt.datetime, steps: Ladder, act: Step, **due: object) -> int:
    """Act on the open memberships that are due, some at a time, under the locks of their customers."""
    after, changed = 0, 0
    while True:
        found = TierMembership.objects.open().filter(**due, pk__gt=after).order_by("pk")
        keys = list(found.values_list("pk", "customer_id")[:CUSTOMERS_AT_ONCE])
        if not keys:
            return changed
        with transaction.atomic():
            ledger.lock(customer_ids=[customer_id for _pk, customer_id in keys])
            rows = list(found.filter(pk__in=[pk for pk, _customer in keys]).select_related("tier"))
            act(rows, steps, now)
        changed += len(rows)
        after = keys[-1][0]


def _end_grace(rows: list[TierMembership], steps: Ladder, now: dt.datetime) -> None:
    values = _values(rows, now)
    renewed = [row for row in rows if _is_reached(row, values)]
    _keep_anew(renewed, now, tiers.kept_until(now))
    leaving = [row for row in rows if not _is_reached(row, values)]
    lower = {row.pk: tiers.step_down(row, steps, now) for row in leaving}
    tiers.close(leaving, Reason.STEPPED_DOWN, now)
    tiers.open_rows([row for row in lower.values() if row is not None])
    back = [row.customer_id for row in leaving if lower[row.pk] is None]
    announcements.tiers_lost(back, base=steps.base, reason=Reason.STEPPED_DOWN, at=now)
    letters = []
    for row in leaving:
        follows = lower[row.pk]
        letters.append(tier_letters.lowered(row, follows.tier if follows else steps.base))
    notices.queue(letters, now=now)


def _renew_or_warn(rows: list[TierMembership], steps: Ladder, now: dt.datetime) -> None:
    """Look at the twelve months that end with the last day on which the tier was kept."""
    grace_until = start_of_day(programme_date(now) + dt.timedelta(days=GRACE_DAYS))
    by_end, missed = defaultdict(list), []
    for row in rows:
        by_end[row.kept_until].append(row)
    for end, some in by_end.items():
        values = _values(some, end - A_MOMENT)
        later = tiers.kept_until(end - A_MOMENT)
        _keep_anew(
            [row for row in some if _is_reached(row, values)],
            end - A_MOMENT,
            later if later > now else tiers.kept_until(now),
        )
        missed += [row for row in some if not _is_reached(row, values)]
    # Days of silence may lie between the end and this run: what was bought in them counts as well.
    today = _values(missed, now)
    _keep_anew([row for row in missed if _is_reached(row, today)], now, tiers.kept_until(now))
    warned = [row for row in missed if not _is_reached(row, today)]
    TierMembership.objects.filter(pk__in=[row.pk for row in warned]).update(grace_until=grace_until)
    letters = []
    for row in warned:
        missing = max(0, row.tier.threshold - today[row.tier.metric].get(row.customer_id, 0))
        lower = steps.below(row.tier) or steps.base
        letters.append(tier_letters.warning(row, grace_until=grace_until, lower=lower, missing=missing))
    notices.queue(letters, now=now)


def _values(rows: Collection[TierMembership], at: dt.datetime) -> tiers.Values:
    """Return what counts for the customers of some memberships, by the metric of each one's tier."""
    by_metric = defaultdict(list)
    for row in rows:
        by_metric[row.tier.metric].append(row.customer_id)
    since = qualifying.window_start(at)
    return {
        metric: qualifying.net(metric=metric, customer_ids=customer_ids, since=since, until=at)
        for metric, customer_ids in by_metric.items()
    }


def _is_reached(row: TierMembership, values: tiers.Values) -> bool:
    """Return whether the tier is reached; what staff alone give has no threshold and is not."""
    return 0 < row.tier.threshold <= values[row.tier.metric].get(row.customer_id, 0)


def _keep_anew(rows: Collection[TierMembership], at: dt.datetime, until: dt.datetime) -> None:
    TierMembership.objects.filter(pk__in=[row.pk for row in rows]).update(
        qualified_at=at, kept_until=until, grace_until=None
    )
