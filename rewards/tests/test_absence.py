"""Points that end only when the customer stays away. docs/points.md#expiry"""

import datetime as dt

import pytest
from django.utils import timezone

from customers.models import Notice, Product
from customers.tests.factories import create_customer, create_store
from customers.timezones import start_of_day
from rewards import absence, daily, events, expiry_notices, holds, ledger, outlook, proof, statement, transfers
from rewards.checkout import record_many, record_purchase
from rewards.models import EarningRule, PointBalance, PointLot
from rewards.sale import Receipt, SoldLine
from rewards.tests.factories import NOON, award, create_rule

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def rule():
    return create_rule(expiry="inactivity", expiry_months=3)


@pytest.fixture
def shop(rule):
    return create_store(code="shop")


def midnight(day: str) -> dt.datetime:
    return start_of_day(dt.date.fromisoformat(day))


def noon(day: str) -> dt.datetime:
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(12), dt.UTC)


def buy(shop, customer, day: str, amount: int = 10_000, *, reference: str = ""):
    thing, _is_new = Product.objects.get_or_create(sku="thing", name_en="Thing")
    return record_purchase(
        store=shop, reference=reference or f"R{day}", customer=customer, occurred_at=noon(day), lines=[SoldLine(thing, 1, amount)]
    )  # fmt: skip


def balance(customer) -> int:
    return PointBalance.objects.get(customer=customer).active


def run(day: str) -> None:
    daily.run(now=midnight(day) + dt.timedelta(minutes=5))
    assert not proof.prove().faults


def test_points_last_three_months_after_the_last_purchase_and_to_the_end_of_that_month(shop):
    alice = create_customer()
    buy(shop, alice, "2026-03-10")
    run("2026-06-30")
    assert balance(alice) == 100
    run("2026-07-01")
    assert balance(alice) == 0
    run("2026-07-01")
    lot = PointLot.objects.get()
    assert (lot.remaining, lot.expires_at) == (0, midnight("2026-07-01"))


@pytest.mark.parametrize("activity", ["purchase", "nothing earned", "redemption", "event"])
def test_every_activity_moves_the_end_on(shop, activity):
    alice = create_customer()
    buy(shop, alice, "2026-03-10")
    match activity:
        case "purchase":
            buy(shop, alice, "2026-05-20", 100)
        case "nothing earned":
            buy(shop, alice, "2026-05-20", 1)
        case "redemption":
            ledger.redeem(customer=alice, points=10, source="reward:1", occurred_at=noon("2026-05-20"))
        case "event":
            create_rule(key="review", kind="event", event="review", points=1)
            events.award_event(customer=alice, event="review", source="review:1", now=noon("2026-05-20"))
    run("2026-07-01")
    before = balance(alice)
    assert before >= 90
    run("2026-08-31")
    assert balance(alice) == before
    run("2026-09-01")
    assert PointLot.objects.get(transaction__source__startswith="purchase", points=100).remaining == 0


def test_who_comes_back_before_the_end_is_booked_keeps_the_points(shop):
    """The end was at midnight, the nightly run is late, and a till is quicker."""
    alice = create_customer()
    buy(shop, alice, "2026-03-10")
    buy(shop, alice, "2026-07-01", 500)
    run("2026-07-02")
    assert balance(alice) == 105


def test_an_activity_told_after_the_end_was_booked_wakes_nothing(shop):
    alice = create_customer()
    buy(shop, alice, "2026-03-10")
    run("2026-07-01")
    buy(shop, alice, "2026-06-20", 500)
    run("2026-07-02")
    assert balance(alice) == 5


def test_moving_on_touches_no_other_lot_and_never_goes_back(shop):
    alice = create_customer()
    fixed = award(alice, 7, expires_at=midnight("2026-05-01"))
    buy(shop, alice, "2026-04-10")
    (before,) = PointLot.objects.filter(lapses_at__isnull=False).values_list("lapses_at", flat=True)
    buy(shop, alice, "2026-01-10", reference="late")
    lots = PointLot.objects.order_by("pk")
    assert [lot.lapses_at for lot in lots][:2] == [None, before]
    run("2026-05-01")
    assert balance(alice) == 200
    assert PointLot.objects.get(transaction=fixed).expires_at == midnight("2026-05-01")
    # The one told late ends with the others: what counts is when the customer was here last.
    run("2026-07-31")
    assert balance(alice) == 200
    run("2026-08-01")
    assert balance(alice) == 0


def test_an_import_marks_its_awards_too_and_the_night_moves_them_on(shop):
    alice = create_customer()
    thing = Product.objects.create(sku="thing", name_en="Thing")
    receipts = [
        Receipt(store=shop, reference=day, customer_id=alice.pk, occurred_at=noon(day), lines=[SoldLine(thing, 1, 1_000)])
        for day in ("2026-01-10", "2026-03-10")
    ]  # fmt: skip
    record_many(receipts)
    assert sorted(PointLot.objects.values_list("lapses_at", flat=True)) == [
        midnight("2026-05-01"),
        midnight("2026-07-01"),
    ]
    run("2026-05-02")
    assert balance(alice) == 20
    run("2026-07-01")
    assert balance(alice) == 0


