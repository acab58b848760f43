"""The surprises of the demo shop: drawn by the coin as the months went by, handed over at the counter, answered by coming back."""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from customers.models import Purchase
from customers.timezones import programme_date, start_of_day
from loyalty_site.demo.history import Event, History
from loyalty_site.demo.life import Visit
from rewards import surprise_gifts, surprise_plans, surprises
from rewards.models import Surprise, SurpriseGift
from rewards.trials import Occasion

Trigger = Surprise.Trigger
WEEK, HOUR = dt.timedelta(days=7), dt.timedelta(hours=17)
HANDED_OVER, DECLINED = 0.85, 0.05  # the others wait, and lapse
COMES_BACK = 0.45  # of those with a gift, once more than they would have
COMMON = {
    "gift": Surprise.Gift.THING, "channel": Surprise.Channel.TILL, "budget": 30_000, "window_days": 10,
    "margin_rate": 6_000, "waits_days": 14,
}  # fmt: skip
# From and until so many days ago (empty goes on), and what is given.
PLANS = [
    (430, 340, {
        "name": "A croissant with your coffee", "trigger": Trigger.PURCHASE, "cost": 80,
        "thing_en": "a croissant", "thing_zh": "一个可颂",
    }),
    (330, 240, {
        "name": "A slice of banana bread", "trigger": Trigger.PURCHASE, "cost": 95,
        "thing_en": "a slice of banana bread", "thing_zh": "一片香蕉面包",
    }),
    (230, 140, {
        "name": "A taste of the new tea", "trigger": Trigger.PURCHASE, "cost": 60,
        "thing_en": "a pot of the new tea", "thing_zh": "一壶新茶",
    }),
    (70, None, {
        "name": "A biscuit to go with it", "trigger": Trigger.PURCHASE, "cost": 45,
        "thing_en": "a butter biscuit", "thing_zh": "一块黄油饼干",
    }),
    (300, 150, {
        "name": "A coffee out of the blue", "trigger": Trigger.BLUE, "cost": 90, "chance": 3_000,
        "thing_en": "a coffee of your choice", "thing_zh": "任选咖啡一杯",
    }),
]  # fmt: skip


@dataclass
class Surprising:
    """Draws every Sunday, hands over what was drawn, and lets some of the surprised come once more."""

    history: History
    rng: random.Random
    running: list[Surprise] = field(default_factory=list)
    visited: int = 0

    def events(self, *, now: dt.datetime) -> Iterator[Event]:
        """Give when surprises begin and end, and the Sundays in between; after what else happens on a day."""
        today = programme_date(now)
        for first, last, fields in PLANS:
            yield self._at(today, first), partial(self._begin, fields, self._at(today, first))
            if last is not None:
                yield self._at(today, last), partial(self._end, str(fields["name"]), self._at(today, last))
        sunday = today - dt.timedelta(days=PLANS[0][0])
        sunday += dt.timedelta(days=6 - sunday.weekday())
        while sunday < today:
            at = start_of_day(sunday) + HOUR
            yield at, partial(self._draw, at)
            sunday += WEEK

    def draft(self, *, now: dt.datetime) -> None:
        """Leave one that waits for its approval."""
        Surprise.objects.create(
            name="A cake for the birthday", trigger=Trigger.BIRTHDAY, window=Surprise.Window.WEEK,
            requested_by=self.history.shop.staff["marketer"], requested_at=now - dt.timedelta(days=1),
            thing_en="a piece of cheesecake", thing_zh="一块芝士蛋糕", cost=140, **COMMON | {"window_days": 60},
        )  # fmt: skip

    @staticmethod
    def _at(today: dt.date, days_ago: int) -> dt.datetime:
        return start_of_day(today - dt.timedelta(days=days_ago)) + dt.timedelta(hours=9)

    def _begin(self, fields: dict[str, object], now: dt.datetime) -> None:
        staff = self.history.shop.staff
        draft = Surprise.objects.create(requested_by=staff["marketer"], requested_at=now, **COMMON | fields)
        started = surprise_plans.approve(surprise=draft, version=draft.version, by=staff["manager"], now=now)
        self.running.append(started)

    def _end(self, name: str, now: dt.datetime) -> None:
        ended = next(one for one in self.running if one.name == name)
        self.running.remove(ended)
        surprise_plans.stop(surprise=ended, because=Surprise.Stop.END, now=now)

    def _draw(self, now: dt.datetime) -> None:
        if not self.running:
            return
        bought = Purchase.objects.filter(customer__isnull=False, occurred_at__gt=now - WEEK, occurred_at__lte=now)
        rows = list(bought.order_by("pk").values_list("pk", "customer"))
        for surprise in self.running:
            surprises.draw(surprise=surprise, occasions=_occasions(surprise, rows, now), now=now)
        waiting = SurpriseGift.objects.filter(state=SurpriseGift.State.WAITING, waits_until__gt=now)
        for gift in waiting.select_related("customer", "assignment").order_by("pk"):
            if gift.assignment.assigned_at == now:
                self._give(gift, now)
        surprise_gifts.lapse_due(now=now)

    def _give(self, gift: SurpriseGift, now: dt.datetime) -> None:
        by, store = self.history.shop.staff["cashier"], self.history.shop.stores["old-town"]
        luck = self.rng.random()
        if luck < HANDED_OVER:
            surprise_gifts.hand_over(gift=gift, store=store, by=by, now=now)
            if self.rng.random() < COMES_BACK:
                self._invite(gift, now)
        elif luck < HANDED_OVER + DECLINED:
            surprise_gifts.decline(gift=gift, store=store, by=by, now=now)

    def _invite(self, gift: SurpriseGift, now: dt.datetime) -> None:
        at = now + dt.timedelta(
            days=self.rng.randint(2, 8), hours=-self.rng.randint(1, 6), minutes=self.rng.randrange(60)
        )
        self.visited += 1
        items = [(self.rng.choice(["CAPPUCCINO", "FLATWHITE", "JASMINE"]), 1)]
        self.history.come_once_more(
            gift.customer_id, Visit(at, "old-town", None, items, reference=f"OT-G{self.visited:04}")
        )


def _occasions(surprise: Surprise, rows: list[tuple[int, int]], now: dt.datetime) -> list[Occasion]:
    if surprise.trigger == Trigger.PURCHASE:
        return [Occasion(customer, f"purchase:{pk}", {"purchase": pk}, pk) for pk, customer in rows]
    day = f"{programme_date(now):%Y%m%d}"
    return [
        Occasion(customer, f"blue:{customer}:{day}", {"day": programme_date(now).isoformat()})
        for customer in sorted({customer for _pk, customer in rows})
    ]
