"""Two records of one person become one without loss, and part again within thirty days; the books balance at every step."""

import datetime as dt

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers import accounts, consents, enrolment, finding, merging, privacy
from customers.enrolment import Word
from customers.merging import CannotMerge
from customers.models import AuditEvent, Consent, Customer, CustomerMerge
from customers.tests.api_factories import Caller
from customers.tests.factories import create_customer, create_store, create_user
from rewards import catalogue, checkout, holds, proof, receipts, returns, statement, tiers
from rewards import merging as treasure
from rewards.models import PointBalance, PointTransaction, StampCard, Tier, TierMembership, ValueAccount
from rewards.sale import SoldLine
from rewards.tests.coupon_factories import issue_coupon
from rewards.tests.factories import award, create_rule
from rewards.tests.reward_factories import create_reward
from rewards.tests.stamp_factories import create_card, create_coffee, on_card
from rewards.tests.value_factories import give_credit, sell_card
from surveys import cases
from surveys.models import SurveyPreference

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def now() -> dt.datetime:
    return timezone.now()


@pytest.fixture
def by():
    return create_user(email="manager@shop.example", is_staff=True)


def person(number: str, now: dt.datetime, **fields) -> Customer:
    return enrolment.enrol(
        name="Li Wei", email=f"{number.lower()}@mail.example", member_number=number, source="till", now=now, **fields
    )


@pytest.fixture
def two(now) -> tuple[Customer, Customer]:
    """Whom the shop keeps, and the duplicate, both with something of everything."""
    kept = person("KEPT", now, words=[Word("email", "marketing", True), Word("email", "surveys", True)])
    other = person("OTHER", now, birthday=dt.date(1990, 5, 6), phone="+4930555777")
    consents.withdraw(customer=other, channel="email", purpose="marketing", wording="", source="t", by=None, now=now)
    consents.grant(customer=other, channel="sms", purpose="marketing", wording="w", source="t", by=None, now=now)
    create_rule()
    card, store, coffee = create_card(), create_store(), create_coffee()
    for customer in (kept, other):
        checkout.record_purchase(
            store=store, reference=customer.member_number, customer=customer, occurred_at=now,
            lines=[SoldLine(coffee, 3, 2_000)],
        )  # fmt: skip
        award(customer, 100, at=now, expires_at=now + 90 * DAY)
        award(customer, 25, at=now, activates_at=now + 5 * DAY)
        catalogue.redeem_reward(
            customer=customer, reward=create_reward(points_cost=10), now=now, key="6f1c1a52-2f5e-4a57-8f0e-a6f1f2b0a112"
        )
        issue_coupon(customer=customer, now=now)
        give_credit(customer, 1_000, at=now)
        sell_card(customer=customer, at=now)
        assert on_card(customer, card) == 3
    cases.open_case(customer=other, subject="unhappy", now=now)
    return kept, other


def merge(two, by, now) -> CustomerMerge:
    kept, other = two
    return merging.merge(kept=kept, duplicate=other, by=by, now=now)


def state(customer: Customer) -> dict[str, object]:
    """Return everything about a customer that an undo has to bring back."""
    customer = Customer.objects.get(pk=customer.pk)
    balance = PointBalance.objects.filter(customer=customer).first() or PointBalance()
    lots = customer.point_lots.filter(remaining__gt=0).values_list("remaining", "expires_at", "activates_at")
    credit = ValueAccount.objects.filter(customer=customer, kind="store_credit").first()
    return {
        "points": (balance.pending, balance.active, balance.held, balance.debt),
        "lots": sorted(lots, key=str),
        "facts": merging.facts(customer),
        "credit": (credit.paid, credit.promotional) if credit else (0, 0),
        "cards": sorted(ValueAccount.objects.filter(customer=customer, kind="gift_card").values_list("pk", flat=True)),
        "person": (
            customer.name,
            customer.birthday,
            customer.user_id,
            customer.is_personalised,
            customer.merged_into_id,
        ),
        "words": {key: word.is_granted for key, word in consents.latest(customer=customer).items() if word.is_granted},
    }


def create_tier(*, rank: int, threshold: int) -> Tier:
    return Tier.objects.create(code=f"t{rank}", name_en=f"Tier {rank}", rank=rank, threshold=threshold)


