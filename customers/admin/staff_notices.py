"""What staff were told by mail, and whether it left."""

from django.contrib import admin

from customers.history_admin import HistoryAdmin
from customers.models import StaffNotice


@admin.register(StaffNotice)
class StaffNoticeAdmin(HistoryAdmin):
    """Notices to staff, newest first."""

    list_display = ["queued_at", "kind", "reader", "state", "finished_at"]
    list_filter = ["kind", "state"]
    list_select_related = ["reader"]
    fields = [
        "kind",
        "source",
        "context",
        "reader",
        "state",
        "queued_at",
        "not_before",
        "tries",
        "error",
        "finished_at",
    ]
