"""Columns that several lists share."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from customers.admin_panels import record_url
from customers.search import matching_ids


class OfCustomerMixin:
    """Rows that belong to a customer: a column with the member number (no name: auditors read these lists, too), and
    a search that understands whatever finds a customer.

    Lists name `customer` in `list_select_related`. `own_search(term)` adds what finds the row itself, by an index.
    """

    search_fields = ["customer__member_number"]
    search_help_text = _("Member number, e-mail, phone or the beginning of the customer's name.")

    @admin.display(description=_("customer"))
    def member(self, row: Any) -> SafeString | str:
        if row.customer_id is None:
            return _("guest")
        return format_html('<a href="{}">{}</a>', record_url(row.customer), row.customer.member_number)

    def own_search(self, term: str) -> dict[str, Any]:
        """Return the lookup that finds a row by its own key, or nothing."""
        return {}

    def get_search_results(self, request: Any, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term.strip():
            return queryset, False
        own = self.own_search(search_term.strip())
        if own and queryset.filter(**own).order_by().exists():
            return queryset.filter(**own), False
        return queryset.filter(customer_id__in=matching_ids(search_term)), False
