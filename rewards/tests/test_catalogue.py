"""Rewards taken, handed over, cancelled and left lying: docs/rewards.md as tests."""

import datetime as dt

import pytest
import time_machine
from django.db import IntegrityError, transaction

from customers import notices
from customers.models import Customer, Notice
from customers.tests.factories import NOON, create_customer, create_store, create_user
from rewards import (
    adjustments,
    catalogue,
    coupons,
    days,
    freezes,
    ledger,
    proof,
    redemption,
    showcase,
    stored_value,
    value_accounts,
)
from rewards.catalogue import OrderClosed, RewardRefused
from rewards.models import PointBalance, PointLot, Reward, RewardOrder, Tier, TierMembership
from rewards.showcase import Reason
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import award
from rewards.tests.reward_factories import create_coupon_reward, create_reward
from rewards.tests.value_factories import sell_card

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def alice() -> Customer:
    """A customer with 250 points."""
    customer = create_customer(name="Alice", email="alice@example.com")
    award(customer, 250, expires_at=NOON + 100 * DAY)
    return customer


def refused(reason: Reason):
    return pytest.raises(RewardRefused, check=lambda error: error.reason == reason)


def take(customer: Customer, reward: Reward, key: str = "1", **options) -> RewardOrder:
    return catalogue.redeem_reward(customer=customer, reward=reward, key=key, **{"now": NOON} | options)


def spendable(customer: Customer) -> int:
    return PointBalance.objects.get(customer=customer).active


def taken(reward: Reward) -> int:
    return Reward.objects.get(pk=reward.pk).taken


def set_tier(customer: Customer, rank: int) -> Tier:
    tier = Tier.objects.create(code=f"tier-{rank}", name_en=f"Tier {rank}", rank=rank, threshold=rank * 100)
    TierMembership.objects.create(
        customer=customer, tier=tier, started_at=NOON, kept_until=NOON + 365 * DAY, reason="granted"
    )
    return tier


