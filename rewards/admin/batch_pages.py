"""The pages behind the buttons of a running batch: its report, a later end, the end of what is left."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.admin_pages import form_page
from customers.admin_panels import record_url
from customers.timezones import end_of_day
from rewards import batch_report, batches, coupon_jobs, plans, uplift, uplift_words
from rewards.admin import surprise_pages
from rewards.admin.doorbell import ring
from rewards.forms import ExtendBatchForm, VoidRestForm
from rewards.models import Coupon, CouponBatch, CouponPlan


def report_page(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """Show what became of the coupons, beside what was expected when they were approved."""
    batch = get_object_or_404(CouponBatch, pk=pk)
    if not model_admin.has_view_permission(request, batch):
        raise PermissionDenied
    plan = plans.of(batch)
    found = batch_report.report(batch=batch, now=timezone.now())
    most = max((week.uses for week in found.weeks), default=1)
    first = batch_report.WEEKS - len(found.weeks)  # the newest week stands at the right
    bars = [
        {"x": 9 * (first + n), "y": 60 - 56 * week.uses // most, "height": 56 * week.uses // most, "week": week}
        for n, week in enumerate(found.weeks)
    ]
    return form_page(
        model_admin, request, record=batch, form=Form(), title=_("Report"), submit="",
        template="admin/rewards/batch_report.html", report=found, bars=bars,
        has_effect=plan is not None and plan.trial_id is not None, without_coin=uplift_words.without_coin(),
        estimate=plan.estimate if plan and plan.approved_at else None,
    )  # fmt: skip


def effect_page(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """Show whether the coupons of a plan brought people back, compared with those who were left out."""
    batch = get_object_or_404(CouponBatch, pk=pk)
    plan = CouponPlan.objects.filter(batch=batch, trial__isnull=False).select_related("trial__plan__batch").first()
    if plan is None:
        raise Http404
    if not model_admin.has_view_permission(request, batch):
        raise PermissionDenied
    rule = [uplift_words.rule_of_holdout(plan)]
    found = uplift.report(trial=plan.trial, now=timezone.now())
    return surprise_pages.effect_page(model_admin, request, record=batch, found=found, rule=rule)


def effect_rows(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand out every customer that counts as a row, without name or number."""
    plan = get_object_or_404(CouponPlan.objects.select_related("trial__plan__batch"), batch=pk, trial__isnull=False)
    if not request.user.has_perm("rewards.export_surprise"):
        raise PermissionDenied
    model_admin.log_change(request, plan.batch, "exported row by row")
    return surprise_pages.rows_of(plan.trial)


def extend_page(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a later last day, for the batch and what it has issued."""
    batch = _managed(model_admin, request, pk, "extend")
    form = ExtendBatchForm(request.POST or None, initial={"key": uuid.uuid4()})
    if form.is_bound and form.is_valid():
        ends_at = end_of_day(form.cleaned_data["last_date"])
        try:
            coupon_jobs.ask_extend(
                batch=batch, ends_at=ends_at, key=form.cleaned_data["key"], by=request.user, now=timezone.now()
            )
        except batches.EndsEarlier as error:
            form.add_error("last_date", str(error))
        else:
            model_admin.log_change(request, batch, f"extended: {ends_at.isoformat()}")
            messages.success(request, _("The offer now ends later, and the coupons already issued follow."))
            ring()
            return redirect(record_url(batch))
    return form_page(model_admin, request, record=batch, form=form, title=_("Give it a later end"), submit=_("Extend"))


def void_rest_page(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """Ask why, say how many coupons it is about, and end them."""
    batch = _managed(model_admin, request, pk, "void_rest")
    now = timezone.now()
    form = VoidRestForm(request.POST or None, initial={"key": uuid.uuid4()})
    if form.is_bound and form.is_valid():
        coupon_jobs.ask_void(
            batch=batch, reason=form.cleaned_data["reason"], key=form.cleaned_data["key"], by=request.user, now=now
        )
        model_admin.log_change(request, batch, f"void the rest: {form.cleaned_data['reason']}")
        messages.success(request, _("The coupons that are left are being voided in the background."))
        ring()
        return redirect(record_url(batch))
    return form_page(
        model_admin, request, record=batch, form=form, title=_("Void the rest"), submit=_("Void all of them"),
        template="admin/rewards/void_rest.html", live=Coupon.objects.live(now).filter(batch=batch).count(),
    )  # fmt: skip


def _managed(model_admin: Any, request: HttpRequest, pk: int, action: str) -> CouponBatch:
    batch = get_object_or_404(CouponBatch, pk=pk)
    if not model_admin.has_activate_permission(request) or not model_admin.offers(action, batch):
        raise PermissionDenied
    return batch
