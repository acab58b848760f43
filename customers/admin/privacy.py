"""Export, erasure and merging on the customer's record, and who did or saw what."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import audit, confirming, duplicates, erasure, exports, merging, privacy
from customers.admin_pages import form_page
from customers.admin_panels import record_url
from customers.history_admin import HistoryAdmin
from customers.models import AuditEvent, Customer, CustomerMerge, DataExport, Erasure
from customers.pages.privacy import hand_out, make_or_ring

ON_RECORD = [ActionLocation.CHANGE_FORM]
EXPORT, ERASE, MERGE = "customers.export_customer", "customers.erase_customer", "customers.merge_customer"


class ExportForm(forms.Form):
    """Why staff hand a customer's data out."""

    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=DataExport.Reason)


class EraseForm(forms.Form):
    """The member number once more: what is erased stays erased."""

    member_number = forms.CharField(
        label=gettext_lazy("Member number, once more"), max_length=32,
        help_text=gettext_lazy("An erasure cannot be undone."), widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customer = customer

    def clean_member_number(self) -> str:
        """Only this customer's."""
        if self.cleaned_data["member_number"].strip() != self.customer.member_number:
            raise forms.ValidationError(_("This is not the member number of this customer."))
        return self.customer.member_number


class MergeForm(forms.Form):
    """Which other record is the same person."""

    duplicate = forms.CharField(label=gettext_lazy("Member number of the duplicate"), max_length=32)

    def clean_duplicate(self) -> Customer:
        """One that takes part."""
        found = Customer.objects.enrolled().filter(member_number=self.cleaned_data["duplicate"].strip()).first()
        if found is None:
            raise forms.ValidationError(_("No customer has this member number."))
        return found


class PrivacyOnCustomer:
    """Buttons of the customer's record; each page asks again who one is."""

    actions = ["export_data", "merge_with", "erase_data"]

    def has_export_data_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(EXPORT)

    def has_erase_data_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ERASE)

    def has_merge_with_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MERGE)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Export data"), permissions=["export_data"])
    def export_data(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Lead to the page that asks why."""
        return redirect("admin:customers_customer_export_data", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Merge a duplicate"), permissions=["merge_with"])
    def merge_with(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Lead to the page that asks which."""
        return redirect("admin:customers_customer_merge_with", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Erase"), permissions=["erase_data"])
    def erase_data(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Lead to the page that says what goes."""
        return redirect("admin:customers_customer_erase_data", queryset.get().pk)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        pages = {"export_data": self.export_view, "merge_with": self.merge_view, "erase_data": self.erase_view}
        own = [
            path(f"<int:pk>/{name.replace('_', '-')}/", wrap(view), name=f"customers_customer_{name}")
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """Note who opens a record."""
        response = super().change_view(request, object_id, *args, **kwargs)
        if request.method == "GET" and response.status_code == 200 and object_id.isdecimal():
            note_look(request, int(object_id))
        return response

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Note whose name, e-mail address and phone number a page of the list shows."""
        response = super().changelist_view(request, *args, **kwargs)
        if shown := getattr(response, "context_data", None) and response.context_data.get("cl"):
            note_look(request, *(one.pk for one in shown.result_list), action=AuditEvent.Action.FOUND)
        return response

    def export_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a file with everything, for a reason that is kept."""
        customer = _customer(request, pk, EXPORT)
        if not confirming.confirmed_lately(request, now=timezone.now()):
            return confirming.ask(request)
        form = ExportForm(request.POST or None)
        if form.is_bound and form.is_valid():
            now = timezone.now()
            row = exports.ask(
                customer=customer, by=request.user, reason=form.cleaned_data["reason"], now=now,
                place=AuditEvent.Place.ADMIN,
            )  # fmt: skip
            make_or_ring(row, now)
            messages.success(request, _("The file is made; fetch it here before it is deleted again."))
            return redirect("admin:customers_dataexport_changelist")
        return form_page(self, request, record=customer, form=form, title=_("Export data"), submit=_("Make a file"))

    def erase_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what would be lost, and erase once the member number is typed."""
        customer = _customer(request, pk, ERASE)
        if not confirming.confirmed_lately(request, now=timezone.now()):
            return confirming.ask(request)
        if customer.user_id == request.user.pk:
            raise PermissionDenied
        now = timezone.now()
        form = EraseForm(request.POST or None, customer=customer)
        if form.is_bound and form.is_valid():
            try:
                erasure.erase(
                    customer=customer, reason=Erasure.Reason.REQUEST, by=request.user, now=now,
                    place=AuditEvent.Place.ADMIN,
                )  # fmt: skip
            except (erasure.ErasedAlready, erasure.FilesBusy) as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("The customer is erased; the books are whole."))
                return redirect(record_url(customer))
        return form_page(
            self, request, record=customer, form=form, title=_("Erase"), submit=_("Erase for good"),
            template="admin/customers/erase.html", lost=privacy.would_be_lost(customer=customer, now=now),
        )  # fmt: skip

    def merge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask which record is the duplicate, show what would move, and merge."""
        customer = _customer(request, pk, MERGE)
        given = request.POST or ({"duplicate": number} if (number := request.GET.get("duplicate")) else None)
        form, lines, duplicate = MergeForm(given), [], None
        if form.is_bound and form.is_valid():
            duplicate, now = form.cleaned_data["duplicate"], timezone.now()
            asked = {"kept": customer, "duplicate": duplicate, "by": request.user, "now": now}
            try:
                if "_merge" in request.POST:
                    row = merging.merge(**asked)
                    messages.success(request, _("The two records are one now. You can undo this for 30 days."))
                    return redirect(record_url(row))
                lines = merging.preview(**asked)
                note_look(request, customer.pk, duplicate.pk)
            except merging.CannotMerge as error:
                form.add_error(None, str(error))
        return form_page(
            self, request, record=customer, form=form, title=_("Merge a duplicate"), submit=_("Show what would move"),
            template="admin/customers/merge.html", lines=lines, duplicate=duplicate,
        )  # fmt: skip


def note_look(request: HttpRequest, *customer_ids: int, action: AuditEvent.Action = AuditEvent.Action.VIEWED) -> None:
    """Write down that somebody in the office looked at customers."""
    audit.note_looks(
        action=action, place=AuditEvent.Place.ADMIN, customer_ids=customer_ids, by=request.user, now=timezone.now()
    )


def _customer(request: HttpRequest, pk: int, permission: str) -> Customer:
    if not request.user.has_perm(permission):
        raise PermissionDenied
    return get_object_or_404(Customer.objects.enrolled(), pk=pk)


def _one_line(*facts: object) -> str:
    """Return what there is of some facts, in one line; a dash when there is nothing."""
    return " · ".join(str(fact) for fact in facts if fact) or "–"


@admin.register(AuditEvent)
class AuditEventAdmin(HistoryAdmin):
    """Who did or saw what. The name of who it was is for auditors and managers; customers see role, place and store."""

    # Eleven facts in seven columns: a screen of 1280 pixels shows them all.
    list_display = ["occurred_at", "action", "member", "actor", "spot", "cause", "network"]
    list_filter = ["occurred_at", "action", "place"]
    list_select_related = ["customer", "by", "store", "api_key"]
    ordering = ["-occurred_at", "-pk"]
    search_fields = ["=customer__member_number", "=by__email", "=network", "=reference"]

    @admin.display(description=gettext_lazy("customer"))
    def member(self, event: AuditEvent) -> str:
        return event.customer.member_number if event.customer else "–"

    @admin.display(description=gettext_lazy("by"))
    def actor(self, event: AuditEvent) -> str:
        return _one_line(event.by or event.api_key, event.role)

    @admin.display(description=gettext_lazy("where"))
    def spot(self, event: AuditEvent) -> str:
        return _one_line(event.get_place_display(), event.store)

    @admin.display(description=gettext_lazy("reason"))
    def cause(self, event: AuditEvent) -> str:
        return _one_line(event.reason, event.reference)


@admin.register(DataExport)
class DataExportAdmin(HistoryAdmin):
    """Files with a customer's data; whoever may export fetches those that staff made."""

    list_display = ["id", "member", "state", "reason", "by", "asked_at", "expires_at", "file"]
    list_filter = ["state", "asked_at"]
    list_select_related = ["customer", "by"]
    ordering = ["-pk"]
    fields = ["member", "state", "reason", "by", "asked_at", "ready_at", "expires_at", "size", "file"]

    @admin.display(description=gettext_lazy("customer"))
    def member(self, row: DataExport) -> str:
        return row.customer.member_number

    @admin.display(description=gettext_lazy("file"))
    def file(self, row: DataExport) -> str:
        if row.state != DataExport.State.READY or row.by_id is None or row.expires_at <= timezone.now():
            return "–"
        return format_html('<a href="{}">{}</a>', reverse("admin:customers_dataexport_file", args=[row.pk]), _("Fetch"))

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:pk>/file/", self.admin_site.admin_view(self.file_view), name="customers_dataexport_file")
        return [own, *super().get_urls()]

    def file_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Hand out a file that staff made, to somebody who has lately shown who they are."""
        if not request.user.has_perm(EXPORT):
            raise PermissionDenied
        now = timezone.now()
        made = DataExport.objects.filter(state=DataExport.State.READY, by__isnull=False, expires_at__gt=now)
        row = get_object_or_404(made, pk=pk)
        if not confirming.confirmed_lately(request, now=now):
            return confirming.ask(request)
        return hand_out(row, place=AuditEvent.Place.ADMIN, by=request.user, now=now)


@admin.register(CustomerMerge)
class CustomerMergeAdmin(HistoryAdmin):
    """Merges, each of which can be undone for thirty days, and records that look like one person."""

    change_list_template = "admin/customers/merges.html"
    list_display = ["id", "kept", "duplicate", "merged_at", "by", "undo_until", "undone_at"]
    list_select_related = ["kept", "duplicate", "by"]
    ordering = ["-pk"]
    actions = ["undo"]
    fields = ["kept", "duplicate", "merged_at", "by", "undo_until", "undone_at", "undone_by"]

    def offers(self, action: str, obj: CustomerMerge) -> bool:
        """Only while it can be undone."""
        return obj.undone_at is None and timezone.now() <= obj.undo_until

    def has_undo_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MERGE)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Undo the merge"), permissions=["undo"])
    def undo(self, request: HttpRequest, queryset: QuerySet[CustomerMerge]) -> HttpResponse:
        """Part the two records again."""
        row = queryset.get()
        try:
            merging.undo(merge=row, by=request.user, now=timezone.now())
        except merging.CannotMerge as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The two records are apart again; what was spent since stays spent."))
        return redirect(record_url(row))

    def get_urls(self) -> list[URLPattern]:
        own = path("likely/", self.admin_site.admin_view(self.likely_view), name="customers_customermerge_likely")
        return [own, *super().get_urls()]

    def likely_view(self, request: HttpRequest) -> HttpResponse:
        """Show records that look like one person, each with the way to the preview."""
        if not request.user.has_perm(MERGE):
            raise PermissionDenied
        pairs = duplicates.likely()
        note_look(
            request, *(one.pk for pair in pairs for one in (pair.kept, pair.duplicate)), action=AuditEvent.Action.FOUND
        )
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("Likely duplicates"), "pairs": pairs,
        }  # fmt: skip
        return TemplateResponse(request, "admin/customers/duplicates.html", context)
