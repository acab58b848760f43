"""The books, read only: transactions, lots, balances; and the page that proves them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from customers.admin.columns import OfCustomerMixin
from customers.admin_panels import record_url
from customers.history_admin import HistoryAdmin, HistoryInline
from customers.templatetags.loyalty import signed
from rewards.admin.irregularities import irregularities_page
from rewards.models import LotAllocation, PointBalance, PointHold, PointLot, PointTransaction
from rewards.statement import signed_for_customer


class AllocationInline(HistoryInline):
    """Which lots a transaction drew on, or gave back to."""

    model = LotAllocation
    fields = ["lot", "points"]
    ordering = ["pk"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("lot")


@admin.register(PointTransaction)
class PointTransactionAdmin(OfCustomerMixin, HistoryAdmin):
    """Every movement of points, newest first."""

    change_list_template = "admin/rewards/transactions.html"
    list_display = ["id", "member", "occurred_at", "kind", "signed_points", "movement", "source", "active_after"]
    list_filter = ["occurred_at"]
    list_select_related = ["customer"]
    ordering = ["-occurred_at", "-pk"]
    search_help_text = _("Source such as purchase:1042, or member number, e-mail, phone or the beginning of the name.")
    readonly_fields = ["member", "signed_points"]
    inlines = [AllocationInline]
    fieldsets = [
        (None, {"fields": ["member", "sequence", "kind", "signed_points", "from_account", "to_account"]}),
        (_("Cause"), {"fields": ["source", "occurred_at", "recorded_at", "reverses", "store", "by", "reason", "note", "explanation"]}),
        (_("Balances after it"), {"fields": ["active_after", "pending_after", "held_after", "debt_after"]}),
        (_("Seal"), {"fields": ["key_number", "mac"], "classes": ["collapse"]}),
    ]  # fmt: skip

    @admin.display(description=_("points"))
    def signed_points(self, transaction: PointTransaction) -> str:
        return signed(signed_for_customer(transaction))

    @admin.display(description=_("movement"))
    def movement(self, transaction: PointTransaction) -> str:
        return f"{transaction.get_from_account_display()} → {transaction.get_to_account_display()}"

    def own_search(self, term: str) -> dict[str, Any]:
        return {"source": term} if ":" in term else {}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(irregularities_page)
        return [path("irregularities/", view, name="rewards_pointtransaction_irregularities"), *super().get_urls()]


@admin.register(PointLot)
class PointLotAdmin(OfCustomerMixin, HistoryAdmin):
    """What each award opened, and how much of it is left."""

    list_display = ["id", "member", "points", "remaining", "activates_at", "activated_at", "expires_at"]
    list_select_related = ["customer"]
    fields = [
        "member",
        "opened_by",
        "points",
        "remaining",
        "activates_at",
        "activated_at",
        "expires_at",
        "inactive_months",
        "lapses_at",
    ]
    readonly_fields = ["member", "opened_by"]

    @admin.display(description=_("opened by"))
    def opened_by(self, lot: PointLot) -> SafeString:
        return format_html('<a href="{}">{}</a>', record_url(lot.transaction), lot.transaction)


@admin.register(PointBalance)
class PointBalanceAdmin(OfCustomerMixin, HistoryAdmin):
    """The customers' accounts as the ledger keeps them."""

    list_display = ["member", "active", "pending", "held", "debt", "lifetime", "sequence", "updated_at"]
    list_select_related = ["customer"]
    fields = ["member", "active", "pending", "held", "debt", "lifetime", "sequence", "updated_at", "mac"]
    readonly_fields = ["member"]


@admin.register(PointHold)
class PointHoldAdmin(OfCustomerMixin, HistoryAdmin):
    """Points set aside for purchases that are not finished."""

    list_display = ["id", "member", "points", "captured", "state", "placed_at", "expires_at", "closed_at", "store"]
    list_filter = ["state"]
    list_select_related = ["customer", "store"]
    fields = ["member", "points", "captured", "state", "source", "placed_at", "expires_at", "closed_at", "store", "by"]
    readonly_fields = ["member"]
