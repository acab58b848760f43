"""Receipts, returns and consents: history, read only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from customers.admin.columns import OfCustomerMixin
from customers.admin_panels import record_url
from customers.admin_units import UnitsAdminMixin
from customers.history_admin import HistoryAdmin, HistoryInline
from customers.models import Consent, Purchase, PurchaseLine, Return
from customers.templatetags.loyalty import money

MONEY = ("money", "")


class LineInline(UnitsAdminMixin, HistoryInline):
    """The lines of a receipt."""

    model = PurchaseLine
    units = {"unit_price": MONEY, "discount": MONEY, "total": MONEY}
    fields = ["position", "product", "quantity", "unit_price", "discount", "total", "is_excluded"]
    ordering = ["position"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("product")


class ReturnInline(UnitsAdminMixin, HistoryInline):
    """What came back of a receipt."""

    model = Return
    units = {"total": MONEY}
    fields = ["reference", "occurred_at", "total", "reason"]
    ordering = ["pk"]
    show_change_link = True


@admin.register(Purchase)
class PurchaseAdmin(OfCustomerMixin, UnitsAdminMixin, HistoryAdmin):
    """Receipts, newest first."""

    units = {"total": MONEY, "discount": MONEY, "paid_by_points": MONEY, "excluded": MONEY}
    list_display = ["reference", "store", "member", "occurred_at", "total_shown", "paid"]
    list_filter = ["occurred_at", "store"]
    list_select_related = ["store", "customer"]
    ordering = ["-occurred_at", "-pk"]
    search_help_text = _(
        "Receipt number as it is printed, or member number, e-mail, phone or the beginning of the name."
    )
    fields = [
        "store", "till", "reference", "member", "occurred_at", "recorded_at",
        "total", "discount", "paid_by_points", "excluded", "paid", "by",
    ]  # fmt: skip
    readonly_fields = ["member", "paid"]
    inlines = [LineInline, ReturnInline]

    def own_search(self, term: str) -> dict[str, Any]:
        return {"reference": term}

    @admin.display(description=_("paid in money"))
    def paid(self, purchase: Purchase) -> str:
        return money(purchase.to_pay)


@admin.register(PurchaseLine)
class PurchaseLineAdmin(UnitsAdminMixin, HistoryAdmin):
    """What was sold, line by line; a search by SKU answers who bought a product."""

    units = {"unit_price": MONEY, "discount": MONEY, "total": MONEY}
    list_display = ["receipt", "position", "product", "quantity", "unit_price_shown", "discount_shown", "total_shown"]
    list_display_links = None
    list_select_related = ["purchase", "product"]
    search_fields = ["product__sku"]
    search_help_text = _("SKU as it is written in the list of products.")

    @admin.display(description=_("purchase"))
    def receipt(self, line: PurchaseLine) -> SafeString:
        return format_html('<a href="{}">{}</a>', record_url(line.purchase), line.purchase)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(product__sku=term) if term else queryset), False


@admin.register(Return)
class ReturnAdmin(UnitsAdminMixin, HistoryAdmin):
    """Goods that came back."""

    units = {"total": MONEY}
    list_display = ["reference", "purchase", "occurred_at", "total_shown", "reason", "by"]
    list_select_related = ["purchase", "by"]


@admin.register(Consent)
class ConsentAdmin(OfCustomerMixin, HistoryAdmin):
    """Who agreed to what, when, and in which words."""

    list_display = ["id", "member", "channel", "purpose", "is_granted", "source", "occurred_at"]
    list_select_related = ["customer"]
    fields = ["member", "channel", "purpose", "is_granted", "wording", "source", "by", "occurred_at", "recorded_at"]
    readonly_fields = ["member"]
