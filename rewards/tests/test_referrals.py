"""Bringing friends (threat F4): gifts once, after a kept purchase, bounded, and held when it looks like one person."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from customers.models import Customer, Identifier, Product, Purchase, Store
from loyalty_site.roles import ensure_roles
from rewards import batches, checkout, days, referral_doubts, referrals, returns, sale
from rewards.adjustments import OwnCard
from rewards.models import Coupon, PointBalance, Referral, ReferralOffer
from rewards.statement import line_of
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import NOON, create_customer, create_store, create_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
Doubt, State = Referral.Doubt, Referral.State


def offer(**fields) -> ReferralOffer:
    values = {"friend_points": 50, "advocate_points": 100, "is_active": True, "most_a_year": 10, "return_days": 14}
    return ReferralOffer.objects.create(**values | fields)


def code_of(member: Customer, device: str = "") -> str:
    return referrals.code_of(customer=member, device=device, now=NOON).code


def bring(member: Customer, email: str, *, device: str = "", now: dt.datetime = NOON, **fields) -> Referral | None:
    friend = create_customer(name="Friend", email=email, enrolled_at=now, **fields)
    return referrals.note(friend=friend, code=code_of(member), email=email, device=device, now=now)


def buy(
    customer: Customer, total: int = 1_000, *, now: dt.datetime = NOON + DAY, store: Store | None = None
) -> Purchase:
    product, _new = Product.objects.get_or_create(sku="tea", defaults={"name_en": "Tea"})
    return checkout.record_purchase(
        store=store or create_store(), reference=f"R{Purchase.objects.count()}", customer=customer, occurred_at=now,
        lines=[sale.SoldLine(product, 1, total)],
    )  # fmt: skip


def active(customer: Customer) -> int:
    """Return what a customer has, whatever the real clock says about a day of the test that lies ahead of it."""
    row = PointBalance.objects.filter(customer=customer).first()
    return row.active + row.pending if row else 0


@pytest.fixture
def alice() -> Customer:
    return create_customer(name="Alice", email="alice@example.com")


def test_the_friend_gets_the_gift_at_once_and_the_member_after_the_return_window(alice):
    offer()
    row = bring(alice, "bob@example.com")
    assert (row.state, active(row.friend), active(alice)) == (State.WAITING, 50, 0)
    buy(row.friend)
    assert referrals.give_due(now=NOON + 14 * DAY) == 0
    assert referrals.give_due(now=NOON + 15 * DAY) == 1
    assert referrals.give_due(now=NOON + 16 * DAY) == 0
    row.refresh_from_db()
    assert (row.state, active(row.friend), active(alice)) == (State.GIVEN, 50, 100)
    assert [line_of(each).what for each in alice.point_transactions.all()] == ["A friend came along"]
    assert [line_of(each).what for each in row.friend.point_transactions.all()] == ["Welcome, as a friend"]


def test_the_daily_run_gives_what_is_due(alice):
    offer()
    buy(bring(alice, "bob@example.com").friend)
    days.run_due(now=NOON + 20 * DAY)
    assert active(alice) == 100


def test_points_last_to_the_end_of_the_month_a_year_later(alice):
    offer()
    row = bring(alice, "bob@example.com")
    assert row.friend.point_lots.get().expires_at == dt.datetime(2027, 3, 31, 22, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("bought", "back", "minimum", "is_given"),
    [(1000, 0, 0, True), (1000, 1000, 0, False), (1000, 0, 1001, False), (1000, 0, 1000, True)],
)
def test_only_what_is_kept_counts(alice, bought, back, minimum, is_given):
    offer(minimum_total=minimum)
    row = bring(alice, "bob@example.com")
    purchase = buy(row.friend, bought)
    if back:
        returns.refund(purchase=purchase, reference="B1", quantities={1: 1}, occurred_at=NOON + 2 * DAY)
    assert referrals.give_due(now=NOON + 30 * DAY) == int(is_given)


def test_a_purchase_that_is_kept_after_one_that_came_back_counts(alice):
    offer()
    row = bring(alice, "bob@example.com")
    first = buy(row.friend)
    returns.refund(purchase=first, reference="B1", quantities={1: 1}, occurred_at=NOON + 2 * DAY)
    second = buy(row.friend, now=NOON + 3 * DAY)
    assert referrals.give_due(now=NOON + 30 * DAY) == 1
    row.refresh_from_db()
    assert row.purchase == second


def test_a_store_whose_points_wait_longer_decides(alice):
    offer(return_days=5)
    row = bring(alice, "bob@example.com")
    buy(row.friend, store=create_store(kind="web", pending_days=20))
    assert referrals.give_due(now=NOON + 20 * DAY) == 0
    assert referrals.give_due(now=NOON + 21 * DAY) == 1


def test_gifts_may_be_coupons_and_wait_while_there_are_none(alice):
    friends, members = create_batch(name_en="For friends"), create_batch(name_en="For members")
    offer(friend_points=0, advocate_points=0, friend_batch=friends, advocate_batch=members)
    batches.pause(batch=friends, now=NOON)
    row = bring(alice, "bob@example.com")
    assert not Coupon.objects.exists()
    batches.activate(batch=friends, now=NOON)
    buy(row.friend)
    referrals.give_due(now=NOON + 30 * DAY)
    referrals.give_due(now=NOON + 31 * DAY)
    found = Coupon.objects.order_by("pk").values_list("customer", "batch")
    assert list(found) == [(row.friend_id, friends.pk), (alice.pk, members.pk)]


@pytest.mark.parametrize("code", ["", "WRONG", "ZZZZZZZZ", "x" * 400])
def test_an_unknown_code_brings_nobody(alice, code):
    offer()
    friend = create_customer(email="bob@example.com")
    assert referrals.note(friend=friend, code=code, email="bob@example.com", device="", now=NOON) is None


def test_without_an_offer_nothing_is_written(alice):
    offer(is_active=False)
    assert bring(alice, "bob@example.com") is None


class TestOnePersonInTwoRoles:
    """Nothing is given before somebody has looked."""

    @pytest.mark.parametrize(
        "email",
        ["alice+2@example.com", "a.l.i.c.e@example.com", "ALICE+gift@EXAMPLE.com", "a.lice+x+y@example.com"],
    )
    def test_a_plus_or_dots_in_the_members_own_address(self, alice, email):
        offer()
        row = bring(alice, email)
        assert (row.state, row.doubts, active(row.friend)) == (State.HELD, [Doubt.OWN_ADDRESS], 0)

    def test_gmail_under_its_other_name(self):
        offer()
        member = create_customer(email="bob@gmail.com")
        assert bring(member, "b.o.b@googlemail.com").doubts == [Doubt.OWN_ADDRESS]

    def test_one_phone_written_in_two_ways(self, alice):
        offer()
        Identifier.objects.create(customer=alice, kind="phone", value="+49 30 1234567", normalised="+49301234567")
        friend = create_customer(email="bob@example.com", phone="0301234567")
        row = referrals.note(friend=friend, code=code_of(alice), email="bob@example.com", device="", now=NOON)
        assert row.doubts == [Doubt.OWN_PHONE]

    def test_a_phone_that_is_added_later_holds_the_members_gift(self, alice):
        offer()
        Identifier.objects.create(customer=alice, kind="phone", value="+49301234567", normalised="+49301234567")
        row = bring(alice, "bob@example.com")
        Identifier.objects.create(customer=row.friend, kind="phone", value="301234567", normalised="301234567")
        buy(row.friend)
        assert referrals.give_due(now=NOON + 30 * DAY) == 0
        row.refresh_from_db()
        assert (row.state, row.doubts, active(alice)) == (State.HELD, [Doubt.OWN_PHONE], 0)

    def test_a_brings_b_and_b_brings_a_again(self, alice):
        offer()
        bob = bring(alice, "bob@example.com").friend
        row = bring(bob, "alice+again@example.com")
        assert (row.state, row.doubts) == (State.HELD, [Doubt.CIRCLE])

    def test_a_circle_of_three(self, alice):
        offer()
        bob = bring(alice, "bob@example.com").friend
        carol = bring(bob, "carol@example.com").friend
        assert bring(carol, "al.ice@example.com").doubts == [Doubt.CIRCLE]

    def test_an_address_that_was_brought_before(self, alice):
        offer()
        bring(alice, "bob@example.com")
        dora = create_customer(email="dora@example.com")
        assert bring(dora, "b.ob+1@example.com").doubts == [Doubt.REPEATED]

    def test_the_device_on_which_the_link_was_made(self, alice):
        offer()
        device = referral_doubts.device_digest(address="10.0.0.1", user_agent="Firefox")
        code_of(alice, device)
        assert bring(alice, "bob@example.com", device=device).doubts == [Doubt.OWN_DEVICE]

    def test_the_third_on_one_device_within_a_day_whoever_sent_them(self):
        offer()
        rows = [
            bring(create_customer(), f"f{n}@example.com", device="d", now=NOON + n * dt.timedelta(hours=1))
            for n in range(3)
        ]
        assert [row.doubts for row in rows] == [[], [], [Doubt.DEVICE_BURST]]
        assert bring(create_customer(), "late@example.com", device="d", now=NOON + 3 * DAY).doubts == []

    def test_many_friends_of_one_member_within_a_day(self, alice):
        offer()
        rows = [bring(alice, f"f{n}@example.com") for n in range(6)]
        assert [bool(row.doubts) for row in rows] == [False] * 4 + [True] * 2


@pytest.mark.parametrize("number", [60, pytest.param(1_000, marks=pytest.mark.long)])
def test_a_farm_is_paid_no_more_than_the_most_in_a_year(alice, number):
    """Each sign-up from another device, spread over months, each with a purchase: the worst that no other sign catches."""
    offer(most_a_year=10)
    store = create_store()
    for n in range(number):
        moment = NOON + n * dt.timedelta(hours=7)
        row = bring(alice, f"fake{n}@example.com", device=f"d{n}", now=moment)
        buy(row.friend, now=moment, store=store)
    referrals.give_due(now=NOON + 364 * DAY)
    assert active(alice) == 10 * 100
    assert sum(active(row.friend) for row in Referral.objects.select_related("friend")) == 10 * 50
    assert Referral.objects.filter(state=State.CAPPED).count() == number - 10


def test_a_year_later_there_is_room_again(alice):
    offer(most_a_year=1)
    bring(alice, "bob@example.com")
    assert bring(alice, "carol@example.com", now=NOON + DAY).state == State.CAPPED
    assert bring(alice, "dora@example.com", now=NOON + 366 * DAY).state == State.WAITING


def test_members_who_left_get_nothing(alice):
    offer()
    row = bring(alice, "bob@example.com")
    buy(row.friend)
    Customer.objects.filter(pk=alice.pk).update(erased_at=NOON)
    assert referrals.give_due(now=NOON + 30 * DAY) == 0
    assert bring(create_customer(), "x@example.com").state == State.WAITING
    friend = create_customer(email="late@example.com")
    code = alice.referral_code.code
    assert referrals.note(friend=friend, code=code, email="late@example.com", device="", now=NOON) is None


class TestStaffLook:
    def held(self, alice: Customer) -> Referral:
        offer()
        return bring(alice, "alice+1@example.com")

    def test_letting_through_gives_the_friend_the_gift_and_the_member_later(self, alice):
        row = referrals.approve(referral=self.held(alice), by=create_user(is_staff=True), now=NOON)
        assert (row.state, active(row.friend)) == (State.WAITING, 50)
        buy(row.friend)
        assert referrals.give_due(now=NOON + 30 * DAY) == 1

    def test_refusing_gives_nothing_for_ever(self, alice):
        row = referrals.refuse(referral=self.held(alice), by=create_user(is_staff=True), now=NOON)
        buy(row.friend)
        referrals.give_due(now=NOON + 30 * DAY)
        assert (active(row.friend), active(alice)) == (0, 0)

    def test_a_decision_is_made_once(self, alice):
        row, boss = self.held(alice), create_user(is_staff=True)
        referrals.refuse(referral=row, by=boss, now=NOON)
        with pytest.raises(referrals.AlreadyDecided):
            referrals.approve(referral=row, by=boss, now=NOON)

    def test_nobody_decides_about_their_own_card(self, alice):
        row, boss = self.held(alice), create_user(is_staff=True)
        Customer.objects.filter(pk=alice.pk).update(user=boss)
        row.refresh_from_db()
        with pytest.raises(OwnCard):
            referrals.approve(referral=Referral.objects.get(), by=boss, now=NOON)

    def test_the_admin_shows_the_reason_and_the_buttons_to_those_who_may(self, alice):
        row, groups = self.held(alice), ensure_roles()
        pages = {}
        for role in ("manager", "auditor"):
            user, client = create_user(is_staff=True), Client()
            user.groups.add(groups[role])
            client.force_login(user)
            url = f"/admin/rewards/referral/{row.pk}/change/"
            pages[role] = client.get(url).content.decode()
            assert "own, but for dots" in pages[role]
            assert "alice" not in pages[role]
            if role == "manager":
                client.post(url, {"CHANGE_FORM-action": "approve", "_selected_action": str(row.pk)})
        assert "Let it through" in pages["manager"]
        assert "Let it through" not in pages["auditor"]
        row.refresh_from_db()
        assert row.state == State.WAITING


class TestConstraints:
    def test_one_offer_is_in_force(self):
        offer()
        with pytest.raises(IntegrityError), transaction.atomic():
            offer()

    def test_an_offer_gives_something(self):
        with pytest.raises(IntegrityError), transaction.atomic():
            offer(friend_points=0, advocate_points=0)

    def test_a_friend_comes_once(self, alice):
        offer()
        row = bring(alice, "bob@example.com")
        with pytest.raises(IntegrityError), transaction.atomic():
            referrals.note(friend=row.friend, code=code_of(create_customer()), email="b@x.example", device="", now=NOON)

    @pytest.mark.parametrize(
        "change", [{"state": "given"}, {"given_at": NOON}, {"state": "capped"}], ids=["given", "when", "capped"]
    )
    def test_states_fit_what_was_given(self, alice, change):
        offer()
        row = bring(alice, "bob@example.com")
        with pytest.raises(IntegrityError), transaction.atomic():
            Referral.objects.filter(pk=row.pk).update(**change)

    def test_nobody_is_their_own_friend(self, alice):
        offer()
        row = bring(alice, "bob@example.com")
        with pytest.raises(IntegrityError), transaction.atomic():
            Referral.objects.filter(pk=row.pk).update(friend=alice)


class TestPages:
    def signed_in(self, alice: Customer) -> Client:
        alice.user = create_user(email="alice@example.com")
        alice.save()
        client = Client()
        client.force_login(alice.user)
        return client

    def test_the_member_sees_the_link_what_it_brings_and_no_name(self, alice):
        offer()
        client = self.signed_in(alice)
        row = bring(alice, "bob@example.com")
        page = client.get("/friends/").content.decode()
        assert f"/r/{alice.referral_code.code}/" in page
        for words in ("50 points for joining", "100 points 14 days after", "Friend 1", "waiting for a first purchase"):
            assert words in page
        assert "bob@" not in page
        buy(row.friend)
        referrals.give_due(now=NOON + 30 * DAY)
        assert "your gift: 100 points" in client.get("/friends/").content.decode()

    def test_without_an_offer_the_page_says_so_and_makes_no_code(self, alice):
        page = self.signed_in(alice).get("/friends/").content.decode()
        assert "Nothing at the moment" in page
        assert not hasattr(Customer.objects.get(pk=alice.pk), "referral_code")

    def test_a_stranger_follows_the_link_joins_and_both_are_connected(self, alice, client, mailoutbox):
        offer()
        link = client.get(f"/r/{code_of(alice)}/")
        page = client.get(link.url).content.decode()
        assert "A friend sends you 50 points" in page
        code = code_of(alice)
        client.post("/join/", {"email": "bob@example.com", "friend": code})
        client.post("/join/code/", {"code": mailoutbox[-1].body.split("\n\n    ")[1].split("\n")[0]})
        row = Referral.objects.get()
        assert (row.customer, row.state) == (alice, State.WAITING)
        assert active(row.friend) == 50

    def test_a_member_who_follows_a_link_is_no_friend(self, alice, client, mailoutbox):
        offer()
        create_customer(name="Bob", email="bob@example.com")
        client.post("/join/", {"email": "bob@example.com", "friend": code_of(alice)})
        client.post("/join/code/", {"code": mailoutbox[-1].body.split("\n\n    ")[1].split("\n")[0]})
        assert not Referral.objects.exists()
