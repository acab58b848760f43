"""Many customers, few rewards: threads with connections of their own, on a database of its own, committed for real."""

import pytest
from django.db import OperationalError, transaction

from customers.tests.factories import NOON, create_customer
from rewards import catalogue, proof
from rewards.catalogue import OrderClosed, RewardRefused
from rewards.models import PointBalance, Reward, RewardOrder
from rewards.showcase import Reason
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import award
from rewards.tests.reward_factories import create_coupon_reward, create_reward
from rewards.tests.test_redemption_race import race

pytestmark = pytest.mark.django_db(transaction=True)
BUYERS = 64


def attempt(function, **options) -> str:
    """Return "won" or why not; who queued for a lock too long asks again, as a page does that was told to."""
    for _again in range(10):
        try:
            function(**options)
        except RewardRefused as refused:
            return refused.reason.value
        except OrderClosed:
            return "closed"
        except OperationalError as error:
            if "lock timeout" not in str(error) and "locked" not in str(error):
                raise
        else:
            return "won"
    raise AssertionError("ten times in a row the lock was not to be had")


def buyers(number: int, points: int = 100) -> list:
    people = [create_customer(name=f"Buyer {n}") for n in range(number)]
    for person in people:
        award(person, points)
    return people


def take(person, reward: Reward, key: str = "1"):
    return lambda: attempt(catalogue.redeem_reward, customer=person, reward=reward, key=key, now=NOON)


def naively(*, reward: Reward, person, number: int) -> None:
    """Read, decide, write: what many shops do. It must lose the race, or the race is none."""
    fresh = Reward.objects.get(pk=reward.pk)
    if fresh.taken >= fresh.stock:
        raise RewardRefused(Reason.SOLD_OUT)
    with transaction.atomic():
        fresh.taken += 1
        fresh.save(update_fields=["taken"])
        RewardOrder.objects.create(
            reward=reward, customer=person, source=f"naive:{number}", place=1, points=0, state="ordered",
            code_sealed=str(number).encode(), code_tail="0000", ordered_at=NOON, pick_up_until=NOON,
        )  # fmt: skip


@pytest.mark.parametrize("has_coupon", [False, True], ids=["thing", "coupon"])
def test_64_buyers_of_ten_in_stock_are_ten(has_coupon: bool):
    make = create_coupon_reward if has_coupon else create_reward
    reward, people = make(stock=10), buyers(BUYERS)
    results = race(take(person, reward) for person in people)
    assert results == {"won": 10, "sold_out": BUYERS - 10}
    reward.refresh_from_db()
    assert (reward.taken, RewardOrder.objects.count()) == (10, 10)
    assert PointBalance.objects.filter(active=0).count() == 10
    assert PointBalance.objects.filter(active=100).count() == BUYERS - 10
    assert proof.prove().is_balanced


def test_the_naive_way_sells_more_than_there_is_so_the_race_is_a_race():
    people = buyers(16, points=1)
    for round_number in range(10):
        reward = create_reward(stock=1)
        race(
            lambda n=n, person=person, reward=reward, round_number=round_number: attempt(
                naively, reward=reward, person=person, number=100 * round_number + n
            )
            for n, person in enumerate(people)
        )
        if RewardOrder.objects.filter(reward=reward).count() > 1:
            return
    pytest.fail("Nobody took too much in ten rounds: this test cannot see a race.")


def test_one_customer_with_32_browsers_keeps_to_the_limit_and_the_balance():
    (alice,) = buyers(1, points=10_000)
    limited = create_reward(per_customer=2)
    results = race(take(alice, limited, str(number)) for number in range(32))
    assert results == {"won": 2, "limit": 30}
    dear = create_reward(points_cost=9_000)
    assert race(take(alice, dear, f"d{number}") for number in range(16)) == {"won": 1, "points": 15}


def test_one_click_sent_16_times_at_once_is_one_order():
    (alice,), reward = buyers(1), create_reward()
    results = race(
        lambda: catalogue.redeem_reward(customer=alice, reward=reward, key="1", now=NOON).pk for _ in range(16)
    )
    assert list(results.values()) == [16]
    assert (RewardOrder.objects.count(), PointBalance.objects.get().active) == (1, 0)


def test_a_till_and_a_customer_at_the_same_moment_leave_one_outcome():
    for alice in buyers(8):
        order = catalogue.redeem_reward(customer=alice, reward=create_reward(), key="1", now=NOON)
        # Each with a row of its own, as each process has.
        results = race([*([_hand_over(order)] * 4), *([_cancel(order)] * 4)])
        order.refresh_from_db()
        is_handed = order.state == "handed_over"
        assert results["won"] == (1 if is_handed else 4), "a second cancelling changes nothing and is no refusal"
        assert PointBalance.objects.get(customer=alice).active == (0 if is_handed else 100)
    assert proof.prove().is_balanced


def test_a_batch_with_ten_coupons_left_hands_out_ten():
    reward, people = create_coupon_reward(batch=create_batch(limit=10)), buyers(32)
    assert race(take(person, reward) for person in people) == {"won": 10, "over": 22}
    reward.refresh_from_db()
    assert (reward.taken, PointBalance.objects.filter(active=0).count()) == (10, 10)


def _hand_over(order: RewardOrder):
    return lambda: attempt(catalogue.hand_over, order=_again(order), by=None, now=NOON)


def _cancel(order: RewardOrder):
    return lambda: attempt(catalogue.cancel, order=_again(order), now=NOON, because="customer")


def _again(order: RewardOrder) -> RewardOrder:
    return RewardOrder.objects.select_related("customer").get(pk=order.pk)
