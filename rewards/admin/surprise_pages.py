"""The pages behind the buttons of a surprise: its approval, its effect, the file row by row, and all of a kind together."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import csv_out
from customers.admin_pages import form_page
from customers.admin_panels import record_url
from rewards import outcomes, pooled_words, surprise_plans, surprises, uplift, uplift_words
from rewards.models import Surprise, Trial
from rewards.surprise_forms import ApproveSurpriseForm
from rewards.uplift import Report

FILE_HEADING = (
    "row", "gift", "assigned_at", "counted_until", "came_back", "purchases", "margin_before", "margin", "gift_cost",
    "message_cost",
)  # fmt: skip
ENDS = (0.1, 0.2, 0.5, 1.0)  # of the line on which an interval is drawn


def approve_page(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a draft would do, and let another person than its author approve that version."""
    if not model_admin.has_activate_permission(request):
        raise PermissionDenied
    surprise = get_object_or_404(Surprise.objects.select_related("batch", "reward", "requested_by"), pk=pk)
    form = ApproveSurpriseForm(request.POST or None, initial={"version": surprise.version})
    now = timezone.now()
    if form.is_bound and form.is_valid():
        try:
            surprise_plans.approve(surprise=surprise, version=form.cleaned_data["version"], by=request.user, now=now)
        except surprise_plans.SurpriseChanged as error:
            messages.warning(request, str(error))
            return redirect(record_url(surprise))
        except (surprise_plans.OwnSurprise, surprise_plans.PublishedEntitlement) as error:
            messages.error(request, str(error))
        else:
            model_admin.log_change(request, surprise, f"approved: version {surprise.version}")
            messages.success(request, _("Approved: from now on customers are drawn."))
            return redirect(record_url(surprise))
    return form_page(
        model_admin, request, record=surprise, form=form, title=_("Approve"), submit=_("Approve and activate"),
        template="admin/rewards/approve_surprise.html", rule=uplift_words.rule_of(surprise),
        audience=surprises.eligible(surprise=surprise, now=now).count(), surprise=surprise,
        is_own=settings.FOUR_EYES and request.user.pk == surprise.requested_by_id,
    )  # fmt: skip


def report_page(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """Show whether a surprise brought people back and whether it paid."""
    surprise = get_object_or_404(Surprise.objects.select_related("trial", "batch", "reward"), pk=pk)
    if not model_admin.has_view_permission(request, surprise) or surprise.trial is None:
        raise PermissionDenied
    return effect_page(
        model_admin, request, record=surprise, found=uplift.report(trial=surprise.trial, now=timezone.now()),
        rule=uplift_words.rule_of(surprise),
        leaked=surprise.gifts.filter(leaked_at__isnull=False).count(),
    )  # fmt: skip


def effect_page(model_admin: Any, request: HttpRequest, *, record: Any, found: Report, **context: Any) -> HttpResponse:
    """Show the report of a trial, in words first and in figures below; everything that is rewarded by a coin has this page."""
    name = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_rows"
    rows_url = reverse(name, args=[record.pk]) if request.user.has_perm("rewards.export_surprise") else ""
    return form_page(
        model_admin, request, record=record, form=Form(), title=_("Did it work?"), submit="",
        template="admin/rewards/effect.html", report=found, trial=found.trial, sentences=uplift_words.sentences(found),
        counted=uplift_words.counted(found), rows=_figures(found), bar=_bar(found),
        rows_url=rows_url, removed=f"{found.variance_removed * 100:.0f}", **context,
    )  # fmt: skip


def rows_file(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand out every customer that counts as a row, without name or number, for whoever wants to calculate it again."""
    surprise = get_object_or_404(Surprise.objects.select_related("trial__surprise__batch"), pk=pk)
    if not model_admin.has_export_permission(request) or surprise.trial is None:
        raise PermissionDenied
    model_admin.log_change(request, surprise, "exported row by row")
    return rows_of(surprise.trial)


def rows_of(trial: Trial) -> HttpResponseBase:
    """Return the file of a trial; amounts are in the currency's minor unit."""
    found = outcomes.outcomes(trial=trial, now=timezone.now())
    rows = (
        (
            number, it.is_gift, it.assigned_at, it.closes_at, it.has_come_back, it.purchases, round(it.before),
            round(it.margin), it.gift_cost, it.message_cost,
        )
        for number, it in enumerate(found, start=1)
    )  # fmt: skip
    return csv_out.download(name=f"trial-{trial.pk}.csv", heading=FILE_HEADING, rows=rows)


def families_page(model_admin: Any, request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Show the surprises of each kind of occasion together, each after borrowing from the others."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    found = pooled_words.describe(uplift.families(reports=uplift.newest(now=timezone.now())))
    context = {
        **model_admin.admin_site.each_context(request), "opts": model_admin.opts, "title": _("Surprises of a kind together"),
        "families": found,
    }  # fmt: skip
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "admin/rewards/surprise_families.html", context)


def _figures(report: uplift.Report) -> list[tuple[str, Any, Any]]:
    arms = (report.gift, report.control)
    return [
        (_("assigned"), *(arm.assigned for arm in arms)),
        (_("days are over"), *(arm.counted for arm in arms)),
        (_("came back"), *(arm.came_back for arm in arms)),
        (_("of 100"), *(uplift_words.of_100(arm.share.rate) if arm.counted else "–" for arm in arms)),
        (_("margin before costs"), *(uplift_words.amount(arm.margin) if arm.counted else "–" for arm in arms)),
        (_("gift and message"), *(uplift_words.amount(arm.cost) if arm.counted else "–" for arm in arms)),
    ]


def _bar(report: uplift.Report) -> dict[str, float] | None:
    """Return where estimate and ends lie on a line of 200, and how many in 100 its ends stand for."""
    found = report.came_back
    if found is None:
        return None
    end = next(one for one in ENDS if max(abs(found.low), abs(found.high)) <= one or one == ENDS[-1])
    x = {name: round(min(max(getattr(found, name) / end, -1), 1) * 94 + 100, 1) for name in ("low", "estimate", "high")}
    return x | {"width": round(max(x["high"] - x["low"], 1), 1), "end": round(end * 100)}
