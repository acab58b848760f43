"""Who showed at the till that they may spend, how, and what for."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from customers.admin.columns import OfCustomerMixin
from customers.history_admin import HistoryAdmin
from customers.models import SpendingProof


@admin.register(SpendingProof)
class SpendingProofAdmin(OfCustomerMixin, HistoryAdmin):
    """Proofs, newest first; the codes themselves are kept nowhere."""

    list_display = ["proved_at", "member", "kind", "by", "used_for", "used_at"]
    list_filter = ["kind", "proved_at"]
    list_select_related = ["customer", "by"]
    ordering = ["-proved_at", "pk"]
    fields = ["id", "member", "kind", "by", "proved_at", "expires_at", "used_for", "used_at"]
    readonly_fields = ["member"]
    search_help_text = _("Member number, e-mail, phone or the beginning of the customer's name.")
