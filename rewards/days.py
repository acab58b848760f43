"""The clock's work on points: what is due every hour, and once a day, at the programme's midnight, what looks at everybody.

A day is written down when all of it is done: a run that was stopped begins again an hour later, and one that did not
happen for days is made up for. Two runs at once change nothing twice.
"""

import datetime as dt

from customers.timezones import programme_date
from rewards import catalogue, daily, events, expiry_notices, referrals, stored_value, surprise_occasions
from rewards.models import ProgrammeDay

MOST_DAYS = 31  # longer ago nobody is congratulated or warned any more


def run_due(*, now: dt.datetime) -> int:
    """Do what is due and return how many transactions and memberships changed; again changes nothing.

    Every time, rewards that nobody picked up go back, and gift cards past their end are emptied.
    """
    today, last = programme_date(now), last_day()
    lapsed = catalogue.lapse_due(now=now) + stored_value.expire_due(now=now)
    if last is not None and last >= today:
        return lapsed + daily.settle_due(now=now)
    missed = min(MOST_DAYS, (today - last).days) if last else 1
    changed = lapsed + events.award_due(now=now, days=max(events.BIRTHDAY_DAYS, missed + 1))
    changed += referrals.give_due(now=now)
    changed += daily.run(now=now)
    expiry_notices.queue_due(now=now, days_back=missed)
    surprise_occasions.stop_due(now=now)
    surprise_occasions.look_around(now=now)
    ProgrammeDay.objects.update_or_create(day_date=today, defaults={"finished_at": now, "changed": changed})
    return changed


def last_day() -> dt.date | None:
    """Return the last day that was dealt with, None when none ever was."""
    return ProgrammeDay.objects.order_by("-day_date").values_list("day_date", flat=True).first()
