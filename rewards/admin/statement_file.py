"""The customer's statement as a file for staff: with permission, a fresh log-in and a reason that is kept."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import csv_out
from customers.admin_pages import form_page
from customers.models import Customer
from customers.templatetags.loyalty import moment
from customers.timezones import programme_date
from rewards import statement_export


class ExportStatementForm(forms.Form):
    """Why a customer's data leaves the portal."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("Why the data leaves the portal, such as: the customer asked for it. Kept in the record's history."),
    )  # fmt: skip


class StatementFileOnCustomer:
    """Extend the admin of customers by the button that exports a statement."""

    actions = ["export_statement"]

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("customers.export_customer")

    @admin.action(
        location=[ActionLocation.CHANGE_FORM],
        description=gettext_lazy("Export statement"),
        permissions=["export"],
    )
    def export_statement(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Lead to the page that asks why."""
        return redirect("admin:customers_customer_export_statement", queryset.get().pk)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_statement_view)
        return [
            path("<int:pk>/export-statement/", view, name="customers_customer_export_statement"),
            *super().get_urls(),
        ]

    def export_statement_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Hand out the statement as CSV; whoever logged in a while ago proves again who they are."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        return reauthentication_required(self._export_statement)(request, pk)

    def _export_statement(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        customer = get_object_or_404(Customer.objects.enrolled(), pk=pk)
        form = ExportStatementForm(request.POST or None)
        if not (form.is_bound and form.is_valid()):
            return form_page(self, request, record=customer, form=form, title=_("Export statement"), submit=_("Export"))
        now = timezone.now()
        # Written before the first row goes out: a download that breaks off was a download all the same.
        self.log_change(
            request, customer, _("Statement exported: %(reason)s") % {"reason": form.cleaned_data["reason"]}
        )
        watermark = f"{request.user.email}, {moment(now)}"
        return csv_out.download(
            name=f"statement-{customer.member_number}-{programme_date(now)}.csv",
            heading=[*statement_export.heading(), _("Exported by")],
            rows=_marked(customer, watermark),
        )


def _marked(customer: Customer, watermark: str) -> Any:
    """Say in every row who took it out of the portal."""
    for row in statement_export.rows(customer=customer):
        yield [*row, watermark]
