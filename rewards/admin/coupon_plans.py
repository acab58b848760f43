"""The plan on a drafted batch's page, its live preview, and the page on which a second person approves it."""

from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import segments
from customers.admin_pages import form_page
from customers.admin_panels import record_url
from rewards import batches, coupons, estimates, plans, uplift_words
from rewards.admin.doorbell import ring
from rewards.estimates import Estimate
from rewards.forms import ApproveForm
from rewards.models import Coupon, CouponBatch, CouponPlan
from rewards.passes import Pass, conditions_of
from rewards.plan_forms import CouponPlanForm

SAMPLE_CODE = "7K3M-9Q2X-4TBD"


class CouponPlanInline(admin.StackedInline):
    """To whom the coupons go once the batch is approved, and the mail that goes with them."""

    model = CouponPlan
    form = CouponPlanForm
    verbose_name = verbose_name_plural = gettext_lazy("Who gets it")
    can_delete = False
    min_num = max_num = 1
    classes = ["plan"]
    fieldsets = [
        (None, {"fields": ["audience", "segment", "members", "codes", "holdout"]}),
        (gettext_lazy("The mail"), {"fields": ["has_mail", "subject_en", "message_en", "subject_zh", "message_zh"]}),
    ]

    def has_view_permission(self, request: HttpRequest, obj: CouponBatch | None = None) -> bool:
        return request.user.has_perm("rewards.view_couponbatch")

    def has_add_permission(self, request: HttpRequest, obj: CouponBatch | None = None) -> bool:
        return request.user.has_perm("rewards.add_couponbatch") and _is_draft(obj)

    def has_change_permission(self, request: HttpRequest, obj: CouponBatch | None = None) -> bool:
        return request.user.has_perm("rewards.change_couponbatch") and _is_draft(obj)


def _is_draft(batch: CouponBatch | None) -> bool:
    return batch is None or batch.state == CouponBatch.State.DRAFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A batch and its plan as they stand in the form: what the customer will see, whom it reaches, what it costs."""

    ticket: Pass
    conditions: list[str]
    plan: CouponPlan | None
    reach: plans.Reach | None
    estimate: Estimate | None

    @property
    def code(self) -> str:
        """A code that looks like one and is none."""
        return SAMPLE_CODE


def look_at(*, batch: CouponBatch, plan: CouponPlan | None, request: HttpRequest, chosen: Any = None) -> Look:
    """Return how a batch, saved or not, looks at this moment."""
    now = timezone.now()
    shown = CouponBatch(**{field.attname: getattr(batch, field.attname) for field in batch._meta.concrete_fields})
    shown.product, shown.state = batch.product, CouponBatch.State.ACTIVE
    starts_at, expires_at = coupons.validity(shown, now)
    coupon = Coupon(
        batch=shown, issued_at=now, starts_at=starts_at, expires_at=expires_at, uses_allowed=batch.uses_per_coupon
    )
    reach = estimate = None
    if plan is not None:
        plan.batch = batch
        reach = plans.reach(plan=plan, by=plan.requested_by if plan.requested_by_id else request.user, now=now)
        estimate = estimates.estimate(batch=batch, coupons=reach.coupons)
    sentences = conditions_of(batch) if chosen is None else conditions_of(batch, chosen=chosen)
    ticket = replace(Pass.of(coupon, now=now), hurry="")
    return Look(ticket=ticket, conditions=sentences, plan=plan, reach=reach, estimate=estimate)


def preview_page(model_admin: Any, request: HttpRequest, pk: int | None) -> HttpResponse:
    """Draw what is in the form, saved nowhere; a script asks for it at every change, a button without one."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    batch = get_object_or_404(CouponBatch, pk=pk) if pk else None
    if not (model_admin.has_change_permission(request, batch) if batch else model_admin.has_add_permission(request)):
        raise PermissionDenied
    form = model_admin.get_form(request, batch, change=batch is not None)(request.POST, instance=batch or CouponBatch())
    form.is_valid()  # what is valid stands in the instance then; nothing is saved
    chosen = {name: form.cleaned_data.get(name) or () for name in ("stores", "categories", "products")}
    look = look_at(batch=form.instance, plan=_plan_in(request, batch), request=request, chosen=chosen)
    return render(request, "admin/rewards/_offer_preview.html", {"look": look})


def _plan_in(request: HttpRequest, batch: CouponBatch | None) -> CouponPlan | None:
    """Read the plan of a posted form as far as it is complete."""
    earlier = plans.of(batch) if batch else None
    form = CouponPlanForm(request.POST, prefix="plan-0", instance=earlier or CouponPlan())
    form.is_valid()
    wrong = {"audience", "segment", "members", "codes", "holdout"} & set(form.errors)
    return None if wrong else form.instance


def approve_page(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """Show a draft as its customers will see it, with its figures now and when it was drafted; approve that version."""
    if not model_admin.has_activate_permission(request):
        raise PermissionDenied
    plan = get_object_or_404(CouponPlan.objects.select_related("batch__product", "requested_by"), batch=pk)
    form = ApproveForm(request.POST or None, initial={"version": plan.version})
    if form.is_bound and form.is_valid():
        return _approve(model_admin, request, plan, form.cleaned_data["version"])
    look = look_at(batch=plan.batch, plan=plan, request=request)
    return form_page(
        model_admin, request, record=plan.batch, form=form, title=_("Approve"), submit=_("Approve and activate"),
        template="admin/rewards/approve_plan.html", look=look, plan=plan, holdout=uplift_words.rule_of_holdout(plan) if plan.holdout else "", segment_label=dict(segments.choices()).get(plan.segment, plan.segment),
        is_own=settings.FOUR_EYES and request.user.pk in (plan.requested_by_id, plan.batch.by_id),
    )  # fmt: skip


def _approve(model_admin: Any, request: HttpRequest, plan: CouponPlan, version: int) -> HttpResponse:
    try:
        plans.approve(plan=plan, version=version, by=request.user, now=timezone.now())
    except plans.PlanChanged as error:
        messages.warning(request, str(error))
        return redirect(request.path)
    except (plans.OwnPlan, plans.PlanApproved, batches.BatchCannotChange) as error:
        messages.error(request, str(error))
    else:
        model_admin.log_change(request, plan.batch, f"approved: version {version}")
        messages.success(
            request, _("Approved. The coupons are being issued in the background; the figures below grow meanwhile.")
            if plan.audience != CouponPlan.Audience.LATER else _("Approved: coupons can be issued and redeemed from now on.")
        )  # fmt: skip
        ring()
    return redirect(record_url(plan.batch))
