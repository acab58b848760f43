"""A saved filter that something selects by stays, and means the same customers as when it was released."""

import pytest
from django.test import Client
from django.urls import reverse

from customers.models import Category, SavedFilter
from customers.tests.factories import NOON, create_user
from rewards.models import CouponBatch, CouponPlan
from rewards.tests.coupon_factories import create_batch
from rewards.tests.surprise_factories import create_surprise
from surveys.models import Campaign
from surveys.tests.factories import create_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def saved() -> SavedFilter:
    category = Category.objects.create(code="tea", name_en="Tea")
    return SavedFilter.objects.create(code="tea", name_en="Tea lovers", conditions={"category": category.pk})


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(create_user(is_staff=True, is_superuser=True))
    return client


def change(owner: Client, saved: SavedFilter, **fields: object) -> str:
    form = {"code": "tea", "name_en": "Tea friends", "fact_visits_least": 3} | fields
    answer = owner.post(reverse("admin:customers_savedfilter_change", args=[saved.pk]), form)
    saved.refresh_from_db()
    return answer.headers.get("Location", "")


def delete(owner: Client, saved: SavedFilter) -> int:
    return owner.post(reverse("admin:customers_savedfilter_delete", args=[saved.pk]), {"post": "yes"}).status_code


def approve_plan(key: str) -> CouponPlan:
    people = {"requested_by": create_user(is_staff=True), "approved_by": create_user(is_staff=True)}
    return CouponPlan.objects.create(
        batch=create_batch(), audience="segment", segment=key, requested_at=NOON, approved_at=NOON, **people
    )


USES = {
    "plan": approve_plan,
    "surprise": lambda key: create_surprise(segment=key),
    "batch": lambda key: create_batch(segments=["everyone", key], state=CouponBatch.State.ACTIVE),
    "campaign": lambda key: create_campaign(segment=key, state=Campaign.State.SCHEDULED),
}


@pytest.mark.parametrize("use", USES)
def test_a_filter_that_is_in_use_keeps_its_conditions_and_stays(owner: Client, saved: SavedFilter, use: str):
    row = USES[use](saved.key)
    page = owner.get(reverse("admin:customers_savedfilter_change", args=[saved.pk])).text
    assert str(row) in page
    assert "The conditions stay as they are" in page
    assert delete(owner, saved) == 403
    assert change(owner, saved), "the name may change"
    assert (saved.name_en, list(saved.conditions)) == ("Tea friends", ["category"])


def test_several_are_not_deleted_together_either(owner: Client, saved: SavedFilter):
    create_batch(segments=[saved.key])
    listed = {"action": "delete_selected", "_selected_action": [saved.pk], "post": "yes"}
    owner.post(reverse("admin:customers_savedfilter_changelist"), listed)
    assert SavedFilter.objects.filter(pk=saved.pk).exists()


def test_a_draft_leaves_the_conditions_open_and_still_keeps_the_filter(owner: Client, saved: SavedFilter):
    create_surprise(segment=saved.key, is_running=False)
    assert delete(owner, saved) == 403
    change(owner, saved)
    assert list(saved.conditions) == ["visits_least"]


def test_a_filter_that_nothing_names_can_go(owner: Client, saved: SavedFilter):
    create_batch(segments=["filter-teapots"])
    assert "Nothing uses it yet" in owner.get(reverse("admin:customers_savedfilter_change", args=[saved.pk])).text
    assert delete(owner, saved) == 302
    assert not SavedFilter.objects.exists()
