"""A surprise from draft to answer: in the admin, approved by a second person, given at the till, exported row by row."""

import csv
import io
import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Customer, Product, Purchase, User
from customers.tests.factories import create_customer, create_store, create_user
from loyalty_site.roles import ensure_roles
from rewards import returns, surprise_gifts, surprise_plans, surprises, tasks, trials, uplift, uplift_words
from rewards.models import Assignment, Surprise, SurpriseGift
from rewards.tests.coupon_factories import create_batch
from rewards.tests.surprise_factories import DAY, buy, create_surprise, many
from rewards.till.access import token_of
from rewards.trials import Occasion

pytestmark = pytest.mark.django_db
FIELDS = {
    "name": "Pastry", "trigger": "purchase", "threshold": "1", "window": "day", "chance": "100", "segment": "", "gift": "thing",
    "points": "0", "thing_en": "a pastry", "thing_zh": "一块点心", "cost": "0.80", "budget": "100", "channel": "till",
    "hour_from": "9", "hour_until": "20", "waits_days": "30", "cooldown_days": "60", "odds": "50", "window_days": "60",
    "worthwhile": "5", "margin_rate": "50", "worthwhile_margin": "1", "message_cost": "0",
}  # fmt: skip


def staff(role: str) -> tuple[Client, User]:
    user = create_user(is_staff=True)
    user.groups.add(ensure_roles()[role])
    client = Client()
    client.force_login(user)
    return client, user


def press(client: Client, surprise: Surprise, action: str):
    page = reverse("admin:rewards_surprise_change", args=[surprise.pk])
    return client.post(page, {"CHANGE_FORM-action": action, "_selected_action": str(surprise.pk)}, follow=True)


def address(name: str, surprise: Surprise) -> str:
    return reverse(f"admin:rewards_surprise_{name}", args=[surprise.pk])


def test_a_surprise_is_drafted_by_one_and_approved_by_another():
    marketer, manager = staff("marketer")[0], staff("manager")[0]
    assert marketer.post(reverse("admin:rewards_surprise_add"), FIELDS).status_code == 302
    surprise = Surprise.objects.get()
    assert (surprise.cost, surprise.budget, surprise.odds, surprise.worthwhile) == (80, 10_000, 5_000, 500)
    assert marketer.get(address("approve", surprise)).status_code == 403
    page = manager.get(address("approve", surprise)).text
    assert "A fair coin gives 50 of 100 of those drawn a pastry" in page
    changed = marketer.post(address("change", surprise), FIELDS | {"odds": "60"})
    assert changed.status_code == 302
    manager.post(address("approve", surprise), {"version": 1})
    surprise.refresh_from_db()
    assert surprise.state == "draft"  # it was another version
    manager.post(address("approve", surprise), {"version": 2})
    surprise.refresh_from_db()
    assert (surprise.state, surprise.trial.odds, surprise.trial.planned > 2_754) == ("active", 6_000, True)


def test_a_manager_does_not_approve_their_own():
    manager = staff("manager")[0]
    manager.post(reverse("admin:rewards_surprise_add"), FIELDS)
    surprise = Surprise.objects.get()
    assert "another person has to approve it" in manager.get(address("approve", surprise)).text
    manager.post(address("approve", surprise), {"version": 1})
    surprise.refresh_from_db()
    assert surprise.state == "draft"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"gift": "coupon"}, "Choose a coupon."),
        ({"gift": "points"}, "Say how many points."),
        ({"gift": "reward"}, "Choose a thing of the catalogue."),
        ({"thing_en": ""}, "Say in a word or two what is handed over."),
        ({"trigger": "nth"}, "At least 2: the second purchase, or twice the usual pause."),
        ({"budget": "0.50"}, "The budget pays for at least one gift."),
        ({"odds": "99"}, "without anybody to compare, nobody knows"),
        ({"hour_from": "21"}, "The first hour comes before the last"),
    ],
)
def test_what_does_not_fit_is_said_at_the_field(change, sentence):
    answer = staff("marketer")[0].post(reverse("admin:rewards_surprise_add"), FIELDS | change)
    assert answer.status_code == 200
    assert sentence in answer.text.replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("batch", "cost"),
    [
        ({"cost_price": 250}, 750),  # and the 5.00 that it takes off
        ({"cost_price": 250, "value_kind": "gift", "value": 0}, 250),
        ({"value_kind": "multiplier", "value": 20_000}, None),
        ({"value_kind": "percent", "value": 1_000}, None),
    ],
)
def test_a_cost_that_nobody_typed_is_what_the_coupon_costs_or_asked_for(batch, cost):
    fields = FIELDS | {"gift": "coupon", "batch": create_batch(**batch).pk, "cost": ""}
    answer = staff("marketer")[0].post(reverse("admin:rewards_surprise_add"), fields)
    assert (cost is None) == ("Say what one costs" in answer.text)
    assert list(Surprise.objects.values_list("cost", flat=True)) == ([] if cost is None else [cost])


