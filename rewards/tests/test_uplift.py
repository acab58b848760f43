"""What a trial says: who counts, what is added up, and when there is no answer."""

import datetime as dt

import pytest

from customers.models import Product, Store
from customers.tests.factories import NOON, create_customer, create_user
from rewards import (
    checkout,
    coins,
    coupons,
    days,
    outcomes,
    proportions,
    returns,
    sale,
    surprise_occasions,
    surprise_plans,
    surprises,
    trials,
    uplift,
    uplift_words,
)
from rewards.models import Assignment, CouponUse, Surprise, SurpriseGift, Trial
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import create_rule
from rewards.tests.surprise_factories import DAY, buy, create_surprise, many
from rewards.trials import Occasion

pytestmark = pytest.mark.django_db
LATER = NOON + 61 * DAY


def open_trial(**measures) -> Trial:
    return create_surprise(**measures).trial


def assign(trial: Trial, customers, *, at: dt.datetime = NOON, name: str = "x", purchases=None) -> list[Assignment]:
    causes = purchases or [None] * len(customers)
    found = [Occasion(it.pk, f"{name}:{it.pk}", {}, c and c.pk) for it, c in zip(customers, causes, strict=True)]
    return trials.assign(trial=trial, occasions=found, now=at)


def come_back(trial: Trial, *, gift: int, control: int) -> None:
    """Let so many of each arm buy ten days later."""
    for is_gift, number in ((True, gift), (False, control)):
        rows = Assignment.objects.filter(trial=trial, is_gift=is_gift).select_related("customer").order_by("pk")
        for row in rows[:number]:
            buy(row.customer, at=row.assigned_at + 10 * DAY)


def one(trial: Trial, now: dt.datetime = LATER) -> outcomes.Outcome:
    (found,) = outcomes.outcomes(trial=trial, now=now)
    return found


def test_a_customer_counts_once_the_days_are_over():
    trial = open_trial()
    assign(trial, [create_customer()])
    assert list(outcomes.outcomes(trial=trial, now=NOON + 60 * DAY - dt.timedelta(seconds=1))) == []
    assert len(list(outcomes.outcomes(trial=trial, now=NOON + 60 * DAY))) == 1
    report = uplift.report(trial=trial, now=NOON)
    assert (report.assigned, report.counted) == (1, 0)


@pytest.mark.parametrize(
    ("days", "purchases"), [(-61, 0), (-1, 0), (0, 0), (1, 1), (60, 1), (60.1, 0)]
)  # fmt: skip
def test_which_purchases_count_as_coming_back(days, purchases):
    alice, trial = create_customer(enrolled_at=NOON - 100 * DAY), open_trial()
    assign(trial, [alice])
    buy(alice, at=NOON + days * DAY)
    assert one(trial).purchases == purchases
    assert one(trial).before == (500 if days in (-1, 0) else 0)


def test_the_purchase_that_was_the_occasion_never_counts():
    alice, trial = create_customer(), open_trial()
    cause = buy(alice, at=NOON + dt.timedelta(minutes=1))
    assign(trial, [alice], purchases=[cause])
    assert (one(trial).purchases, one(trial).before, one(trial).margin) == (0, 0, 0)


def test_margin_is_what_was_kept_at_the_margin_less_what_was_given():
    alice, trial = create_customer(), open_trial(margin_rate=6_000, message_cost=5)
    assign(trial, [alice])
    Assignment.objects.update(is_gift=True, first_message_at=NOON, cost=80)
    kept, whole = buy(alice, at=NOON + DAY, amount=1_000), buy(alice, at=NOON + 2 * DAY, amount=700)
    returns.refund(purchase=whole, reference="b", quantities={1: 1}, occurred_at=NOON + 3 * DAY)
    found = one(trial)
    assert (found.purchases, found.margin, found.net) == (1, 600, 515)
    assert kept.total == 1_000


def test_a_used_coupon_costs_its_discount_and_its_cost_price():
    batch, alice = create_batch(value=300, cost_price=40), create_customer()
    trial = open_trial(gift="coupon", batch=batch)
    assign(trial, [alice])
    Assignment.objects.update(is_gift=True)
    assert one(trial).gift_cost == 0  # not used
    coupon = issue_coupon(batch=batch, customer=alice, now=NOON + DAY)
    buy(None, at=NOON)
    checkout.record_purchase(
        store=Store.objects.get(), reference="C", customer=alice, occurred_at=NOON + 2 * DAY, coupon=coupon,
        lines=[sale.SoldLine(Product.objects.get(), 1, 1_000)],
    )  # fmt: skip
    found = one(trial)
    assert (found.margin, found.gift_cost, found.net) == (200, 40, 160)
    CouponUse.objects.update(returned_at=NOON, return_key="x")
    assert one(trial).gift_cost == 0


