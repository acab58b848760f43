"""Wishes to be erased, the list of the erased, and the page of what is kept how long: chosen here, what goes next and went last."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers import confirming, keeping, retention
from customers.history_admin import HistoryAdmin
from customers.models import AuditEvent, Erasure

MAY_RUN = "customers.erase_customer"


class PeriodsForm(forms.Form):
    """How many days what may be chosen is kept; empty is without end."""

    def __init__(self, data: Any = None, *, chosen: dict[str, int | None]) -> None:
        super().__init__(data, initial=chosen)
        for line in retention.table():
            if line.name in chosen:
                self.fields[line.name] = _days_field(line)


def _days_field(line: retention.Line) -> forms.IntegerField:
    period = keeping.period(line.name)
    words = {"least": period.least, "most": period.most}
    sentence = _("%(least)d to %(most)d days, or empty for without end.")
    bounds = (sentence if period.may_be_endless else _("%(least)d to %(most)d days.")) % words
    return forms.IntegerField(
        label=line.what, required=not period.may_be_endless, min_value=period.least, max_value=period.most,
        help_text=bounds,
    )  # fmt: skip


@admin.register(Erasure)
class ErasureAdmin(HistoryAdmin):
    """Wishes that wait, and the list of the erased."""

    change_list_template = "admin/customers/erasures.html"
    list_display = ["id", "record", "state", "reason", "asked_at", "due_at", "finished_at", "by"]
    list_filter = ["state", "reason"]
    list_select_related = ["by"]
    ordering = ["-pk"]
    fields = ["record", "state", "reason", "asked_at", "due_at", "finished_at", "by"]

    @admin.display(description=gettext_lazy("customer"))
    def record(self, row: Erasure) -> str:
        return f"#{row.customer_id}"

    def get_urls(self) -> list[URLPattern]:
        own = path("keeping/", self.admin_site.admin_view(self.keeping_view), name="customers_erasure_keeping")
        return [own, *super().get_urls()]

    def keeping_view(self, request: HttpRequest) -> HttpResponse:
        """Show what is kept how long and what goes with the next run; on a press, change a period or run now."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now, may_change = timezone.now(), request.user.has_perm(MAY_RUN)
        form = PeriodsForm(request.POST if "periods" in request.POST else None, chosen=keeping.chosen())
        if request.method == "POST":
            if not may_change:
                raise PermissionDenied
            if not confirming.confirmed_lately(request, now=now):
                return confirming.ask(request)
            if not form.is_bound:
                return self._take_away(request)
            if form.is_valid():
                return self._choose(request, form)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("What is kept how long"),
            "lines": [_row(line, form, request) for line in retention.table()], "form": form,
            "last": retention.last_run(), "may_run": may_change,
        }  # fmt: skip
        return TemplateResponse(request, "admin/customers/keeping.html", context)

    def _choose(self, request: HttpRequest, form: PeriodsForm) -> HttpResponse:
        now = timezone.now()
        for name in form.changed_data:
            keeping.choose(name=name, days=form.cleaned_data[name], by=request.user, now=now)
        messages.success(
            request, _("The periods are saved. The next night goes by them; what would go is in the table.")
        )
        return redirect("admin:customers_erasure_keeping")

    def _take_away(self, request: HttpRequest) -> HttpResponse:
        taken = sum(retention.run(now=timezone.now(), place=AuditEvent.Place.ADMIN, by=request.user).values())
        told = ngettext("%(number)d row or file is gone.", "%(number)d rows and files are gone.", taken)
        messages.success(request, told % {"number": taken})
        return redirect("admin:customers_erasure_keeping")


def _row(line: retention.Line, form: PeriodsForm, request: HttpRequest) -> dict[str, Any]:
    """Return a line of the table, with the field of its period for whoever may choose it."""
    field = form[line.name] if line.name in form.fields and request.user.has_perm(MAY_RUN) else None
    return {"line": line, "due": line.due(timezone.now()), "field": field, "period": keeping.period(line.name)}
