"""The occasions of surprises: who has just bought, has a birthday, stays away, reached a tier, or is simply there.

Each is found by looking, in sets, so that a night without a run is caught up with and a second look changes nothing: the keys
of the occasions (`birthday:42:2027`) make each of them happen once.
"""

import calendar
import datetime as dt
from collections.abc import Callable, Iterator, Sequence

from django.db.models import Count, Max, Q

from customers.models import Customer, Purchase
from customers.timezones import programme_date
from rewards import rhythm_gaps, surprise_plans, surprises, uplift
from rewards.models import Surprise, TierMembership
from rewards.models.membership import TierMembership as Membership
from rewards.trials import Occasion

Trigger, Window = Surprise.Trigger, Surprise.Window
OLDEST_PURCHASE = dt.timedelta(days=2)  # an older one was imported late: nobody is surprised by it
IN_FLIGHT = dt.timedelta(minutes=5)  # so long a purchase may be recorded before it can be seen
TIER_DAYS = 7
PURCHASES_AT_ONCE = 2_000
DAYS_OF_MONTH = 30


def after_purchases(*, purchases: Sequence[Purchase], now: dt.datetime) -> int:
    """Let the running surprises draw from purchases that were just recorded; return how many customers were assigned."""
    known = [it for it in purchases if it.customer_id is not None and it.occurred_at > now - OLDEST_PURCHASE]
    running = list(_running(now, Trigger.PURCHASE, Trigger.NTH)) if known else []
    return sum(surprises.draw(surprise=one, occasions=_of_purchases(one, known), now=now) for one in running)


def look_at_purchases(*, now: dt.datetime) -> int:
    """Do the same for every purchase since the last look, whichever way it came in; return how many were assigned.

    Those of the last minutes are looked at again: a transaction that began earlier may end later.
    """
    assigned = 0
    for one in _running(now, Trigger.PURCHASE, Trigger.NTH):
        newer = Purchase.objects.filter(pk__gt=one.seen_purchase).order_by("pk")
        last = one.seen_purchase
        while rows := list(newer.filter(pk__gt=last)[:PURCHASES_AT_ONCE]):
            last = rows[-1].pk
            fresh = [it for it in rows if it.customer_id is not None and it.occurred_at > now - OLDEST_PURCHASE]
            assigned += surprises.draw(surprise=one, occasions=_of_purchases(one, fresh), now=now)
        settled = newer.filter(recorded_at__lte=now - IN_FLIGHT).aggregate(last=Max("pk"))["last"]
        if settled:
            Surprise.objects.filter(pk=one.pk, seen_purchase__lt=settled).update(seen_purchase=settled)
    return assigned


def look_around(*, now: dt.datetime) -> int:
    """Look for birthdays, anniversaries, absences, tiers and who is there; return how many customers were assigned."""
    assigned = 0
    for one in _running(now, *FINDERS):
        assigned += surprises.draw(surprise=one, occasions=list(FINDERS[one.trigger](one, now)), now=now)
    return assigned


def stop_due(*, now: dt.datetime) -> int:
    """Stop the surprises whose end has come, and those whose interval excludes a benefit; return how many."""
    stopped = 0
    for one in Surprise.objects.filter(state=Surprise.State.ACTIVE).select_related("trial").order_by("pk"):
        if one.ends_at is not None and one.ends_at <= now:
            because = Surprise.Stop.END
        elif uplift.report(trial=one.trial, now=now).excludes_benefit:
            because = Surprise.Stop.HARM
        else:
            continue
        surprise_plans.stop(surprise=one, because=because, now=now)
        stopped += 1
    return stopped


def _running(now: dt.datetime, *triggers: str) -> Iterator[Surprise]:
    rows = Surprise.objects.running(now).filter(trigger__in=triggers)
    return iter(rows.select_related("trial", "batch", "reward").order_by("pk"))


