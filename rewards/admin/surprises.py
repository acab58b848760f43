"""Surprises: drafted, approved by another person, watched with their effect, stopped; and what became of each gift."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin.columns import OfCustomerMixin
from customers.admin_panels import NEWEST, Fact, Panel, RecordMixin, list_url, record_url
from customers.admin_units import UnitsAdminMixin
from customers.history_admin import HistoryAdmin, PortalAdmin
from customers.templatetags.loyalty import money, points
from rewards import surprise_plans, surprises
from rewards.admin.surprise_pages import approve_page, families_page, report_page, rows_file
from rewards.models import Assignment, Surprise, SurpriseGift, SurpriseMonth
from rewards.surprise_forms import SurpriseForm

ON_RECORD = [ActionLocation.CHANGE_FORM]
State = Surprise.State


@admin.register(Surprise)
class SurpriseAdmin(RecordMixin, UnitsAdminMixin, PortalAdmin):
    """What is given without being promised, and whether it helps."""

    form = SurpriseForm
    change_list_template = "admin/rewards/surprises.html"
    units = {
        "cost": ("money", gettext_lazy("What one gift costs the shop. Empty takes the cost price.")),
        "budget": ("money", gettext_lazy("Once it is spent, nobody is drawn until the next month.")),
        "worthwhile_margin": (
            "money",
            gettext_lazy("The smallest gain per customer, after costs, that is worth knowing."),
        ),
        "message_cost": ("money", gettext_lazy("What sending one mail costs the shop.")),
        "odds": ("percent", gettext_lazy("How many of those drawn get the gift; the others are compared.")),
        "chance": ("percent", gettext_lazy("How many occasions are drawn; out of the blue, how many customers in a month.")),
        "worthwhile": (
            "percent",
            gettext_lazy("The smallest part more that should come back for it to be worth the trouble."),
        ),
        "margin_rate": ("percent", gettext_lazy("What is left of a sale after the goods are paid.")),
    }  # fmt: skip
    list_display = ["name", "state", "trigger", "gift", "channel", "budget_shown", "ends_at", "requested_by"]
    list_filter = ["state", "trigger", "channel"]
    list_select_related = ["requested_by"]
    search_fields = ["name"]
    readonly_fields = ["state", "stop", "stopped_at", "requested_by", "requested_at", "approved_by", "approved_at"]
    actions = ["approve", "report", "export", "stop_drawing"]
    fieldsets = [
        (None, {"fields": ["name"]}),
        (gettext_lazy("Occasion"), {"fields": ["trigger", "threshold", "window", "chance", "segment"]}),
        (
            gettext_lazy("Gift"),
            {
                "fields": ["gift", "batch", "points", "reward", "thing_en", "thing_zh", "cost", "budget"],
                "description": gettext_lazy("Never what customers were promised: a coin decides who gets it."),
            },
        ),
        (gettext_lazy("How"), {"fields": ["channel", "hour_from", "hour_until", "waits_days", "cooldown_days", "ends_at"]}),
        (
            gettext_lazy("The mail"),
            {
                "fields": ["subject_en", "message_en", "subject_zh", "message_zh"],
                "description": gettext_lazy(
                    "To those who agreed to offers by mail. Without words of your own, a friendly sentence is sent."
                ),
            },
        ),
        (
            gettext_lazy("What counts as success"),
            {
                "fields": ["odds", "window_days", "worthwhile", "margin_rate", "worthwhile_margin", "message_cost"],
                "description": gettext_lazy("Fixed once it is approved: whoever chooses afterwards always finds something."),
            },
        ),
        (
            gettext_lazy("Record"),
            {
                "fields": ["state", "stop", "stopped_at", "requested_by", "requested_at", "approved_by", "approved_at"],
                "classes": ["collapse"],
            },
        ),
    ]  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: Surprise | None = None) -> bool:
        """A draft alone can be changed; what runs is fixed, its buttons excepted."""
        return super().has_change_permission(request, obj) and (obj is None or obj.state == State.DRAFT)

    def has_delete_permission(self, request: HttpRequest, obj: Surprise | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.state == State.DRAFT)

    def has_activate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.activate_surprise")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.export_surprise")

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.change_surprise")

    def save_model(self, request: HttpRequest, obj: Surprise, form: Any, change: bool) -> None:
        now = timezone.now()
        if not change:
            obj.requested_by, obj.requested_at = request.user, now
        super().save_model(request, obj, form, change)
        if change and form.has_changed():
            surprise_plans.redraft(surprise=obj, by=request.user, now=now)

    def offers(self, action: str, obj: Surprise) -> bool:
        match action:
            case "approve":
                return obj.state == State.DRAFT
            case "stop_drawing":
                return obj.state == State.ACTIVE
        return obj.state != State.DRAFT

    def facts(self, request: HttpRequest, obj: Surprise) -> list[Fact]:
        now = timezone.now()
        month = SurpriseMonth.objects.filter(surprise=obj, month_date=surprises.month_of(now)).first()
        rests = surprises.rests_until(surprise=obj, now=now) if obj.state == State.ACTIVE else None
        hint = _("rests until %(day)s") % {"day": rests.isoformat()} if rests else ""
        rows = Assignment.objects.filter(trial=obj.trial_id) if obj.trial_id else Assignment.objects.none()
        limit = _("of %(limit)s") % {"limit": money(obj.budget)}
        return [
            Fact(label=_("state"), value=obj.get_state_display(), hint=obj.get_stop_display() or hint),
            Fact(label=_("drawn"), value=points(rows.count())),
            Fact(label=_("gifts given"), value=points(obj.gifts.filter(state=SurpriseGift.State.GIVEN).count())),
            Fact(label=_("spent this month"), value=money(month.spent if month else 0), hint=limit),
            Fact(label=_("leaked"), value=points(obj.gifts.filter(leaked_at__isnull=False).count()), hint=_("used, and the goods came back")),
        ]  # fmt: skip

    def panels(self, request: HttpRequest, obj: Surprise) -> list[Panel]:
        rows = obj.gifts.select_related("customer", "by").order_by("-pk")[:NEWEST]
        return [
            Panel(
                title=_("Gifts"),
                columns=[_("customer"), _("state"), _("not before"), _("ended at"), _("by"), _("note")],
                rows=[
                    [row.customer.member_number, row.get_state_display(), row.not_before, row.ended_at, row.by, row.note]
                    for row in rows
                ],
                empty=_("Nobody has been given anything yet."),
                all_url=list_url(SurpriseGift, surprise__id__exact=obj.pk),
            )
        ]  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        def page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            return self.admin_site.admin_view(lambda request, pk=None: view(self, request, pk))

        return [
            path("families/", page(families_page), name="rewards_surprise_families"),
            path("<int:pk>/approve/", page(approve_page), name="rewards_surprise_approve"),
            path("<int:pk>/report/", page(report_page), name="rewards_surprise_report"),
            path("<int:pk>/rows/", page(rows_file), name="rewards_surprise_rows"),
            *super().get_urls(),
        ]

    @admin.action(location=ON_RECORD, description=gettext_lazy("Look at it and approve"), permissions=["activate"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Surprise]) -> HttpResponse:
        """Lead to the page that shows what would be approved."""
        return redirect("admin:rewards_surprise_approve", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Did it work?"), permissions=["view"])
    def report(self, request: HttpRequest, queryset: QuerySet[Surprise]) -> HttpResponse:
        """Lead to the effect."""
        return redirect("admin:rewards_surprise_report", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Export row by row"), permissions=["export"])
    def export(self, request: HttpRequest, queryset: QuerySet[Surprise]) -> HttpResponse:
        """Hand out the file."""
        return redirect("admin:rewards_surprise_rows", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Stop for good"), permissions=["stop"])
    def stop_drawing(self, request: HttpRequest, queryset: QuerySet[Surprise]) -> HttpResponse:
        """Draw nobody any more."""
        surprise = queryset.get()
        try:
            surprise_plans.stop(surprise=surprise, because=Surprise.Stop.HAND, now=timezone.now())
        except surprise_plans.SurpriseChanged as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, surprise, "stopped")
            messages.success(request, _("Nobody is drawn any more; gifts that wait are still given."))
        return redirect(record_url(surprise))


@admin.register(SurpriseGift)
class SurpriseGiftAdmin(OfCustomerMixin, HistoryAdmin):
    """What became of each gift, newest first."""

    list_display = [
        "id",
        "surprise",
        "member",
        "state",
        "not_before",
        "waits_until",
        "ended_at",
        "store",
        "leaked_at",
    ]
    list_filter = ["state", "surprise"]
    list_select_related = ["surprise", "customer", "store"]
    fields = [
        "surprise", "member", "state", "assignment", "coupon", "order", "not_before", "waits_until", "ended_at", "store",
        "by", "note", "leaked_at",
    ]  # fmt: skip
    readonly_fields = ["member"]


@admin.register(Assignment)
class AssignmentAdmin(OfCustomerMixin, HistoryAdmin):
    """How the coin fell, newest first; written before anything was given."""

    list_display = ["id", "trial", "member", "is_gift", "key", "assigned_at", "first_message_at", "closes_at"]
    list_filter = ["is_gift", "trial"]
    list_select_related = ["trial", "customer"]
    fields = [
        "trial", "member", "key", "number", "is_gift", "reason", "purchase", "assigned_at", "closes_at", "first_message_at",
        "cost",
    ]  # fmt: skip
    readonly_fields = ["member"]