def test_what_runs_is_fixed_and_can_be_stopped():
    marketer = staff("marketer")[0]
    surprise = create_surprise()
    page = marketer.get(address("change", surprise)).text
    assert 'name="odds"' not in page
    assert marketer.post(address("change", surprise), FIELDS).status_code == 403
    press(marketer, surprise, "stop_drawing")
    surprise.refresh_from_db()
    assert (surprise.state, surprise.stop) == ("stopped", "hand")


def test_its_record_says_until_when_it_rests_and_why_it_stopped():
    client, now = staff("marketer")[0], timezone.now()
    surprise = create_surprise(now=now - DAY, budget=80)
    surprises.draw(surprise=surprise, occasions=occasions_of(many(3)), now=now)
    page = client.get(address("change", surprise)).text
    assert f"rests until {surprises.rests_until(surprise=surprise, now=now).isoformat()}" in page
    assert "of €0.80" in page
    surprise_plans.stop(surprise=surprise, because=Surprise.Stop.HARM, now=now)
    page = client.get(address("change", surprise)).text
    assert "it does not help" in page
    assert "rests until" not in page


def test_gifts_that_were_used_although_the_goods_came_back_stand_on_record_and_report():
    client, now = staff("marketer")[0], timezone.now()
    (alice,) = many(1)
    surprise, purchase = create_surprise(now=now - DAY), buy(alice, at=now)
    surprises.draw(surprise=surprise, occasions=[Occasion(alice.pk, "x", {}, purchase.pk)], now=now)
    surprise_gifts.hand_over(gift=surprise.gifts.get(), store=None, by=create_user(is_staff=True), now=now)
    for is_back in (False, True):
        if is_back:
            returns.refund(purchase=purchase, reference="back", quantities={1: 1}, occurred_at=now)
        report = client.get(address("report", surprise)).text
        assert ("1 gift was used although the goods came back." in report) is is_back
        facts = re.findall(r"leaked.*?(\d+)", client.get(address("change", surprise)).text, re.S | re.I)
        assert facts[0] == str(int(is_back))


def occasions_of(people: list[Customer]) -> list[Occasion]:
    return [Occasion(one.pk, f"x:{one.pk}", {}) for one in people]


def full(*, gift: int, control: int, number: int = 160) -> Surprise:
    """A surprise that ran three months ago, with so many of each half coming back."""
    then = timezone.now() - 90 * DAY
    surprise = create_surprise(now=then)
    found = occasions_of(many(number, enrolled_at=then - DAY))
    trials.assign(trial=surprise.trial, occasions=found, now=then)
    for is_gift, some in ((True, gift), (False, control)):
        rows = Assignment.objects.filter(trial=surprise.trial, is_gift=is_gift).select_related("customer")
        for row in rows.order_by("pk")[:some]:
            buy(row.customer, at=then + 5 * DAY)
    return surprise


def test_the_report_answers_in_words_and_figures():
    page = staff("marketer")[0].get(address("report", full(gift=60, control=15))).text
    assert "more came back because of it" in page
    assert "It pays." in page
    assert "160 customers count so far." in page
    assert page.count("<svg") >= 1


def test_the_report_is_complete_in_chinese():
    client = staff("marketer")[0]
    client.cookies["django_language"] = "zh-hans"
    page = client.get(address("report", full(gift=60, control=15)), headers={"accept-language": "zh-hans"}).text
    for sentence in ("因为它，每 100 位大约多回来", "划算。", "如何衡量", "公平的硬币"):
        assert sentence in page


def test_too_early_the_report_says_how_many_more():
    page = staff("marketer")[0].get(address("report", create_surprise())).text
    assert "Not enough yet: about 2,800 more customers would show a difference of 5 in 100." in page


def test_a_failed_check_replaces_the_figures():
    surprise = full(gift=60, control=15)
    assert "more came back" in staff("marketer")[0].get(address("report", surprise)).text
    left_out = Assignment.objects.filter(is_gift=False).order_by("pk")[:50]
    Assignment.objects.filter(pk__in=left_out.values("pk")).update(is_gift=True)
    page = staff("marketer")[0].get(address("report", surprise)).text
    assert "There is no result" in page
    assert "more came back" not in page
    assert "The figures" not in page


