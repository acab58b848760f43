"""The preview of a draft: last month with the rules in force, and with the draft in their place."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Category, Customer, Product
from customers.timezones import programme_date, start_of_day
from rewards import checkout, previews, rules
from rewards.models import CapUse, EarningRule, PointTransaction
from rewards.sale import Receipt, SoldLine
from rewards.tests.factories import NOON, create_customer, create_rule, create_store, create_user
from rewards.tests.test_adjustments import staff
from rewards.tests.test_returns import buy

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
APRIL = NOON + 30 * DAY


def draft_of(rule: EarningRule, **changes) -> EarningRule:
    draft = rules.draft_from(rule=rule, by=create_user())
    EarningRule.objects.filter(pk=draft.pk).update(**changes)
    return EarningRule.objects.get(pk=draft.pk)


def draft(**fields) -> EarningRule:
    return create_rule(published_at=None, **fields)


@pytest.fixture
def march() -> Customer:
    """Alice buys for 10.00 and 20.00 in March; a guest, and she in April and February, count for nothing."""
    create_rule()
    alice = create_customer()
    buy((1_000, 1), customer=alice, reference="A")
    buy((2_000, 1), customer=alice, reference="B", occurred_at=NOON + DAY)
    buy((9_900, 1), customer=None, reference="guest")
    buy((9_900, 1), customer=alice, reference="C", occurred_at=APRIL)
    buy((9_900, 1), customer=alice, reference="D", occurred_at=NOON - 15 * DAY)
    return alice


def test_a_new_version_takes_the_place_of_the_old_one(march: Customer):
    found = previews.preview(draft=draft_of(EarningRule.objects.get(), points=3), now=APRIL)
    assert (found.month_date, found.purchases, found.computed, found.is_sample) == (dt.date(2026, 3, 1), 2, 2, False)
    assert (found.now, found.draft, found.change, found.more, found.less) == (30, 90, 60, 2, 0)
    assert [(row.reference, row.now, row.draft) for row in found.rows] == [("B", 20, 60), ("A", 10, 30)]


def test_a_new_rule_comes_on_top(march: Customer):
    found = previews.preview(draft=draft(key="visit", kind="visit", points=5), now=APRIL)
    assert (found.now, found.draft) == (30, 40)


def test_a_draft_that_begins_later_is_computed_as_if_it_held(march: Customer):
    later = draft(key="visit", kind="visit", points=5, starts_at=APRIL + DAY)
    assert previews.preview(draft=later, now=APRIL).change == 10


def test_caps_and_exclusions_are_previewed(march: Customer):
    capped = previews.preview(draft=draft(key="cap", kind="cap", cap_per="programme_month", points=15), now=APRIL)
    assert (capped.now, capped.draft, capped.less) == (30, 15, 1)
    gifts = Category.objects.create(code="gifts", name_en="Gift cards")
    Product.objects.filter(lines__purchase__reference="B").update(category=gifts)
    excluded = draft(key="gifts", kind="exclusion", points=0, category=gifts)
    assert previews.preview(draft=excluded, now=APRIL).draft == 10


def test_a_preview_writes_nothing(march: Customer):
    before = PointTransaction.objects.count()
    previews.preview(draft=draft(key="cap", kind="cap", cap_per="customer_day", points=15), now=APRIL)
    assert (PointTransaction.objects.count(), CapUse.objects.count()) == (before, 0)


def test_under_the_live_rules_it_is_what_was_awarded(march: Customer):
    create_rule(key="double", kind="multiplier", points=0, multiplier=20_000, weekdays="3")
    found = previews.preview(draft=draft_of(EarningRule.objects.get(key="base")), now=APRIL)
    assert (found.now, found.change, found.rows) == (50, 0, [])


def test_a_busy_month_is_sampled_evenly_in_a_handful_of_queries(monkeypatch, django_assert_max_num_queries):
    create_rule()
    store, product = create_store(), Product.objects.create(sku="x", name_en="X")
    customer = create_customer()
    checkout.record_many(
        [
            Receipt(
                store=store, reference=f"R{number}", customer_id=customer.pk, occurred_at=NOON + dt.timedelta(minutes=number),
                lines=[SoldLine(product, 1, 1_000)],
            )
            for number in range(100)
        ]
    )  # fmt: skip
    monkeypatch.setattr(previews, "MOST", 30)
    with django_assert_max_num_queries(10):
        found = previews.preview(draft=draft(key="visit", kind="visit", points=5), now=APRIL)
    assert (found.purchases, found.computed, found.is_sample) == (100, 25, True)
    assert (found.now, found.draft, len(found.rows)) == (250, 375, previews.SHOWN)


def test_the_button_leads_from_a_draft_to_its_preview():
    rule = create_rule()
    last_month = start_of_day(programme_date(timezone.now()).replace(day=1)) - DAY
    buy((1_000, 1), customer=create_customer(), reference="A", occurred_at=last_month)
    changed = draft_of(rule, points=4)
    client = Client()
    client.force_login(staff("manager"))
    address = reverse("admin:rewards_earningrule_change", args=[changed.pk])
    assert 'value="preview"' in client.get(address).text
    answer = client.post(address, {"CHANGE_FORM-action": "preview", "_selected_action": str(changed.pk)})
    page = client.get(answer.url).text
    assert "Points with the draft" in page
    assert "+30" in page
    live = reverse("admin:rewards_earningrule_preview", args=[rule.pk])
    assert client.get(live).status_code == 302
    assert 'value="preview"' not in client.get(reverse("admin:rewards_earningrule_change", args=[rule.pk])).text
    auditor = Client()
    auditor.force_login(staff("auditor"))
    assert auditor.get(answer.url).status_code == 403


def test_a_cap_and_an_exclusion_are_drafted_in_the_admin_and_what_makes_no_sense_is_refused():
    client, store = Client(), create_store()
    client.force_login(staff("manager"))
    add = reverse("admin:rewards_earningrule_add")
    base = {
        "key": "cap", "kind": "cap", "name_en": "At most 500 a day", "points": "500", "per_amount": "0", "multiplier": "1",
        "minimum_basket": "0", "expiry": "month_end", "expiry_months": "12",
    }  # fmt: skip
    assert "A cap, and only a cap, says per what" in client.post(add, base).text
    assert client.post(add, base | {"cap_per": "programme_month"}).status_code == 302
    page = client.get(reverse("admin:rewards_earningrule_change", args=[EarningRule.objects.get().pk])).text
    assert "cut off this month" in page.lower()
    excluding = base | {"key": "outlet", "kind": "exclusion", "points": "0"}
    assert "names a product, a category or a store" in client.post(add, excluding).text
    assert client.post(add, excluding | {"store": store.pk}).status_code == 302
    event = base | {"key": "welcome", "kind": "event", "event": "sign_up", "store": store.pk, "points": "0"}
    page = client.post(add, event).text
    assert "An event belongs to no store" in page
    assert "An event needs points." in page