def balanced() -> None:
    found = proof.prove()
    assert found.faults == []
    assert sum(found.trial_balance.values()) == 0


class TestMerge:
    def test_nothing_is_lost(self, two, by, now):
        kept, other = two
        before = [state(kept), state(other)]
        merge(two, by, now)
        after, left = state(kept), state(other)
        assert after["points"] == tuple(a + b for a, b in zip(before[0]["points"], before[1]["points"], strict=True))
        assert left["points"] == (0, 0, 0, 0)
        assert after["lots"] == sorted([*before[0]["lots"], *before[1]["lots"]], key=str)
        assert after["credit"] == (2_000, 0)
        assert left["credit"] == (0, 0)
        assert after["cards"] == sorted([*before[0]["cards"], *before[1]["cards"]])
        figures = dict(after["facts"])
        assert (figures["Purchases"], figures["Coupons"], figures["Rewards to pick up"]) == ("2", "2", "2")
        assert figures["Stamps"].endswith(": 6")
        assert figures["Cases and conversations"] == "1"
        balanced()

    def test_old_numbers_addresses_and_cards_go_on_working(self, two, by, now):
        kept, _other = two
        merge(two, by, now)
        for term in ("OTHER", "other", "KEPT", "other@mail.example", "030 555777", "kept@mail.example"):
            assert [found.customer for found in finding.look(term)] == [kept], term
        assert finding.owner_of_code("OTHER") == kept

    def test_tills_and_shops_may_go_on_sending_the_old_number(self, two, by, now):
        merge(two, by, now)
        api = Caller()
        assert api.get("/customers/OTHER").json()["member_number"] == "KEPT"
        assert api.get("/customers/OTHER/balance").json()["member_number"] == "KEPT"
        merging.undo(merge=CustomerMerge.objects.get(), by=by, now=now + DAY)
        assert api.get("/customers/OTHER").json()["member_number"] == "OTHER"

    def test_a_no_beats_a_yes_and_a_yes_stands_where_nothing_was_said(self, two, by, now):
        kept, _other = two
        row = merge(two, by, now)
        assert state(kept)["words"] == {("email", "surveys"): True, ("sms", "marketing"): True}
        assert Consent.objects.filter(customer=kept, source=row.source).count() == 2

    def test_blanks_are_filled_and_nothing_said_is_overwritten(self, two, by, now):
        kept, other = two
        Customer.objects.filter(pk=other.pk).update(name="Other name")
        other.refresh_from_db()
        merge(two, by, now)
        kept.refresh_from_db()
        assert (kept.name, kept.birthday) == ("Li Wei", dt.date(1990, 5, 6))

    def test_one_log_in_opens_with_both_addresses(self, two, by, now):
        kept, _other = two
        users = [accounts.ensure_user(email=f"{name}@mail.example") for name in ("kept", "other")]
        for customer in two:
            customer.refresh_from_db()
        merge(two, by, now)
        assert accounts.ensure_user(email="other@mail.example") == users[0]
        assert set(EmailAddress.objects.filter(user=users[0]).values_list("email", flat=True)) == {
            "kept@mail.example", "other@mail.example"
        }  # fmt: skip
        users[1].refresh_from_db()
        assert not users[1].is_active
        assert Customer.objects.get(pk=kept.pk).user == users[0]

    def test_the_log_in_of_the_duplicate_follows_when_the_other_has_none(self, two, by, now):
        kept, other = two
        user = accounts.ensure_user(email="other@mail.example")
        other.refresh_from_db()
        merge(two, by, now)
        kept.refresh_from_db()
        assert kept.user == user
        assert user.is_active

    def test_the_stricter_wish_about_surveys_wins(self, two, by, now):
        kept, other = two
        SurveyPreference.objects.create(customer=kept, has_no_reminders=True)
        SurveyPreference.objects.create(customer=other, paused_until=now + DAY)
        row = merge(two, by, now)
        wish = SurveyPreference.objects.get(customer=kept)
        assert (wish.has_no_reminders, wish.paused_until) == (True, now + DAY)
        merging.undo(merge=row, by=by, now=now + DAY)
        wish.refresh_from_db()
        assert (wish.has_no_reminders, wish.paused_until) == (True, None)

    def test_a_debt_follows_and_the_points_of_the_other_pay_it(self, now, by):
        kept, other = person("KEPT", now), person("OTHER", now)
        award(kept, 100, at=now)
        earned = award(other, 50, at=now)
        PointBalanceOf(other).spend_and_return(earned, 30, now)
        assert PointBalance.objects.get(customer=other).debt == -30
        merging.merge(kept=kept, duplicate=other, by=by, now=now)
        assert PointBalance.objects.get(customer=kept).active == 70
        assert PointBalance.objects.get(customer=other).debt == 0
        balanced()

    def test_the_higher_tier_stands_and_the_purchases_of_both_count(self, two, by, now):
        kept, other = two
        create_tier(rank=0, threshold=0)
        tier = create_tier(rank=1, threshold=10_000)
        assert not TierMembership.objects.exists()
        row = merge(two, by, now)
        assert TierMembership.objects.open().get(customer=kept).tier == tier
        merging.undo(merge=row, by=by, now=now + DAY)
        assert not TierMembership.objects.open().filter(customer__in=[kept, other]).exists()

    def test_a_tier_of_the_duplicate_follows_and_goes_home(self, two, by, now):
        kept, other = two
        low, high = create_tier(rank=1, threshold=10**9), create_tier(rank=2, threshold=10**10)
        for customer, tier in ((kept, low), (other, high)):
            tiers.grant(customer=customer, tier=tier, note="", by=by, now=now)
        row = merge(two, by, now)
        assert TierMembership.objects.open().get(customer=kept).tier == high
        merging.undo(merge=row, by=by, now=now + DAY)
        assert TierMembership.objects.open().get(customer=kept).tier == low
        assert TierMembership.objects.open().get(customer=other).tier == high

    def test_both_histories_say_who_merged_them(self, two, by, now):
        row = merge(two, by, now)
        events = AuditEvent.objects.filter(action="merged", reference=row.source)
        assert {event.customer for event in events} == set(two)
        assert {event.by for event in events} == {by}


