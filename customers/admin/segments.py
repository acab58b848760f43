"""Saved filters in the admin: conditions as a form, the count of today, a preview, and who entered and left."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from customers import csv_out, saved_filters, segment_uses, segments
from customers.admin.shop import StableKeyMixin
from customers.admin_panels import NEWEST, Fact, Panel, RecordMixin, may_view, record_url
from customers.history_admin import PortalAdmin
from customers.models import Customer, SavedFilter
from customers.segment_facts import FACTS
from customers.templatetags.loyalty import points


class SavedFilterForm(forms.ModelForm):
    """Name and conditions; each fact has a field, and an empty one asks nothing."""

    class Meta:
        model = SavedFilter
        fields = ["code", "name_en", "name_zh"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, fact in FACTS.items():
            self.fields[f"fact_{key}"] = fact.field()
            self.initial.setdefault(f"fact_{key}", self.instance.conditions.get(key))
        self.is_live = bool(self.instance.pk) and segment_uses.is_live(self.instance.key)
        for key in FACTS if self.is_live else ():
            self.fields[f"fact_{key}"].disabled = True

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.is_live:
            return data
        conditions = {
            key: fact.stored(data[f"fact_{key}"])
            for key, fact in FACTS.items()
            if data.get(f"fact_{key}") not in (None, "")
        }
        if conditions != self.instance.conditions:
            self.instance.conditions, self.instance.followed_at = conditions, None
        if not self.instance.conditions and not self.errors:
            raise forms.ValidationError(_("Choose at least one condition; for all customers there is “Everyone”."))
        return data


@admin.register(SavedFilter)
class SavedFilterAdmin(StableKeyMixin, RecordMixin, PortalAdmin):
    """Segments of one's own."""

    stable_key = "code"
    form = SavedFilterForm
    list_display = ["code", "name", "customers_now", "created_at", "followed_at"]
    search_fields = ["code", "name_en", "name_zh"]
    ordering = ["code"]

    @admin.display(description=gettext_lazy("Customers today"))
    def customers_now(self, saved: SavedFilter) -> str:
        return points(saved.customers_now)

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Count all filters of the page in one question."""
        shown = super().get_changelist_instance(request)
        counts = saved_filters.counts(saved_filters=shown.result_list, now=timezone.now())
        for saved in shown.result_list:
            saved.customers_now = counts[saved.pk]
        return shown

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.changes_file)
        return [path("<int:pk>/changes.csv", view, name="customers_savedfilter_changes"), *super().get_urls()]

    def changes_file(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Hand out everybody who entered or left, to whoever may read customers."""
        saved = get_object_or_404(SavedFilter, pk=pk)
        if not (self.has_view_permission(request, saved) and may_view(request.user, Customer)):
            raise PermissionDenied
        return csv_out.download(
            name=f"{saved.key}.csv",
            heading=[_("occurred at"), _("member number"), _("kind")],
            rows=saved_filters.changes(saved_filter=saved),
        )

    def get_form(self, request: HttpRequest, obj: SavedFilter | None = None, **kwargs: Any) -> Any:
        return super().get_form(request, obj, **{**kwargs, "fields": ["code", "name_en", "name_zh"]})

    def get_fieldsets(self, request: HttpRequest, obj: SavedFilter | None = None) -> Any:
        own = [(None, {"fields": ["code", "name_en", "name_zh"]})]
        if not (self.has_change_permission(request, obj) if obj else self.has_add_permission(request)):
            return own
        conditions = {"fields": [f"fact_{key}" for key in FACTS]}
        if obj is not None and segment_uses.is_live(obj.key):
            conditions["description"] = _(
                "The conditions stay as they are while something that was released uses them; make another filter instead."
            )
        return [*own, (gettext_lazy("All of this holds"), conditions)]

    def has_delete_permission(self, request: HttpRequest, obj: SavedFilter | None = None) -> bool:
        """What something names stays: nobody could say any more whom it means."""
        return super().has_delete_permission(request, obj) and not (obj and segment_uses.records_naming(obj.key))

    def facts(self, request: HttpRequest, obj: SavedFilter) -> list[Fact]:
        """Say how many customers the filter means now."""
        count = segments.members(obj.key, now=timezone.now()).count()
        return [Fact(label=_("Customers today"), value=count)]

    def panels(self, request: HttpRequest, obj: SavedFilter) -> list[Panel]:
        some = segments.members(obj.key, now=timezone.now()).order_by("-pk")[:NEWEST]
        events = obj.events.select_related("customer").order_by("-pk")[:NEWEST]
        sees = may_view(request.user, Customer)
        return [
            Panel(
                title=_("Some of them"),
                columns=[_("customer")],
                rows=[[_member(one, sees)] for one in some],
                empty=_("Nobody right now."),
            ),
            Panel(
                title=_("Used by"),
                columns=[_("kind"), pgettext("of a thing", "name")],
                rows=[[capfirst(row._meta.verbose_name), str(row)] for row in segment_uses.records_naming(obj.key)],
                empty=_("Nothing uses it yet."),
            ),
            Panel(
                title=_("Who entered and left"),
                columns=[_("customer"), _("kind"), _("occurred at")],
                rows=[[_member(one.customer, sees), one.get_kind_display(), one.occurred_at] for one in events],
                empty=_("Noted every night; nobody has entered or left yet."),
                all_url=reverse("admin:customers_savedfilter_changes", args=[obj.pk]) if sees else "",
            ),
        ]


def _member(customer: Customer, sees: bool) -> str:
    number = customer.member_number
    return format_html('<a href="{}">{}</a>', record_url(customer), number) if sees else number
