"""Rules, tiers and the books in the admin."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import User
from customers.tests.factories import create_customer, create_user
from rewards.models import BookProof, CouponUse, EarningRule, PointLot, PointTransaction, Tier
from rewards.models.coupon import Coupon
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award, create_rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client) -> User:
    user = create_user(is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def press(client: Client, row: EarningRule, action: str):
    address = reverse("admin:rewards_earningrule_change", args=[row.pk])
    return client.post(address, {"CHANGE_FORM-action": action, "_selected_action": str(row.pk)})


def test_a_published_rule_is_read_only_and_changed_by_a_new_version(client: Client, owner: User):
    rule = create_rule()
    address = reverse("admin:rewards_earningrule_change", args=[rule.pk])
    assert client.post(address, {"points": "9"}).status_code == 403
    assert "€1.00" in client.get(address).text
    answer = press(client, rule, "new_version")
    draft = EarningRule.objects.get(version=2)
    assert answer.url == reverse("admin:rewards_earningrule_change", args=[draft.pk])
    data = {
        "key": "other", "kind": "amount", "name_en": "base", "points": "2", "per_amount": "1.50", "multiplier": "1",
        "minimum_basket": "0", "expiry": "month_end", "expiry_months": "12", "weekdays": "76",
    }  # fmt: skip
    assert client.post(answer.url, data).status_code == 302
    press(client, draft, "publish")
    rule.refresh_from_db()
    draft.refresh_from_db()
    assert rule.retired_at == draft.published_at is not None
    assert (draft.key, draft.per_amount, draft.weekdays, draft.by) == ("base", 150, "67", owner)


def test_a_key_that_exists_needs_a_new_version(client: Client, owner: User):
    create_rule(key="base")
    data = {
        "key": "base", "kind": "visit", "name_en": "again", "points": "1", "per_amount": "0", "multiplier": "1",
        "minimum_basket": "0", "expiry": "never", "expiry_months": "12",
    }  # fmt: skip
    assert "There is a rule with this key" in client.post(reverse("admin:rewards_earningrule_add"), data).text


@pytest.mark.parametrize(
    ("metric", "typed", "kept"), [("spend", "500.00", 50_000), ("points", "500", 500), ("visits", "12", 12)]
)
def test_a_threshold_is_typed_by_its_metric(client: Client, owner: User, metric: str, typed: str, kept: int):
    data = {"code": "gold", "rank": "1", "name_en": "Gold", "metric": metric, "threshold": typed, "multiplier": "1.25"}
    assert client.post(reverse("admin:rewards_tier_add"), data).status_code == 302
    tier = Tier.objects.get()
    assert (tier.threshold, tier.multiplier) == (kept, 12_500)


def test_the_books_are_proven_by_a_button(client: Client, owner: User):
    award(create_customer(), 40)
    answer = client.post(reverse("admin:rewards_bookproof_prove"), follow=True)
    found = BookProof.objects.get()
    assert found.is_balanced
    assert "The books balance" in answer.text
    assert "Trial balance" in answer.text
    assert client.get(reverse("admin:rewards_bookproof_prove")).status_code == 405


def test_only_who_may_proves_the_books(client: Client):
    from loyalty_site.roles import ensure_roles

    groups = ensure_roles()
    for role, status in (("marketer", 403), ("cashier", 403), ("auditor", 302), ("manager", 302)):
        user = create_user(is_staff=True)
        user.groups.add(groups[role])
        client.force_login(user)
        assert client.post(reverse("admin:rewards_bookproof_prove")).status_code == status, role


@pytest.mark.parametrize("model", [PointTransaction, PointLot, Coupon])
def test_sixty_rows_take_as_many_queries_as_ten(client: Client, owner: User, model: type):
    address = reverse(f"admin:rewards_{model._meta.model_name}_changelist")
    batch = create_batch()

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert client.get(address).status_code == 200
        return len(caught)

    counts = []
    for size in (10, 50):
        for _ in range(size):
            customer = create_customer()
            award(customer, 5)
            issue_coupon(batch=batch, customer=customer)
        counts.append(queries())
    assert counts[0] == counts[1]


def test_an_auditor_reads_the_books_without_names(client: Client):
    from loyalty_site.roles import ensure_roles

    auditor, alice = create_user(is_staff=True), create_customer(name="Alice Morgan", email="alice@x.example")
    auditor.groups.add(ensure_roles()["auditor"])
    client.force_login(auditor)
    row = award(alice, 5)
    coupon = issue_coupon(customer=alice)
    pages = [
        reverse("admin:rewards_pointtransaction_changelist"),
        reverse("admin:rewards_pointtransaction_change", args=[row.pk]),
        reverse("admin:rewards_pointlot_changelist"),
        reverse("admin:rewards_pointbalance_change", args=[alice.pk]),
        reverse("admin:rewards_coupon_change", args=[coupon.pk]),
        reverse(f"admin:rewards_{CouponUse._meta.model_name}_changelist"),
    ]
    for address in pages:
        page = client.get(address)
        assert page.status_code == 200, address
        assert "Alice" not in page.text, address
        assert "alice@" not in page.text, address
