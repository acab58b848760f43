"""Gift cards, store credit and rewards through the API."""

import pytest

from customers.models import Customer, Store
from customers.models.api_key import ApiRequest
from customers.tests.api_factories import Caller, create_key, problem
from customers.tests.factories import create_customer, create_store
from rewards import catalogue, value_accounts
from rewards.coupons import code_of
from rewards.models import Coupon, PointBalance, RewardOrder, ValueAccount
from rewards.tests.factories import award
from rewards.tests.reward_factories import create_coupon_reward, create_reward

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Store:
    return create_store(code="harbour")


@pytest.fixture
def till(store: Store) -> Caller:
    return Caller(create_key(store=store))


@pytest.fixture
def alice() -> Customer:
    """A customer with 250 points."""
    customer = create_customer(member_number="A1")
    award(customer, 250)
    return customer


def sell(till: Caller, amount: int = 5_000, **fields) -> tuple[dict, str]:
    """Sell a card and read its code."""
    sold = till.post("/gift-cards", {"amount": amount} | fields).json()
    return sold, till.get(f"/gift-cards/{sold['account']['id']}/code").json()["code"]


class TestGiftCards:
    def test_a_card_is_sold_once_and_its_code_is_in_no_kept_answer(self, till: Caller):
        body = {"amount": 5_000, "promotional": 500}
        first = till.post("/gift-cards", body, once="card-1")
        assert (first.status_code, till.post("/gift-cards", body, once="card-1").content) == (201, first.content)
        card = ValueAccount.objects.get()
        found = first.json()["account"]
        assert (found["balance"], found["paid"], found["promotional"], found["ends_in"]) == (
            5_500,
            5_000,
            500,
            card.code_tail,
        )
        code = till.get(f"/gift-cards/{card.pk}/code").json()["code"]
        assert value_accounts.find_by_code(code) == card
        assert not any(code.replace("-", "")[:8] in row.body.replace("-", "") for row in ApiRequest.objects.all())
        other = Caller(create_key())
        assert problem(other.get(f"/gift-cards/{card.pk}/code")) == (404, "not_found")

    def test_it_is_looked_at_topped_up_spent_and_given_back(self, till: Caller):
        _sold, code = sell(till)
        assert till.post("/gift-cards/balance", {"code": code.lower()}).json()["balance"] == 5_000
        assert till.post("/gift-cards/top-up", {"code": code, "amount": 1_000}).json()["account"]["balance"] == 6_000
        body = {"code": code, "amount": 4_500}
        paid = till.post("/gift-cards/spend", body, once="pay-1")
        assert till.post("/gift-cards/spend", body, once="pay-1").content == paid.content
        assert (paid.json()["amount"], paid.json()["account"]["balance"]) == (-4_500, 1_500)
        short = till.post("/gift-cards/spend", body)
        assert (problem(short), short.json()["reason"], short.json()["available"]) == (
            (409, "value_refused"), "not_enough", 1_500,
        )  # fmt: skip
        part = till.post("/gift-cards/refund", {"movement": paid.json()["id"], "amount": 500})
        rest = till.post("/gift-cards/refund", {"movement": paid.json()["id"]})
        assert (part.json()["amount"], rest.json()["amount"]) == (500, 4_000)
        assert problem(till.post("/gift-cards/refund", {"movement": paid.json()["id"]})) == (409, "already_booked")

    def test_another_store_gives_nothing_back(self, till: Caller):
        _sold, code = sell(till)
        paid = till.post("/gift-cards/spend", {"code": code, "amount": 100}).json()
        hill = Caller(create_key(store=create_store(code="hill")))
        assert problem(hill.post("/gift-cards/refund", {"movement": paid["id"]})) == (404, "not_found")
        assert hill.post("/gift-cards/balance", {"code": code}).json()["balance"] == 4_900

    def test_a_wrong_code_is_a_miss_and_misses_are_counted(self, till: Caller):
        for _again in range(20):
            assert problem(till.post("/gift-cards/balance", {"code": "ABCD-EFGH-JKMN"})) == (404, "not_found")
        assert problem(till.post("/gift-cards/balance", {"code": "ABCD-EFGH-JKMN"})) == (429, "too_many_misses")

    def test_store_credit_is_found_by_its_owner(self, till: Caller, alice: Customer):
        body = {"member_number": "A1", "amount": 700}
        assert problem(till.post("/gift-cards/spend", body)) == (404, "not_found")
        assert till.post("/gift-cards/top-up", body | {"amount": 1_000}).json()["account"]["kind"] == "store_credit"
        assert till.post("/gift-cards/spend", body).json()["account"]["balance"] == 300
        sell(till, member_number="A1")
        items = till.get("/customers/A1/value").json()["items"]
        assert [(one["kind"], one["balance"]) for one in items] == [("store_credit", 300), ("gift_card", 5_000)]

    def test_a_claimed_card_needs_its_owner(self, till: Caller, alice: Customer):
        _sold, code = sell(till, member_number="A1")
        create_customer(member_number="B2")
        for body, reason in (({}, "customer_needed"), ({"member_number": "B2"}, "other_customer")):
            answer = till.post("/gift-cards/spend", {"code": code, "amount": 100} | body)
            assert answer.json()["reason"] == reason
        assert till.post("/gift-cards/spend", {"code": code, "amount": 100, "member_number": "A1"}).status_code == 201

    @pytest.mark.parametrize(
        "body", [{}, {"amount": 5}, {"code": "x", "amount": 0}, {"code": "x", "amount": "5"}], ids=str
    )
    def test_half_a_payment_is_none(self, till: Caller, body: dict):
        assert problem(till.post("/gift-cards/spend", body)) == (422, "invalid")