class PointBalanceOf:
    """Spend everything of a customer, then let goods come back."""

    @staticmethod
    def take_back(earned: PointTransaction, points: int, now: dt.datetime) -> None:
        from rewards import ledger

        ledger.reverse_award(award=earned, points=points, source="return:0", occurred_at=now)

    def __init__(self, customer: Customer) -> None:
        self.customer = customer

    def spend_and_return(self, earned: PointTransaction, points: int, now: dt.datetime) -> None:
        from rewards import ledger

        ledger.redeem(customer=self.customer, points=earned.points, source="spent", occurred_at=now)
        ledger.reverse_award(award=earned, points=points, source="back", occurred_at=now)


class TestLater:
    """What reaches the old record after the merge is carried over within a minute."""

    def test_a_return_of_an_old_purchase(self, two, by, now):
        kept, other = two
        before = PointBalance.objects.get(customer=other)
        merge(two, by, now)
        merged = PointBalance.objects.get(customer=kept)
        purchase = kept.purchases.get(reference="OTHER")
        returns.refund(purchase=purchase, reference="B-1", quantities={1: 3}, occurred_at=now + DAY)
        assert treasure.carry_over(now=now + DAY) == 0, "they were taken where they are now"
        assert PointBalance.objects.get(customer=other).debt == 0
        lines, __ = statement.page_of(customer=kept, before=None, size=20)
        assert [line.what for line in lines if line.points == "−60"] == ["Points taken back for a return"]
        receipt = receipts.receipt_of(purchase=purchase)
        assert (receipt["earned"], [move.points for move in receipt["moves"]]) == (60, ["+60", "−60"])
        assert "From your other member number" in [line.what for line in lines]
        balance = PointBalance.objects.get(customer=kept)
        assert balance.active == merged.active - 60
        assert before.active
        balanced()

    def test_stamps_of_an_old_purchase_are_taken_back_too(self, two, by, now):
        kept, _other = two
        merge(two, by, now)
        card = StampCard.objects.get()
        returns.refund(
            purchase=kept.purchases.get(reference="OTHER"), reference="B-1", quantities={1: 3}, occurred_at=now + DAY
        )
        treasure.carry_over(now=now + DAY)
        assert on_card(kept, card) == 3
        balanced()

    @pytest.mark.parametrize(
        ("spent", "others", "pieces", "active", "debt"),
        [
            (0, 0, 5, 0, 0),  # the same table as without a merge, rewards/tests/test_returns_of_what_is_gone.py
            (0, 50, 5, 50, 0),
            (100, 0, 5, 0, -100),
            (60, 0, 5, 0, -60),
            (60, 50, 5, 0, -10),
            (60, 50, 2, 50, 0),
            (60, 50, 3, 30, 0),
        ],
    )
    @pytest.mark.parametrize("is_told", [True, False])
    def test_what_expired_unspent_on_the_kept_record_counts_as_given_back(
        self, now, by, spent, others, pieces, active, debt, is_told
    ):
        from rewards import ledger

        kept, other = person("KEPT", now), person("OTHER", now)
        create_rule(expiry="rolling", expiry_months=1)
        purchase = checkout.record_purchase(
            store=create_store(), reference="R1", customer=other, occurred_at=now,
            lines=[SoldLine(create_coffee(), 5, 2_000)],
        )  # fmt: skip
        merging.merge(kept=kept, duplicate=other, by=by, now=now)
        if spent:
            ledger.redeem(customer=kept, points=spent, source="reward:1", occurred_at=now + DAY)
        if others:
            award(kept, others, at=now + DAY, expires_at=now + 400 * DAY)
        later = now + 40 * DAY
        if is_told:
            ledger.settle_many(customer_ids=[kept.pk], now=later)
        purchase.refresh_from_db()
        for number in range(pieces):
            returns.refund(purchase=purchase, reference=f"B{number}", quantities={1: 1}, occurred_at=later)
        treasure.carry_over(now=later)
        balance = PointBalance.objects.get(customer=kept)
        assert (balance.active, balance.debt) == (active, debt)
        assert PointBalance.objects.get(customer=other).debt == 0
        balanced()

    def test_points_that_wait_are_taken_before_those_of_other_purchases(self, now, by):
        kept, other = person("KEPT", now), person("OTHER", now)
        award(kept, 70, at=now)
        waiting = award(other, 50, at=now, activates_at=now + 7 * DAY)
        merging.merge(kept=kept, duplicate=other, by=by, now=now)
        PointBalanceOf.take_back(waiting, 50, now)
        balance = PointBalance.objects.get(customer=kept)
        assert (balance.pending, balance.active) == (0, 70)
        balanced()

    def test_points_on_hold_follow_when_the_hold_ends(self, two, by, now):
        kept, other = two
        hold = holds.place(
            customer=other, points=30, source="hold", occurred_at=now, expires_at=now + DAY
        )  # fmt: skip
        merge(two, by, now)
        assert PointBalance.objects.get(customer=other).held == 30
        before = PointBalance.objects.get(customer=kept).active
        holds.release(hold=hold, occurred_at=now + DAY / 2)
        treasure.carry_over(now=now + DAY / 2)
        assert PointBalance.objects.get(customer=kept).active == before + 30
        assert PointBalance.objects.get(customer=other).active == 0
        balanced()


