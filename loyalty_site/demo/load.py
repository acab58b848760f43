"""Load the demo shop into an empty database: all of it or nothing."""

import datetime as dt
import random
import uuid
from collections.abc import Callable
from functools import partial

from django.db import transaction
from django.db.models import F

from customers import cohorts
from customers.models import Notice, User
from customers.timezones import programme_date, start_of_day
from loyalty_site.demo import asking, gifts, history, life, people
from loyalty_site.demo.catalogue import open_shop
from loyalty_site.demo.offers import Pockets
from loyalty_site.demo.surprising import Surprising
from rewards import adjustments, vintages
from rewards.dates import add_months
from rewards.models import PointBalance

MONTHS = 18
GOODWILL = [(300, 20), (210, 15), (140, 50), (75, 10), (33, 25), (12, -15)]  # days ago, points


def load(*, seed: int, now: dt.datetime, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Play eighteen months up to now, in one transaction. `progress(done, total)` counts purchases."""
    rng = random.Random(seed)  # noqa: S311 (a play, and the same one every time)
    first = add_months(programme_date(now).replace(day=1), -MONTHS)
    start = start_of_day(first)
    with transaction.atomic():
        staff = people.hire_staff()
        shop = open_shop(staff=staff, start=start, now=now)
        persons = people.invent(rng=rng, start=first, today=programme_date(now))
        people.enrol(persons, now=now)
        pockets, survey = Pockets(shop), asking.Asking(shop, rng)
        pockets.open()
        visits = life.visits(rng=rng, people=persons, start=first, now=now)
        played = history.History(shop, persons, pockets, rng)
        surprising = Surprising(played, random.Random(seed))  # noqa: S311
        played.events = [
            *surprising.events(now=now),
            *history.waves(pockets, now=now),
            *survey.events(now=now),
            *_goodwill(staff["manager"], rng, now),
        ]
        done = 0

        def step(count: int) -> None:
            nonlocal done
            done += count
            progress(done, len(visits))

        played.play(visits=visits, start=start, now=now, progress=step)
        pockets.loose_ends(now=now)
        gifts.hand_out(shop=shop, now=now)
        gifts.bring_friends(shop=shop, now=now)
        surprising.draft(now=now)
        survey.today(now=now)
        cohorts.count_due(clock=lambda: now)
        vintages.count_due(clock=lambda: now)
        # What was mailed in the past was mailed then; nothing of it leaves now.
        Notice.objects.filter(state=Notice.State.QUEUED).update(state=Notice.State.SENT, finished_at=F("queued_at"))


def _goodwill(manager: User, rng: random.Random, now: dt.datetime) -> list[history.Event]:
    """Points that the manager gave, and once took, by hand."""
    events = []
    for days, points in GOODWILL:
        at = start_of_day(programme_date(now) - dt.timedelta(days=days)) + dt.timedelta(hours=21)
        key = uuid.UUID(int=rng.getrandbits(128))
        events.append((at, partial(_adjust, points=points, key=key, by=manager, rng=rng, now=at)))
    return events


def _adjust(*, points: int, key: uuid.UUID, by: User, rng: random.Random, now: dt.datetime) -> None:
    """Adjust somebody's points who has some."""
    balances = PointBalance.objects.filter(active__gte=50).select_related("customer").order_by("pk")
    if not balances:
        return
    reason, note = (
        (adjustments.Reason.GOODWILL, "With our apologies for the wait.")
        if points > 0
        else (adjustments.Reason.CORRECTION, "Booked twice.")
    )
    customer = rng.choice(balances).customer
    adjustments.adjust(customer=customer, points=points, reason=reason, note=note, key=key, by=by, now=now)