class TestRewards:
    def test_the_list_says_what_is_missing(self, till: Caller, alice: Customer):
        create_reward(slug="mug", points_cost=200)
        create_coupon_reward(slug="cake", points_cost=300)
        items = till.get("/customers/A1/rewards").json()["items"]
        assert [(one["reward"], one["missing"], one["refusal"], one["hands_out"]) for one in items] == [
            ("mug", 0, None, "pick_up"), ("cake", 50, "points", "coupon"),
        ]  # fmt: skip

    def test_a_thing_is_taken_once_handed_over_once_and_shown_with_its_ticket(self, till: Caller, alice: Customer):
        create_reward(slug="mug")
        body = {"member_number": "A1", "reward": "mug"}
        first = till.post("/reward-orders", body, once="take-1")
        assert (first.status_code, till.post("/reward-orders", body, once="take-1").content) == (201, first.content)
        order, found = RewardOrder.objects.get(), first.json()
        assert (found["state"], found["points"], found["coupon_ends_in"]) == ("ordered", 100, None)
        assert till.get(f"/reward-orders/{order.pk}/code").json() == {"code": catalogue.code_of(order)}
        assert problem(Caller(create_key()).get(f"/reward-orders/{order.pk}/code")) == (404, "not_found")
        done = till.post(f"/reward-orders/{order.pk}/hand-over", {}, once="give-1")
        assert (done.json()["state"], RewardOrder.objects.get().store.code) == ("handed_over", "harbour")
        assert till.post(f"/reward-orders/{order.pk}/hand-over", {}, once="give-1").content == done.content
        again = till.post(f"/reward-orders/{order.pk}/hand-over", {})
        assert (problem(again), again.json()["state"]) == ((409, "order_closed"), "handed_over")

    def test_a_coupon_is_taken_and_cancelled_with_its_points(self, till: Caller, alice: Customer):
        create_coupon_reward(slug="cake")
        taken = till.post("/reward-orders", {"member_number": "A1", "reward": "cake"}).json()
        coupon = Coupon.objects.get()
        assert (taken["state"], taken["coupon_ends_in"]) == ("issued", coupon.code_tail)
        assert till.get(f"/reward-orders/{taken['id']}/code").json() == {"code": code_of(coupon)}
        cancelled = till.post(f"/reward-orders/{taken['id']}/cancel", {}).json()
        coupon.refresh_from_db()
        assert (cancelled["state"], coupon.state, PointBalance.objects.get().active) == ("cancelled", "voided", 250)
        assert till.get(f"/reward-orders/{taken['id']}").json()["state"] == "cancelled"

    def test_what_cannot_be_taken_says_why(self, till: Caller, alice: Customer):
        create_reward(slug="far", points_cost=251)
        answer = till.post("/reward-orders", {"member_number": "A1", "reward": "far"})
        assert (problem(answer), answer.json()["reason"]) == ((409, "reward_refused"), "points")
        assert problem(till.post("/reward-orders", {"member_number": "A1", "reward": "none"})) == (404, "not_found")