class TestTaking:
    def test_a_thing_costs_its_points_and_waits_to_the_end_of_its_last_day(self, alice: Customer):
        reward = create_reward(stock=5, pick_up_days=7)
        order = take(alice, reward)
        assert (order.state, order.points, order.price, order.place) == ("ordered", 100, 0, 1)
        # 10 March at noon and seven days: to the midnight that ends 17 March in Berlin.
        assert order.pick_up_until == dt.datetime(2026, 3, 17, 23, tzinfo=dt.UTC)
        assert (spendable(alice), taken(reward)) == (150, 1)
        code = catalogue.code_of(order)
        assert catalogue.find_by_code(code.lower()) == order
        assert code.replace("-", "").encode() not in bytes(order.code_sealed)

    def test_a_coupon_is_handed_out_at_once(self, alice: Customer):
        order = take(alice, create_coupon_reward())
        assert (order.state, order.coupon.customer, order.coupon.batch.name_en) == ("issued", alice, "Cake")
        assert catalogue.code_of(order) == ""
        assert spendable(alice) == 150

    def test_a_second_click_takes_nothing_and_another_reward_under_the_key_is_refused(self, alice: Customer):
        reward, other = create_reward(), create_reward()
        assert take(alice, reward) == take(alice, reward)
        with pytest.raises(ledger.SourceConflict):
            take(alice, other)
        assert (spendable(alice), taken(reward), taken(other)) == (150, 1, 0)
        take(alice, reward, "2")
        assert (spendable(alice), taken(reward)) == (50, 2)

    def test_the_price_in_money_is_left_to_the_counter(self, alice: Customer):
        order = take(alice, create_reward(points_cost=200, price=450))
        assert (order.points, order.price, spendable(alice)) == (200, 450, 50)
        free = take(alice, create_reward(points_cost=0, price=450), "2")
        assert (free.points, spendable(alice)) == (0, 50)

    def test_each_refusal_changes_nothing(self, alice: Customer):
        tier = Tier.objects.create(code="gold", name_en="Gold", rank=2, threshold=1)
        closed = create_batch(state="paused")
        cases = {
            Reason.POINTS: create_reward(points_cost=251),
            Reason.SOLD_OUT: create_reward(stock=0),
            Reason.TIER: create_reward(minimum_tier=tier),
            Reason.UNKNOWN: create_reward(segment="regulars"),
        }
        over = [
            create_reward(is_active=False), create_reward(starts_at=NOON + DAY), create_reward(ends_at=NOON),
            create_coupon_reward(batch=closed),
            create_coupon_reward(batch=create_batch(limit=0)),
        ]  # fmt: skip
        for reason, reward in [*cases.items(), *((Reason.OVER, reward) for reward in over)]:
            with refused(reason):
                take(alice, reward, f"{reward.pk}")
        assert (RewardOrder.objects.count(), spendable(alice)) == (0, 250)
        assert not Reward.objects.filter(taken__gt=0).exists()

    def test_a_limit_counts_what_was_not_cancelled(self, alice: Customer):
        reward = create_reward(points_cost=10, per_customer=2)
        first, second = take(alice, reward, "1"), take(alice, reward, "2")
        with refused(Reason.LIMIT):
            take(alice, reward, "3")
        catalogue.cancel(order=first, now=NOON, because="customer")
        third = take(alice, reward, "4")
        assert (second.place, third.place, taken(reward)) == (2, 1, 2)
        with pytest.raises(IntegrityError), transaction.atomic():
            RewardOrder.objects.filter(pk=third.pk).update(place=2)

    def test_a_tier_or_a_higher_one_opens_it(self, alice: Customer):
        silver, gold = set_tier(alice, 1), Tier.objects.create(code="gold", name_en="Gold", rank=2, threshold=1)
        take(alice, create_reward(minimum_tier=silver))
        with refused(Reason.TIER):
            take(alice, create_reward(minimum_tier=gold), "2")

    def test_a_segment_sees_its_reward_and_others_do_not(self, alice: Customer):
        reward = create_reward(segment="never_bought")
        take(alice, reward)
        assert showcase.offer_of(customer=alice, slug=reward.slug, now=NOON) is not None
        gone = create_reward(segment="nobody-knows")
        assert showcase.offer_of(customer=alice, slug=gone.slug, now=NOON) is None

    def test_nobody_takes_a_reward_for_themselves_as_staff(self):
        by = create_user(is_staff=True)
        own = create_customer(user=by)
        award(own, 100)
        with pytest.raises(adjustments.OwnCard):
            take(own, create_reward(), by=by)


def test_a_freeze_stops_taking_and_handing_over_and_lets_people_cancel(alice: Customer):
    order = take(alice, create_reward(points_cost=50))
    freezes.freeze(reason="Strange orders", by=None, now=NOON)
    try:
        with refused(Reason.FROZEN):
            take(alice, create_reward(), "2")
        with pytest.raises(OrderClosed, match="Nothing is lost"):
            catalogue.hand_over(order=order, by=None, now=NOON)
        with pytest.raises(value_accounts.ValueRefused, match="Nothing is lost"):
            stored_value.spend(account=sell_card(), amount=1, source="x", occurred_at=NOON)
        catalogue.cancel(order=order, now=NOON, because="customer")
    finally:
        freezes.look_again()
    assert spendable(alice) == 250


