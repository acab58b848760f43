"""What becomes of a gift: mailed within the hours, handed over or declined at the till, cancelled when the goods come back."""

import datetime as dt

import pytest
from django.core import mail

from customers import consents, notices
from customers.models import Notice, Store
from customers.tests.factories import NOON, create_customer, create_store, create_user
from rewards import (
    catalogue,
    checkout,
    closing,
    freezes,
    ledger,
    proof,
    redemption,
    returns,
    sale,
    surprise_gifts,
    surprises,
)
from rewards.adjustments import OwnCard
from rewards.models import Assignment, Coupon, PointBalance, SurpriseGift, SurpriseMonth, SurpriseRest
from rewards.surprise_gifts import GiftClosed
from rewards.tests.coupon_factories import create_batch
from rewards.tests.reward_factories import create_reward
from rewards.tests.surprise_factories import DAY, buy, create_reader, create_surprise
from rewards.trials import Occasion

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


def promise(surprise, customer, *, now=NOON, purchase=None) -> SurpriseGift:
    """Draw a customer until the coin falls well, and return the gift."""
    for times in range(60):
        key = f"test:{customer.pk}:{times}"
        surprises.draw(surprise=surprise, occasions=[Occasion(customer.pk, key, {}, purchase and purchase.pk)], now=now)
        if gift := SurpriseGift.objects.filter(customer=customer, surprise=surprise).first():
            return gift
        Assignment.objects.filter(customer=customer).delete()
        customer.refresh_from_db()
        SurpriseRest.objects.filter(customer=customer).delete()
    raise AssertionError("60 tails in a row")


def reloaded(gift: SurpriseGift) -> SurpriseGift:
    return SurpriseGift.objects.select_related("assignment", "coupon").get(pk=gift.pk)


def test_a_coupon_is_issued_and_mailed_once():
    alice = create_reader(name="Alice", language="en")
    surprise = create_surprise(
        channel="mail", gift="coupon", batch=create_batch(), subject_en="For you", message_en="Because it is Tuesday."
    )
    gift = promise(surprise, alice)
    assert surprise_gifts.deliver_due(now=NOON + MINUTE) == 1
    assert surprise_gifts.deliver_due(now=NOON + MINUTE) == 0
    gift = reloaded(gift)
    assert (gift.state, gift.coupon.customer, gift.assignment.cost) == ("given", alice, 0)
    assert notices.send_due(now=NOON + MINUTE) == 1
    (sent,) = mail.outbox
    assert sent.subject == "For you"
    assert "Because it is Tuesday." in sent.body
    assert "€5 off" in sent.body
    assert "List-Unsubscribe" in sent.extra_headers


def test_points_are_booked_and_said_in_chinese():
    lin = create_reader(name="林", language="zh-hans")
    gift = promise(create_surprise(channel="mail", gift="points", points=50, cost=50), lin)
    surprise_gifts.deliver_due(now=NOON + MINUTE)
    assert PointBalance.objects.get(customer=lin).active == 50
    assert reloaded(gift).assignment.cost == 50
    notices.send_due(now=NOON + MINUTE)
    assert "50 积分" in mail.outbox[0].body
    assert "惊喜" in mail.outbox[0].subject
    assert proof.prove().is_balanced


def test_a_thing_is_announced_by_mail_and_handed_over_at_the_till():
    alice, bob = create_reader(language="en"), create_user(is_staff=True)
    gift = promise(create_surprise(channel="mail"), alice)
    assert surprise_gifts.open_at_till(customer=alice, now=NOON) == []
    surprise_gifts.deliver_due(now=NOON + MINUTE)
    notices.send_due(now=NOON + MINUTE)
    assert "a pastry" in mail.outbox[0].body
    assert surprise_gifts.open_at_till(customer=alice, now=NOON + MINUTE) == [gift]
    surprise_gifts.hand_over(gift=gift, store=create_store(), by=bob, now=NOON + DAY)
    gift = reloaded(gift)
    assert (gift.state, gift.by, gift.assignment.cost) == ("given", bob, 80)
    with pytest.raises(GiftClosed):
        surprise_gifts.hand_over(gift=gift, store=None, by=bob, now=NOON + DAY)


