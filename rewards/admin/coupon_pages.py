"""The pages behind the buttons of coupons and batches: to whom to issue, and why to void."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.admin_pages import form_page
from customers.admin_panels import list_url, record_url
from customers.models.customer import CustomerQuerySet
from rewards import coupon_jobs, coupons, plans
from rewards.admin.doorbell import ring
from rewards.forms import IssueManyForm, VoidCouponsForm
from rewards.models import Coupon, CouponBatch, CouponJob, CouponPlan

SHOWN_UNKNOWN = 100
AT_ONCE = 1_000  # more than this is the worker's


def issue_page(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Ask to whom, show how many they are, and issue when that is confirmed."""
    if not model_admin.has_issue_permission(request):
        raise PermissionDenied
    batch = get_object_or_404(CouponBatch, pk=pk)
    form = IssueManyForm(request.POST or None)
    preview = None
    if form.is_bound and form.is_valid():
        preview = _preview(batch, form, request)
        if "_issue" in request.POST:
            return _issue(request, batch, form, preview["count"])
    return form_page(
        model_admin,
        request,
        record=batch,
        form=form,
        title=_("Issue coupons"),
        submit=_("Check"),
        template="admin/rewards/issue_many.html",
        preview=preview,
        is_active=batch.state == CouponBatch.State.ACTIVE,
    )


def _preview(batch: CouponBatch, form: IssueManyForm, request: HttpRequest) -> dict[str, Any]:
    if codes := form.cleaned_data["codes"]:
        return {"count": codes}
    now = timezone.now()
    customers = _customers(form, request, now)
    preview = {"count": customers.count(), "left_out": plans.left_out(batch=batch, customers=customers, now=now)}
    if form.recipients is None:
        return preview
    found = form.recipients
    return preview | {
        "unknown": found.unknown[:SHOWN_UNKNOWN],
        "more_unknown": max(0, len(found.unknown) - SHOWN_UNKNOWN),
        "repeated": found.repeated,
    }


def _customers(form: IssueManyForm, request: HttpRequest, now: dt.datetime) -> CustomerQuerySet:
    if form.recipients is not None:
        plan = CouponPlan(audience=CouponPlan.Audience.LIST, customer_ids=form.recipients.customer_ids)
    else:
        plan = CouponPlan(audience=CouponPlan.Audience.SEGMENT, segment=form.cleaned_data["segment"])
    return plans.recipients(plan=plan, by=request.user, now=now)


def _issue(request: HttpRequest, batch: CouponBatch, form: IssueManyForm, count: int) -> HttpResponse:
    """Ask for a job; a small one is done before the page answers."""
    asked = {"batch": batch, "key": form.cleaned_data["key"], "by": request.user, "now": timezone.now()}
    try:
        if form.recipients is not None:
            job = coupon_jobs.ask_list(customer_ids=form.recipients.customer_ids, **asked)
        elif codes := form.cleaned_data["codes"]:
            job = coupon_jobs.ask_open(number=codes, **asked)
        else:
            job = coupon_jobs.ask_segment(segment=form.cleaned_data["segment"], **asked)
    except (coupons.BatchLimitReached, coupons.BatchNotActive) as error:
        messages.error(request, str(error))
        return redirect(record_url(batch))
    if count <= AT_ONCE and (claimed := coupon_jobs.claim(now=timezone.now(), job=job)):
        job = coupon_jobs.run(job=claimed, clock=timezone.now)
    _say(request, job)
    return redirect(record_url(batch))


def _say(request: HttpRequest, job: CouponJob) -> None:
    if job.is_running:
        ring()
        messages.success(
            request, _("The coupons are being issued in the background; the figures above grow meanwhile.")
        )
    elif job.state == CouponJob.State.DONE:
        messages.success(request, _issued_sentence(job.changed))
    else:
        messages.warning(request, f"{job.reason} {_issued_sentence(job.changed)}")


def _issued_sentence(number: int) -> str:
    return ngettext("%(number)d coupon was issued.", "%(number)d coupons were issued.", number) % {"number": number}


def void_page(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Ask why, and void the chosen coupons."""
    if not model_admin.has_void_permission(request):
        raise PermissionDenied
    ids = [int(text) for text in request.GET.get("ids", "").split(",") if text.isdecimal() and len(text) < 19][:200]
    chosen = list(Coupon.objects.filter(pk__in=ids).select_related("batch").order_by("pk"))
    if not chosen:
        return redirect(list_url(Coupon))
    form = VoidCouponsForm(request.POST or None)
    if form.is_bound and form.is_valid():
        _void(model_admin, request, chosen, form.cleaned_data["reason"])
        return redirect(record_url(chosen[0]) if len(chosen) == 1 else list_url(Coupon))
    title = ngettext("Void %(number)d coupon", "Void %(number)d coupons", len(chosen)) % {"number": len(chosen)}
    return form_page(model_admin, request, record=chosen[0], form=form, title=title, submit=_("Void"))


def _void(model_admin: ModelAdmin, request: HttpRequest, chosen: list[Coupon], reason: str) -> None:
    voided = 0
    for coupon in chosen:
        try:
            coupons.void(coupon=coupon, reason=reason, now=timezone.now(), by=request.user)
        except coupons.CouponRefused as error:
            messages.warning(request, f"{coupon}: {error}")
        else:
            voided += 1
            model_admin.log_change(request, coupon, f"void: {reason}")
    if voided:
        sentence = ngettext("%(number)d coupon is void now.", "%(number)d coupons are void now.", voided)
        messages.success(request, sentence % {"number": voided})
