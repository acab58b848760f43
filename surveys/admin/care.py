"""Cases, their rules and the contact log: editable, with the domain deciding what opening and closing mean."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin.columns import OfCustomerMixin
from customers.admin_pages import form_page
from customers.admin_panels import Fact, RecordMixin, record_url
from customers.history_admin import PortalAdmin
from rewards import coupons, ledger, staff_limits
from rewards.adjustments import OwnCard
from rewards.models import CouponBatch
from surveys import cases, recoveries
from surveys.admin import charts
from surveys.admin.care_forms import CaseForm, GiftForm
from surveys.admin.questionnaires import SHORT_TEXTS
from surveys.models import Case, CaseRule, ContactLogEntry
from surveys.models.case import OPEN_STATES

ON_RECORD = [ActionLocation.CHANGE_FORM]
REFUSALS = (
    OwnCard, recoveries.NoCustomer, coupons.BatchNotActive, coupons.BatchLimitReached, ledger.SourceConflict,
    ledger.InsufficientPoints, staff_limits.AboveLimit,
)  # fmt: skip


class ContactInline(admin.StackedInline):
    """What was said about a case."""

    model = ContactLogEntry
    formfield_overrides = SHORT_TEXTS
    fields = [("channel", "direction", "occurred_at"), "topic", "text", ("duration_minutes", "follow_up_date"), "link"]
    ordering = ["-occurred_at", "-pk"]
    extra = 0

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class WhoseFilter(admin.SimpleListFilter):
    """My cases, nobody's, and those that are late."""

    title = gettext_lazy("whose")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("mine", gettext_lazy("mine, open")),
            ("nobody", gettext_lazy("nobody's, open")),
            ("late", gettext_lazy("overdue")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        conditions = {
            "mine": Q(owner=request.user, state__in=OPEN_STATES),
            "nobody": Q(owner=None, state__in=OPEN_STATES),
            "late": cases.overdue(timezone.now()),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


@admin.register(Case)
class CaseAdmin(OfCustomerMixin, RecordMixin, PortalAdmin):
    """Somebody was unhappy; somebody makes it good."""

    class Media:
        css = {"all": ["css/surveys-admin.css"]}

    form = CaseForm
    inlines = [ContactInline]
    formfield_overrides = SHORT_TEXTS
    list_display = ["subject", "member", "state", "owner", "store", "due_word", "opened_at"]
    list_filter = [WhoseFilter, "state", "store", ("owner", admin.RelatedOnlyFieldListFilter), "due_at"]
    list_select_related = ["customer", "owner", "store"]
    autocomplete_fields = ["customer", "owner"]
    readonly_fields = ["response", "opened_at", "closed_at", "escalated_at"]
    actions = ["take", "give", "came_back"]
    fields = [
        "customer", "subject", ("state", "owner", "store"), "due_at", "cause", "outcome", "response",
        ("opened_at", "closed_at", "escalated_at"),
    ]  # fmt: skip

    @admin.display(description=gettext_lazy("due at"), ordering="due_at")
    def due_word(self, case: Case) -> Any:
        is_late = case.state in OPEN_STATES and case.due_at < timezone.now()
        words = date_format(timezone.localtime(case.due_at), "DATETIME_FORMAT")
        return format_html('<span class="uncertain">{} {}</span>', words, _("overdue")) if is_late else words

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        due_at = cases.add_working_days(timezone.now(), cases.WORKING_DAYS)
        return {"due_at": due_at, "owner": request.user.pk} | super().get_changeform_initial_data(request)

    def has_delete_permission(self, request: HttpRequest, obj: Case | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Case, form: Any, change: bool) -> None:
        cases.move(case=obj, state=Case.State(obj.state), now=timezone.now())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for entry in formset.save(commit=False):
            entry.customer_id = entry.customer_id or form.instance.customer_id
            entry.by = entry.by or request.user
            entry.save()
        formset.save_m2m()

    def facts(self, request: HttpRequest, obj: Case) -> list[Fact]:
        if obj.response is None:
            return []
        return [
            Fact(label=answer.question.text, value=answer.text or (answer.number if answer.number is not None else "–"))
            for answer in obj.response.answers.select_related("question").order_by("question__position")
            if answer.chosen is None
        ]

    def offers(self, action: str, obj: Case) -> bool:
        is_open = obj.state in OPEN_STATES
        return {"take": is_open and obj.owner_id is None, "give": obj.customer_id is not None}.get(action, True)

    def has_give_permission(self, request: HttpRequest) -> bool:
        points, coupon = "rewards.add_pointtransaction", "rewards.add_coupon"
        may_give = request.user.has_perm(points) or request.user.has_perm(coupon)
        return may_give and self.has_change_permission(request)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("returned/", wrap(self.returned_view), name="surveys_case_returned"),
            path("<int:pk>/give/", wrap(self.give_view), name="surveys_case_give"),
            *super().get_urls(),
        ]

    @admin.action(location=ON_RECORD, description=gettext_lazy("I take it"), permissions=["change"])
    def take(self, request: HttpRequest, queryset: QuerySet[Case]) -> HttpResponse:
        """Become the owner of a case that is nobody's."""
        case = queryset.get()
        if Case.objects.filter(pk=case.pk, owner=None).update(owner=request.user):
            self.log_change(request, case, _("Taken over."))
            messages.success(request, _("The case is yours."))
        return redirect(record_url(case))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Give something"), permissions=["give"])
    def give(self, request: HttpRequest, queryset: QuerySet[Case]) -> HttpResponse:
        """Lead to the page that asks what."""
        return redirect("admin:surveys_case_give", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Did the unhappy come back?"), permissions=["view"])
    def came_back(self, request: HttpRequest, queryset: QuerySet[Case]) -> HttpResponse:
        """Lead to the counts over all cases."""
        return redirect("admin:surveys_case_returned")

    def give_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give points or a coupon; the same form sent twice gives once."""
        if not self.has_give_permission(request):
            raise PermissionDenied
        case, now = get_object_or_404(Case.objects.select_related("customer"), pk=pk), timezone.now()
        batches = CouponBatch.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), state=CouponBatch.State.ACTIVE)
        form = GiftForm(request.POST or None, batches=batches.order_by("name_en", "pk"), by=request.user)
        if form.is_bound and form.is_valid():
            wanted = form.cleaned_data
            try:
                if wanted["points"]:
                    entry = recoveries.give_points(
                        case=case, points=wanted["points"], note=wanted["note"], key=wanted["key"], by=request.user, now=now
                    )  # fmt: skip
                else:
                    entry = recoveries.give_coupon(
                        case=case, batch=wanted["batch"], key=wanted["key"], by=request.user, now=now
                    )
            except REFUSALS as error:
                form.add_error(None, str(error))
            else:
                self.log_change(request, case, entry.topic)
                messages.success(request, entry.topic)
                return redirect(record_url(case))
        left = staff_limits.left_for(by=request.user, now=now)
        return form_page(
            self, request, record=case, form=form, title=_("Give something"), submit=_("Give"), left=left,
        )  # fmt: skip

    def returned_view(self, request: HttpRequest) -> HttpResponse:
        """Show how many of the unhappy bought again, by what became of their case."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = [
            (row, row.state.label, f"{row.score.value:.0f}%", charts.interval(row.score))
            for row in recoveries.returned(now=timezone.now())
        ]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Did the unhappy come back?"),
            "rows": rows,
            "days": recoveries.DAYS,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/surveys/returned.html", context)


@admin.register(CaseRule)
class CaseRuleAdmin(PortalAdmin):
    """Which answers open a case."""

    list_display = ["name", "is_active", "survey", "test", "due_days"]
    list_filter = ["is_active", "test"]
    list_select_related = ["survey"]
    search_fields = ["name"]
    autocomplete_fields = ["survey"]
    formfield_overrides = SHORT_TEXTS
    fieldsets = [
        (
            None,
            {
                "fields": ["name", ("is_active", "due_days"), "survey", "test"],
                "description": gettext_lazy(
                    "While there is no rule at all, NPS up to 6 and CSAT up to 2 open a case. The first rule replaces that."
                ),
            },
        ),
        (gettext_lazy("A rating that is low"), {"fields": [("question_kind", "at_most")]}),
        (gettext_lazy("Words in a comment"), {"fields": ["words"]}),
        (gettext_lazy("A choice, such as “please call me”"), {"fields": [("question_key", "choice_number")]}),
    ]


@admin.register(ContactLogEntry)
class ContactLogAdmin(OfCustomerMixin, PortalAdmin):
    """Conversations on whatever channel."""

    list_display = ["topic", "member", "channel", "direction", "occurred_at", "follow_up_date", "by"]
    list_filter = ["channel", "direction", "occurred_at", "follow_up_date"]
    list_select_related = ["customer", "by"]
    autocomplete_fields = ["customer", "case"]
    readonly_fields = ["recorded_at", "by"]
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["customer", "case", ("channel", "direction"), "topic", "text"]}),
        (gettext_lazy("When"), {"fields": ["occurred_at", "duration_minutes", "follow_up_date"]}),
        (gettext_lazy("Record"), {"fields": ["link", "recorded_at", "by"]}),
    ]

    def has_delete_permission(self, request: HttpRequest, obj: ContactLogEntry | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ContactLogEntry, form: Any, change: bool) -> None:
        obj.by = obj.by or request.user
        super().save_model(request, obj, form, change)