class TestHandingOver:
    def test_it_is_handed_over_once_with_place_and_person(self, alice: Customer):
        order, store, by = take(alice, create_reward(price=300)), create_store(), create_user()
        done = catalogue.hand_over(order=order, by=by, now=NOON + DAY, store=store)
        assert (done.state, done.handed_over_at, done.store, done.by) == ("handed_over", NOON + DAY, store, by)
        with pytest.raises(OrderClosed, match="handed over"):
            catalogue.hand_over(order=order, by=by, now=NOON + DAY)
        with pytest.raises(OrderClosed):
            catalogue.cancel(order=order, now=NOON + DAY, because="shop", by=by)
        assert spendable(alice) == 150

    def test_after_its_last_day_it_is_not_handed_over(self, alice: Customer):
        order = take(alice, create_reward(pick_up_days=1))
        with pytest.raises(OrderClosed, match="time to pick it up"):
            catalogue.hand_over(order=order, by=create_user(), now=order.pick_up_until)

    def test_nobody_hands_something_over_to_themselves(self):
        by = create_user(is_staff=True)
        own = create_customer(user=by)
        award(own, 100)
        with pytest.raises(adjustments.OwnCard):
            catalogue.hand_over(order=take(own, create_reward()), by=by, now=NOON)

    def test_what_waits_is_listed_for_the_till(self, alice: Customer):
        first, second = take(alice, create_reward(), "1"), take(alice, create_reward(points_cost=50), "2")
        take(alice, create_coupon_reward(points_cost=50), "3")
        assert catalogue.open_orders_of(customer=alice, now=NOON) == [first, second]
        catalogue.hand_over(order=first, by=None, now=NOON)
        assert catalogue.open_orders_of(customer=alice, now=NOON) == [second]
        assert catalogue.open_orders_of(customer=alice, now=NOON + 60 * DAY) == []


class TestCancelling:
    def test_points_go_back_to_their_lots_and_the_thing_to_the_shelf(self, alice: Customer):
        award(alice, 40, expires_at=NOON + 5 * DAY)
        before = sorted(PointLot.objects.values_list("remaining", "expires_at"))
        reward = create_reward(stock=1)
        order = take(alice, reward)
        with time_machine.travel(NOON + DAY, tick=False):
            catalogue.cancel(order=order, now=NOON + DAY, because="customer")
        assert sorted(PointLot.objects.values_list("remaining", "expires_at")) == before
        assert (order.__class__.objects.get().state, taken(reward), spendable(alice)) == ("cancelled", 0, 290)
        again = catalogue.cancel(order=order, now=NOON + 2 * DAY, because="shop")
        assert (again.cancelled_because, again.cancelled_at, spendable(alice)) == ("customer", NOON + DAY, 290)
        take(alice, reward, "2")
        assert proof.prove().is_balanced

    def test_an_unused_coupon_is_voided_and_a_used_one_stays(self, alice: Customer):
        reward = create_coupon_reward()
        unused, used = take(alice, reward, "1"), take(alice, reward, "2")
        catalogue.cancel(order=unused, now=NOON, because="customer")
        unused.coupon.refresh_from_db()
        assert (unused.coupon.state, spendable(alice)) == ("voided", 150)
        redemption.redeem(coupon=used.coupon, request_key="till:1", now=NOON)
        with pytest.raises(OrderClosed):
            catalogue.cancel(order=used, now=NOON, because="customer")
        assert (spendable(alice), taken(reward)) == (150, 1)

    def test_a_coupon_goes_back_within_14_days_and_later_by_the_shop_alone(self, alice: Customer):
        order = take(alice, create_coupon_reward())
        late = NOON + 14 * DAY + dt.timedelta(seconds=1)
        with pytest.raises(OrderClosed):
            catalogue.cancel(order=order, now=late, because="customer")
        catalogue.cancel(order=order, now=late, because="shop", by=create_user(), note="Out of cake")
        assert spendable(alice) == 250

    def test_a_coupon_held_at_a_till_is_not_cancelled(self, alice: Customer):
        order = take(alice, create_coupon_reward())
        redemption.reserve(coupon=order.coupon, key="basket", now=NOON)
        with pytest.raises(OrderClosed):
            catalogue.cancel(order=order, now=NOON, because="customer")
        redemption.release(coupon=order.coupon, key="basket", now=NOON)
        coupons.hide(coupon=order.coupon, now=NOON)
        catalogue.cancel(order=order, now=NOON, because="customer")

    def test_what_nobody_picks_up_goes_back_once(self, alice: Customer):
        reward = create_reward(pick_up_days=3)
        order = take(alice, reward)
        assert catalogue.lapse_due(now=order.pick_up_until - dt.timedelta(seconds=1)) == 0
        assert (catalogue.lapse_due(now=order.pick_up_until), catalogue.lapse_due(now=order.pick_up_until)) == (1, 0)
        order.refresh_from_db()
        assert (order.state, order.cancelled_because) == ("cancelled", "lapsed")
        assert (spendable(alice), taken(reward)) == (250, 0)


