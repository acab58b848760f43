"""Coupon batches: drafted with their plan and a live preview, approved by another person, watched, extended, ended."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Field, QuerySet
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin_panels import Fact, Panel, RecordMixin, may_view, record_url
from customers.admin_units import UnitsAdminMixin
from customers.history_admin import PortalAdmin
from customers.templatetags.loyalty import money, points
from rewards import batches, plans
from rewards.admin.batch_pages import effect_page, effect_rows, extend_page, report_page, void_rest_page
from rewards.admin.batch_panels import coupons_of_batch, history_of_batch, jobs_of_batch
from rewards.admin.code_pages import codes_page, words_page
from rewards.admin.coupon_pages import issue_page
from rewards.admin.coupon_plans import CouponPlanInline, approve_page, preview_page
from rewards.admin.coupons import ON_RECORD
from rewards.forms import CouponBatchForm, size_text
from rewards.models import Coupon, CouponBatch

MONEY = ("money", "")


@admin.register(CouponBatch)
class CouponBatchAdmin(RecordMixin, UnitsAdminMixin, PortalAdmin):
    """What coupons of one kind are worth; buttons issue them and open or close the batch."""

    form = CouponBatchForm
    change_form_template = "admin/rewards/couponbatch.html"
    add_form_template = "admin/rewards/couponbatch.html"
    inlines = [CouponPlanInline]
    units = {
        "minimum_basket": ("money", gettext_lazy("0 for none.")),
        "budget": ("money", gettext_lazy("Discounts given at most. Empty is without limit.")),
        "cost_price": ("money", gettext_lazy("What one use costs the shop; customers never see it.")),
        "spent": MONEY,
    }
    list_display = ["name", "state", "worth", "issued", "redeemed", "starts_at", "ends_at", "by"]
    list_filter = ["state", "value_kind"]
    list_select_related = ["by"]
    search_fields = ["name_en", "name_zh"]
    autocomplete_fields = ["product", "products", "categories"]
    readonly_fields = ["state", "issued", "redeemed", "spent", "created_at", "by"]
    actions = [
        "approve",
        "issue_to_many",
        "words",
        "codes",
        "report",
        "activate",
        "pause",
        "extend",
        "void_rest",
        "close",
    ]
    promised = ["value_kind", "value", "product", "valid_days", "uses_per_coupon", "prefix"]
    fieldsets = [
        (gettext_lazy("In English"), {"fields": ["name_en", "terms_en"]}),
        (gettext_lazy("In Chinese"), {"fields": ["name_zh", "terms_zh"]}),
        (
            gettext_lazy("What it is worth"),
            {
                "fields": ["value_kind", "value", "product"],
                "description": gettext_lazy("Once a coupon is issued, its worth is a promise and no longer changes."),
            },
        ),
        (
            gettext_lazy("Where it holds"),
            {"fields": ["minimum_basket", "stores", "tiers", "segments", "categories", "products", "stacking"]},
        ),
        (gettext_lazy("When it holds"), {"fields": ["starts_at", "ends_at", "valid_days"]}),
        (
            gettext_lazy("How many"),
            {"fields": ["limit", "uses_per_coupon", "per_customer", "per_day", "budget", "cost_price", "prefix"]},
        ),
        (gettext_lazy("Record"), {"fields": ["state", "created_at", "by"], "classes": ["collapse"]}),
    ]

    @admin.display(description=gettext_lazy("worth"))
    def worth(self, batch: CouponBatch) -> str:
        match batch.value_kind:
            case CouponBatch.Value.PERCENT:
                return f"{size_text(batch)} %"
            case CouponBatch.Value.AMOUNT:
                return money(batch.value)
            case CouponBatch.Value.MULTIPLIER:
                return f"× {size_text(batch)}"
        return batch.get_value_kind_display()

    def formfield_for_manytomany(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        """Stores and tiers are few: boxes to tick."""
        if db_field.name in ("stores", "tiers"):
            kwargs["widget"] = CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CouponBatch]:
        return super().get_queryset(request).select_related("product")

    def get_readonly_fields(self, request: HttpRequest, obj: CouponBatch | None = None) -> list[Any]:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "worth", *self.promised] if obj and obj.issued else [*fields, "worth"]

    def get_fieldsets(self, request: HttpRequest, obj: CouponBatch | None = None) -> Any:
        """Write the worth out where it can no longer be typed."""
        is_fixed = obj is not None and (obj.issued or not self.has_change_permission(request, obj))
        return [
            (title, {**rest, "fields": ["worth" if is_fixed and f == "value" else f for f in rest["fields"]]})
            for title, rest in super().get_fieldsets(request, obj)
        ]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        """Put the picture of a draft beside its form."""
        name = "rewards_couponbatch_preview_new" if obj is None else "rewards_couponbatch_preview"
        if obj is None or (obj.state == CouponBatch.State.DRAFT and self.has_change_permission(request, obj)):
            context = {**context, "preview_url": reverse(f"admin:{name}", args=[] if obj is None else [obj.pk])}
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: CouponBatch | None) -> list[Any]:
        """A batch that was made without a plan and is no draft has none to show."""
        is_draft = obj is None or obj.state == CouponBatch.State.DRAFT
        return self.inlines if is_draft or hasattr(obj, "plan") else []

    def save_model(self, request: HttpRequest, obj: CouponBatch, form: Any, change: bool) -> None:
        if not change:
            obj.by = request.user
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Name who drafts the plan before it is inserted."""
        for plan in formset.save(commit=False):
            if not plan.requested_by_id:
                plan.requested_by, plan.requested_at = request.user, timezone.now()
            plan.save()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Count any change of a draft as a new version, so that nobody approves what they have not seen."""
        super().save_related(request, form, formsets, change)
        plan = plans.of(form.instance)
        if plan and plan.approved_at is None and (form.has_changed() or any(it.has_changed() for it in formsets)):
            plans.redraft(plan=plan, by=request.user, now=timezone.now())

    def has_delete_permission(self, request: HttpRequest, obj: CouponBatch | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not obj.issued)

    def has_issue_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.add_coupon")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.export_coupon")

    def has_activate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.activate_couponbatch")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.change_couponbatch")

    def facts(self, request: HttpRequest, obj: CouponBatch) -> list[Fact]:
        limit = _("of %(limit)s") % {"limit": points(obj.limit)} if obj.limit is not None else ""
        budget = _("of %(limit)s") % {"limit": money(obj.budget)} if obj.budget is not None else ""
        return [
            Fact(label=_("state"), value=obj.get_state_display()),
            Fact(label=_("worth"), value=self.worth(obj)),
            Fact(label=_("issued"), value=points(obj.issued), hint=limit),
            Fact(label=_("redeemed"), value=points(obj.redeemed)),
            Fact(label=_("discounts given"), value=money(obj.spent), hint=budget),
        ]

    def panels(self, request: HttpRequest, obj: CouponBatch) -> list[Panel]:
        if not may_view(request.user, Coupon):
            return []
        return [jobs_of_batch(obj), history_of_batch(obj), coupons_of_batch(obj)]

    def offers(self, action: str, obj: CouponBatch) -> bool:
        """Approve what has a plan; activate what has none or was paused."""
        State, now = CouponBatch.State, timezone.now()
        is_live = obj.state in (State.ACTIVE, State.PAUSED)
        match action:
            case "approve":
                return obj.state == State.DRAFT and hasattr(obj, "plan")
            case "activate":
                return batches.can_become(obj, State.ACTIVE) and not self.offers("approve", obj)
            case "pause":
                return batches.can_become(obj, State.PAUSED)
            case "close":
                return batches.can_become(obj, State.CLOSED)
            case "codes":
                return obj.issued > 0
            case "issue_to_many" | "words":
                return obj.state == State.ACTIVE
            case "extend":
                return is_live and obj.ends_at is not None
            case "void_rest":
                return obj.issued > 0 and Coupon.objects.live(now).filter(batch=obj).exists()
            case "report":
                return obj.issued > 0
        return True

    def get_urls(self) -> list[URLPattern]:
        def page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            return self.admin_site.admin_view(lambda request, pk=None: view(self, request, pk))

        return [
            path("preview/", page(preview_page), name="rewards_couponbatch_preview_new"),
            path("<int:pk>/preview/", page(preview_page), name="rewards_couponbatch_preview"),
            path("<int:pk>/approve/", page(approve_page), name="rewards_couponbatch_approve"),
            path("<int:pk>/issue/", page(issue_page), name="rewards_couponbatch_issue"),
            path("<int:pk>/codes/", page(codes_page), name="rewards_couponbatch_codes"),
            path("<int:pk>/words/", page(words_page), name="rewards_couponbatch_words"),
            path("<int:pk>/report/", page(report_page), name="rewards_couponbatch_report"),
            path("<int:pk>/effect/", page(effect_page), name="rewards_couponbatch_effect"),
            path("<int:pk>/effect/rows/", page(effect_rows), name="rewards_couponbatch_rows"),
            path("<int:pk>/extend/", page(extend_page), name="rewards_couponbatch_extend"),
            path("<int:pk>/void/", page(void_rest_page), name="rewards_couponbatch_void"),
            *super().get_urls(),
        ]

    @admin.action(location=ON_RECORD, description=gettext_lazy("Look at it and approve"), permissions=["activate"])
    def approve(self, request: HttpRequest, queryset: QuerySet[CouponBatch]) -> HttpResponse:
        """Lead to the page that shows what would be approved."""
        return redirect("admin:rewards_couponbatch_approve", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Issue"), permissions=["issue"])
    def issue_to_many(self, request: HttpRequest, queryset: QuerySet[CouponBatch]) -> HttpResponse:
        """Lead to the page that asks to whom."""
        return redirect("admin:rewards_couponbatch_issue", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Code for many"), permissions=["issue"])
    def words(self, request: HttpRequest, queryset: QuerySet[CouponBatch]) -> HttpResponse:
        """Lead to the page that asks for the words."""
        return redirect("admin:rewards_couponbatch_words", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Hand out codes"), permissions=["export"])
    def codes(self, request: HttpRequest, queryset: QuerySet[CouponBatch]) -> HttpResponse:
        """Lead to the page that asks which file."""
        return redirect("admin:rewards_couponbatch_codes", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Report"), permissions=["view"])
    def report(self, request: HttpRequest, queryset: QuerySet[CouponBatch]) -> HttpResponse:
        """Lead to what became of the coupons."""
        return redirect("admin:rewards_couponbatch_report", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Activate"), permissions=["activate"])
    def activate(self, request: HttpRequest, queryset: QuerySet[CouponBatch]) -> HttpResponse:
        """Let the coupons be issued and redeemed; nobody activates a draft of their own."""
        batch = queryset.get()
        if batch.state == CouponBatch.State.DRAFT and batch.by_id == request.user.pk and settings.FOUR_EYES:
            messages.error(request, _("You drafted this yourself: another person has to approve it."))
            return redirect(record_url(batch))
        return self._move(request, batch, batches.activate)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Pause"), permissions=["pause"])
    def pause(self, request: HttpRequest, queryset: QuerySet[CouponBatch]) -> HttpResponse:
        """Stop for a while."""
        return self._move(request, queryset.get(), batches.pause)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Give it a later end"), permissions=["activate"])
    def extend(self, request: HttpRequest, queryset: QuerySet[CouponBatch]) -> HttpResponse:
        """Lead to the page that asks until when."""
        return redirect("admin:rewards_couponbatch_extend", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Void the rest"), permissions=["activate"])
    def void_rest(self, request: HttpRequest, queryset: QuerySet[CouponBatch]) -> HttpResponse:
        """Lead to the page that asks why."""
        return redirect("admin:rewards_couponbatch_void", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Close for good"), permissions=["activate"])
    def close(self, request: HttpRequest, queryset: QuerySet[CouponBatch]) -> HttpResponse:
        """Stop for good."""
        return self._move(request, queryset.get(), batches.close)

    def _move(self, request: HttpRequest, batch: CouponBatch, move: Callable[..., CouponBatch]) -> HttpResponse:
        try:
            batch = move(batch=batch, by=request.user, now=timezone.now())
        except batches.BatchCannotChange as error:
            messages.error(request, str(error))
        else:
            sentence = _("“%(batch)s” is %(state)s.") % {"batch": batch.name, "state": batch.get_state_display()}
            self.log_change(request, batch, sentence)
            messages.success(request, sentence)
        return redirect(record_url(batch))
