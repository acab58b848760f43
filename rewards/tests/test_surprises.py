"""Who is drawn: rules, rest, budget and coin, all written before anything is given."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from customers.models import Notice
from customers.models.history import AppendOnlyError
from customers.tests.factories import NOON, consent, create_customer, create_user
from rewards import coins, surprise_gifts, surprise_occasions, surprise_plans, surprises, trials
from rewards.models import Assignment, Surprise, SurpriseGift, SurpriseMonth, SurpriseRest, Trial
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import create_rule
from rewards.tests.reward_factories import create_reward
from rewards.tests.surprise_factories import DAY, buy, create_reader, create_surprise, many
from rewards.trials import Occasion

pytestmark = pytest.mark.django_db
Trigger = Surprise.Trigger


def occasions(customers, name: str = "purchase") -> list[Occasion]:
    return [Occasion(it.pk, f"{name}:{it.pk}:1", {"test": 1}) for it in customers]


def test_about_half_get_the_gift_and_nothing_is_given_yet():
    surprise, customers = create_surprise(), many(400)
    assert surprises.draw(surprise=surprise, occasions=occasions(customers), now=NOON) == 400
    gifts = Assignment.objects.filter(is_gift=True).count()
    assert 160 < gifts < 240
    assert SurpriseGift.objects.filter(state="waiting").count() == gifts
    assert not SurpriseGift.objects.filter(assignment__is_gift=False).exists()
    assert surprise.months.get().spent == gifts * 80


def test_the_same_occasions_again_change_nothing():
    surprise, customers = create_surprise(), many(30)
    surprises.draw(surprise=surprise, occasions=occasions(customers), now=NOON)
    before = list(Assignment.objects.values_list("customer", "is_gift", "assigned_at"))
    assert surprises.draw(surprise=surprise, occasions=occasions(customers), now=NOON + 100 * DAY) == 0
    assert list(Assignment.objects.values_list("customer", "is_gift", "assigned_at")) == before


@pytest.mark.real_coin
def test_two_surprises_toss_coins_of_their_own():
    customers = many(400)
    for trigger in (Trigger.BLUE, Trigger.TIER):
        surprises.draw(surprise=create_surprise(trigger=trigger), occasions=occasions(customers), now=NOON)
    rows = Assignment.objects.filter(is_gift=True).values_list("customer", flat=True)
    both = len(rows) - len(set(rows))
    assert 60 < both < 140  # a quarter of 400


@pytest.mark.parametrize(
    ("fields", "is_drawn"),
    [
        ({}, True),
        ({"is_personalised": False}, False),
        ({"erased_at": NOON}, False),
        ({"enrolled_at": NOON + DAY}, False),
    ],
)
def test_who_may_be_drawn(fields, is_drawn):
    customer = create_customer(**{"enrolled_at": NOON - DAY} | fields)
    assert surprises.draw(surprise=create_surprise(), occasions=occasions([customer]), now=NOON) == is_drawn


def test_staff_are_never_surprised():
    customer = create_customer(user=create_user(is_staff=True))
    assert not surprises.draw(surprise=create_surprise(), occasions=occasions([customer]), now=NOON)


def test_by_mail_only_those_who_agreed_are_drawn():
    surprise = create_surprise(channel="mail")
    reader, silent, without = create_reader(), create_customer(email="silent@example.com"), create_customer()
    consent(without, purpose="marketing")
    assert surprises.draw(surprise=surprise, occasions=occasions([reader, silent, without]), now=NOON) == 1
    assert Assignment.objects.get().customer == reader


def test_only_the_audience_is_drawn():
    alice, bob = create_customer(), create_customer(name="Bob")
    buy(alice, at=NOON - DAY)
    surprise = create_surprise(segment="bought_30_days")
    surprises.draw(surprise=surprise, occasions=occasions([alice, bob]), now=NOON)
    assert Assignment.objects.get().customer == alice


def test_nobody_is_drawn_twice_while_they_rest_whoever_draws():
    alice = create_customer()
    one, two = create_surprise(), create_surprise(trigger="nth", threshold=3)
    other = create_surprise(trigger="birthday")
    assert surprises.draw(surprise=one, occasions=occasions([alice], "a"), now=NOON) == 1
    assert surprises.draw(surprise=two, occasions=occasions([alice], "b"), now=NOON + 59 * DAY) == 0
    assert surprises.draw(surprise=other, occasions=occasions([alice], "c"), now=NOON + DAY) == 1  # another family
    assert surprises.draw(surprise=two, occasions=occasions([alice], "d"), now=NOON + 60 * DAY) == 1


def test_the_longer_rest_holds_whichever_of_two_surprises_has_it():
    alice, bob = many(2)
    short, long = create_surprise(cooldown_days=10), create_surprise(trigger="nth", threshold=3, cooldown_days=60)
    assert surprises.draw(surprise=short, occasions=occasions([alice], "a"), now=NOON) == 1
    assert surprises.draw(surprise=long, occasions=occasions([bob], "b"), now=NOON) == 1
    for days in (20, 59):
        then = NOON + days * DAY
        assert surprises.draw(surprise=long, occasions=occasions([alice], f"c{days}"), now=then) == 0
        assert surprises.draw(surprise=short, occasions=occasions([bob], f"d{days}"), now=then) == 0
    then = NOON + 60 * DAY
    assert surprises.draw(surprise=long, occasions=occasions([alice], "e"), now=then) == 1
    assert surprises.draw(surprise=short, occasions=occasions([bob], "f"), now=then) == 1


def test_the_second_occasion_of_a_customer_is_numbered_and_not_compared():
    alice, surprise = create_customer(), create_surprise()
    for times in range(2):
        surprises.draw(surprise=surprise, occasions=occasions([alice], f"purchase{times}"), now=NOON + times * 61 * DAY)
    assert list(Assignment.objects.order_by("pk").values_list("number", flat=True)) == [1, 2]
    assert Assignment.objects.counted().count() == 1


def test_the_budget_of_a_month_is_never_passed_and_begins_anew_with_the_next():
    surprise, customers = create_surprise(budget=800), many(100)
    drawn = surprises.draw(surprise=surprise, occasions=occasions(customers), now=NOON)
    month = surprise.months.get()
    assert month.spent == 800 == 80 * SurpriseGift.objects.count()
    assert 10 <= drawn < 60
    assert surprises.rests_until(surprise=surprise, now=NOON) == dt.date(2026, 4, 1)
    # Once nothing is left, nobody is compared either: the arms stay alike.
    assert surprises.draw(surprise=surprise, occasions=occasions(many(20)), now=NOON) == 0
    april = NOON + 25 * DAY
    assert surprises.rests_until(surprise=surprise, now=april) is None
    assert surprises.draw(surprise=surprise, occasions=occasions(many(5)), now=april) == 5


def test_the_last_money_of_a_month_bends_no_coin():
    """Many small budgets, each of which runs out: those compared must not outnumber the gifts at the end."""
    gifts = compared = 0
    for _surprise in range(40):
        surprise = create_surprise(budget=240, trigger="blue", cooldown_days=0)
        surprises.draw(surprise=surprise, occasions=occasions(many(40)), now=NOON)
        rows = Assignment.objects.filter(trial=surprise.trial)
        gifts, compared = gifts + rows.filter(is_gift=True).count(), compared + rows.filter(is_gift=False).count()
    assert coins.is_fair(heads=gifts, tosses=gifts + compared, odds=5_000)
    assert gifts == 120


def test_a_chance_draws_some_and_leaves_the_others_alone():
    surprise, customers = create_surprise(chance=2_000), many(500)
    drawn = surprises.draw(surprise=surprise, occasions=occasions(customers), now=NOON)
    assert 60 < drawn < 140


def test_every_assignment_is_older_than_its_first_message_and_its_coupon():
    surprise = create_surprise(channel="mail", gift="coupon", batch=create_batch(), trigger="blue")
    readers = [create_reader() for _n in range(24)]
    surprises.draw(surprise=surprise, occasions=occasions(readers), now=NOON)
    surprise_gifts.deliver_due(now=NOON + dt.timedelta(minutes=1))
    rows = Assignment.objects.filter(first_message_at__isnull=False)
    assert rows.count() == SurpriseGift.objects.filter(state="given").count() > 0
    assert not rows.filter(first_message_at__lte=F("assigned_at")).exists()
    assert not rows.filter(is_gift=False).exists()
    assigned = dict(SurpriseGift.objects.values_list("pk", "assignment__assigned_at"))
    for notice in Notice.objects.filter(kind="surprise"):
        assert notice.queued_at > assigned[notice.context["gift"]]


@pytest.mark.parametrize(
    "change",
    [
        {"first_message_at": NOON - DAY},
        {"is_gift": False, "first_message_at": NOON},
        {"is_gift": False, "cost": 80, "first_message_at": None},
        {"closes_at": NOON - DAY},
        {"number": 0},
    ],
)
def test_the_database_refuses_an_assignment_that_cannot_be(change):
    surprise, alice = create_surprise(), create_customer()
    surprises.draw(surprise=surprise, occasions=occasions([alice]), now=NOON)
    Assignment.objects.update(is_gift=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.update(**change)


def test_the_database_refuses_a_second_assignment_a_second_rest_and_too_much_money():
    surprise, alice = create_surprise(), create_customer()
    surprises.draw(surprise=surprise, occasions=occasions([alice]), now=NOON)
    row = Assignment.objects.get()
    for same in ({"number": 2}, {"key": "another"}):
        copy = Assignment(**{f.attname: getattr(row, f.attname) for f in Assignment._meta.concrete_fields} | same)
        copy.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        SurpriseRest.objects.create(customer=alice, family="purchase", until_at=NOON)
    SurpriseMonth.objects.get_or_create(surprise=surprise, month_date=NOON.date(), defaults={"budget": 10})
    with pytest.raises(IntegrityError), transaction.atomic():
        SurpriseMonth.objects.update(spent=F("budget") + 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gift": "coupon"}, {"gift": "points"}, {"gift": "reward"}, {"thing_en": ""}, {"budget": 79},
        {"hour_from": 20}, {"chance": 0}, {"odds": 500}, {"margin_rate": 10_001}, {"worthwhile": 0},
    ],
)  # fmt: skip
def test_the_database_refuses_a_surprise_that_cannot_be(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        create_surprise(is_running=False, **wrong)


def test_what_a_trial_measures_cannot_be_changed_afterwards():
    trial = create_surprise().trial
    trial.window_days = 10
    with pytest.raises(AppendOnlyError):
        trial.save()


def test_nobody_approves_their_own_surprise_nor_one_they_have_not_seen(settings):
    draft = create_surprise(is_running=False)
    with pytest.raises(surprise_plans.OwnSurprise):
        surprise_plans.approve(surprise=draft, version=1, by=draft.requested_by, now=NOON)
    surprise_plans.redraft(surprise=draft, by=create_user(), now=NOON)
    with pytest.raises(surprise_plans.SurpriseChanged):
        surprise_plans.approve(surprise=draft, version=1, by=create_user(), now=NOON)
    settings.FOUR_EYES = False
    assert surprise_plans.approve(surprise=draft, version=2, by=draft.requested_by, now=NOON).state == "active"
    with pytest.raises(surprise_plans.SurpriseChanged):
        surprise_plans.approve(surprise=draft, version=2, by=create_user(), now=NOON)


def test_what_is_promised_is_no_surprise():
    batch = create_batch()
    create_reward(batch=batch, price=0, points_cost=100)
    with pytest.raises(surprise_plans.PublishedEntitlement):
        create_surprise(gift="coupon", batch=batch)
    assert batch not in surprise_plans.batches_to_give()
    create_rule(key="birthday", kind="event", event="birthday", points=100)
    with pytest.raises(surprise_plans.PublishedEntitlement):
        create_surprise(trigger="birthday", gift="points", points=50)
    assert Trial.objects.count() == 0


def test_a_stopped_surprise_draws_nobody():
    surprise = create_surprise()
    surprise_plans.stop(surprise=surprise, because=Surprise.Stop.HAND, now=NOON)
    assert surprises.consider(trigger=Trigger.PURCHASE, occasions=occasions(many(3)), now=NOON) == 0
    assert trials.assign(trial=surprise.trial, occasions=occasions(many(3)), now=NOON) == []
    surprise.trial.refresh_from_db()
    assert surprise.trial.is_cut_short


def test_at_its_end_a_surprise_stops_by_itself():
    surprise = create_surprise(ends_at=NOON + DAY)
    assert surprise_occasions.stop_due(now=NOON) == 0
    assert surprises.consider(trigger=Trigger.PURCHASE, occasions=occasions(many(1)), now=NOON + DAY) == 0
    assert surprise_occasions.stop_due(now=NOON + DAY) == 1
    surprise.refresh_from_db()
    assert (surprise.state, surprise.stop, surprise.trial.is_cut_short) == ("stopped", "end", False)


def test_an_unhappy_answer_is_considered_once():
    create_surprise(trigger="unhappy")
    alice = create_customer()
    for _again in range(2):
        occasion = Occasion(alice.pk, f"unhappy:{alice.pk}:7", {"response": 7})
        surprises.consider(trigger=Trigger.UNHAPPY, occasions=[occasion], now=NOON)
    assert Assignment.objects.get().reason == {"response": 7}


def test_a_survey_may_ask_the_coin_whether_an_answer_is_thanked():
    trial = trials.open_trial(kind=Trial.Kind.SURVEY, name="Thanks", now=NOON)
    customers = many(40)
    rows = [
        trials.gets_gift(trial=trial, customer=it, key=f"invitation:{it.pk}", reason={}, now=NOON) for it in customers
    ]
    again = [
        trials.gets_gift(trial=trial, customer=it, key=f"invitation:{it.pk}", reason={}, now=NOON) for it in customers
    ]
    assert rows == again
    assert {row.is_gift for row in rows} == {True, False}