def test_every_customer_that_counts_is_a_row_without_a_name():
    surprise = full(gift=12, control=8, number=60)
    assert staff("marketer")[0].get(address("rows", surprise)).status_code == 403
    answer = staff("auditor")[0].get(address("rows", surprise))
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert len(rows) == 60
    assert sum(row["came_back"] == "true" for row in rows) == 20
    report = uplift.report(trial=surprise.trial, now=timezone.now())
    for arm, word in ((report.gift, "true"), (report.control, "false")):
        mine = [row for row in rows if row["gift"] == word]
        assert (len(mine), sum(row["came_back"] == "true" for row in mine)) == (arm.counted, arm.came_back)
    assert "Member" not in answer.getvalue().decode("utf-8-sig")


def test_all_of_a_kind_are_shown_together():
    for _number in range(2):
        full(gift=20, control=12, number=90)
    page = staff("marketer")[0].get(reverse("admin:rewards_surprise_families")).text
    assert "Borrowed" in page
    assert page.count(" %</td>") == 2


@pytest.fixture
def cashier() -> Client:
    client = staff("cashier")[0]
    client.post(reverse("till_station"), {"store": create_store().pk, "till": "1"})
    return client


def promised(surprise: Surprise) -> SurpriseGift:
    found = occasions_of(many(30, enrolled_at=surprise.approved_at - DAY))
    surprises.draw(surprise=surprise, occasions=found, now=timezone.now())
    return SurpriseGift.objects.select_related("customer").first()


def token(gift: SurpriseGift) -> str:
    return f"{reverse('till_sale')}?customer={token_of(gift.customer)}"


def test_the_till_says_what_to_give_and_notes_that_it_was_handed_over(cashier):
    gift = promised(create_surprise(now=timezone.now() - DAY))
    page = cashier.get(token(gift)).text
    assert "today: a pastry" in page
    answer = cashier.post(reverse("till_surprise", args=[gift.pk]), {"given": "1"}, follow=True)
    assert "The surprise is handed over." in answer.text
    assert "today: a pastry" not in answer.text
    gift.refresh_from_db()
    assert (gift.state, gift.assignment.cost) == ("given", 80)
    again = cashier.post(reverse("till_surprise", args=[gift.pk]), {"given": "1"}, follow=True)
    assert "This surprise is no longer open: given." in again.text


def test_a_declined_gift_is_noted(cashier):
    gift = promised(create_surprise(now=timezone.now() - DAY))
    cashier.post(reverse("till_surprise", args=[gift.pk]), {"declined": "1"})
    gift.refresh_from_db()
    assert (gift.state, gift.assignment.cost) == ("declined", 0)


def test_a_sale_at_the_till_draws_at_once_and_shows_it_on_the_next_page(cashier):
    create_surprise(now=timezone.now() - DAY, odds=9_000)
    product = Product.objects.create(sku="tea", name_en="Tea", price=500)
    shown = 0
    for customer in many(6, enrolled_at=timezone.now() - 9 * DAY):
        answer = cashier.post(
            reverse("till_sale"),
            {"key": uuid.uuid4(), "customer": token_of(customer), "line_product": product.pk, "line_quantity": "1",
             "line_price": "5.00", "line_discount": "", "record": "1"}, follow=True,
        )  # fmt: skip
        assert "Sale of" in answer.text
        shown += "today: a pastry" in answer.text
    assert Assignment.objects.count() == Purchase.objects.count() == 6
    assert shown == SurpriseGift.objects.count() >= 2


def test_the_worker_finds_purchases_of_other_doors_and_mails():
    create_surprise(now=timezone.now() - DAY)
    for customer in many(3, enrolled_at=timezone.now() - 9 * DAY):
        buy(customer, at=timezone.now())
    tasks.work_on_surprises()
    tasks.work_on_surprises()
    assert Assignment.objects.count() == 3


def test_small_shares_and_losses_are_written_as_people_say_them():
    assert [uplift_words.of_100(it) for it in (0.0004, 0.006, 0.064, 0.6, -0.014, 0)] == [
        "0.0",
        "0.6",
        "6.4",
        "60",
        "−1.4",
        "0",
    ]
    assert uplift_words.amount(-120).startswith("−")
    assert uplift_words.amount(80) == "€0.80"


def test_the_customers_own_gift_is_shown_to_nobody_else(cashier):
    gift = promised(create_surprise(now=timezone.now() - DAY))
    bob = create_customer(name="Bob")
    assert surprise_gifts.open_at_till(customer=gift.customer, now=timezone.now()) == [gift]
    assert surprise_gifts.open_at_till(customer=bob, now=timezone.now()) == []
    for customer, is_shown in ((gift.customer, True), (bob, False)):
        assert ("a pastry" in cashier.get(f"{reverse('till_sale')}?customer={token_of(customer)}").text) is is_shown
