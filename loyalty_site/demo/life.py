"""How the customers live: who comes when, and what they take. Pure: the same seed and day give the same visits."""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from customers.timezones import start_of_day, zone
from loyalty_site.demo.people import ALICE, LIN, Person

MONTHS = {1: 0.85, 2: 0.9, 3: 1, 4: 1.05, 5: 1.05, 6: 1, 7: 0.9, 8: 0.75, 9: 1, 10: 1.05, 11: 1.1, 12: 1.4}
CLOSED = {(12, 25), (12, 26), (1, 1)}
GUESTS_PER_DAY = 2.2

# Weekdays from Monday, opening and closing hour of the visits.
RHYTHMS = {
    "commuter": ((1.3, 1.3, 1.3, 1.3, 1.3, 0.3, 0.2), (7, 9)),
    "lunch": ((1.2, 1.3, 1.3, 1.3, 1.2, 0.4, 0.2), (12, 14)),
    "afternoon": ((0.9, 0.9, 0.9, 1, 1.1, 1.2, 1), (14, 18)),
    "weekend": ((0.3, 0.3, 0.4, 0.5, 0.9, 2.4, 2.2), (10, 17)),
    "online": ((1, 1, 1, 1, 0.9, 0.9, 1.3), (18, 21)),
}
# What is taken, with how often of ten; summer and winter shift the drinks.
HOT = {
    "CAPPUCCINO": 6,
    "FLATWHITE": 6,
    "LATTE": 4,
    "FILTER": 3,
    "ESPRESSO": 3,
    "JASMINE": 2,
    "CHOCOLATE": 2,
    "MILKTEA": 2,
}
COLD = {"ICEDLATTE": 8, "LEMONADE": 6, "MILKTEA": 5, "ESPRESSO": 3, "CAPPUCCINO": 3, "FLATWHITE": 3, "JASMINE": 2}
PASTRY = {"CROISSANT": 6, "CINNAMON": 5, "BANANA": 3, "CHEESECAKE": 4, "SOURDOUGH": 2}
LUNCH = {"SOUP": 4, "SANDWICH": 4, "QUICHE": 3, "AVOCADO": 3}
PANTRY = {"BEANS-HOUSE": 6, "BEANS-ETHIOPIA": 4, "BEANS-DECAF": 1, "TEA-LONGJING": 2, "TEA-OOLONG": 2}
WARE = {"CUP": 5, "TOGO-CUP": 4, "POUROVER": 2, "GRINDER": 1, "GIFTBOX": 2}


@dataclass(slots=True)
class Visit:
    """One receipt to come: who, when, where, what (SKU and quantity), and whether some of it comes back."""

    at: dt.datetime
    store: str
    person: Person | None
    items: list[tuple[str, int]]
    comes_back: bool = False
    reference: str = ""


@dataclass(slots=True)
class Habits:
    """A customer's rhythm: visits a week, the kind of day, where, what else, and when they stay away."""

    per_week: float
    rhythm: str
    web_share: float
    pastry: float
    pantry: float
    away: list[tuple[dt.date, dt.date]] = field(default_factory=list)


def visits(*, rng: random.Random, people: list[Person], start: dt.date, now: dt.datetime) -> list[Visit]:
    """Return all visits up to now in the order of time, with their receipt numbers."""
    today = now.astimezone(zone("")).date()
    planned = [visit for person in people for visit in _life(rng, person, start, today)]
    planned += _guests(rng, start, today)
    planned += _lately(people, today)
    # What came today is not brought back yet.
    planned = sorted((visit for visit in planned if visit.at < now), key=lambda visit: visit.at)
    for visit in planned:
        visit.comes_back = visit.comes_back and visit.at < start_of_day(today)
    counters: dict[tuple[str, dt.date], int] = {}
    for visit in planned:
        day = visit.at.astimezone(zone("")).date()
        counters[visit.store, day] = number = counters.get((visit.store, day), 0) + 1
        visit.reference = f"{'OT' if visit.store == 'old-town' else 'WEB'}-{day:%Y%m%d}-{number:03}"
    return planned


