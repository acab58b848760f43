"""Stamp cards with what they gave, and the customers' cards, read only."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from customers.admin.columns import OfCustomerMixin
from customers.admin.shop import StableKeyMixin
from customers.admin_panels import Fact, Panel, RecordMixin, list_url, may_view, record_url
from customers.history_admin import HistoryAdmin, PortalAdmin
from customers.templatetags.loyalty import points
from rewards import stamps
from rewards.models import EarningRule, StampBalance, StampCard


@admin.register(StampCard)
class StampCardAdmin(StableKeyMixin, RecordMixin, PortalAdmin):
    """So many stamps, then a coupon; the rules of a card say what gives stamps."""

    stable_key = "code"
    list_display = ["code", "name", "stamps_needed", "batch", "started", "full"]
    list_select_related = ["batch"]
    search_fields = ["code", "name_en", "name_zh"]
    ordering = ["code"]
    autocomplete_fields = ["batch"]
    actions = ["add_rule"]
    fieldsets = [
        (None, {"fields": ["code", "icon", "stamps_needed", "batch"]}),
        (_("Name"), {"fields": ["name_en", "name_zh"]}),
    ]

    @admin.display(description=_("customers with stamps"))
    def started(self, card: StampCard) -> str:
        return points(card.started_count)

    @admin.display(description=_("filled cards"))
    def full(self, card: StampCard) -> str:
        return points(stamps.filled(card))

    def get_queryset(self, request: HttpRequest) -> QuerySet[StampCard]:
        started = Count("balances", filter=Q(balances__active__gt=0))
        return super().get_queryset(request).annotate(started_count=started)

    def get_readonly_fields(self, request: HttpRequest, obj: StampCard | None = None) -> list[Any]:
        """What customers collect for is no longer changed under their hands."""
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "stamps_needed"] if obj and obj.balances.exists() else fields

    def save_model(self, request: HttpRequest, obj: StampCard, form: Any, change: bool) -> None:
        obj.by = obj.by or request.user
        super().save_model(request, obj, form, change)

    def facts(self, request: HttpRequest, obj: StampCard) -> list[Fact]:
        sums = obj.balances.aggregate(given=Sum("lifetime", default=0), now=Sum("active", default=0))
        return [
            Fact(label=_("stamps given"), value=points(sums["given"]), hint=_("%(now)s on cards now") % {"now": points(sums["now"])}),
            Fact(label=_("filled cards"), value=points(stamps.filled(obj)), hint=_("each gave one coupon")),
            Fact(label=_("full and waiting"), value=points(stamps.waiting_for(obj)), hint=_("until the offer has coupons again")),
        ]  # fmt: skip

    def panels(self, request: HttpRequest, obj: StampCard) -> list[Panel]:
        if not may_view(request.user, EarningRule):
            return []
        rules = obj.rules.filter(retired_at=None).order_by("key", "version")
        rows = [
            [
                format_html('<a href="{}">{}</a>', record_url(rule), rule),
                rule.get_kind_display(),
                points(rule.points),
                _("in force") if rule.is_published else _("draft"),
            ]
            for rule in rules
        ]
        return [
            Panel(
                title=_("What gives stamps"), columns=[_("rule"), _("kind"), _("stamps"), _("stage")], rows=rows,
                numeric=frozenset({2}), all_url=list_url(EarningRule, stamp_card__id__exact=obj.pk),
                empty=_("No rule yet, so nobody gets a stamp: press “Add a rule”, then publish it."),
            )
        ]  # fmt: skip

    def has_add_rule_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.add_earningrule")

    @admin.action(location=[ActionLocation.CHANGE_FORM], description=_("Add a rule"), permissions=["add_rule"])
    def add_rule(self, request: HttpRequest, queryset: QuerySet[StampCard]) -> HttpResponse:
        """Lead to a new rule of the card: one stamp per piece, to be narrowed to products and published."""
        card = queryset.get()
        start = {
            "stamp_card": card.pk, "key": f"stamps-{card.code}", "kind": EarningRule.Kind.ITEM, "points": 1,
            "name_en": card.name_en, "name_zh": card.name_zh,
        }  # fmt: skip
        return redirect(f"{reverse('admin:rewards_earningrule_add')}?{urlencode(start)}")


@admin.register(StampBalance)
class StampBalanceAdmin(OfCustomerMixin, HistoryAdmin):
    """How far the customers' cards are, as the ledger keeps them."""

    list_display = ["member", "card", "active", "debt", "lifetime", "updated_at"]
    list_filter = ["card"]
    list_select_related = ["customer", "card"]
    fields = ["member", "card", "active", "debt", "lifetime", "sequence", "updated_at", "mac"]
    readonly_fields = ["member"]