def _of_purchases(surprise: Surprise, purchases: Sequence[Purchase]) -> list[Occasion]:
    if surprise.trigger == Trigger.PURCHASE:
        return [Occasion(it.customer_id, f"purchase:{it.pk}", {"purchase": it.pk}, it.pk) for it in purchases]
    counts = dict(
        Purchase.objects.filter(customer__in={it.customer_id for it in purchases})
        .values_list("customer")
        .annotate(number=Count("pk"))
        .filter(number=surprise.threshold)
    )
    return [
        Occasion(it.customer_id, f"nth:{it.customer_id}:{surprise.threshold}", {"purchases": surprise.threshold}, it.pk)
        for it in purchases
        if it.customer_id in counts
    ]


def days_of(window: str, today: dt.date) -> list[dt.date]:
    """Return the days whose birthdays and anniversaries are due: today and two days missed, this week, or this month."""
    if window == Window.WEEK:
        first = today - dt.timedelta(days=today.weekday())
        return [first + dt.timedelta(days=n) for n in range(7)]
    if window == Window.MONTH:
        return [today.replace(day=n + 1) for n in range(calendar.monthrange(today.year, today.month)[1])]
    return [today - dt.timedelta(days=n) for n in (2, 1, 0)]


def _on(field: str, day: dt.date) -> Q:
    """Select the dates that recur on a day; 29 February falls on the 28th where there is no 29th."""
    found = Q(**{f"{field}__month": day.month, f"{field}__day": day.day})
    if (day.month, day.day) == (2, 28) and not calendar.isleap(day.year):
        found |= Q(**{f"{field}__month": 2, f"{field}__day": 29})
    return found


def _birthdays(surprise: Surprise, now: dt.datetime) -> Iterator[Occasion]:
    for day in days_of(surprise.window, programme_date(now)):
        born = Customer.objects.enrolled().filter(_on("birthday", day), birthday__lt=day)
        for pk in born.order_by("pk").values_list("pk", flat=True):
            yield Occasion(pk, f"birthday:{pk}:{day.year}", {"day": day.isoformat()})


def _anniversaries(surprise: Surprise, now: dt.datetime) -> Iterator[Occasion]:
    """Find who enrolled on this day of an earlier year, by the programme's calendar."""
    for day in days_of(surprise.window, programme_date(now)):
        enrolled = Customer.objects.enrolled().filter(_on("enrolled_at", day), enrolled_at__year__lt=day.year)
        for pk, at in enrolled.order_by("pk").values_list("pk", "enrolled_at"):
            years = day.year - programme_date(at).year
            yield Occasion(pk, f"anniversary:{pk}:{day.year}", {"day": day.isoformat(), "years": years})


def _lapsed(surprise: Surprise, now: dt.datetime) -> Iterator[Occasion]:
    for found in rhythm_gaps.stayed_away(times=surprise.threshold, now=now):
        reason = {"last": found.last_date.isoformat(), "usual_days": found.gap_days, "days": found.away_days}
        yield Occasion(found.customer_id, f"lapsed:{found.customer_id}:{found.last_date:%Y%m%d}", reason)


def _tiers(surprise: Surprise, now: dt.datetime) -> Iterator[Occasion]:
    since = max(now - dt.timedelta(days=TIER_DAYS), surprise.approved_at)
    reached = TierMembership.objects.open().filter(reason=Membership.Reason.REACHED, started_at__gt=since)
    for pk, customer_id, tier_id in reached.order_by("pk").values_list("pk", "customer_id", "tier_id"):
        yield Occasion(customer_id, f"tier:{customer_id}:{pk}", {"tier": tier_id})


def _blue(surprise: Surprise, now: dt.datetime) -> Iterator[Occasion]:
    """Let a coin of each customer and day say who is drawn; in a month that comes to the surprise's chance."""
    day = programme_date(now)
    for pk in Customer.objects.enrolled().order_by("pk").values_list("pk", flat=True).iterator(chunk_size=10_000):
        key = f"blue:{pk}:{day:%Y%m%d}"
        if surprises.is_drawn(surprise, key, chance=max(1, surprise.chance // DAYS_OF_MONTH)):
            yield Occasion(pk, key, {"day": day.isoformat()})


FINDERS: dict[str, Callable[[Surprise, dt.datetime], Iterator[Occasion]]] = {
    Trigger.BIRTHDAY: _birthdays,
    Trigger.ANNIVERSARY: _anniversaries,
    Trigger.LAPSED: _lapsed,
    Trigger.TIER: _tiers,
    Trigger.BLUE: _blue,
}