def _habits(rng: random.Random, person: Person, today: dt.date) -> Habits:
    if person.email == ALICE:
        return Habits(2.6, "afternoon", 0.08, 0.5, 0.1)
    if person.email == LIN:
        return Habits(1.8, "weekend", 0.2, 0.4, 0.15)
    per_week = rng.choices([3.4, 1.5, 0.5, 0.18], [12, 28, 35, 25])[0] * rng.uniform(0.7, 1.3)
    rhythm = rng.choices(list(RHYTHMS), [25, 15, 25, 25, 10])[0]
    web_share = 0.85 if rhythm == "online" else rng.choice([0, 0, 0.05, 0.15])
    away = []
    for _ in range(rng.randint(1, 3)):
        gone = person.enrolled_date + dt.timedelta(days=rng.randint(20, 540))
        away.append((gone, gone + dt.timedelta(days=rng.randint(10, 24))))
    if rng.random() < 0.24:  # lapses, and comes back or does not
        gone = person.enrolled_date + dt.timedelta(days=rng.randint(45, 400))
        back = gone + dt.timedelta(days=rng.randint(100, 220)) if rng.random() < 0.4 else today + dt.timedelta(days=1)
        away.append((gone, back))
    return Habits(per_week, rhythm, web_share, rng.uniform(0.1, 0.6), rng.choice([0.02, 0.05, 0.12]), away)


def _life(rng: random.Random, person: Person, start: dt.date, today: dt.date) -> Iterator[Visit]:
    habits = _habits(rng, person, today)
    weights, _hours = RHYTHMS[habits.rhythm]
    for day in _days(max(start, person.enrolled_date), today):
        share = habits.per_week / 7 * weights[day.weekday()] * MONTHS[day.month]
        if rng.random() < share and not any(gone <= day < back for gone, back in habits.away):
            is_web = rng.random() < habits.web_share
            if is_web or (day.month, day.day) not in CLOSED:
                yield _visit(rng, person, day, habits, is_web=is_web)


def _visit(rng: random.Random, person: Person | None, day: dt.date, habits: Habits, *, is_web: bool) -> Visit:
    first, last = RHYTHMS["online" if is_web else habits.rhythm if habits.rhythm != "online" else "afternoon"][1]
    hour, minute, second = rng.randrange(first, last), rng.randrange(60), rng.randrange(60)
    at = dt.datetime.combine(day, dt.time(hour, minute, second), zone("")).astimezone(dt.UTC)
    items = _online_basket(rng) if is_web else _counter_basket(rng, day, habits)
    goods = any(sku in PANTRY or sku in WARE for sku, _quantity in items)
    comes_back = rng.random() < (0.07 if goods and is_web else 0.03 if goods else 0.002)
    return Visit(at, "web" if is_web else "old-town", person, items, comes_back)


def _counter_basket(rng: random.Random, day: dt.date, habits: Habits) -> list[tuple[str, int]]:
    items: dict[str, int] = {}
    drinks = COLD if day.month in (6, 7, 8) else HOT
    if habits.rhythm == "lunch" and rng.random() < 0.8:
        items[_one(rng, LUNCH)] = 1
    if not items or rng.random() < 0.5:
        items[_one(rng, drinks)] = 2 if rng.random() < 0.18 else 1
    if rng.random() < habits.pastry:
        items[_one(rng, PASTRY)] = 2 if rng.random() < 0.15 else 1
    if rng.random() < habits.pantry:
        items[_one(rng, PANTRY)] = 1
    if rng.random() < (0.06 if day.month == 12 else 0.012):
        items[_one(rng, WARE)] = 1
    return list(items.items())


def _online_basket(rng: random.Random) -> list[tuple[str, int]]:
    items = {_one(rng, PANTRY): rng.choice([1, 1, 2])}
    if rng.random() < 0.35:
        items[_one(rng, PANTRY)] = 1
    if rng.random() < 0.2:
        items[_one(rng, WARE)] = 1
    return list(items.items())


def _guests(rng: random.Random, start: dt.date, today: dt.date) -> Iterator[Visit]:
    for day in _days(start, today):
        if (day.month, day.day) not in CLOSED:
            for _ in range(int(rng.expovariate(1 / (GUESTS_PER_DAY * MONTHS[day.month])))):
                habits = Habits(0, rng.choice(list(RHYTHMS)), 0, 0.4, 0.03)
                yield _visit(rng, None, day, habits, is_web=False)


def _lately(people: list[Person], today: dt.date) -> Iterator[Visit]:
    """What the two to log in as bought last: points that are pending, and a visit at the counter."""
    for person in people:
        if person.email in (ALICE, LIN):
            ordered, came = (dt.timedelta(days=3), dt.time(20, 10)), (dt.timedelta(days=1), dt.time(17, 55))
            for (ago, time), store, items in (
                (ordered, "web", [("BEANS-ETHIOPIA", 2), ("CUP", 1)]),
                (came, "old-town", [("FLATWHITE", 1), ("CINNAMON", 1)]),
            ):
                at = dt.datetime.combine(today - ago, time, zone(""))
                yield Visit(at.astimezone(dt.UTC), store, person, items)


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    return (first + dt.timedelta(days=number) for number in range((last - first).days + 1))


def _one(rng: random.Random, choices: dict[str, int]) -> str:
    return rng.choices(list(choices), list(choices.values()))[0]