@pytest.mark.parametrize(
    ("batch", "cost", "discount", "gift_cost"),
    [
        ({"value_kind": "multiplier", "value": 30_000}, 250, 0, 250),
        ({"value_kind": "gift", "value": 0, "cost_price": 40}, 250, 0, 250),
        ({"value_kind": "gift", "value": 0, "cost_price": 300}, 250, 0, 300),
        ({"value": 300, "cost_price": 40}, 500, 300, 200),
        ({"value": 300, "cost_price": 40}, 310, 300, 40),
    ],
)
def test_a_used_coupon_never_costs_less_than_was_typed_in(batch, cost, discount, gift_cost):
    alice, batch = create_customer(), create_batch(**batch)
    trial = open_trial(gift="coupon", batch=batch, cost=cost)
    assign(trial, [alice])
    Assignment.objects.update(is_gift=True)
    coupon = issue_coupon(batch=batch, customer=alice, now=NOON + DAY)
    buy(None, at=NOON)
    checkout.record_purchase(
        store=Store.objects.get(), reference="C", customer=alice, occurred_at=NOON + 2 * DAY, coupon=coupon,
        lines=[sale.SoldLine(Product.objects.get(), 1, 1_000)],
    )  # fmt: skip
    found = one(trial)
    assert (found.gift_cost, found.net) == (gift_cost, 500 - discount - gift_cost)


def test_additional_points_cost_what_they_pay_for():
    batch, alice = create_batch(value_kind="multiplier", value=30_000, cost_price=5), create_customer()
    create_rule()
    trial = open_trial(gift="coupon", batch=batch, cost=10)
    assign(trial, [alice])
    Assignment.objects.update(is_gift=True)
    buy(alice, at=NOON + DAY, amount=100_000)  # without the coupon
    sold = checkout.record_purchase(
        store=Store.objects.get(), reference="C", customer=alice, occurred_at=NOON + 2 * DAY,
        coupon=issue_coupon(batch=batch, customer=alice, now=NOON + DAY),
        lines=[sale.SoldLine(Product.objects.get(), 1, 100_000)],
    )  # fmt: skip
    assert sold.points_earned == 3_000
    assert one(trial).gift_cost == 5 + sale.value_of(2_000) > 10


def test_each_trial_counts_its_own():
    alice, bob = create_customer(), create_customer(name="Bob")
    early, late = open_trial(), open_trial()
    assign(early, [alice, bob])
    assign(late, [alice], at=NOON + 30 * DAY)
    buy(alice, at=NOON + 20 * DAY)
    found = {it.customer_id: it for it in outcomes.outcomes(trial=early, now=LATER)}
    assert (found[alice.pk].purchases, found[bob.pk].purchases, len(found)) == (1, 0, 2)
    again = one(late, NOON + 100 * DAY)
    assert (again.purchases, again.before) == (0, 500)


def test_a_second_occasion_of_the_same_customer_is_not_counted():
    alice, trial = create_customer(), open_trial()
    assign(trial, [alice])
    assign(trial, [alice], at=NOON + 90 * DAY, name="y")
    buy(alice, at=NOON + 100 * DAY)
    assert one(trial, NOON + 200 * DAY).purchases == 0


def test_everybody_assigned_counts_delivered_or_not():
    trial = open_trial()
    rows = assign(trial, many(60))
    report = uplift.report(trial=trial, now=LATER)
    gifts = sum(row.is_gift for row in rows)
    assert (report.gift.counted, report.control.counted) == (gifts, 60 - gifts)
    assert Surprise.objects.get().gifts.count() == 0  # nothing was ever handed over


def test_the_interval_counts_what_a_hand_would_count():
    trial = open_trial()
    assign(trial, many(160))
    come_back(trial, gift=56, control=30)
    report = uplift.report(trial=trial, now=LATER)
    gift, control = report.gift.share, report.control.share
    assert (gift.hits, control.hits, gift.of + control.of) == (56, 30, 160)
    assert report.came_back.estimate == pytest.approx(56 / gift.of - 30 / control.of)
    assert report.came_back.low < report.came_back.estimate < report.came_back.high
    assert report.margin.estimate == pytest.approx(500 * (56 / gift.of - 30 / control.of))
    assert report.final is None
    base = proportions.needed(base=control.rate, effect=0.05)
    assert report.needed == base - 160
    assert not report.excludes_benefit


def test_the_final_interval_comes_when_all_is_over_and_nobody_cut_it_short():
    surprise = create_surprise(ends_at=NOON + DAY)
    assign(surprise.trial, many(150))
    come_back(surprise.trial, gift=56, control=48)
    surprise_occasions.stop_due(now=NOON + DAY)
    trial = Trial.objects.get()
    assert uplift.report(trial=trial, now=NOON + 30 * DAY).final is None
    report = uplift.report(trial=trial, now=LATER)
    assert report.final == proportions.newcombe(report.gift.share, report.control.share)
    Trial.objects.update(is_cut_short=True)
    assert uplift.report(trial=Trial.objects.get(), now=LATER).final is None


def test_too_few_give_no_interval_but_the_number_of_customers_needed():
    trial = open_trial()
    report = uplift.report(trial=trial, now=NOON)
    assert (report.came_back, report.margin, report.needed, report.problem) == (None, None, 2_754, "")
    assert (trial.base, trial.planned) == (3_000, 2_754)