def test_the_clock_brings_back_what_lies_too_long_and_empties_what_has_ended(alice: Customer):
    order = take(alice, create_reward(pick_up_days=1))
    card = sell_card(expires_at=NOON + DAY)
    days.run_due(now=order.pick_up_until)
    days.run_due(now=order.pick_up_until)
    order.refresh_from_db()
    card.refresh_from_db()
    assert (order.state, spendable(alice), card.balance, card.movements.count()) == ("cancelled", 250, 0, 2)


class TestLetters:
    def test_an_order_is_confirmed_and_its_end_told(self, alice: Customer, mailoutbox):
        order = take(alice, create_reward(price=450, pick_up_days=7))
        notices.send_due(now=NOON)
        letter = mailoutbox[-1]
        assert letter.subject == "Mug is set aside for you"
        for words in (
            "until 17 Mar 2026",
            "You paid 100 points",
            "€4.50 is to be paid",
            f"/rewards/orders/{order.pk}/",
        ):
            assert words in letter.body
        assert catalogue.code_of(order) not in letter.body
        catalogue.lapse_due(now=order.pick_up_until)
        notices.send_due(now=order.pick_up_until)
        assert "in time" in mailoutbox[-1].body
        assert "100 points that you paid are yours again" in mailoutbox[-1].body

    def test_who_cancels_needs_no_letter_and_the_shop_says_sorry(self, alice: Customer, mailoutbox):
        alice.language = "zh-hans"
        alice.save()
        take(alice, create_coupon_reward(), "1")
        own = take(alice, create_coupon_reward(), "2")
        catalogue.cancel(order=own, now=NOON, because="customer")
        assert Notice.objects.count() == 0
        other = RewardOrder.objects.get(state="issued")
        catalogue.cancel(order=other, now=NOON, because="shop", by=create_user())
        notices.send_due(now=NOON)
        assert "蛋糕" in mailoutbox[-1].subject


class TestShowcase:
    def test_what_is_in_reach_comes_first_then_what_is_nearest_then_what_is_locked(self, alice: Customer):
        gold = Tier.objects.create(code="gold", name_en="Gold", rank=2, threshold=1)
        make = {"cheap": 100, "dear": 250, "far": 900, "near": 300}
        for slug, cost in make.items():
            create_reward(slug=slug, points_cost=cost)
        create_reward(slug="locked", points_cost=50, minimum_tier=gold)
        create_reward(slug="sold", points_cost=50, stock=1, taken=1)
        offers = showcase.offers_for(customer=alice, now=NOON)
        assert [offer.reward.slug for offer in offers] == ["dear", "cheap", "near", "far", "locked", "sold"]
        by_slug = {offer.reward.slug: offer for offer in offers}
        assert [by_slug[slug].status for slug in ("dear", "near", "locked", "sold")] == [
            "", "50 points to go", "For Gold and above", "Sold out at the moment",
        ]  # fmt: skip
        assert (by_slug["near"].reached, by_slug["near"].missing) == (250, 50)
        assert showcase.nearest(customer=alice, now=NOON).reward.slug == "dear"

    def test_the_list_costs_the_same_however_many_rewards(self, alice: Customer, django_assert_num_queries):
        for number in range(30):
            create_reward(slug=f"r{number}", points_cost=number + 1, per_customer=1, minimum_tier=None)
        with django_assert_num_queries(3):
            assert len(showcase.offers_for(customer=alice, now=NOON)) == 30


def test_after_another_e_mail_address_no_reward_is_taken_until_the_hold_ends(alice: Customer):
    alice.spending_held_until = NOON + DAY
    alice.save()
    reward = create_reward()
    with refused(Reason.HELD):
        take(alice, reward)
    assert spendable(alice) == 250
    assert take(alice, reward, now=NOON + DAY).state == "ordered"
