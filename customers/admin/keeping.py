"""Wishes to be erased, the list of the erased, and the page of what is kept how long: what goes next, what went last, and now."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers import confirming, retention
from customers.history_admin import HistoryAdmin
from customers.models import AuditEvent, Erasure

MAY_RUN = "customers.erase_customer"


@admin.register(Erasure)
class ErasureAdmin(HistoryAdmin):
    """Wishes that wait, and the list of the erased."""

    change_list_template = "admin/customers/erasures.html"
    list_display = ["id", "customer_id", "state", "reason", "asked_at", "due_at", "finished_at", "by"]
    list_filter = ["state", "reason"]
    list_select_related = ["by"]
    ordering = ["-pk"]
    fields = ["customer_id", "state", "reason", "asked_at", "due_at", "finished_at", "by"]

    @admin.display(description=gettext_lazy("customer"))
    def customer_id(self, row: Erasure) -> str:
        return f"#{row.customer_id}"

    def get_urls(self) -> list[URLPattern]:
        own = path("keeping/", self.admin_site.admin_view(self.keeping_view), name="customers_erasure_keeping")
        return [own, *super().get_urls()]

    def keeping_view(self, request: HttpRequest) -> HttpResponse:
        """Show what is kept how long and what goes with the next run; on a press, run now."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        if request.method == "POST":
            if not request.user.has_perm(MAY_RUN):
                raise PermissionDenied
            if not confirming.confirmed_lately(request, now=now):
                return confirming.ask(request)
            taken = sum(retention.run(now=now, place=AuditEvent.Place.ADMIN, by=request.user).values())
            told = ngettext("%(number)d row or file is gone.", "%(number)d rows and files are gone.", taken)
            messages.success(request, told % {"number": taken})
            return redirect("admin:customers_erasure_keeping")
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("What is kept how long"),
            "lines": [{"line": line, "due": line.due(now)} for line in retention.table()],
            "last": retention.last_run(), "may_run": request.user.has_perm(MAY_RUN),
        }  # fmt: skip
        return TemplateResponse(request, "admin/customers/keeping.html", context)
