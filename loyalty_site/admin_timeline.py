"""The customer's timeline in the admin, with the form that adds a conversation to it."""

import datetime as dt
import uuid

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
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin.privacy import note_look
from customers.models import Customer
from loyalty_site import timelines
from surveys import contacts
from surveys.models import Case, ContactLogEntry
from surveys.models.case import OPEN_STATES

ON_RECORD = [ActionLocation.CHANGE_FORM]


class ContactForm(forms.ModelForm):
    """A conversation, in a few fields; the same form sent twice writes once."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    follow_up_date = forms.DateField(
        required=False, label=gettext_lazy("follow up on"), widget=forms.DateInput(attrs={"type": "date"})
    )

    class Meta:
        model = ContactLogEntry
        fields = ["channel", "direction", "topic", "text", "case", "duration_minutes", "follow_up_date"]
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, data: object = None, *, customer: Customer) -> None:
        super().__init__(data, auto_id="contact-%s")
        self.fields["case"].queryset = Case.objects.filter(customer=customer, state__in=OPEN_STATES).order_by("-pk")
        self.fields["case"].empty_label = _("none")


class TimelineOnCustomer:
    """Extend the admin of customers by the timeline."""

    @admin.action(location=ON_RECORD, description=gettext_lazy("Timeline"), permissions=["view"])
    def timeline(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Lead to everything that happened."""
        return redirect("admin:customers_customer_timeline", queryset.get().pk)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.timeline_view)
        return [path("<int:pk>/timeline/", view, name="customers_customer_timeline"), *super().get_urls()]

    def timeline_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what happened; a POST adds a conversation."""
        customer = get_object_or_404(Customer, pk=pk)
        if not self.has_view_permission(request, customer):
            raise PermissionDenied
        may_add = request.user.has_perm("surveys.add_contactlogentry") and customer.erased_at is None
        form = ContactForm(request.POST if request.method == "POST" else None, customer=customer)
        if request.method == "POST":
            if not may_add:
                raise PermissionDenied
            if form.is_valid():
                values = {name: form.cleaned_data[name] for name in form.Meta.fields}
                contacts.log(
                    customer=customer, by=request.user, now=timezone.now(), key=form.cleaned_data["key"], **values
                )
                messages.success(request, _("The conversation is written down."))
                return redirect(reverse("admin:customers_customer_timeline", args=[pk]))
        note_look(request, pk)
        events, older = timelines.timeline(customer=customer, reader=request.user, before=_moment(request))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": customer,
            "title": _("Timeline"),
            "subtitle": str(customer),
            "events": events,
            "older": older.isoformat() if older else "",
            "form": form,
            "may_add": may_add,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/customers/timeline.html", context)


def _moment(request: HttpRequest) -> dt.datetime | None:
    try:
        found = parse_datetime(request.GET.get("before", ""))
    except ValueError:
        return None
    return found if found and found.tzinfo else None
