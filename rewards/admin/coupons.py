"""Coupons and their uses, read only but for voiding."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin.columns import OfCustomerMixin
from customers.admin_panels import Panel, RecordMixin, list_url
from customers.admin_units import UnitsAdminMixin
from customers.history_admin import HistoryAdmin
from rewards import coupon_history
from rewards.admin.coupon_pages import void_page
from rewards.models import Coupon, CouponUse

ON_RECORD = [ActionLocation.CHANGE_FORM]
MOST_VOIDED = 200
MONEY = ("money", "")
STATE_WORDS = {
    **dict(Coupon.State.choices),
    "scheduled": gettext_lazy("scheduled"),
    "expired": gettext_lazy("expired"),
}


def state_word(coupon: Coupon) -> str:
    """Return the state of a coupon with what the clock adds."""
    return STATE_WORDS[coupon.state_at(timezone.now())]


@admin.register(Coupon)
class CouponAdmin(RecordMixin, OfCustomerMixin, HistoryAdmin):
    """Coupons by their last four symbols: the whole code is for the holder's eyes only."""

    list_display = ["id", "__str__", "batch", "member", "state_now", "uses", "issued_at", "expires_at"]
    list_display_links = ["id", "__str__"]
    list_filter = ["state"]
    list_select_related = ["customer"]
    actions = ["void_coupons"]
    search_help_text = gettext_lazy(
        "Member number, e-mail, phone or the beginning of the name; or the source of a coupon."
    )
    readonly_fields = ["member", "state_now"]
    fieldsets = [
        (None, {"fields": ["code_tail", "batch", "member", "state_now", "uses", "uses_allowed"]}),
        (gettext_lazy("Validity"), {"fields": ["issued_at", "starts_at", "expires_at", "reserved_until"]}),
        (gettext_lazy("Cause"), {"fields": ["source", "by", "seen_at", "voided_at", "voided_by", "void_reason"]}),
    ]

    @admin.display(description=gettext_lazy("state"))
    def state_now(self, coupon: Coupon) -> str:
        return state_word(coupon)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Coupon]:
        """Fetch the few batches apart: joined, SQLite would sort a whole batch to show its newest coupons."""
        return super().get_queryset(request).prefetch_related("batch")

    def panels(self, request: HttpRequest, obj: Coupon) -> list[Panel]:
        """Show what happened to it."""
        return [
            Panel(
                title=_("What happened to it"),
                columns=[_("at"), _("event"), _("by"), _("store"), _("note")],
                rows=[list(one) for one in coupon_history.history_of(coupon=obj)],
                empty="",
            )
        ]

    def own_search(self, term: str) -> dict[str, Any]:
        return {"source": term} if ":" in term else {}

    def has_void_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.change_coupon")

    def offers(self, action: str, obj: Coupon) -> bool:
        return action != "void_coupons" or obj.state_at(timezone.now()) not in ("redeemed", "voided", "expired")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(lambda request: void_page(self, request))
        return [path("void/", view, name="rewards_coupon_void"), *super().get_urls()]

    @admin.action(
        location=[ActionLocation.CHANGE_FORM, ActionLocation.CHANGE_LIST],
        description=gettext_lazy("Void"),
        description_plural=gettext_lazy("Void the chosen coupons"),
        permissions=["void"],
    )
    def void_coupons(self, request: HttpRequest, queryset: QuerySet[Coupon]) -> HttpResponse:
        """Lead to the page that asks why."""
        ids = list(queryset.order_by("pk").values_list("pk", flat=True)[: MOST_VOIDED + 1])
        if len(ids) > MOST_VOIDED:
            messages.error(
                request,
                _("At most %(limit)d coupons at a time; to stop all of them, pause the batch.")
                % {"limit": MOST_VOIDED},
            )
            return redirect(list_url(Coupon))
        return redirect(reverse("admin:rewards_coupon_void", query={"ids": ",".join(map(str, ids))}))


@admin.register(CouponUse)
class CouponUseAdmin(OfCustomerMixin, UnitsAdminMixin, HistoryAdmin):
    """Every redemption, and its return if there was one."""

    units = {"discount": MONEY}
    list_display = ["id", "coupon", "batch", "member", "store", "redeemed_at", "discount_shown", "returned_at"]
    list_filter = ["redeemed_at"]
    list_select_related = ["coupon__batch", "customer", "store"]
    ordering = ["-redeemed_at", "-pk"]
    fields = [
        "coupon",
        "batch",
        "number",
        "member",
        "store",
        "purchase",
        "discount",
        "redeemed_at",
        "recorded_at",
        "returned_at",
        "request_key",
        "return_key",
        "by",
    ]
    readonly_fields = ["member", "batch"]

    @admin.display(description=gettext_lazy("batch"))
    def batch(self, use: CouponUse) -> str:
        return use.coupon.batch.name