def test_days_of_silence_are_caught_up_with(shop):
    alice, bob = create_customer(), create_customer(name="Bob")
    buy(shop, alice, "2026-03-10", reference="A")
    buy(shop, bob, "2026-03-10", reference="B")
    buy(shop, bob, "2026-09-10", reference="C")
    run("2026-10-05")
    assert (balance(alice), balance(bob)) == (0, 200)


def test_waiting_points_end_after_they_began(shop):
    shop.pending_days = 300
    shop.save()
    alice = create_customer()
    now = timezone.now()
    thing = Product.objects.create(sku="thing", name_en="Thing")
    record_purchase(store=shop, reference="R1", customer=alice, occurred_at=now, lines=[SoldLine(thing, 1, 1_000)])
    lot = PointLot.objects.get()
    assert lot.activated_at is None
    assert lot.lapses_at > lot.activates_at + 80 * DAY


def test_notices_tell_of_the_end_that_holds(shop):
    alice = create_customer()
    buy(shop, alice, "2026-03-10")
    award(alice, 7, at=noon("2026-03-10"))  # never ends
    for day in ("2026-05-30", "2026-05-31", "2026-06-22", "2026-06-23"):
        run(day)
        expiry_notices.queue_due(now=noon(day))
    told = list(
        Notice.objects.filter(kind="points_expiring").order_by("source").values_list("source", "context__amount")
    )
    assert told == [("2026-06-30:30", 100), ("2026-06-30:7", 100)]
    buy(shop, alice, "2026-06-25", 100)
    run("2026-06-30")
    expiry_notices.queue_due(now=noon("2026-06-30"))
    assert Notice.objects.filter(kind="points_expiring").count() == 2


def test_who_came_back_meanwhile_is_not_frightened(shop):
    alice = create_customer()
    buy(shop, alice, "2026-03-10")
    ledger.redeem(customer=alice, points=1, source="reward:1", occurred_at=noon("2026-05-20"))
    run("2026-05-31")
    expiry_notices.queue_due(now=noon("2026-05-31"))
    assert not Notice.objects.filter(kind="points_expiring").exists()


def test_the_statement_says_what_keeps_them_and_the_home_page_when_they_would_end(shop):
    alice = create_customer()
    buy(shop, alice, "2026-03-10")
    (line,) = statement.page_of(customer=alice, before=None, size=5)[0]
    assert line.outlook == ["Valid until 3 months after your last activity, to the end of that month"]
    assert outlook.next_expiry(customer=alice, now=noon("2026-04-10")) is None
    assert outlook.next_expiry(customer=alice, now=noon("2026-06-10")) == outlook.Change(100, midnight("2026-07-01"))


def test_transferred_points_keep_their_end(shop):
    alice, bob = create_customer(), create_customer(name="Bob")
    buy(shop, alice, "2026-03-10")
    award(alice, 5, at=noon("2026-03-10"))  # never ends
    transfers.transfer(giver=alice, receiver=bob, points=105, source="t:1", occurred_at=noon("2026-06-20"))
    got = PointLot.objects.filter(customer=bob).order_by("pk")
    ends = {lot.points: (lot.inactive_months, lot.lapses_at, lot.expires_at) for lot in got}
    assert ends == {100: (3, midnight("2026-07-01"), None), 5: (None, None, None)}
    run("2026-07-01")
    assert balance(bob) == 5


def test_points_on_hold_come_back_to_the_lot_they_came_from(shop):
    alice = create_customer()
    buy(shop, alice, "2026-03-10")
    hold = holds.place(
        customer=alice, points=100, source="h:1", occurred_at=noon("2026-06-30"), expires_at=noon("2026-07-02")
    )
    run("2026-07-01")
    holds.release(hold=hold, occurred_at=noon("2026-07-01"))
    run("2026-07-02")
    assert balance(alice) == 0


def test_switching_an_expiry_on_bites_one_full_period_later():
    never = create_rule(expiry="never")
    shop, alice = create_store(code="shop"), create_customer()
    buy(shop, alice, "2026-03-10")
    EarningRule.objects.filter(pk=never.pk).update(retired_at=noon("2026-04-01"))
    create_rule(version=2, expiry="month_end", expiry_months=1)
    buy(shop, alice, "2026-04-10")
    assert PointLot.objects.order_by("pk").first().expires_at is None
    run("2026-05-31")
    assert balance(alice) == 200
    run("2026-06-01")
    assert balance(alice) == 100  # what was earned before still never ends
    run("2036-06-01")
    assert balance(alice) == 100


def test_a_thousand_lots_take_a_handful_of_queries(shop, django_assert_max_num_queries):
    customers = [create_customer(name=f"C{number}") for number in range(40)]
    for customer in customers:
        buy(shop, customer, "2026-03-10", reference=f"R{customer.pk}")
    with django_assert_max_num_queries(15):
        assert absence.follow(now=midnight("2026-07-01")) == 40
    assert absence.follow(now=midnight("2026-07-01")) == 0


def test_the_lots_own_rules_refuse_nonsense():
    lot = award(create_customer(), 1).lot
    assert lot.activates_at == NOON
    assert not absence.waiting().exists()
