"""The demo shop: whole, balanced, and the same every time."""

import datetime as dt
import random
from collections.abc import Iterator

import pytest
import time_machine

from customers.models import Customer, Purchase, Return, User
from customers.timezones import programme_date
from loyalty_site.demo import life, people
from loyalty_site.demo.load import load
from rewards import proof, uplift
from rewards.models import Coupon, CouponBatch, CouponPlan, PointTransaction, Surprise, SurpriseGift
from surveys import subjects
from surveys.models import Campaign, Case, ContactLogEntry, Response, Theme
from tests import leftovers

NOW = dt.datetime(2026, 6, 17, 14, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    """A small shop, loaded once and removed after the tests that look at it."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "CUSTOMERS", 36)
        patch.setattr(life, "GUESTS_PER_DAY", 0.3)
        with time_machine.travel(NOW):
            load(seed=2, now=NOW)
    yield
    with django_db_blocker.unblock():
        leftovers.remove()


@pytest.mark.django_db
def test_the_books_balance(demo: None):
    assert proof.prove().faults == []


@pytest.mark.django_db
def test_every_page_has_something_to_show(demo: None):
    states = {coupon.state_at(NOW) for coupon in Coupon.objects.all()}
    assert states == {"active", "scheduled", "reserved", "redeemed", "expired", "voided", "hidden"}
    assert set(CouponBatch.objects.values_list("state", flat=True)) == {"draft", "active", "paused", "closed"}
    kinds = set(PointTransaction.objects.values_list("kind", flat=True))
    assert kinds >= {"earn", "redeem", "reverse", "expire", "adjust"}
    assert Purchase.objects.filter(customer=None).exists()
    assert Return.objects.exists()
    assert Response.objects.completed().count() >= 5
    assert {case.state for case in Case.objects.all()} >= {"new", "contacted"}
    assert ContactLogEntry.objects.exists()
    assert set(Surprise.objects.values_list("state", flat=True)) == {"draft", "active", "stopped"}
    assert set(SurpriseGift.objects.values_list("state", flat=True)) >= {"given", "lapsed", "declined"}
    assert Campaign.objects.filter(state="scheduled", scheduled_at__gt=NOW).exists()
    assert Campaign.objects.filter(state="draft", trigger="nth_purchase").exists()
    assert set(Response.objects.values_list("channel", flat=True)) == {"email", "wechat", "window", "receipt"}
    assert Theme.objects.count() == 4
    compared = subjects.compare(campaign=Campaign.objects.get(name="After the summer"))
    assert min(variant.answered for variant in compared.variants) > 0


@pytest.mark.django_db
@pytest.mark.parametrize("email", [people.ALICE, people.LIN])
def test_the_two_to_log_in_as_have_spendable_pending_and_expiring_points_and_coupons(demo: None, email: str):
    customer = Customer.objects.get(identifiers__normalised=email)
    lots = customer.point_lots.filter(remaining__gt=0)
    assert customer.balance.active > 0
    assert customer.balance.pending > 0
    assert lots.filter(expires_at__lt=NOW + dt.timedelta(days=31)).exists()
    assert Coupon.objects.redeemable(NOW).filter(customer=customer).count() >= 2
    assert customer.stamp_balances.filter(lifetime__gt=0).exists()


@pytest.mark.django_db
def test_the_coin_was_tossed_before_every_gift_and_its_effect_can_be_read(demo: None):
    found = uplift.newest(now=NOW)
    assert len(found) == 5
    assert [report.problem for report in found] == [""] * 5
    assert sum(report.counted for report in found) > 50
    plan = CouponPlan.objects.get(holdout__gt=0)
    counts = {is_gift: plan.trial.assignments.filter(is_gift=is_gift).count() for is_gift in (True, False)}
    assert plan.batch.issued == counts[True] > counts[False] > 0


@pytest.mark.django_db
def test_a_statement_is_in_the_order_of_time(demo: None):
    latest: dict[int, dt.datetime] = {}
    rows = PointTransaction.objects.order_by("customer", "sequence")
    for customer, at in rows.values_list("customer", "occurred_at"):
        assert latest.get(customer, at) <= at
        latest[customer] = at


@pytest.mark.django_db
def test_the_staff_log_in_with_their_roles(demo: None):
    for key, (email, *_rest, password) in people.STAFF.items():
        user = User.objects.get(email=email)
        assert len(password) >= 15
        assert user.check_password(password)
        assert user.is_superuser == (key == "owner")
    can = User.objects.get(email="manager@example.com").has_perm
    assert can("rewards.activate_couponbatch")
    assert not User.objects.get(email="marketer@example.com").has_perm("rewards.activate_couponbatch")
    assert not User.objects.get(email="auditor@example.com").has_perm("rewards.add_coupon")


def test_the_same_seed_gives_the_same_visits_up_to_now():
    def lived() -> list[tuple]:
        rng, start = random.Random(7), dt.date(2025, 1, 1)
        persons = people.invent(rng=rng, start=start, today=programme_date(NOW))
        return [
            (visit.at, visit.reference, visit.items)
            for visit in life.visits(rng=rng, people=persons, start=start, now=NOW)
        ]

    first = lived()
    assert first == lived()
    assert first[-1][0] < NOW
    assert len({reference for _at, reference, _items in first}) == len(first) > 2_000


def test_no_address_or_phone_number_is_a_real_one():
    persons = people.invent(rng=random.Random(7), start=dt.date(2025, 1, 1), today=dt.date(2026, 6, 17))
    assert {person.email.rpartition("@")[2] for person in persons} <= {"example.com", "example.org", ""}
    assert {person.phone[:-3] for person in persons} <= {"+44 7700 900", "+49 30 23125", ""}
    assert len({person.email for person in persons if person.email}) == sum(bool(person.email) for person in persons)
