"""Random histories against a small model of the rulebook: what people hold, what waits, what is owed, lot by lot."""

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.models import Customer
from rewards import closing, daily, holds, ledger, merging, proof, transfers
from rewards.models import PointBalance, PointHold, PointTransaction
from rewards.tests.factories import create_customer, create_user

pytestmark = pytest.mark.django_db
# Ahead of every clock, so that nothing is past already when it is written down.
START = dt.datetime(2126, 1, 28, 12, tzinfo=dt.UTC)
BERLIN = ZoneInfo("Europe/Berlin")
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
FOREVER = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(eq=False)
class Lot:
    """Points of one award."""

    source: str
    remaining: int
    activates_at: dt.datetime
    expires_at: dt.datetime
    number: int
    is_waiting: bool = True
    gone: int = 0  # expired unspent, and not settled with a reversal
    first: "Lot | None" = None  # before the merges that moved it

    @property
    def award(self) -> str:
        return (self.first or self).source

    @property
    def order(self) -> tuple[dt.datetime, dt.datetime, int]:
        return self.expires_at, self.activates_at, self.number


@dataclass(eq=False)
class Payment:
    """Points that were spent: from which lots, and how many came back to these."""

    points: int
    drawn: list[tuple[Lot, int]]
    back: int = 0
    back_to_lots: int = 0


@dataclass
class Model:
    """One customer's points, in as few lines as the rulebook allows. Every verb happens at `now`."""

    lots: list[Lot] = field(default_factory=list)
    debt: int = 0
    on_hold: int = 0
    expired: int = 0

    def points_that(self, *, is_waiting: bool) -> int:
        return sum(lot.remaining for lot in self.lots if lot.is_waiting is is_waiting)

    def absorb(self, points: int) -> int:
        """Pay what is owed; return what is left."""
        paid = min(points, self.debt)
        self.debt -= paid
        return points - paid

    def credit(self, source: str, points: int, activates_at: dt.datetime, expires_at: dt.datetime) -> None:
        if points := self.absorb(points):
            self.lots.append(Lot(source, points, activates_at, expires_at, len(self.lots)))

    def settle(self, now: dt.datetime) -> None:
        for lot in self.lots:
            lot.is_waiting = lot.is_waiting and lot.activates_at > now
            if not lot.is_waiting and lot.expires_at <= now:
                self.expired += lot.remaining
                lot.gone += lot.remaining
                lot.remaining = 0

    def draw(self, points: int, lots: list[Lot]) -> list[tuple[Lot, int]]:
        drawn = []
        for lot in lots:
            if taken := min(points, lot.remaining):
                lot.remaining -= taken
                points -= taken
                drawn.append((lot, taken))
        return drawn

    def spend(self, points: int) -> Payment:
        return Payment(
            points, self.draw(points, sorted((x for x in self.lots if not x.is_waiting), key=lambda x: x.order))
        )

    def reverse(self, source: str, points: int, other: "Model") -> None:
        """Take back an award of this customer's; since a merge its points may be in lots of the other's."""
        own = [lot for model in (self, other) for lot in model.lots if lot.award == source]
        points -= sum(taken for __, taken in self.draw(points, own))
        for lot in own:
            settled = min(points, lot.gone)
            lot.gone, self.expired, points = lot.gone - settled, self.expired - settled, points - settled
        drawn = self.draw(points, sorted(self.lots, key=lambda lot: lot.order))
        self.debt += points - sum(taken for __, taken in drawn)

    def restore(
        self, payment: Payment, points: int, source: str, now: dt.datetime, told_at: dt.datetime | None = None
    ) -> None:
        told_at = told_at or now
        payment.back += points
        points, skipped, fresh = self.absorb(points), payment.back_to_lots, 0
        payment.back_to_lots += points
        for lot, taken in reversed(payment.drawn):
            done = min(skipped, taken)
            skipped -= done
            back = min(points, taken - done)
            points -= back
            if lot.expires_at > told_at:
                lot.remaining += back
            else:
                fresh += back
        if fresh:
            self.lots.append(Lot(source, fresh, now, thirty_days(told_at), len(self.lots), is_waiting=False))

    # What merges and erasures need

    def take(self, points: int) -> tuple[list[tuple[Lot, int]], int]:
        """Take points, spendable ones first, and owe the rest; return what was drawn and how much is owed."""
        drawn = []
        for is_waiting in (False, True):
            own = sorted((lot for lot in self.lots if lot.is_waiting is is_waiting), key=lambda lot: lot.order)
            drawn += self.draw(points - sum(taken for __, taken in drawn), own)
        owed = points - sum(taken for __, taken in drawn)
        self.debt += owed
        return drawn, owed

    def refill(self, lot: Lot, points: int, source: str, now: dt.datetime) -> None:
        if not (points := self.absorb(points)):
            return
        if lot.expires_at <= now:
            self.lots.append(Lot(source, points, now, thirty_days(now), len(self.lots), is_waiting=False))
            return
        lot.is_waiting = lot.is_waiting and lot.activates_at > now
        lot.remaining += points


