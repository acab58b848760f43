"""Stores, categories and products."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from customers.admin_units import UnitsAdminMixin
from customers.history_admin import PortalAdmin
from customers.models import Category, Product, Store


class StableKeyMixin:
    """A key that imports and tills use can be chosen once."""

    stable_key: str

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, self.stable_key] if obj else fields


@admin.register(Store)
class StoreAdmin(StableKeyMixin, PortalAdmin):
    """Where people buy."""

    stable_key = "code"
    list_display = ["code", "name", "kind", "time_zone", "pending_days", "is_active"]
    list_filter = ["kind", "is_active"]
    list_select_related = False
    search_fields = ["code", "name_en", "name_zh"]
    ordering = ["code"]
    fieldsets = [
        (None, {"fields": ["code", "kind", "is_active"]}),
        (_("Name"), {"fields": ["name_en", "name_zh"]}),
        (_("Time and points"), {"fields": ["time_zone", "pending_days"]}),
    ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Receipts point at stores: a closed one is switched off."""
        return False


@admin.register(Category)
class CategoryAdmin(StableKeyMixin, PortalAdmin):
    """Groups of products."""

    stable_key = "code"
    list_display = ["code", "name_en", "name_zh", "is_sensitive"]
    list_filter = ["is_sensitive"]
    list_select_related = False
    search_fields = ["code", "name_en", "name_zh"]
    ordering = ["code"]


@admin.register(Product)
class ProductAdmin(StableKeyMixin, UnitsAdminMixin, PortalAdmin):
    """What the shop sells."""

    stable_key = "sku"
    units = {"price": ("money", "")}
    list_display = ["sku", "name", "category", "price_shown", "earns_points", "is_in_stock", "is_retired"]
    list_filter = ["earns_points", "is_in_stock", "is_retired"]
    list_select_related = ["category"]
    autocomplete_fields = ["category"]
    search_fields = ["sku", "name_en", "name_zh"]
    search_help_text = _("SKU or a part of the name.")
    ordering = ["sku"]
    fieldsets = [
        (None, {"fields": ["sku", "category", "price", "earns_points"]}),
        (_("Name"), {"fields": ["name_en", "name_zh"]}),
        (_("Availability"), {"fields": ["is_in_stock", "is_retired"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("category")
