"""The coupons of the demo shop: who gets which when, and what lies in each customer's pocket."""

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from customers import segments
from customers.models import Customer
from customers.timezones import programme_date, start_of_day
from loyalty_site.demo.catalogue import Shop
from loyalty_site.demo.people import ALICE, LIN, Person
from rewards import batches, coupon_jobs, coupons, plans, redemption
from rewards.coupons import free
from rewards.models import Coupon, CouponBatch, CouponPlan

Value, State = CouponBatch.Value, CouponBatch.State

WELCOME = {
    "name_en": "Welcome coffee", "name_zh": "迎新咖啡", "value_kind": Value.PRODUCT, "valid_days": 30, "prefix": "HELLO",
    "terms_en": "One flat white on the house.", "terms_zh": "赠送馥芮白一杯。", "stacking": "welcome", "cost_price": 90,
}  # fmt: skip
BIRTHDAY = {
    "name_en": "Birthday cake for you", "name_zh": "生日蛋糕券", "value_kind": Value.AMOUNT, "value": 460, "valid_days": 30,
    "terms_en": "A piece of cheesecake, or its price off your basket.", "terms_zh": "芝士蛋糕一份，或抵扣等额消费。",
    "stacking": "birthday", "cost_price": 140,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wave:
    """One batch issued to a segment, so many days ago, valid for so many days from then or from later on."""

    days_ago: int
    segment: str
    english: str
    chinese: str
    fields: dict[str, object]
    lasts: int = 28
    starts_in: int = 0
    holdout: int = 0  # of 10,000, left out by a coin to compare


WAVES = [
    Wave(450, "everyone", "Spring: 10 % off beans and leaves", "春季：豆茶九折",
         {"value_kind": Value.PERCENT, "value": 1_000, "minimum_basket": 1_500, "budget": 40_000}),
    Wave(330, "lapsed", "We miss you: 5.00 off", "好久不见：立减 5.00",
         {"value_kind": Value.AMOUNT, "value": 500, "minimum_basket": 1_000, "limit": 100}, lasts=42),
    Wave(190, "regulars", "Regulars' week: 20 % off", "常客周：八折",
         {"value_kind": Value.PERCENT, "value": 2_000, "per_customer": 1, "per_day": 20, "budget": 30_000}, lasts=14),
    Wave(75, "bought_90_days", "Bring a friend: 3.00 off", "带朋友来：立减 3.00",
         {"value_kind": Value.AMOUNT, "value": 300, "minimum_basket": 900}, lasts=45, holdout=3_000),
    Wave(10, "bought_90_days", "Try our cakes: 15 % off", "尝尝我们的蛋糕：八五折",
         {"value_kind": Value.PERCENT, "value": 1_500, "minimum_basket": 500, "budget": 50_000}, lasts=40),
    Wave(8, "lapsed", "We miss you: 5.00 off", "好久不见：立减 5.00",
         {"value_kind": Value.AMOUNT, "value": 500, "minimum_basket": 1_000, "limit": 100}, lasts=42),
    Wave(1, "bought_30_days", "This week: 2.00 off", "本周立减 2.00",
         {"value_kind": Value.AMOUNT, "value": 200, "minimum_basket": 800}, lasts=6),
]  # fmt: skip
COMING = Wave(0, "regulars", "Tasting week: double points", "品鉴周：双倍积分",
              {"value_kind": Value.MULTIPLIER, "value": 20_000}, lasts=14, starts_in=5)  # fmt: skip


@dataclass
class Pockets:
    """Issues coupons and knows who can use which."""

    shop: Shop
    coupons: dict[int, list[Coupon]] = field(default_factory=lambda: defaultdict(list))
    batches: dict[str, CouponBatch] = field(default_factory=dict)
    spent: Counter[int] = field(default_factory=Counter)
    used: Counter[tuple[int, dt.date]] = field(default_factory=Counter)

    def open(self) -> None:
        """Put up the batches that run all the time."""
        self.batches["welcome"] = self._batch(**WELCOME, product=self.shop.products["FLATWHITE"])
        self.batches["birthday"] = self._batch(**BIRTHDAY)

    def welcome(self, person: Person) -> None:
        """Hand a new customer their first coupon."""
        customer = person.customer
        source = f"welcome:{customer.pk}"
        self.give(batch=self.batches["welcome"], customer=customer, source=source, now=customer.enrolled_at)

    def give(self, *, batch: CouponBatch, customer: Customer, source: str, now: dt.datetime) -> None:
        """Hand one coupon to one customer."""
        by = self.shop.staff["marketer"]
        coupon = coupons.issue(batch=batch, customer=customer, source=source, now=now, by=by)
        self.coupons[customer.pk].append(coupon)

    def birthdays(self, *, now: dt.datetime) -> None:
        """Give everybody with a birthday in this month their coupon."""
        source = f"birthday:{programme_date(now):%Y-%m}"
        self._give_all(self.batches["birthday"], segments.members("birthday", now=now), source, now)

    def wave(self, wave: Wave, *, now: dt.datetime) -> CouponBatch:
        """Issue a batch to a segment."""
        first = programme_date(now) + dt.timedelta(days=wave.starts_in)
        batch = self._batch(
            name_en=wave.english,
            name_zh=wave.chinese,
            starts_at=start_of_day(first) if wave.starts_in else None,
            ends_at=start_of_day(first + dt.timedelta(days=wave.lasts)),
            stacking="offer",
            state=State.DRAFT if wave.holdout else State.ACTIVE,
            **wave.fields,
        )
        if wave.holdout:
            self._compare(batch, wave, now)
            return batch
        self._give_all(batch, segments.members(wave.segment, now=now), f"wave:{batch.pk}", now)
        return batch

    def usable(self, *, customer_id: int, basket: int, at: dt.datetime, store: str) -> tuple[Coupon, int] | None:
        """Take a coupon that fits a basket out of the pocket, the one that ends first; None when there is none.

        With what it takes off. Keeps budgets and daily limits itself, since a step is planned before it is recorded.
        """
        pocket, day = self.coupons[customer_id], programme_date(at)
        for coupon in sorted(pocket, key=lambda coupon: (coupon.expires_at, coupon.pk)):
            batch = coupon.batch
            discount = redemption.discount_of(batch, basket)
            is_fitting = coupon.state_at(at) == "active" and basket >= batch.minimum_basket and discount > 0
            is_online = batch.value_kind in (Value.PERCENT, Value.AMOUNT)
            spent, today = self.spent[batch.pk] + discount, self.used[batch.pk, day]
            within = (batch.budget is None or spent <= batch.budget) and (
                batch.per_day is None or today < batch.per_day
            )
            if is_fitting and within and (store != "web" or is_online):
                self.spent[batch.pk], self.used[batch.pk, day] = spent, today + 1
                pocket.remove(coupon)
                return coupon, discount
        return None

    def loose_ends(self, *, now: dt.datetime) -> None:
        """Leave coupons and batches in every state: to come, reserved, hidden, voided; drafted, paused, closed."""
        self.wave(COMING, now=now)
        for batch in CouponBatch.objects.filter(ends_at__lte=now, state=State.ACTIVE):
            batches.close(batch=batch, now=now)
        newest = Coupon.objects.filter(free(now), batch__stacking="offer").order_by("-pk")
        hold, *others = newest.exclude(customer__identifiers__normalised__in=[ALICE, LIN])[:8]
        redemption.reserve(
            coupon=hold, key="web:basket-1", now=now, hold=redemption.WEB_HOLD, customer=hold.customer, basket=2_400
        )
        for coupon in others[:4]:
            coupons.hide(coupon=coupon, now=now)
        for coupon in others[4:]:
            coupons.void(coupon=coupon, reason="Sent twice by mistake", now=now)
        cake = self.shop.rewards[1].batch
        for customer in Customer.objects.filter(identifiers__normalised__in=[ALICE, LIN]):
            self.give(batch=cake, customer=customer, source=f"surprise:{customer.pk}", now=now)
        paused = self._batch(
            name_en="Rainy day: 2.00 off", name_zh="雨天立减 2.00", value_kind=Value.AMOUNT, value=200, stacking="offer"
        )
        batches.pause(batch=paused, now=now)
        CouponBatch.objects.create(
            name_en="Summer: a lemonade for two", name_zh="夏日柠檬水买一送一", value_kind=Value.PRODUCT, valid_days=30,
            product=self.shop.products["LEMONADE"], limit=500, cost_price=110, by=self.shop.staff["marketer"],
        )  # fmt: skip

    def _give_all(self, batch: CouponBatch, customers: object, source: str, now: dt.datetime) -> None:
        by = self.shop.staff["marketer"]
        coupons.issue_many(batch=batch, customers=customers, source=source, now=now, by=by)
        for coupon in Coupon.objects.filter(batch=batch, issued_at=now).select_related("batch"):
            self.coupons[coupon.customer_id].append(coupon)

    def _compare(self, batch: CouponBatch, wave: Wave, now: dt.datetime) -> None:
        """Let the coin say who of a segment gets the coupon, by a plan that somebody else approved."""
        staff = self.shop.staff
        plan = CouponPlan.objects.create(
            batch=batch, audience=CouponPlan.Audience.SEGMENT, segment=wave.segment, holdout=wave.holdout,
            requested_by=staff["marketer"], requested_at=now,
        )  # fmt: skip
        plans.approve(plan=plan, version=plan.version, by=staff["manager"], now=now)
        plan.refresh_from_db()
        plans.carry_out(plan=plan, now=now)
        coupon_jobs.run_waiting(clock=lambda: now)
        plans.carry_out(plan=plan, now=now)
        for coupon in Coupon.objects.filter(batch=batch, customer__isnull=False).select_related("batch"):
            self.coupons[coupon.customer_id].append(coupon)

    def _batch(self, **fields: object) -> CouponBatch:
        return CouponBatch.objects.create(by=self.shop.staff["marketer"], **{"state": State.ACTIVE} | fields)