def thirty_days(now: dt.datetime) -> dt.datetime:
    return dt.datetime.combine(now.astimezone(BERLIN).date() + 31 * DAY, dt.time(), BERLIN).astimezone(dt.UTC)


@dataclass
class Merged:
    """What a merge moved: lot by lot with what became of it, or a debt."""

    source: str
    giver: int
    lots: list[tuple[Lot, Lot | None, int]] = field(default_factory=list)  # from, to, and what paid a debt
    debt: int = 0
    drawn: list[tuple[Lot, int]] = field(default_factory=list)
    owed: int = 0


class History:
    """The portal and the model side by side: every step is taken by both, then they are compared."""

    def __init__(self) -> None:
        self.now = START
        self.by = create_user()
        self.people = [(create_customer(name=name), Model()) for name in ("Alice", "Bob")]
        self.awards: list[tuple[Customer, Model, PointTransaction, int]] = []  # and how many points may still go back
        self.payments: list[tuple[Customer, Model, PointTransaction, Payment]] = []
        self.holds: list[tuple[Customer, Model, PointHold, Payment]] = []
        self.merges: list[Merged] = []
        self.calls: list = []
        self.steps = 0

    def take(self, step: tuple) -> None:
        self.steps += 1
        getattr(self, step[0])(f"step:{self.steps}", *step[1:])

    def call(self, verb, **options) -> object:
        """Call the ledger; what succeeds may be called again later and must then change nothing."""
        answer = verb(**options)
        self.calls.append((verb, options))
        return answer

    # What may happen

    def earn(self, source: str, who: int, points: int, ago: int, wait: int, lasts: int | None) -> None:
        customer, model = self.people[who]
        occurred_at = self.now - ago * DAY
        activates_at = occurred_at + wait * DAY
        expires_at = None if lasts is None else activates_at + lasts * DAY
        row = self.call(
            ledger.earn, customer=customer, points=points, source=source, occurred_at=occurred_at,
            activates_at=activates_at, expires_at=expires_at,
        )  # fmt: skip
        model.credit(source, points, activates_at, expires_at or FOREVER)
        self.awards.append((customer, model, row, points))

    def spend(self, source: str, who: int, points: int) -> None:
        customer, model = self.people[who]
        model.settle(self.now)
        spendable = model.points_that(is_waiting=False)
        points = points or spendable or 1
        options = {"customer": customer, "points": points, "source": source, "occurred_at": self.now}
        if spendable < points:
            with pytest.raises(ledger.InsufficientPoints) as refused:
                ledger.redeem(**options)
            assert (refused.value.needed, refused.value.available) == (points, spendable)
            return
        row = self.call(ledger.redeem, **options)
        self.payments.append((customer, model, row, model.spend(points)))
        self.compare(customer, model)

    def adjust(self, source: str, who: int, points: int) -> None:
        customer, model = self.people[who]
        options = {"customer": customer, "points": points, "source": source, "occurred_at": self.now}
        options |= {"reason": "goodwill", "by": self.by}
        if points > 0:
            self.call(ledger.adjust, **options)
            day = self.now.astimezone(BERLIN).date()
            end = dt.datetime(day.year + 1 + day.month // 12, day.month % 12 + 1, 1, tzinfo=BERLIN).astimezone(dt.UTC)
            model.credit(source, points, self.now, end)
            return
        model.settle(self.now)
        if model.points_that(is_waiting=False) < -points:
            with pytest.raises(ledger.InsufficientPoints):
                ledger.adjust(**options)
            return
        self.call(ledger.adjust, **options)
        model.spend(-points)
        self.compare(customer, model)

    def reverse(self, source: str, number: int, points: int) -> None:
        if not self.awards:
            return
        number %= len(self.awards)
        customer, model, award, left = self.awards[number]
        points = points or left or 1
        options = {"award": award, "points": points, "source": source, "occurred_at": self.now}
        if points > left:
            with pytest.raises(ledger.ReversalTooLarge):
                ledger.reverse_award(**options)
            return
        (one,) = (one for one in self.people if one[0] != customer)
        model.settle(self.now)
        if any(lot.award == award.source for lot in one[1].lots):
            one[1].settle(self.now)
        self.call(ledger.reverse_award, **options)
        model.reverse(award.source, points, one[1])
        self.awards[number] = (customer, model, award, left - points)
        self.compare(customer, model)
        self.compare(*one)

    def restore(self, source: str, number: int, points: int, late: int) -> None:
        if not self.payments:
            return
        customer, model, spent, payment = self.payments[number % len(self.payments)]
        left = payment.points - payment.back
        points = points or left or 1
        occurred_at = self.now - late * DAY
        options = {"spent": spent, "points": points, "source": source, "occurred_at": occurred_at}
        if points > left:
            with pytest.raises(ledger.ReversalTooLarge):
                ledger.restore(**options)
            return
        model.settle(occurred_at)
        with time_machine.travel(self.now, tick=False):
            self.call(ledger.restore, **options)
        model.restore(payment, points, source, occurred_at, self.now)
        self.compare(customer, model)

    def hold(self, source: str, who: int, points: int) -> None:
        customer, model = self.people[who]
        model.settle(self.now)
        spendable = model.points_that(is_waiting=False)
        points = points or spendable or 1
        options = {"customer": customer, "points": points, "source": source, "occurred_at": self.now}
        options["expires_at"] = self.now + 10_000 * DAY
        if spendable < points:
            with pytest.raises(ledger.InsufficientPoints):
                holds.place(**options)
            return
        row = self.call(holds.place, **options)
        model.on_hold += points
        self.holds.append((customer, model, row, model.spend(points)))
        self.compare(customer, model)

    def finish(self, source: str, number: int, percent: int) -> None:
        """Spend so much of a hold and give back the rest."""
        if not self.holds:
            return
        customer, model, hold, payment = self.holds.pop(number % len(self.holds))
        spent = hold.points * percent // 100
        model.settle(self.now)
        model.on_hold -= hold.points
        model.restore(payment, hold.points - spent, f"{hold.source}:release", self.now)
        if spent:
            row = self.call(holds.capture, hold=hold, points=spent, occurred_at=self.now)
            self.payments.append((customer, model, row, Payment(spent, payment.drawn, 0, hold.points - spent)))
        else:
            self.call(holds.release, hold=hold, occurred_at=self.now)
        self.settle(source, [one for one, __ in self.people].index(customer))

    def transfer(self, source: str, who: int, points: int) -> None:
        (giver, gives), (receiver, gets) = self.people[who], self.people[1 - who]
        gives.settle(self.now)
        spendable = gives.points_that(is_waiting=False)
        points = points or spendable or 1
        options = {"giver": giver, "receiver": receiver, "points": points, "source": source, "occurred_at": self.now}
        if spendable < points:
            with pytest.raises(ledger.InsufficientPoints):
                transfers.transfer(**options)
            return
        self.call(transfers.transfer, **options)
        for lot, taken in gives.spend(points).drawn:
            gets.credit(source, taken, self.now, lot.expires_at)
        self.compare(giver, gives)

    def merge(self, source: str, who: int) -> None:
        """Everything of one goes to the other, each lot with its days; what is held stays with its hold."""
        (giver, gives), (receiver, gets) = self.people[who], self.people[1 - who]
        sides = merging.Sides(giver_id=giver.pk, receiver_id=receiver.pk, source=source, now=self.now)
        merging.move_points(sides)
        merged = Merged(source, who, debt=gives.debt)
        for model in (gives, gets):
            model.settle(self.now)
        for lot in sorted((lot for lot in gives.lots if lot.remaining), key=lambda lot: lot.order):
            paid, before = min(lot.remaining, gets.debt), len(gets.lots)
            gets.credit(source, lot.remaining, lot.activates_at, lot.expires_at)
            arrived = gets.lots[-1] if len(gets.lots) > before else None
            if arrived:
                arrived.first = lot.first or lot
            merged.lots.append((lot, arrived, paid))
            lot.remaining = 0
        if gives.debt:
            gives.debt = 0
            merged.drawn, merged.owed = gets.take(merged.debt)
        assert merging.move_points(sides) == 0, "a second time there is nothing left to move"
        for model in (gives, gets):
            model.settle(self.now)
        self.merges.append(merged)
        self.compare(giver, gives)
        self.compare(receiver, gets)

    def part(self, source: str, number: int) -> None:
        """A merge is undone: what is left of each lot goes home, and debts with it."""
        if not self.merges:
            return
        merged = self.merges.pop(number % len(self.merges))
        (back, gets), (giver, gives) = self.people[merged.giver], self.people[1 - merged.giver]
        sides = merging.Sides(giver_id=giver.pk, receiver_id=back.pk, source=source, now=self.now)
        merging.return_points(sides, merged=merged.source)
        for model in (gives, gets):
            model.settle(self.now)
        for lot, arrived, paid in merged.lots:
            there = arrived.remaining if arrived else 0
            if arrived:
                arrived.remaining = 0
            gives.take(paid)
            gets.refill(lot, there + paid, source, self.now)
        if merged.debt:
            gets.take(merged.debt)
            for lot, points in merged.drawn:
                gives.refill(lot, points, source, self.now)
            if merged.owed:
                gives.credit(source, merged.owed, self.now, thirty_days(self.now))
        self.compare(back, gets)
        self.compare(giver, gives)

    def erase(self, _source: str, who: int) -> None:
        """Holds come back, then everything there is and everything owed is written off."""
        customer, model = self.people[who]
        closing.close(customer=customer, by=self.by, now=self.now)
        for hold in [one for one in self.holds if one[0] == customer]:
            self.holds.remove(hold)
            model.settle(self.now)
            model.on_hold -= hold[2].points
            model.restore(hold[3], hold[2].points, f"{hold[2].source}:release", self.now)
        model.settle(self.now)
        for lot in model.lots:
            lot.remaining = 0
        model.debt = 0
        before = PointTransaction.objects.count()
        closing.close(customer=customer, by=self.by, now=self.now)
        assert PointTransaction.objects.count() == before
        self.compare(customer, model)

    def wait(self, _source: str, hours: int) -> None:
        self.now += hours * HOUR

    def settle(self, _source: str, who: int) -> None:
        customer, model = self.people[who]
        ledger.settle_many(customer_ids=[customer.pk], now=self.now)
        model.settle(self.now)
        self.compare(customer, model)

    def midnight(self, _source: str) -> None:
        daily.run(now=self.now)
        assert daily.run(now=self.now) == 0
        for customer, model in self.people:
            model.settle(self.now)
            self.compare(customer, model)

    def repeat(self, _source: str, number: int) -> None:
        """A message that arrives twice."""
        if self.calls:
            verb, options = self.calls[number % len(self.calls)]
            before = PointTransaction.objects.count()
            verb(**options)
            assert PointTransaction.objects.count() == before

    # What must be true

    def compare(self, customer: Customer, model: Model) -> None:
        row = PointBalance.objects.filter(customer=customer).first() or PointBalance()
        assert (row.pending, row.active, row.held, row.debt) == (
            model.points_that(is_waiting=True), model.points_that(is_waiting=False), model.on_hold, -model.debt
        )  # fmt: skip
        assert not (model.debt and model.lots and max(lot.remaining for lot in model.lots)), "owes, yet has points"
        lots = list(customer.point_lots.order_by("pk").values_list("remaining", flat=True))
        assert lots == [lot.remaining for lot in model.lots]

    def close(self) -> None:
        self.midnight("")
        found = proof.prove()
        assert found.faults == []
        assert found.trial_balance["expired"] == sum(model.expired for __, model in self.people)
        assert sum(found.trial_balance.values()) == 0


who = st.sampled_from([0, 0, 0, 1])
which = st.integers(0, 5)
# Nothing is everything there is: emptied accounts are where debts begin.
points = st.one_of(st.just(0), st.integers(1, 120))
moves = {
    "earn": (
        who, st.integers(1, 120), st.sampled_from([0, 0, 0, 1, 40]), st.sampled_from([0, 0, 7]),
        st.sampled_from([None, 1, 10, 40]),
    ),
    "spend": (who, points),
    "adjust": (who, st.integers(-60, 60).filter(bool)),
    "reverse": (which, points),
    "restore": (which, points, st.sampled_from([0, 0, 0, 2, 40])),
    "hold": (who, points),
    "finish": (which, st.sampled_from([0, 50, 100])),
    "transfer": (who, points),
    "merge": (who,),
    "part": (which,),
    "erase": (who,),
    "wait": (st.sampled_from([1, 24, 24 * 8, 24 * 35]),),
    "settle": (who,),
    "midnight": (),
    "repeat": (st.integers(0, 30),),
}  # fmt: skip
often = ["earn", "earn", "spend", "spend", "reverse", "restore", "wait", "merge", "part", *moves]
step = st.sampled_from(often).flatmap(lambda name: st.tuples(st.just(name), *moves[name]))


def live_through(steps: list[tuple]) -> None:
    with transaction.atomic():
        history = History()
        for one in steps:
            history.take(one)
        history.close()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _berlin(settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"


QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=40, **QUIET)
@given(st.lists(step, min_size=10, max_size=30))
def test_every_history_ends_as_the_rulebook_says(steps):
    live_through(steps)


@pytest.mark.long
@settings(max_examples=500, **QUIET)
@given(st.lists(step, min_size=10, max_size=60))
def test_every_long_history_ends_as_the_rulebook_says(steps):
    live_through(steps)
