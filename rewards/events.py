"""Points for what is no purchase: signing up, a birthday, a review, a referral, an answered survey. Each once.

Sign-ups and birthdays are found by looking, so that however somebody was enrolled (counter, shop, import) nobody is
forgotten, and a night without a run is caught up with. docs/points.md#events works through the numbers.
"""

import calendar
import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import batched
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet

from customers import notices
from customers.models import Customer
from customers.notices import Letter
from customers.timezones import programme_date, start_of_day
from rewards import absence, caps, earning, ledger
from rewards.caps import Moment
from rewards.models import EarningRule, PointTransaction
from rewards.models.points import Kind

SIGN_UP_DAYS = 31  # how long ago somebody may have enrolled and still be found
BIRTHDAY_DAYS = 7
CUSTOMERS_AT_ONCE = 500
Event = EarningRule.Event
INSTANT = dt.timedelta(microseconds=1)


class Found(NamedTuple):
    """An event of a customer, with the key of its cause."""

    customer_id: int
    source: str
    happened_at: dt.datetime


def award_event(*, customer: Customer, event: Event, source: str, now: dt.datetime) -> PointTransaction | None:
    """Award what the live rules give for an event, once per source, and return the transaction; None when that is nothing.

    The same source again returns the first transaction. Caps hold as for purchases; what they cut to nothing can be
    awarded later. Raises ledger.SourceConflict when the source is another customer's.
    """
    with transaction.atomic():
        ledger.lock(customer_ids=[customer.pk])
        _post(event, [Found(customer.pk, source, now)], _rules(), now)
        posted = PointTransaction.objects.filter(source=source, kind=Kind.EARN).order_by("-sequence").first()
        if posted is not None and posted.customer_id != customer.pk:
            raise ledger.SourceConflict(source=source)
        return posted


def award_sign_up(*, customer: Customer, now: dt.datetime) -> PointTransaction | None:
    """Award what signing up gives, at once; the daily run, which looks for who was forgotten, then finds it done."""
    return award_event(customer=customer, event=Event.SIGN_UP, source=f"sign_up:{customer.pk}", now=now)


def promises(*, rules: Iterable[EarningRule], now: dt.datetime) -> dict[str, int]:
    """Return how many points each event gives at a moment under some rules; what gives none is left out."""
    found = {event.value: earning.earn_event(event=event, occurred_at=now, rules=list(rules)).points for event in Event}
    return {event: points for event, points in found.items() if points}


def award_due(*, now: dt.datetime, days: int = BIRTHDAY_DAYS) -> int:
    """Award the sign-ups, and the birthdays of so many days, that were not awarded yet; return how many.

    By the rules in force at that time. A second run changes nothing.
    """
    rules = _rules(since=now - dt.timedelta(days=SIGN_UP_DAYS))
    events = {rule.event for rule in rules if rule.kind == EarningRule.Kind.EVENT}
    awarded = 0
    if Event.SIGN_UP in events:
        awarded += _award_found(Event.SIGN_UP, sign_ups(rules=rules, now=now), rules, now)
    if Event.BIRTHDAY in events:
        for day in days_before(now, days):
            awarded += _award_found(Event.BIRTHDAY, birthdays(day=day, now=now), rules, now)
    return awarded


def sign_ups(*, rules: Sequence[EarningRule], now: dt.datetime) -> Iterator[Found]:
    """Return who enrolled lately, since there is a rule for it; key `sign_up:<customer>`."""
    published = [rule.published_at for rule in rules if rule.event == Event.SIGN_UP and rule.published_at]
    since = max(min(published), now - dt.timedelta(days=SIGN_UP_DAYS))
    enrolled = Customer.objects.enrolled().filter(enrolled_at__gte=since, enrolled_at__lte=now)
    for pk, enrolled_at in _in_key_order(enrolled, "enrolled_at"):
        yield Found(pk, f"sign_up:{pk}", enrolled_at)


def birthdays(*, day: dt.date, now: dt.datetime) -> Iterator[Found]:
    """Return whose birthday falls on a day of the programme; key `birthday:<customer>:<year>`.

    Born on 29 February, people celebrate on the 28th where there is no 29th.
    """
    born = Q(birthday__month=day.month, birthday__day=day.day)
    if (day.month, day.day) == (2, 28) and not calendar.isleap(day.year):
        born |= Q(birthday__month=2, birthday__day=29)
    end = start_of_day(day + dt.timedelta(days=1))
    happened_at = min(now, end - INSTANT)
    customers = Customer.objects.enrolled().filter(born, birthday__lt=day, enrolled_at__lte=happened_at)
    for pk, __ in _in_key_order(customers, "birthday"):
        yield Found(pk, f"birthday:{pk}:{day.year}", happened_at)