class TestUndo:
    def test_everything_goes_home(self, two, by, now):
        before = [state(one) for one in two]
        row = merge(two, by, now)
        merging.undo(merge=row, by=by, now=now + DAY)
        assert [state(one) for one in two] == before
        assert [found.customer for found in finding.look("OTHER")] == [two[1]]
        balanced()

    def test_what_was_spent_stays_spent(self, two, by, now):
        from rewards import ledger

        row = merge(two, by, now)
        kept, other = two
        active = PointBalance.objects.get(customer=kept).active
        ledger.redeem(customer=kept, points=active, source="all", occurred_at=now)
        merging.undo(merge=row, by=by, now=now + DAY)
        assert PointBalance.objects.get(customer=other).active == 0
        assert PointBalance.objects.get(customer=kept).active == 0
        balanced()

    def test_log_ins_are_parted_again(self, two, by, now):
        users = [accounts.ensure_user(email=f"{name}@mail.example") for name in ("kept", "other")]
        for customer in two:
            customer.refresh_from_db()
        row = merge(two, by, now)
        accounts.ensure_user(email="other@mail.example")
        merging.undo(merge=row, by=by, now=now + DAY)
        assert [accounts.ensure_user(email=f"{name}@mail.example") for name in ("kept", "other")] == users

    def test_only_once_and_for_thirty_days(self, two, by, now):
        row = merge(two, by, now)
        with pytest.raises(CannotMerge, match="30 days"):
            merging.undo(merge=row, by=by, now=now + 31 * DAY)
        merging.undo(merge=row, by=by, now=now + 30 * DAY)
        with pytest.raises(CannotMerge, match="undone already"):
            merging.undo(merge=row, by=by, now=now + 30 * DAY)

    def test_they_can_be_merged_again(self, two, by, now):
        merging.undo(merge=merge(two, by, now), by=by, now=now + DAY)
        after = state(two[0])
        second = merging.merge(kept=two[0], duplicate=Customer.objects.get(pk=two[1].pk), by=by, now=now + 2 * DAY)
        merging.undo(merge=second, by=by, now=now + 3 * DAY)
        assert state(two[0])["points"] == after["points"]
        balanced()


