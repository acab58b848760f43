"""Staff sell, top up, give and block in the admin, hand rewards over and cancel them; with their limits."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Customer, User
from customers.tests.factories import create_customer, create_store, create_user
from loyalty_site.roles import ensure_roles
from rewards import catalogue, value_accounts
from rewards.models import PointBalance, Reward, RewardOrder, Tier, ValueAccount, ValueMovement
from rewards.tests.factories import award
from rewards.tests.reward_factories import create_coupon_reward, create_reward
from rewards.tests.value_factories import give_credit, sell_card

pytestmark = pytest.mark.django_db
LIST = "/admin/rewards/valueaccount/"


def log_in(client: Client, role: str, **fields) -> User:
    user = create_user(email=f"{role}@example.com", is_staff=True, **fields)
    user.groups.add(ensure_roles()[role])
    client.force_login(user)
    return user


@pytest.fixture
def cashier(client: Client) -> User:
    return log_in(client, "cashier", store=create_store(code="harbour"))


@pytest.fixture
def alice() -> Customer:
    customer = create_customer(name="Alice", member_number="A1")
    award(customer, 250)
    return customer


def key_on(client: Client, address: str) -> str:
    return re.search(r'name="key" value="([0-9a-f-]+)"', client.get(address).text)[1]


def press(client: Client, record: object, action: str):
    address = reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
    return client.post(address, {"CHANGE_FORM-action": action, "_selected_action": str(record.pk)}, follow=True)


class TestGiftCards:
    def test_a_card_is_sold_once_and_its_code_shown_once(self, client: Client, cashier: User):
        data = {
            "key": key_on(client, f"{LIST}add/"),
            "amount": "50.00",
            "promotional": "5.00",
            "note": "Happy birthday",
        }
        first = client.post(f"{LIST}add/", data, follow=True)
        again = client.post(f"{LIST}add/", data, follow=True)
        card = ValueAccount.objects.get()
        code = value_accounts.code_of(card)
        assert code in first.text
        assert code in again.text
        movement = ValueMovement.objects.get()
        assert (movement.by, movement.store, movement.paid, movement.promotional) == (
            cashier,
            cashier.store,
            5_000,
            500,
        )
        assert client.get(f"{LIST}{card.pk}/code/").status_code == 404
        for address in (LIST, f"{LIST}{card.pk}/change/"):
            text = client.get(address).text
            assert card.code_tail in text
            assert code not in text
        assert f"{LIST}{card.pk}/change/" in client.get(LIST, {"q": code}).text

    def test_a_card_for_a_member_with_a_last_day(self, client: Client, cashier: User, alice: Customer):
        data = {"key": key_on(client, f"{LIST}add/"), "amount": "20", "member_number": "A1", "last_day": "2029-12-31"}
        client.post(f"{LIST}add/", data)
        card = ValueAccount.objects.get()
        assert (card.customer, card.expires_at.isoformat()) == (alice, "2029-12-31T23:00:00+00:00")
        answer = client.post(f"{LIST}add/", data | {"member_number": "B2", "amount": "0"})
        assert "No customer has this member number" in answer.text
        assert "Give an amount above 0" in answer.text

    def test_what_is_too_much_is_refused_with_its_reason(self, client: Client, cashier: User):
        data = {"key": key_on(client, f"{LIST}add/"), "amount": "600"}
        assert "more than one card may hold" in client.post(f"{LIST}add/", data).text
        data |= {"amount": "50", "promotional": "11"}
        assert "€10.00 at a time" in client.post(f"{LIST}add/", data).text
        assert not ValueAccount.objects.exists()

    def test_a_card_is_topped_up_and_given_to_within_the_limit(self, client: Client, cashier: User):
        card = sell_card(1_000)
        top_up, give = f"{LIST}{card.pk}/top-up/", f"{LIST}{card.pk}/give/"
        data = {"key": key_on(client, top_up), "amount": "15", "note": ""}
        assert "Booked: +€15.00" in client.post(top_up, data, follow=True).text
        client.post(top_up, data)
        data = {
            "key": key_on(client, give),
            "direction": "give",
            "amount": "4.50",
            "reason": "complaint",
            "note": "Sorry",
        }
        assert "Booked: +€4.50" in client.post(give, data, follow=True).text
        data = {"key": key_on(client, give), "direction": "take", "amount": "3", "reason": "correction", "note": "Slip"}
        assert "Booked: −€3.00" in client.post(give, data, follow=True).text
        card.refresh_from_db()
        assert (card.paid, card.promotional) == (2_500, 150)
        data = {"key": key_on(client, give), "direction": "give", "amount": "10.01", "reason": "goodwill", "note": "x"}
        assert "please ask a manager" in client.post(give, data).text

    def test_a_cashier_blocks_nothing_and_a_manager_does(self, client: Client, cashier: User):
        card = sell_card()
        assert client.get(f"{LIST}{card.pk}/block/").status_code == 403
        log_in(client, "manager")
        client.post(f"{LIST}{card.pk}/block/", {"reason": "stolen"})
        card.refresh_from_db()
        assert (card.state, card.block_reason) == ("blocked", "stolen")
        press(client, card, "unblock")
        old = value_accounts.code_of(card)
        shown = press(client, card, "new_code")
        card.refresh_from_db()
        assert card.state == "active"
        assert value_accounts.code_of(card) in shown.text
        assert value_accounts.find_by_code(old) is None

    def test_an_auditor_reads_and_books_nothing(self, client: Client):
        log_in(client, "auditor")
        card = sell_card()
        movement = card.movements.get()
        for address in (LIST, f"{LIST}{card.pk}/change/", f"/admin/rewards/valuemovement/{movement.pk}/change/"):
            assert client.get(address).status_code == 200
        for address in (f"{LIST}add/", f"{LIST}{card.pk}/top-up/", f"{LIST}{card.pk}/give/", f"{LIST}{card.pk}/block/"):
            assert client.get(address).status_code == 403

    def test_store_credit_begins_on_the_customers_page(self, client: Client, alice: Customer):
        log_in(client, "manager")
        press(client, alice, "store_credit")
        account = alice.value_accounts.get()
        assert account.kind == "store_credit"
        give_credit(alice, 1_234)
        assert "€12.34" in client.get(reverse("admin:customers_customer_change", args=[alice.pk])).text


class TestRewardOrders:
    def test_a_thing_is_found_by_its_ticket_and_handed_over_once(self, client: Client, cashier: User, alice: Customer):
        order = catalogue.redeem_reward(customer=alice, reward=create_reward(price=300), key="1", now=timezone.now())
        text = client.get("/admin/rewards/rewardorder/", {"q": catalogue.code_of(order)}).text
        assert f"/admin/rewards/rewardorder/{order.pk}/change/" in text
        assert "€3.00" in client.get(f"/admin/rewards/rewardorder/{order.pk}/change/").text
        press(client, order, "hand_over")
        order.refresh_from_db()
        assert (order.state, order.by, order.store) == ("handed_over", cashier, cashier.store)
        assert 'value="hand_over"' not in client.get(f"/admin/rewards/rewardorder/{order.pk}/change/").text

    def test_the_shop_cancels_with_a_reason_and_the_points_are_back(
        self, client: Client, cashier: User, alice: Customer
    ):
        order = catalogue.redeem_reward(customer=alice, reward=create_reward(), key="1", now=timezone.now())
        answer = client.post(f"/admin/rewards/rewardorder/{order.pk}/cancel/", {"note": "It broke"}, follow=True)
        order.refresh_from_db()
        assert "the points are back" in answer.text
        assert (order.state, order.cancelled_because, order.note) == ("cancelled", "shop", "It broke")
        assert PointBalance.objects.get(customer=alice).active == 250

    def test_nobody_hands_over_to_themselves(self, client: Client, cashier: User):
        own = create_customer(user=cashier)
        award(own, 100)
        order = catalogue.redeem_reward(customer=own, reward=create_reward(), key="1", now=timezone.now())
        assert "ask a colleague" in press(client, order, "hand_over").text
        order.refresh_from_db()
        assert order.state == "ordered"

    def test_a_marketer_looks_and_touches_nothing(self, client: Client, alice: Customer):
        log_in(client, "marketer")
        order = catalogue.redeem_reward(customer=alice, reward=create_reward(), key="1", now=timezone.now())
        assert client.get(f"/admin/rewards/rewardorder/{order.pk}/change/").status_code == 200
        assert client.get(f"/admin/rewards/rewardorder/{order.pk}/cancel/").status_code == 403


class TestRewardRecord:
    def test_a_marketer_puts_up_a_reward_with_everything(self, client: Client):
        log_in(client, "marketer")
        tier = Tier.objects.create(code="gold", name_en="Gold", rank=2, threshold=1)
        data = {
            "slug": "mug", "is_active": "on", "icon": "cup", "pick_up_days": "14", "name_en": "Mug", "points_cost": "500",
            "price": "2.50", "cost_price": "4.00", "minimum_tier": tier.pk, "segment": "regulars", "stock": "20",
        }  # fmt: skip
        answer = client.post("/admin/rewards/reward/add/", data)
        assert answer.status_code == 302, answer.text
        reward = Reward.objects.get()
        assert (reward.price, reward.segment, reward.minimum_tier, reward.pick_up_days) == (250, "regulars", tier, 14)
        wrong = client.post("/admin/rewards/reward/add/", data | {"slug": "x", "points_cost": "0", "price": "0"})
        assert "A reward costs points, money or both" in wrong.text
        batch = create_coupon_reward().batch
        wrong = client.post("/admin/rewards/reward/add/", data | {"slug": "x", "batch": batch.pk})
        assert "paid with points alone" in wrong.text

    def test_it_shows_how_it_goes(self, client: Client, alice: Customer):
        log_in(client, "manager")
        reward = create_reward(points_cost=50, stock=9, cost_price=400)
        orders = [
            catalogue.redeem_reward(customer=alice, reward=reward, key=str(n), now=timezone.now()) for n in range(3)
        ]
        catalogue.hand_over(order=orders[0], by=None, now=timezone.now())
        catalogue.cancel(order=orders[1], now=timezone.now(), because="customer")
        text = client.get(f"/admin/rewards/reward/{reward.pk}/change/").text
        assert "cost €4.00" in text
        assert text.count("/admin/rewards/rewardorder/") >= 3
        assert RewardOrder.objects.filter(reward=reward).count() == 3
        answer = client.post(f"/admin/rewards/reward/{reward.pk}/delete/", {"post": "yes"})
        assert answer.status_code == 403
