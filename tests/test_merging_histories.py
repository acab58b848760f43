"""What else follows when two records become one: friends, surprises, likes, invitations and thanks; and what finds its way back."""

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from customers import audit, erasure, exports, merging
from customers.merging import CannotMerge
from customers.models import AuditEvent, Category, Customer, CustomerMerge, Erasure, User
from customers.tests.factories import NOON, create_customer, create_store, create_user
from rewards import proof, referrals, till_actions
from rewards.models import Assignment, Referral, ReferralCode, ReferralOffer, SurpriseRest, Trial
from rewards.tests.surprise_factories import buy, create_surprise
from rewards.tests.till_factories import Desk
from surveys.models import Invitation, LinkThanks, Run
from surveys.quarantine import recently_asked
from surveys.tests.factories import create_asker, create_campaign, create_run, invite

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def two() -> tuple[Customer, Customer]:
    return create_asker(name="Li Wei"), create_asker(name="Li Wei")


@pytest.fixture
def by() -> User:
    return create_user(is_staff=True)


def merge(two: tuple[Customer, Customer], by: User, *, now: dt.datetime = NOON) -> CustomerMerge:
    kept, duplicate = two
    return merging.merge(kept=kept, duplicate=duplicate, by=by, now=now)


def undo(row: CustomerMerge, by: User) -> None:
    merging.undo(merge=row, by=by, now=NOON + DAY)
    assert proof.prove().faults == []


class TestFriends:
    @pytest.fixture(autouse=True)
    def offer(self) -> ReferralOffer:
        return ReferralOffer.objects.create(advocate_points=100, friend_points=50, return_days=0, is_active=True)

    def code(self, customer: Customer) -> str:
        return referrals.code_of(customer=customer, device="", now=NOON).code

    def bring(self, member: Customer, friend: Customer) -> Referral:
        email = f"{friend.member_number.lower()}@friends.example"
        row = referrals.note(friend=friend, code=self.code(member), email=email, device="", now=NOON)
        assert row is not None
        return row

    def test_friends_of_the_duplicate_are_friends_of_the_kept_record(self, two, by):
        kept, other = two
        row = self.bring(other, create_customer(name="Bo"))
        merged = merge(two, by)
        buy(row.friend, at=NOON)
        assert referrals.give_due(now=NOON + 20 * DAY) == 1
        assert kept.point_transactions.filter(source=f"referral:{row.pk}").count() == 1
        undo(merged, by)
        assert Referral.objects.get().customer == other

    def test_both_links_go_on_bringing_friends_to_the_kept_record(self, two, by):
        kept, other = two
        codes = [self.code(kept), self.code(other)]
        row = merge(two, by)
        assert [referrals.member_of(code) for code in codes] == [kept, kept]
        assert self.bring(other, create_customer(name="Bo")).customer == kept
        undo(row, by)
        assert [referrals.member_of(code) for code in codes] == [kept, other]

    def test_the_only_code_moves_and_goes_home(self, two, by):
        kept, other = two
        code = self.code(other)
        row = merge(two, by)
        assert referrals.code_of(customer=kept, device="", now=NOON).code == code
        undo(row, by)
        assert ReferralCode.objects.get().customer == other

    def test_nobody_brings_themselves(self, two, by):
        kept, other = two
        row = self.bring(kept, other)
        assert row.state == Referral.State.WAITING
        merged = merge(two, by)
        row.refresh_from_db()
        assert (row.state, row.decided_by) == (Referral.State.REFUSED, by)
        undo(merged, by)
        row.refresh_from_db()
        assert (row.state, row.decided_by, row.decided_at) == (Referral.State.WAITING, None, None)

    def test_who_brought_somebody_is_kept_once(self, two, by):
        kept, other = two
        first, second = create_customer(name="Ann"), create_customer(name="Cem")
        self.bring(first, other)
        row = merge(two, by)
        assert Referral.objects.get(friend=kept).customer == first
        undo(row, by)
        assert Referral.objects.get(friend=other).customer == first
        self.bring(second, kept)
        merge((Customer.objects.get(pk=kept.pk), Customer.objects.get(pk=other.pk)), by, now=NOON + 2 * DAY)
        assert Referral.objects.get(friend=kept).customer == second
        assert Referral.objects.get(friend=other).customer == first


class TestSurprises:
    @pytest.fixture
    def trial(self) -> Trial:
        return create_surprise().trial

    def toss(self, trial: Trial, customer: Customer, number: int = 1) -> Assignment:
        return Assignment.objects.create(
            trial=trial, customer=customer, key=f"k:{customer.pk}:{number}", number=number, is_gift=False,
            assigned_at=NOON, since_at=NOON - DAY, closes_at=NOON + DAY,
        )  # fmt: skip

    def numbers(self, customer: Customer) -> list[int]:
        return list(Assignment.objects.filter(customer=customer).order_by("number").values_list("number", flat=True))

    def test_tosses_follow_behind_those_of_the_kept_record(self, two, by, trial):
        kept, other = two
        own = self.toss(trial, kept)
        for number in (1, 2):
            self.toss(trial, other, number)
        row = merge(two, by)
        assert (self.numbers(kept), self.numbers(other)) == ([1, 2, 3], [])
        assert Assignment.objects.counted().get(trial=trial) == own
        undo(row, by)
        assert (self.numbers(kept), self.numbers(other)) == ([1], [1, 2])

    def test_an_undo_leaves_no_gap_where_the_kept_record_was_drawn_since(self, two, by, trial):
        kept, other = two
        self.toss(trial, other)
        row = merge(two, by)
        self.toss(trial, kept, 2)
        undo(row, by)
        assert (self.numbers(kept), self.numbers(other)) == ([1], [1])

    def test_the_longer_rest_stands_until_they_are_parted(self, two, by):
        kept, other = two
        rests = {"purchase": (NOON + DAY, NOON + 9 * DAY), "tier": (NOON + 9 * DAY, NOON + DAY), "blue": (None, NOON)}
        for family, untils in rests.items():
            for customer, until in zip(two, untils, strict=True):
                if until:
                    SurpriseRest.objects.create(customer=customer, family=family, until_at=until)
        row = merge(two, by)
        found = dict(SurpriseRest.objects.filter(customer=kept).values_list("family", "until_at"))
        assert found == {"purchase": NOON + 9 * DAY, "tier": NOON + 9 * DAY, "blue": NOON}
        undo(row, by)
        found = dict(SurpriseRest.objects.filter(customer=kept).values_list("family", "until_at"))
        assert found == {"purchase": NOON + DAY, "tier": NOON + 9 * DAY}
        assert SurpriseRest.objects.filter(customer=other).count() == 3


