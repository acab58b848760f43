import datetime as dt
from collections.abc import Callable
from itertools import count

import pytest
from django.db import IntegrityError, transaction

from customers.tests.factories import NOON, create_customer, create_store
from rewards import coupons, redemption
from rewards.coupons import CouponRefused, Reason
from rewards.models import Coupon, CouponBatch, CouponUse
from rewards.redemption import KeyConflict
from rewards.tests.coupon_factories import create_batch, issue_coupon

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
_keys = count(1)


def redeem(coupon: Coupon, **options) -> CouponUse:
    """Redeem under a key of its own."""
    return redemption.redeem(**{"coupon": coupon, "request_key": f"test:{next(_keys)}", "now": NOON} | options)


def refused(function: Callable, **options) -> Reason:
    with pytest.raises(CouponRefused) as caught:
        function(**options)
    return caught.value.reason


# The state table of docs/coupons.md: how a coupon gets into each state, and what each verb then does.


def scheduled() -> Coupon:
    return issue_coupon(batch=create_batch(starts_at=NOON + DAY))


def active() -> Coupon:
    return issue_coupon()


def reserved() -> Coupon:
    return redemption.reserve(coupon=issue_coupon(), key="other", now=NOON)


def reserved_by_us() -> Coupon:
    return redemption.reserve(coupon=issue_coupon(), key="ours", now=NOON)


def lapsed() -> Coupon:
    """Reserved by somebody whose deadline has passed."""
    return redemption.reserve(coupon=issue_coupon(now=NOON - DAY), key="other", now=NOON - redemption.TILL_HOLD)


def expired() -> Coupon:
    return issue_coupon(batch=create_batch(ends_at=NOON), now=NOON - DAY)


def redeemed() -> Coupon:
    return redeem(issue_coupon()).coupon


def voided() -> Coupon:
    return coupons.void(coupon=issue_coupon(), reason="stolen", now=NOON)


def hidden() -> Coupon:
    return coupons.hide(coupon=issue_coupon(), now=NOON)