def days_before(now: dt.datetime, number: int) -> list[dt.date]:
    """Return the programme's last days, today included, the oldest first."""
    today = programme_date(now)
    return [today - dt.timedelta(days=ago) for ago in range(number - 1, -1, -1)]


def _rules(since: dt.datetime | None = None) -> list[EarningRule]:
    """Return the rules for events and the caps that are live, or were at some time since."""
    kinds = (EarningRule.Kind.EVENT, EarningRule.Kind.CAP)
    if since is None:
        return list(EarningRule.objects.live().filter(kind__in=kinds, stamp_card=None))
    was_live = Q(retired_at=None) | Q(retired_at__gt=since)
    rows = EarningRule.objects.filter(was_live, published_at__isnull=False, kind__in=kinds, stamp_card=None)
    return list(rows.order_by("key", "version"))


def _in_force(rules: Sequence[EarningRule], moment: dt.datetime) -> list[EarningRule]:
    """Return the events' rules of a moment, and the caps of now: these count when points are given."""
    return [
        rule
        for rule in rules
        if (
            rule.retired_at is None
            if rule.kind == EarningRule.Kind.CAP
            else rule.published_at <= moment and (rule.retired_at is None or rule.retired_at > moment)
        )
    ]


def _award_found(event: Event, found: Iterator[Found], rules: Sequence[EarningRule], now: dt.datetime) -> int:
    awarded = 0
    for group in batched(found, CUSTOMERS_AT_ONCE, strict=False):
        if missing := _not_awarded(group):
            with transaction.atomic():
                ledger.lock(customer_ids=[each.customer_id for each in missing])
                awarded += _post(event, missing, rules, now)
    return awarded


def _not_awarded(found: Collection[Found]) -> list[Found]:
    sources = [each.source for each in found]
    posted = PointTransaction.objects.filter(source__in=sources, kind=Kind.EARN)
    done = set(posted.values_list("source", flat=True))
    return [each for each in found if each.source not in done]


def _post(event: Event, found: Collection[Found], rules: Sequence[EarningRule], now: dt.datetime) -> int:
    """Award what is not awarded yet; the caller holds the locks of the customers' points. Return how many were awarded."""
    rooms = caps.open_rooms(rules=rules, moments={Moment(each.customer_id, now) for each in found})
    awards = []
    for each in _not_awarded(found):
        moment = Moment(each.customer_id, now)
        earned = earning.earn_event(
            event=event, occurred_at=each.happened_at, rules=_in_force(rules, each.happened_at), rooms=rooms.left(moment)
        )  # fmt: skip
        if earned.points:
            rooms.take(moment, earned)
            awards.append(
                ledger.Award(
                    customer_id=each.customer_id, points=earned.points, source=each.source, occurred_at=now,
                    expires_at=earning.expires_at(earned.rule, now), explanation=earned.explanation(),
                    inactive_months=earning.inactive_months(earned.rule),
                )
            )  # fmt: skip
    ledger.earn_many(awards)
    absence.mark(awards)
    rooms.write()
    if event == Event.BIRTHDAY:
        _congratulate(found, awards, now)
    return len(awards)


def _congratulate(found: Collection[Found], awards: Sequence[ledger.Award], now: dt.datetime) -> None:
    """Queue the greeting that tells of the points; a week later nobody is congratulated any more."""
    lately = {each.source for each in found if now - each.happened_at < dt.timedelta(days=BIRTHDAY_DAYS)}
    notices.queue(
        (Letter(each.customer_id, "birthday", each.source, {"amount": each.points}) for each in awards if each.source in lately),
        now=now,
    )  # fmt: skip


def _in_key_order(customers: QuerySet[Customer], name: str) -> Iterator[tuple]:
    """Return key and a column of some customers, group by group, so that no cursor stays open over transactions."""
    after = 0
    while rows := list(customers.filter(pk__gt=after).order_by("pk").values_list("pk", name)[:CUSTOMERS_AT_ONCE]):
        yield from rows
        after = rows[-1][0]
