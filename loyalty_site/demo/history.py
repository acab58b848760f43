"""Play the last eighteen months, step by step: purchases, coupons, rewards, returns, and the day's books.

A step ends at every Monday and every first of a month, so that points expire between the purchases before and after.
"""

import datetime as dt
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from customers.models import Purchase
from customers.timezones import programme_date, start_of_day
from loyalty_site.demo.catalogue import Shop
from loyalty_site.demo.life import Visit
from loyalty_site.demo.offers import WAVES, Pockets
from loyalty_site.demo.people import ALICE, LIN, Person
from rewards import catalogue, checkout, daily, redemption, returns
from rewards.models import Coupon, EarningRule, PointBalance
from rewards.sale import Receipt, SoldLine

USES_COUPON, TAKES_REWARD = 0.3, 0.12
SAVING = dt.timedelta(days=340)
REASONS = ["Wrong size", "Arrived broken", "Changed their mind", "Bought twice", "尺寸不合适", "买重了"]

type Event = tuple[dt.datetime, Callable[[], None]]


@dataclass
class Sold:
    """One visit as it was recorded."""

    visit: Visit
    purchase_id: int
    coupon: Coupon | None


@dataclass
class History:
    """Everything that is needed to play on; `events` happen at the end of the step in which their time lies."""

    shop: Shop
    people: list[Person]
    pockets: Pockets
    rng: random.Random
    events: list[Event] = field(default_factory=list)
    waiting: list[Visit] = field(default_factory=list)  # the latest first

    def come_once_more(self, customer_id: int, visit: Visit) -> None:
        """Let somebody come who would not have, unless that lies ahead."""
        visit.person = self.persons[customer_id]
        if visit.at < self.until:
            self.waiting.append(visit)
            self.waiting.sort(key=lambda one: one.at, reverse=True)

    def play(
        self, *, visits: list[Visit], start: dt.datetime, now: dt.datetime, progress: Callable[[int], None]
    ) -> None:
        """Record all visits in order, and what happens around them."""
        self.rules = list(EarningRule.objects.live())
        self.events.sort(key=lambda event: event[0])
        self.waiting, newcomers = list(reversed(visits)), list(reversed(self.people))
        self.until, self.persons = now, {person.customer.pk: person for person in self.people}
        for first, end in _steps(start, now, [at for at, _act in self.events]):
            daily.run(now=first)
            self._issue(first, end, newcomers)
            step = []
            while self.waiting and self.waiting[-1].at < end:
                step.append(self.waiting.pop())
            self._sell(step, now)
            while self.events and self.events[0][0] < end:
                self.events.pop(0)[1]()
            progress(len(step))
        daily.run(now=now)

    def _issue(self, first: dt.datetime, end: dt.datetime, newcomers: list[Person]) -> None:
        while newcomers and newcomers[-1].customer.enrolled_at < end:
            self.pockets.welcome(newcomers.pop())
        if programme_date(first).day == 1:
            self.pockets.birthdays(now=first)

    def _sell(self, visits: list[Visit], now: dt.datetime) -> None:
        """Record the visits of a step in one go, then what came of each, customer by customer in order."""
        if not visits:
            return
        planned = [self._receipt(visit) for visit in visits]
        keys = checkout.record_many([receipt for receipt, _coupon in planned], rules=self.rules)
        sold = [Sold(visit, pk, coupon) for visit, pk, (_, coupon) in zip(visits, keys, planned, strict=True)]
        for sale, (receipt, _coupon) in zip(sold, planned, strict=True):
            if sale.coupon is not None:
                self._use_coupon(sale, receipt)
        last = {sale.visit.person.member_number: sale for sale in sold if sale.visit.person}
        balances = PointBalance.objects.in_bulk([sale.visit.person.customer.pk for sale in last.values()])
        for sale in last.values():
            balance = balances.get(sale.visit.person.customer.pk)
            if sale.visit.comes_back:
                self._bring_back(sale)
            elif balance is not None and self._wants_reward(sale.visit, now):
                self._take_reward(sale.visit, balance.active)

    def _receipt(self, visit: Visit) -> tuple[Receipt, Coupon | None]:
        """Return what is put on the receipt, with a coupon where one fits and comes to mind."""
        lines = [
            SoldLine(self.shop.products[sku], quantity, self.shop.products[sku].price) for sku, quantity in visit.items
        ]
        total = sum(line.total for line in lines)
        customer_id = visit.person.customer.pk if visit.person else None
        coupon, discount = None, 0
        if customer_id and self.rng.random() < USES_COUPON:
            found = self.pockets.usable(customer_id=customer_id, basket=total, at=visit.at, store=visit.store)
            coupon, discount = found or (None, 0)
        receipt = Receipt(
            store=self.shop.stores[visit.store], reference=visit.reference, customer_id=customer_id,
            occurred_at=visit.at, lines=lines, discount=discount, by_id=self.shop.staff["cashier"].pk,
        )  # fmt: skip
        return receipt, coupon

    def _use_coupon(self, sale: Sold, receipt: Receipt) -> None:
        redemption.redeem(
            coupon=sale.coupon, request_key=f"{receipt.store.code}:{receipt.reference}", now=receipt.occurred_at,
            customer=sale.visit.person.customer, store=receipt.store, purchase=Purchase(pk=sale.purchase_id),
            basket=receipt.total, discount=receipt.discount, by=self.shop.staff["cashier"],
        )  # fmt: skip

    def _wants_reward(self, visit: Visit, now: dt.datetime) -> bool:
        """Whether this comes to mind. The two to log in as save up, so that some of their points are about to expire."""
        is_saving = visit.person.email in (ALICE, LIN) and visit.at > now - SAVING
        return visit.store == "old-town" and not is_saving and self.rng.random() < TAKES_REWARD

    def _take_reward(self, visit: Visit, points: int) -> None:
        """Spend points on the way out, on the dearest reward in reach more often than not."""
        open_to_all = [
            reward for reward in self.shop.rewards if reward.minimum_tier_id is None and not reward.per_customer
        ]
        within = [r for r in open_to_all if r.points_cost <= points and (r.stock is None or r.taken < r.stock)]
        reward = max(within, key=lambda reward: reward.points_cost, default=None)
        if reward is None or (reward.points_cost < points // 3 and self.rng.random() < 0.5):
            return
        customer, at = visit.person.customer, visit.at + dt.timedelta(minutes=2)
        order = catalogue.redeem_reward(customer=customer, reward=reward, key=visit.reference, now=at)
        reward.refresh_from_db(fields=["taken"])
        if order.coupon is not None:
            self.pockets.coupons[customer.pk].append(order.coupon)
        else:
            by, store = self.shop.staff["cashier"], self.shop.stores[visit.store]
            catalogue.hand_over(order=order, by=by, now=at + dt.timedelta(days=1), store=store)

    def _bring_back(self, sale: Sold) -> None:
        """Return the dearest line of the purchase some hours later."""
        purchase = Purchase.objects.get(pk=sale.purchase_id)
        line = purchase.lines.order_by("-unit_price", "position").first()
        returns.refund(
            purchase=purchase,
            reference=f"{purchase.reference}-R",
            quantities={line.position: line.quantity},
            occurred_at=purchase.occurred_at + dt.timedelta(hours=2),
            reason=self.rng.choice(REASONS),
            returns_coupon=False,
            by=self.shop.staff["cashier"],
        )


def waves(pockets: Pockets, *, now: dt.datetime) -> list[Event]:
    """Return the days on which coupons go out to a segment."""
    events = []
    for wave in WAVES:
        at = start_of_day(programme_date(now) - dt.timedelta(days=wave.days_ago)) + dt.timedelta(hours=8)
        events.append((at, lambda wave=wave, at=at: pockets.wave(wave, now=at)))
    return events


def _steps(start: dt.datetime, now: dt.datetime, extra: list[dt.datetime]) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Return the stretches between Mondays, firsts of a month, and the days on which something else happens."""
    first, last = programme_date(start), programme_date(now)
    special = {programme_date(at) + dt.timedelta(days=1) for at in extra}
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    ends = [day for day in days[1:] if day.weekday() == 0 or day.day == 1 or day in special]
    bounds = [start, *map(start_of_day, ends), now]
    return pairwise(bounds)
