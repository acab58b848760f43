"""Tiers and rewards."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from customers.admin.shop import StableKeyMixin
from customers.admin_panels import Fact, Panel, RecordMixin, may_view
from customers.admin_units import UnitsAdminMixin
from customers.history_admin import PortalAdmin
from customers.templatetags.loyalty import money, points
from rewards.admin.reward_orders import orders_of_reward, reward_facts
from rewards.forms import TierForm
from rewards.models import Reward, RewardOrder, Tier
from rewards.value_forms import RewardForm


@admin.register(Tier)
class TierAdmin(StableKeyMixin, UnitsAdminMixin, PortalAdmin):
    """The levels of the programme."""

    form = TierForm
    stable_key = "code"
    units = {"multiplier": ("factor", "")}
    list_display = ["rank", "code", "name", "metric", "threshold_text", "multiplier_shown"]
    list_display_links = ["code", "name"]
    list_select_related = False
    search_fields = ["code", "name_en", "name_zh"]
    ordering = ["rank"]
    fieldsets = [
        (None, {"fields": ["code", "rank"]}),
        (_("Name"), {"fields": ["name_en", "name_zh"]}),
        (_("How it is reached, and what it gives"), {"fields": ["metric", "threshold", "multiplier"]}),
    ]

    @admin.display(description=_("threshold"))
    def threshold_text(self, tier: Tier) -> str:
        return money(tier.threshold) if tier.metric == Tier.Metric.SPEND else points(tier.threshold)

    def get_fieldsets(self, request: HttpRequest, obj: Tier | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        *others, (title, rest) = fieldsets
        return [*others, (title, {**rest, "fields": ["metric", "threshold_text", *rest["fields"][2:]]})]


@admin.register(Reward)
class RewardAdmin(StableKeyMixin, RecordMixin, UnitsAdminMixin, PortalAdmin):
    """What points can be exchanged for."""

    form = RewardForm
    stable_key = "slug"
    units = {
        "price": ("money", _("Paid in money on top of the points, at the counter; 0 when points are enough.")),
        "cost_price": ("money", _("What it costs the shop; customers never see it.")),
    }
    list_display = ["slug", "name", "points_cost", "price_shown", "left_text", "taken", "waiting", "is_active"]
    list_filter = ["is_active", "minimum_tier"]
    list_select_related = False
    search_fields = ["slug", "name_en", "name_zh"]
    ordering = ["slug"]
    prepopulated_fields = {"slug": ["name_en"]}
    readonly_fields = ["taken"]
    fieldsets = [
        (None, {"fields": ["slug", "is_active", "icon", "batch", "pick_up_days"]}),
        (_("In English"), {"fields": ["name_en", "description_en"]}),
        (_("In Chinese"), {"fields": ["name_zh", "description_zh"]}),
        (_("What it costs"), {"fields": ["points_cost", "price", "cost_price"]}),
        (_("For whom, when and how many"), {"fields": ["minimum_tier", "segment", "per_customer", "stock", "taken", "starts_at", "ends_at"]}),
    ]  # fmt: skip

    @admin.display(description=_("left"))
    def left_text(self, reward: Reward) -> str:
        return "∞" if reward.left is None else points(reward.left)

    @admin.display(description=_("waiting at the counter"))
    def waiting(self, reward: Reward) -> str:
        return points(reward.waiting_count)

    def get_queryset(self, request: HttpRequest) -> Any:
        waiting = Count("orders", filter=Q(orders__state=RewardOrder.State.ORDERED))
        return super().get_queryset(request).annotate(waiting_count=waiting)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Reward | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    def has_delete_permission(self, request: HttpRequest, obj: Reward | None = None) -> bool:
        """Orders point at rewards: one that was taken is switched off."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.orders.exists())

    def facts(self, request: HttpRequest, obj: Reward) -> list[Fact]:
        return reward_facts(obj)

    def panels(self, request: HttpRequest, obj: Reward) -> list[Panel]:
        return [orders_of_reward(obj)] if may_view(request.user, RewardOrder) else []