class TestRefusals:
    def test_a_record_into_itself_or_twice(self, two, by, now):
        kept, other = two
        with pytest.raises(CannotMerge, match="itself"):
            merging.merge(kept=kept, duplicate=kept, by=by, now=now)
        merge(two, by, now)
        with pytest.raises(CannotMerge, match="already"):
            merging.merge(kept=kept, duplicate=Customer.objects.get(pk=other.pk), by=by, now=now)
        with pytest.raises(CannotMerge, match="already"):
            merging.merge(kept=kept, duplicate=other, by=by, now=now)
        assert CustomerMerge.objects.count() == 1

    def test_ones_own_card(self, two, by, now):
        Customer.objects.filter(pk=two[0].pk).update(user=by)
        two[0].refresh_from_db()
        with pytest.raises(CannotMerge, match="own card"):
            merge(two, by, now)


def test_the_preview_shows_what_happens_and_changes_nothing(two, by, now):
    before, posted = [state(one) for one in two], PointTransaction.objects.count()
    lines = {line.label: line for line in merging.preview(kept=two[0], duplicate=two[1], by=by, now=now)}
    assert [state(one) for one in two] == before
    assert (PointTransaction.objects.count(), CustomerMerge.objects.count()) == (posted, 0)
    line = lines["Spendable points"]
    assert (line.duplicate, line.kept, line.after) == ("150", "150", "300")
    merge(two, by, now)
    assert merging.facts(Customer.objects.get(pk=two[0].pk)) == [(line.label, line.after) for line in lines.values()]


def test_every_row_follows_or_says_why_it_stays(two):
    """A new model of customers follows by itself, stays by its rule, or its app moves it."""
    moved_by_their_app = {"rewards.CapUse"}
    following = {model._meta.label for model in merging.followers()}
    unsaid = {
        rule.model
        for rule in privacy.rules()
        if rule.link == "customer" and not rule.stays and rule.model not in following | moved_by_their_app
    }
    assert {"customers.Purchase", "rewards.Coupon", "surveys.Response"} <= following
    assert unsaid <= UNIQUE_TO_A_CUSTOMER, f"say stays=True for {unsaid}, or move them in belongings.py"


UNIQUE_TO_A_CUSTOMER = {"customers.Customer_preferred_categories", "customers.Customer_disliked_categories"}
amounts = st.lists(st.tuples(st.booleans(), st.integers(1, 90), st.sampled_from([0, 0, 3]), st.sampled_from([None, 1, 40])),
                   min_size=1, max_size=8)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(amounts, st.integers(0, 200), st.integers(0, 45))
def test_any_two_purses_merge_and_part_without_loss(some, spent, days):
    from django.db import transaction

    from rewards import ledger

    with transaction.atomic():
        now = timezone.now()
        two = create_customer(name="Alice"), create_customer(name="Alice")
        for is_other, points, wait, lasts in some:
            award(two[is_other], points, at=now, activates_at=now + wait * DAY,
                  expires_at=None if lasts is None else now + (wait + lasts) * DAY)  # fmt: skip
        sums = [state(one)["points"] for one in two]
        row = merging.merge(kept=two[0], duplicate=two[1], by=None, now=now)
        assert state(two[0])["points"] == tuple(map(sum, zip(*sums, strict=True)))
        active = state(two[0])["points"][1]
        if spend := min(spent, active):
            ledger.redeem(customer=two[0], points=spend, source="test:spend", occurred_at=now)
        balanced()
        merging.undo(merge=row, by=None, now=now + min(days, 30) * DAY)
        balanced()
        transaction.set_rollback(True)