@pytest.mark.parametrize(
    ("zone", "now", "opens"),
    [
        ("", "2026-03-10 21:30", "2026-03-11 08:00"),  # Berlin is UTC+1
        ("Asia/Shanghai", "2026-03-10 13:00", "2026-03-11 01:00"),
        ("America/New_York", "2026-03-10 12:00", "2026-03-10 13:00"),
    ],
)
def test_mail_waits_for_the_customers_own_morning(zone, now, opens):
    now, opens = (dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) for text in (now, opens))
    gift = promise(create_surprise(channel="mail", now=now), create_reader(time_zone=zone), now=now)
    assert gift.not_before == opens
    surprise_gifts.deliver_due(now=opens - MINUTE)
    assert Notice.objects.count() == 0
    surprise_gifts.deliver_due(now=opens)
    assert Notice.objects.get().queued_at == opens


def test_a_worker_that_was_away_does_not_write_at_night():
    gift = promise(create_surprise(channel="mail"), create_reader())
    night = NOON + dt.timedelta(hours=10)
    assert surprise_gifts.deliver_due(now=night) == 0
    gift = reloaded(gift)
    assert (gift.state, gift.not_before) == ("waiting", dt.datetime(2026, 3, 11, 8, tzinfo=dt.UTC))


def test_who_withdrew_consent_gets_no_mail_and_the_money_is_free_again():
    alice = create_reader()
    surprise = create_surprise(channel="mail")
    gift = promise(surprise, alice)
    consents.withdraw(
        customer=alice, channel="email", purpose="marketing", wording="", source="test", by=None, now=NOON
    )
    surprise_gifts.deliver_due(now=NOON + MINUTE)
    assert reloaded(gift).state == "failed"
    assert Notice.objects.count() == 0
    assert surprise.months.get().spent == 0
    assert Assignment.objects.filter(is_gift=True).count() == 1  # analysed as assigned


def test_a_closed_batch_fails_and_says_why():
    batch = create_batch()
    gift = promise(create_surprise(channel="mail", gift="coupon", batch=batch), create_reader())
    batch.state = "closed"
    batch.save()
    surprise_gifts.deliver_due(now=NOON + MINUTE)
    gift = reloaded(gift)
    assert (gift.state, gift.note, Coupon.objects.count(), Notice.objects.count()) == ("failed", "BatchNotActive", 0, 0)


def test_declined_and_lapsed_gifts_cost_nothing():
    bob = create_user(is_staff=True)
    surprise = create_surprise()
    one, two = promise(surprise, create_customer()), promise(surprise, create_customer())
    assert surprise.months.get().spent == 160
    surprise_gifts.decline(gift=one, store=None, by=bob, now=NOON)
    assert surprise_gifts.lapse_due(now=NOON + 30 * DAY) == 1
    assert (reloaded(one).state, reloaded(two).state, surprise.months.get().spent) == ("declined", "lapsed", 0)
    with pytest.raises(GiftClosed):
        surprise_gifts.hand_over(gift=two, store=None, by=bob, now=NOON + 30 * DAY)
    assert set(Assignment.objects.values_list("cost", flat=True)) == {0}


def test_a_thing_of_the_catalogue_comes_off_the_stock():
    alice, bob = create_customer(), create_user(is_staff=True)
    reward = create_reward(stock=1)
    surprise = create_surprise(gift="reward", reward=reward)
    gift = promise(surprise, alice)
    surprise_gifts.hand_over(gift=gift, store=create_store(), by=bob, now=NOON)
    order = reloaded(gift).order
    assert (order.points, order.price, order.state) == (0, 0, "handed_over")
    reward.refresh_from_db()
    assert reward.taken == 1
    other = promise(surprise, create_customer())
    with pytest.raises(catalogue.RewardRefused):
        surprise_gifts.hand_over(gift=other, store=None, by=bob, now=NOON)
    assert reloaded(other).state == "waiting"
    assert proof.prove().is_balanced


def test_nobody_hands_themselves_a_surprise():
    user = create_user(is_staff=False)
    gift = promise(create_surprise(), create_customer(user=user))
    for act in (surprise_gifts.hand_over, surprise_gifts.decline):
        with pytest.raises(OwnCard):
            act(gift=gift, store=None, by=user, now=NOON)


