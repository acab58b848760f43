"""What was done at the tills, read only."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from customers.admin.columns import OfCustomerMixin
from customers.admin_panels import record_url
from customers.history_admin import HistoryAdmin
from customers.templatetags.loyalty import money
from rewards.models import TillAction


@admin.register(TillAction)
class TillActionAdmin(OfCustomerMixin, HistoryAdmin):
    """Every action of every till, newest first."""

    list_display = ["occurred_at", "kind", "store", "till", "member", "receipt", "moved", "by"]
    list_filter = ["kind", "store"]
    list_select_related = ["store", "customer", "purchase", "by"]
    fields = [
        "kind", "store", "till", "member", "receipt", "goods_back", "coupon_use", "undoes", "source", "moved", "by",
        "occurred_at", "recorded_at", "key",
    ]  # fmt: skip
    readonly_fields = ["member", "receipt", "moved"]

    @admin.display(description=_("receipt"))
    def receipt(self, action: TillAction) -> SafeString | str:
        if action.purchase is None:
            return "—"
        return format_html('<a href="{}">{}</a>', record_url(action.purchase), action.purchase.reference)

    @admin.display(description=_("money"))
    def moved(self, action: TillAction) -> str:
        return money(action.money) if action.money else "—"

    def own_search(self, term: str) -> dict[str, Any]:
        return {"source": term} if ":" in term else {}
