"""Earning rules: drafts are edited, published versions read; buttons lead from one to the other."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin_pages import form_page
from customers.admin_panels import Fact, RecordMixin, record_url
from customers.admin_units import UnitsAdminMixin
from customers.history_admin import PortalAdmin
from customers.templatetags.loyalty import points
from customers.timezones import programme_date
from rewards import previews, rules
from rewards.forms import EarningRuleForm
from rewards.models import CapUse, EarningRule

ON_RECORD = [ActionLocation.CHANGE_FORM]


class StageFilter(admin.SimpleListFilter):
    """In force, drafted or retired; in force unless somebody asks for the others."""

    title = gettext_lazy("stage")
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("live", _("in force")), ("draft", _("draft")), ("retired", _("retired"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EarningRule]) -> QuerySet[EarningRule]:
        match self.value():
            case "live":
                return queryset.filter(published_at__isnull=False, retired_at=None)
            case "draft":
                return queryset.filter(published_at=None)
            case "retired":
                return queryset.filter(retired_at__isnull=False)
        return queryset


@admin.register(EarningRule)
class EarningRuleAdmin(RecordMixin, UnitsAdminMixin, PortalAdmin):
    """How points are earned, version by version."""

    form = EarningRuleForm
    units = {
        "per_amount": ("money", gettext_lazy("The amount that earns the points: 1.00 for one point per unit of money. Only for rules per amount.")),
        "multiplier": ("factor", ""),
        "minimum_basket": ("money", ""),
    }  # fmt: skip
    list_display = ["key", "version", "name", "stamp_card", "kind", "stage", "published_at", "retired_at"]
    list_filter = [StageFilter, "kind", "stamp_card"]
    list_select_related = ["stamp_card"]
    search_fields = ["key", "name_en", "name_zh"]
    ordering = ["key", "-version"]
    autocomplete_fields = ["product"]
    readonly_fields = ["version", "published_at", "retired_at", "by"]
    actions = ["preview", "publish", "new_version", "retire"]
    fieldsets = [
        (None, {"fields": ["key", "stamp_card", "kind", "event", "version"]}),
        (gettext_lazy("Name"), {"fields": ["name_en", "name_zh"]}),
        (gettext_lazy("What is earned"), {"fields": ["points", "per_amount", "multiplier", "cap_per"]}),
        (
            gettext_lazy("For what, where and when"),
            {
                "fields": [
                    "category",
                    "product",
                    "store",
                    "weekdays",
                    "from_time",
                    "until_time",
                    "minimum_basket",
                    "starts_at",
                    "ends_at",
                ]
            },
        ),
        (gettext_lazy("How long the points last"), {"fields": ["expiry", "expiry_months", "expiry_date"]}),
        (gettext_lazy("Life of this version"), {"fields": ["published_at", "retired_at", "by"]}),
    ]

    @admin.display(description=gettext_lazy("stage"))
    def stage(self, rule: EarningRule) -> str:
        if not rule.is_published:
            return _("draft")
        return _("in force") if rule.retired_at is None else _("retired")

    def get_readonly_fields(self, request: HttpRequest, obj: EarningRule | None = None) -> list[Any]:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "key"] if obj else fields

    def save_model(self, request: HttpRequest, obj: EarningRule, form: Any, change: bool) -> None:
        obj.by = request.user
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: EarningRule | None = None) -> bool:
        """A published version is read, never edited."""
        return super().has_change_permission(request, obj) and (obj is None or not obj.is_published)

    def has_delete_permission(self, request: HttpRequest, obj: EarningRule | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not obj.is_published)

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.change_earningrule")

    def offers(self, action: str, obj: EarningRule) -> bool:
        """Publish a draft; copy or retire what was published."""
        is_live = obj.is_published and obj.retired_at is None
        if action == "preview":
            return not obj.is_published and obj.kind != EarningRule.Kind.EVENT
        return {"publish": not obj.is_published, "new_version": obj.is_published, "retire": is_live}.get(action, True)

    def facts(self, request: HttpRequest, obj: EarningRule) -> list[Fact]:
        """How far this month's points are along, for a cap on the whole programme."""
        if obj.cap_per != EarningRule.CapPer.PROGRAMME_MONTH:
            return []
        month = programme_date(timezone.now()).replace(day=1)
        use = CapUse.objects.filter(key=obj.key, customer=None, period_date=month).first() or CapUse()
        return [
            Fact(label=_("earned this month"), value=points(use.points), hint=_("of %(limit)s") % {"limit": points(obj.points)}),
            Fact(label=_("cut off this month"), value=points(use.trimmed)),
        ]  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        return [path("<int:pk>/preview/", view, name="rewards_earningrule_preview"), *super().get_urls()]

    @admin.action(location=ON_RECORD, description=gettext_lazy("Preview"), permissions=["publish"])
    def preview(self, request: HttpRequest, queryset: QuerySet[EarningRule]) -> HttpResponse:
        """Lead to the page that computes last month with the draft."""
        return redirect("admin:rewards_earningrule_preview", queryset.get().pk)

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what last month's purchases would have earned under the rules in force, and with the draft."""
        if not self.has_publish_permission(request):
            raise PermissionDenied
        rule = get_object_or_404(EarningRule, pk=pk)
        if not self.offers("preview", rule):
            messages.warning(
                request, _("There is nothing to preview: only drafts that look at purchases have a preview.")
            )
            return redirect(record_url(rule))
        return form_page(
            self, request, record=rule, form=Form(), title=_("Preview"), submit="",
            template="admin/rewards/rule_preview.html", preview=previews.preview(draft=rule, now=timezone.now()),
        )  # fmt: skip

    @admin.action(location=ON_RECORD, description=gettext_lazy("Publish"), permissions=["publish"])
    def publish(self, request: HttpRequest, queryset: QuerySet[EarningRule]) -> HttpResponse:
        """Put the draft in force at once."""
        rule = queryset.get()
        return self._do(
            request, rule, lambda: rules.publish(rule=rule, now=timezone.now(), by=request.user), _("%(rule)s is in force from now on.")
        )  # fmt: skip

    @admin.action(location=ON_RECORD, description=gettext_lazy("New version"), permissions=["publish"])
    def new_version(self, request: HttpRequest, queryset: QuerySet[EarningRule]) -> HttpResponse:
        """Copy into a draft and open it."""
        rule = queryset.get()
        return self._do(
            request, rule, lambda: rules.draft_from(rule=rule, by=request.user), _("%(rule)s is a draft: change it, then publish it.")
        )  # fmt: skip

    @admin.action(location=ON_RECORD, description=gettext_lazy("Retire"), permissions=["publish"])
    def retire(self, request: HttpRequest, queryset: QuerySet[EarningRule]) -> HttpResponse:
        """Take the version out of force."""
        rule = queryset.get()
        return self._do(
            request, rule, lambda: rules.retire(rule=rule, now=timezone.now()), _("%(rule)s is no longer in force.")
        )

    def _do(
        self, request: HttpRequest, rule: EarningRule, act: Callable[[], EarningRule], sentence: str
    ) -> HttpResponse:
        try:
            rule = act()
        except (rules.RuleAlreadyPublished, rules.RuleNotLive) as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, rule, sentence % {"rule": rule})
            messages.success(request, sentence % {"rule": rule})
        return redirect(record_url(rule))