def test_a_surprise_that_does_harm_stops_by_itself():
    surprise = create_surprise()
    assign(surprise.trial, many(160))
    come_back(surprise.trial, gift=2, control=75)
    assert surprise_occasions.stop_due(now=NOON + 30 * DAY) == 0
    days.run_due(now=LATER)
    surprise.refresh_from_db()
    assert (surprise.state, surprise.stop) == ("stopped", "harm")
    assert surprises.consider(trigger="purchase", occasions=[Occasion(1, "z", {})], now=LATER) == 0


def test_a_bent_coin_replaces_the_result():
    trial = open_trial()
    assign(trial, many(160))
    Assignment.objects.filter(pk__in=Assignment.objects.filter(is_gift=False).values("pk")[:60]).update(is_gift=True)
    report = uplift.report(trial=trial, now=LATER)
    assert (report.problem, report.came_back, report.margin) == (uplift.BENT_COIN, None, None)
    assert not report.excludes_benefit


def test_a_gift_before_its_assignment_replaces_the_result():
    batch = create_batch()
    surprise = create_surprise(gift="coupon", batch=batch)
    alice = create_customer()
    (row,) = assign(surprise.trial, [alice])
    Assignment.objects.update(is_gift=True)
    SurpriseGift.objects.create(
        assignment=row, surprise=surprise, customer=alice, month_date=NOON.date(), not_before=NOON,
        waits_until=LATER, coupon=issue_coupon(batch=batch, customer=alice, now=NOON - DAY),
    )  # fmt: skip
    assert uplift.report(trial=surprise.trial, now=LATER).problem == uplift.EARLY_MESSAGE


@pytest.mark.parametrize(("share", "is_shown"), [(0, True), (20, True), (10, False)])
def test_coupons_for_those_left_out_are_counted_and_too_many_replace_the_result(share, is_shown):
    batch = create_batch(cost_price=40)
    trial = open_trial(gift="coupon", batch=batch)
    assign(trial, many(160))
    come_back(trial, gift=56, control=30)
    control = list(Assignment.objects.filter(trial=trial, is_gift=False).select_related("customer").order_by("pk"))
    given = control[: len(control) // share] if share else []
    for row in given:
        issue_coupon(batch=batch, customer=row.customer, now=NOON + 5 * DAY)
    late, other, voided = control[-3:]
    issue_coupon(batch=batch, customer=late.customer, now=NOON + 60.5 * DAY)  # no longer counted
    issue_coupon(batch=create_batch(), customer=other.customer, now=NOON + 5 * DAY)
    coupons.void(coupon=issue_coupon(batch=batch, customer=voided.customer), reason="x", now=NOON, by=create_user())
    report = uplift.report(trial=trial, now=LATER)
    assert report.got_it_too == len(given)
    assert report.problem == ("" if is_shown else uplift.GOT_IT_TOO)
    assert (report.came_back is not None) is is_shown
    text = " ".join(sentence.text for sentence in uplift_words.sentences(report))
    assert (f"{len(given)} of those who were left out" in text) is bool(given and is_shown)
    assert (f"{len(given)} of the {len(control)} customers who were left out" in text) is not is_shown


def test_the_usual_share_of_a_shop_is_its_own_once_enough_have_bought():
    customers = many(120)
    for customer in customers:
        buy(customer, at=NOON - 90 * DAY)
    for customer in customers[:54]:
        buy(customer, at=NOON - 10 * DAY)
    assert trials.usual_base(days=60, now=NOON) == 4_500
    assert open_trial().planned == proportions.needed(base=0.45, effect=0.05)


def test_small_surprises_of_a_family_are_pooled_and_say_what_they_borrow():
    for _number in range(3):
        trial = open_trial(cooldown_days=0)
        assign(trial, many(90))
        come_back(trial, gift=25, control=15)
    open_trial(trigger="birthday")
    purchases, birthdays = uplift.families(reports=uplift.newest(now=LATER))
    assert (purchases.family, len(purchases.rows), birthdays.rows) == ("purchase", 3, [])
    for report, pooled in purchases.rows:
        assert 0.5 < pooled.borrowed < 1
        wide = report.came_back.high - report.came_back.low
        assert pooled.interval.high - pooled.interval.low < wide
    assert birthdays.pool is None


def test_a_report_asks_as_often_for_many_as_for_few(django_assert_num_queries):
    few, much = open_trial(), open_trial()
    assign(few, many(5))
    assign(much, many(150))
    come_back(much, gift=40, control=30)
    for trial in (few, much):
        found = Trial.objects.select_related("surprise__batch").get(pk=trial.pk)
        with django_assert_num_queries(3):  # no row of a customer is read
            uplift.report(trial=found, now=LATER)


@pytest.mark.real_coin
def test_the_coin_of_a_trial_is_the_one_that_was_written():
    trial = open_trial(odds=3_000)
    rows = assign(trial, many(200))
    for row in rows:
        assert row.is_gift is coins.falls(purpose=f"trial:{trial.key}", key=row.key, odds=3_000)
    assert 25 < sum(row.is_gift for row in rows) < 95
    assert surprise_plans.batches_to_give() == []