VERBS: dict[str, Callable[[Coupon], object]] = {
    "reserve": lambda coupon: redemption.reserve(coupon=coupon, key="ours", now=NOON),
    "release": lambda coupon: redemption.release(coupon=coupon, key="ours", now=NOON),
    "redeem": lambda coupon: redeem(coupon, reservation_key="ours"),
    "void": lambda coupon: coupons.void(coupon=coupon, reason="stolen", now=NOON),
    "hide": lambda coupon: coupons.hide(coupon=coupon, now=NOON),
    "unhide": lambda coupon: coupons.unhide(coupon=coupon, now=NOON),
}
NOT_HELD, NOT_HIDDEN = Reason.NOT_RESERVED, Reason.NOT_HIDDEN
# A state where the verb is allowed, a reason where it is refused.
TABLE = {
    #              reserve               release      redeem                void               hide                  unhide
    scheduled: (Reason.NOT_YET_VALID, NOT_HELD, Reason.NOT_YET_VALID, "voided", Reason.NOT_YET_VALID, Reason.NOT_YET_VALID),
    active: ("reserved", NOT_HELD, "redeemed", "voided", "hidden", NOT_HIDDEN),
    reserved: (Reason.RESERVED, NOT_HELD, Reason.RESERVED, "voided", Reason.RESERVED, Reason.RESERVED),
    reserved_by_us: ("reserved", "active", "redeemed", "voided", Reason.RESERVED, Reason.RESERVED),
    lapsed: ("reserved", NOT_HELD, "redeemed", "voided", "hidden", NOT_HIDDEN),
    expired: (Reason.EXPIRED, NOT_HELD, Reason.EXPIRED, Reason.EXPIRED, Reason.EXPIRED, Reason.EXPIRED),
    redeemed: (Reason.USED, NOT_HELD, Reason.USED, Reason.USED, Reason.USED, Reason.USED),
    voided: (Reason.VOIDED, NOT_HELD, Reason.VOIDED, Reason.VOIDED, Reason.VOIDED, Reason.VOIDED),
    hidden: (Reason.HIDDEN, NOT_HELD, Reason.HIDDEN, "voided", Reason.HIDDEN, "active"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("make", "verb", "outcome"),
    [(make, verb, outcome) for make, row in TABLE.items() for verb, outcome in zip(VERBS, row, strict=True)],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_the_state_table(make: Callable[[], Coupon], verb: str, outcome: str | Reason):
    coupon = make()
    before = Coupon.objects.filter(pk=coupon.pk).values().get()
    if isinstance(outcome, Reason):
        assert refused(VERBS[verb], coupon=coupon) == outcome
        assert Coupon.objects.filter(pk=coupon.pk).values().get() == before
    else:
        VERBS[verb](coupon)
        coupon.refresh_from_db()
        assert coupon.state_at(NOON) == outcome


def test_scheduled_reserved_and_active_follow_the_clock_without_a_job():
    coupon = scheduled()
    assert coupon.state_at(NOON) == "scheduled"
    assert coupon.state_at(NOON + DAY) == "active"
    held = redemption.reserve(coupon=coupon, key="web", now=NOON + DAY, hold=redemption.WEB_HOLD)
    assert held.state_at(NOON + DAY) == "reserved"
    assert held.state_at(NOON + 2 * DAY) == "active"


def test_redeeming_counts_on_the_coupon_and_on_the_batch():
    batch = create_batch(budget=1_000)
    coupon, store = issue_coupon(batch=batch, customer=create_customer(name="Alice")), create_store()
    use = redeem(coupon, store=store, basket=2_000, discount=500)
    batch.refresh_from_db()
    assert (batch.redeemed, batch.spent) == (1, 500)
    assert (coupon.state, coupon.uses) == ("redeemed", 1)
    assert (use.number, use.customer, use.store, use.discount) == (1, coupon.customer, store, 500)


def test_the_same_request_again_is_answered_with_the_same_use():
    coupon = issue_coupon()
    first = redeem(coupon, request_key="till-1:17", discount=500)
    assert redeem(coupon, request_key="till-1:17", discount=500, now=NOON + DAY) == first
    assert CouponUse.objects.count() == 1
    assert CouponBatch.objects.get().redeemed == 1


@pytest.mark.parametrize("other", ["coupon", "discount", "customer", "store"])
def test_the_same_key_with_another_meaning_is_a_conflict(other: str):
    coupon = issue_coupon(batch=create_batch(uses_per_coupon=5))
    redeem(coupon, request_key="till-1:17", discount=500)
    changed = {
        "coupon": lambda: {"coupon": issue_coupon()},
        "discount": lambda: {"discount": 499},
        "customer": lambda: {"customer": create_customer(name="Bob")},
        "store": lambda: {"store": create_store()},
    }[other]()
    with pytest.raises(KeyConflict):
        redeem(**{"coupon": coupon, "request_key": "till-1:17", "discount": 500} | changed)
    assert CouponUse.objects.count() == 1


def test_a_code_for_many_is_used_as_often_as_allowed():
    coupon = issue_coupon(batch=create_batch(uses_per_coupon=3))
    assert [redeem(coupon).number for _ in range(3)] == [1, 2, 3]
    assert refused(redeem, coupon=coupon) == Reason.USED


def test_reserving_a_code_for_many_does_not_lock_out_the_others():
    coupon = issue_coupon(batch=create_batch(uses_per_coupon=2))
    assert redemption.reserve(coupon=coupon, key="ours", now=NOON).state == "active"
    redeem(coupon)


@pytest.mark.parametrize(
    ("rules", "situation", "reason"),
    [
        ({"state": "paused"}, {}, Reason.PAUSED),
        ({"state": "closed"}, {}, Reason.CLOSED),
        ({"minimum_basket": 2_000}, {"basket": 1_999}, Reason.BASKET_TOO_SMALL),
        ({"minimum_basket": 2_000}, {"basket": 2_000}, None),
        ({"budget": 999}, {"discount": 1_000}, Reason.BUDGET),
        ({"budget": 1_000}, {"discount": 1_000}, None),
        ({"per_customer": 1}, {}, Reason.CUSTOMER_NEEDED),
        ({"per_customer": 0}, {"customer": "Alice"}, Reason.CUSTOMER_LIMIT),
        ({"per_day": 0}, {}, Reason.DAY_LIMIT),
    ],
)
def test_what_the_batch_says(rules: dict, situation: dict, reason: Reason | None):
    batch = create_batch()
    coupon = issue_coupon(batch=batch)
    CouponBatch.objects.filter(pk=batch.pk).update(**rules)
    if "customer" in situation:
        situation = situation | {"customer": create_customer(name=situation["customer"])}
    if reason is None:
        redeem(coupon, **situation)
        return
    assert refused(redeem, coupon=coupon, **situation) == reason
    batch.refresh_from_db()
    assert (batch.redeemed, batch.spent, CouponUse.objects.count()) == (0, 0, 0)


def test_a_coupon_of_certain_stores_is_refused_elsewhere():
    batch, old_town, web = create_batch(), create_store(), create_store()
    batch.stores.add(old_town)
    coupon = issue_coupon(batch=batch)
    assert refused(redeem, coupon=coupon, store=web) == Reason.OTHER_STORE
    assert refused(redeem, coupon=coupon) == Reason.OTHER_STORE
    redeem(coupon, store=old_town)


def test_a_personal_coupon_is_for_its_owner():
    alice, bob = create_customer(name="Alice"), create_customer(name="Bob")
    coupon = issue_coupon(customer=alice)
    assert refused(redeem, coupon=coupon, customer=bob) == Reason.OTHER_CUSTOMER
    assert redeem(coupon).customer == alice


def test_the_limit_per_customer_counts_over_all_coupons_of_the_batch():
    alice, bob = create_customer(name="Alice"), create_customer(name="Bob")
    batch = create_batch(per_customer=1)
    first, second = issue_coupon(batch=batch), issue_coupon(batch=batch)
    use = redeem(first, customer=alice)
    assert refused(redeem, coupon=second, customer=alice) == Reason.CUSTOMER_LIMIT
    redemption.give_back(use=use, return_key="return:1", now=NOON)
    redeem(second, customer=alice)
    redeem(first, customer=bob)


def test_a_reservation_counts_against_the_limits():
    alice, batch = create_customer(name="Alice"), create_batch(per_customer=1, per_day=5)
    first, second = (issue_coupon(batch=batch, customer=alice) for _ in range(2))
    redemption.reserve(coupon=first, key="ours", now=NOON)
    assert refused(redeem, coupon=second, customer=alice) == Reason.CUSTOMER_LIMIT
    redeem(first, customer=alice, reservation_key="ours")


def test_the_limit_per_day_starts_anew_at_the_programmes_midnight():
    batch = create_batch(per_day=1, uses_per_coupon=3)
    coupon = issue_coupon(batch=batch)
    before_midnight = dt.datetime(2026, 3, 10, 22, 59, tzinfo=dt.UTC)
    redeem(coupon, now=before_midnight)
    assert refused(redeem, coupon=coupon, now=before_midnight) == Reason.DAY_LIMIT
    redeem(coupon, now=before_midnight + dt.timedelta(minutes=1))


def test_a_returned_use_gives_the_coupon_and_the_budget_back():
    batch = create_batch(budget=500)
    coupon = issue_coupon(batch=batch)
    use = redeem(coupon, discount=500)
    returned = redemption.give_back(use=use, return_key="return:1", now=NOON + DAY)
    coupon.refresh_from_db()
    batch.refresh_from_db()
    assert (returned.returned_at, returned.return_key) == (NOON + DAY, "return:1")
    assert (coupon.state, coupon.uses, batch.redeemed, batch.spent) == ("active", 0, 0, 0)
    assert redeem(coupon, discount=500).number == 2


def test_a_use_is_taken_back_once():
    batch = create_batch(uses_per_coupon=2)
    coupon = issue_coupon(batch=batch)
    use, other = redeem(coupon), redeem(coupon)
    first = redemption.give_back(use=use, return_key="return:1", now=NOON)
    assert redemption.give_back(use=use, return_key="return:1", now=NOON + DAY).returned_at == first.returned_at
    assert refused(redemption.give_back, use=use, return_key="return:2", now=NOON) == Reason.RETURNED
    with pytest.raises(KeyConflict):
        redemption.give_back(use=other, return_key="return:1", now=NOON)
    batch.refresh_from_db()
    coupon.refresh_from_db()
    assert (batch.redeemed, coupon.uses) == (1, 1)


def test_a_coupon_given_back_after_its_end_has_expired():
    coupon = issue_coupon(batch=create_batch(ends_at=NOON + DAY))
    use = redeem(coupon)
    redemption.give_back(use=use, return_key="return:1", now=NOON + 2 * DAY)
    coupon.refresh_from_db()
    assert coupon.state_at(NOON + 2 * DAY) == "expired"


def test_a_voided_code_for_many_stays_voided_when_a_use_comes_back():
    coupon = issue_coupon(batch=create_batch(uses_per_coupon=2))
    use = redeem(coupon)
    coupons.void(coupon=coupon, reason="printed by mistake", now=NOON)
    redemption.give_back(use=use, return_key="return:1", now=NOON)
    coupon.refresh_from_db()
    assert (coupon.state, coupon.uses) == ("voided", 0)


def test_several_coupons_in_one_transaction_are_all_or_nothing():
    good, bad = issue_coupon(), voided()

    @transaction.atomic
    def redeem_both() -> None:
        redeem(good)
        redeem(bad)

    assert refused(redeem_both) == Reason.VOIDED
    good.refresh_from_db()
    assert (good.state, CouponUse.objects.count()) == ("active", 0)


def test_the_database_is_a_second_wall_against_a_double_use():
    use = redeem(issue_coupon())
    with pytest.raises(IntegrityError), transaction.atomic():
        CouponUse.objects.create(coupon=use.coupon, batch=use.batch, number=1, request_key="another", redeemed_at=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        Coupon.objects.filter(pk=use.coupon_id).update(uses=2)


@pytest.mark.parametrize(
    ("kind", "value", "amount", "discount"),
    [("percent", 1_000, 999, 99), ("percent", 10_000, 999, 999), ("amount", 500, 999, 500), ("amount", 500, 300, 300),
     ("gift", 0, 999, 0), ("multiplier", 20_000, 999, 0)],
)  # fmt: skip
def test_what_a_coupon_takes_off(kind: str, value: int, amount: int, discount: int):
    assert redemption.discount_of(CouponBatch(value_kind=kind, value=value), amount) == discount
