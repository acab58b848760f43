"""Mails about customers' own accounts: what left, what waits, what nobody knows."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from customers.admin.columns import OfCustomerMixin
from customers.history_admin import HistoryAdmin
from customers.models import Notice


@admin.register(Notice)
class NoticeAdmin(OfCustomerMixin, HistoryAdmin):
    """Notices, newest first."""

    list_display = ["kind", "member", "state", "queued_at", "finished_at", "tries", "error"]
    list_filter = ["state", "kind"]
    list_select_related = ["customer"]
    ordering = ["-queued_at", "pk"]
    fields = [
        "id", "member", "kind", "source", "context", "state", "not_before", "queued_at", "finished_at", "tries", "error",
    ]  # fmt: skip
    readonly_fields = ["member"]
    search_help_text = _("Member number, e-mail, phone or the beginning of the customer's name.")
