"""Every list of the admin opens, searches, sorts and pages in a stable order (tests/plugin.py refuses any other)."""

import pytest
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.core.paginator import Paginator
from django.test import Client
from django.urls import reverse
from django.utils import translation

from customers.models import Store
from customers.tests.factories import create_store, create_user

SAME_IN_CHINESE = {"ID", "SKU"}
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def owner(db: None, client: Client) -> Client:
    client.force_login(create_user(email="owner@example.com", is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_opens_and_searches_and_sorts(owner: Client, model: type) -> None:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    model_admin = admin.site._registry[model]
    queries = [{}, {"p": "1"}, *({"o": str(column)} for column, _name in enumerate(model_admin.list_display, 1))]
    if model_admin.search_fields:
        queries += [{"q": text} for text in ("alice", "42", "+49 30 1234", "é%_'\"", "会员")]
    for query in queries:
        answer = owner.get(address, query)
        assert answer.status_code == 200, query


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_an_empty_form_opens_or_is_refused(owner: Client, model: type) -> None:
    answer = owner.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"))
    assert answer.status_code in (200, 302, 403)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_column_of_a_list_has_a_heading_in_chinese(model: type) -> None:
    model_admin = admin.site._registry[model]
    with translation.override("zh-hans"):
        headings = [str(label_for_field(name, model, model_admin)) for name in model_admin.list_display]
    assert [text for text in headings if text.isascii() and text not in SAME_IN_CHINESE] == []


@pytest.mark.django_db
def test_pages_in_an_order_left_to_chance_are_refused() -> None:
    create_store(code="one")
    with pytest.raises(AssertionError, match="pages of Store"):
        Paginator(Store.objects.order_by("name_en"), 10)
    assert Paginator(Store.objects.order_by("name_en", "pk"), 10).count == 1