@pytest.fixture
def thaw():
    """Let no other test see the frost."""
    freezes.look_again()
    yield
    freezes.look_again()


@pytest.mark.usefixtures("thaw")
def test_while_spending_is_frozen_nothing_is_given():
    bob = create_user(is_staff=True)
    mailed, handed = (
        promise(create_surprise(channel="mail"), create_reader()),
        promise(create_surprise(), create_customer()),
    )
    freezes.freeze(by=bob, reason="test", now=NOON)
    assert surprise_gifts.deliver_due(now=NOON + MINUTE) == 0
    with pytest.raises(GiftClosed):
        surprise_gifts.hand_over(gift=handed, store=None, by=bob, now=NOON + MINUTE)
    assert reloaded(mailed).state == reloaded(handed).state == "waiting"


def give_back(purchase):
    return returns.refund(purchase=purchase, reference="back", quantities={1: 1}, occurred_at=NOON + DAY)


@pytest.mark.parametrize("gift", ["thing", "coupon", "points"])
def test_an_unused_gift_of_a_purchase_that_comes_back_is_cancelled(gift):
    alice, bob = create_customer(), create_user(is_staff=True)
    purchase = buy(alice)
    surprise = create_surprise(gift=gift, batch=create_batch() if gift == "coupon" else None, points=50)
    row = promise(surprise, alice, purchase=purchase)
    if gift != "thing":
        surprise_gifts.hand_over(gift=row, store=None, by=bob, now=NOON)
    give_back(purchase)
    row = reloaded(row)
    assert (row.state, row.leaked_at, row.assignment.cost) == ("cancelled", None, 0)
    assert surprise.months.get().spent == 0
    # What still waited the customer does not know of, and hears nothing.
    told = [notice.context["gifts"] for notice in Notice.objects.filter(kind="return_explained")]
    assert told == ([] if gift == "thing" else [1])
    if gift == "coupon":
        assert row.coupon.state == "voided"
    if gift == "points":
        assert PointBalance.objects.get(customer=alice).active == 0
    assert proof.prove().is_balanced


@pytest.mark.parametrize("gift", ["thing", "coupon", "points"])
def test_a_used_gift_of_a_purchase_that_comes_back_is_reported_as_leaked(gift):
    alice, bob = create_customer(), create_user(is_staff=True)
    purchase = buy(alice)
    batch = create_batch(value_kind="gift", value=0) if gift == "coupon" else None
    row = promise(create_surprise(gift=gift, batch=batch, points=50), alice, purchase=purchase)
    surprise_gifts.hand_over(gift=row, store=None, by=bob, now=NOON)
    if gift == "coupon":
        redemption.redeem(coupon=reloaded(row).coupon, request_key="x", now=NOON, customer=alice)
    if gift == "points":
        ledger.redeem(customer=alice, points=1, source="x", occurred_at=NOON)
    give_back(purchase)
    row = reloaded(row)
    assert (row.state, row.leaked_at) == ("given", NOON + DAY)


def test_a_part_that_comes_back_leaves_the_gift_alone():
    alice = create_customer()
    product = buy(None).lines.get().product
    purchase = checkout.record_purchase(
        store=Store.objects.get(), reference="two", customer=alice, occurred_at=NOON,
        lines=[sale.SoldLine(product, 2, 1_000)],
    )  # fmt: skip
    row = promise(create_surprise(), alice, purchase=purchase)
    give_back(buy(alice))
    give_back(purchase)  # one of two
    assert reloaded(row).state == "waiting"
    assert SurpriseMonth.objects.get().spent == 80
    returns.refund(purchase=purchase, reference="rest", quantities={1: 1}, occurred_at=NOON + DAY)
    assert reloaded(row).state == "cancelled"


def test_what_waits_for_a_customer_who_is_erased_is_cancelled():
    alice, surprise = create_customer(), create_surprise()
    gift = promise(surprise, alice)
    for _again in range(2):
        closing.close(customer=alice, by=None, now=NOON)
    assert (reloaded(gift).state, surprise.months.get().spent) == ("cancelled", 0)