def test_likes_are_added_where_the_kept_record_says_nothing(two, by):
    kept, other = two
    tea, coffee, cake = (Category.objects.create(code=word, name_en=word) for word in ("tea", "coffee", "cake"))
    kept.disliked_categories.add(tea)
    other.preferred_categories.add(tea, coffee)
    other.disliked_categories.add(cake)
    row = merge(two, by)
    assert set(kept.preferred_categories.all()) == {coffee}
    assert set(kept.disliked_categories.all()) == {tea, cake}
    undo(row, by)
    assert (set(kept.preferred_categories.all()), set(kept.disliked_categories.all())) == (set(), {tea})
    assert set(other.preferred_categories.all()) == {tea, coffee}


class TestSurveys:
    def test_who_was_asked_as_the_duplicate_is_not_asked_again(self, by):
        other = create_asker(name="Li Wei")
        invitation = invite(customer=other)
        invitation.messages.update(state="delivered", finished_at=NOON)
        kept, campaign, run = create_asker(name="Li Wei"), create_campaign(name="Another"), Run(pk=0)
        assert kept.pk not in recently_asked(campaign=campaign, run=run, customer_ids=[kept.pk], now=NOON + DAY / 2)
        row = merge((kept, other), by)
        assert Invitation.objects.get(pk=invitation.pk).customer == kept
        assert kept.pk in recently_asked(campaign=campaign, run=run, customer_ids=[kept.pk], now=NOON + DAY / 2)
        undo(row, by)
        assert Invitation.objects.get(pk=invitation.pk).customer == other

    def test_of_a_run_with_both_each_keeps_its_own(self, two, by):
        run = create_run()
        merge(two, by)
        assert [run.invitations.filter(customer=one).count() for one in two] == [1, 1]

    def test_nobody_is_thanked_twice_by_a_link(self, two, by):
        kept, other = two
        first, second = create_campaign(), create_campaign(name="Autumn")
        for campaign, customer in ((first, other), (second, kept), (second, other)):
            LinkThanks.objects.create(campaign=campaign, customer=customer, points=5, earned_at=NOON)
        row = merge(two, by)
        assert LinkThanks.objects.filter(customer=kept).count() == 2
        undo(row, by)
        assert LinkThanks.objects.filter(customer=other).count() == 2


def test_what_the_till_did_for_the_duplicate_can_be_undone_for_the_kept_record(two, by):
    kept, other = two
    desk = Desk(create_store())
    action = desk.sell(other, amount="12.50")
    merge(two, by, now=timezone.now())
    User.objects.filter(pk=desk.user.pk).update(is_superuser=True)
    done = till_actions.undo(station=desk.station, key=uuid.uuid4(), action=action, now=timezone.now())
    assert done.customer == kept
    assert done.goods_back.purchase.customer == kept
    assert proof.prove().faults == []


class TestThrice:
    """A record that was merged into one that is merged again: it belongs to the last of them in every respect."""

    @pytest.fixture
    def three(self, by) -> list[Customer]:
        first, second, third = (create_asker(name="Li Wei") for _ in range(3))
        audit.note_looks(
            action=AuditEvent.Action.VIEWED, place=AuditEvent.Place.ADMIN, customer_ids=[third.pk], now=NOON
        )
        merge((second, third), by)
        merge((first, Customer.objects.get(pk=second.pk)), by, now=NOON + DAY)
        return [Customer.objects.get(pk=one.pk) for one in (first, second, third)]

    def test_its_looks_are_shown(self, three):
        assert audit.looks_at(customer=three[0]).filter(action="viewed").count() == 1

    def test_its_rows_are_exported(self, three):
        walked = {rule.model: rows for rule, rows in exports._walk(three[0])}
        assert {row.pk for row in walked["customers.Customer"]} == {one.pk for one in three}

    def test_it_is_erased(self, three):
        erasure.erase(customer=three[0], reason=Erasure.Reason.REQUEST, by=None, now=NOON + 2 * DAY)
        assert not Customer.objects.filter(pk__in=[one.pk for one in three], erased_at=None).exists()
        assert not Customer.objects.exclude(name="").filter(pk__in=[one.pk for one in three]).exists()


def test_who_waits_to_be_erased_is_not_merged(two, by):
    erasure.ask(customer=two[1], now=NOON)
    with pytest.raises(CannotMerge, match="asked to be erased"):
        merge(two, by)
    erasure.call_off(customer=two[1], now=NOON)
    merge(two, by)
