"""Work on many coupons: how far it is, with buttons to stop it and to let it go on."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin_panels import Fact, RecordMixin, record_url
from customers.history_admin import HistoryAdmin
from customers.templatetags.loyalty import points
from rewards import coupon_jobs, plans
from rewards.admin.doorbell import ring
from rewards.models import CouponJob

ON_RECORD = [ActionLocation.CHANGE_FORM]


@admin.register(CouponJob)
class CouponJobAdmin(RecordMixin, HistoryAdmin):
    """What was asked of a batch and how far the worker is."""

    list_display = ["id", "batch", "kind", "state", "done_percent", "changed", "created_at", "by"]
    list_filter = ["state", "kind"]
    list_select_related = ["batch", "by"]
    ordering = ["-pk"]
    actions = ["stop", "go_on"]
    fields = ["batch", "kind", "segment", "state", "reason", "total", "done", "changed", "created_at", "claimed_at", "finished_at", "by"]  # fmt: skip

    @admin.display(description=gettext_lazy("progress"))
    def done_percent(self, job: CouponJob) -> str:
        return f"{job.percent} %"

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.change_couponbatch")

    def facts(self, request: HttpRequest, obj: CouponJob) -> list[Fact]:
        return [
            Fact(label=_("state"), value=obj.get_state_display()),
            Fact(label=_("progress"), value=f"{obj.percent} %", hint=_("reload the page to see how it goes on") if obj.is_running else ""),
            Fact(label=_("coupons"), value=points(obj.changed), hint=_("of %(limit)s") % {"limit": points(obj.total)}),
        ]  # fmt: skip

    def offers(self, action: str, obj: CouponJob) -> bool:
        return obj.is_running if action == "stop" else obj.state in (CouponJob.State.STOPPED, CouponJob.State.FAILED)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Stop"), permissions=["steer"])
    def stop(self, request: HttpRequest, queryset: QuerySet[CouponJob]) -> HttpResponse:
        """Stop after the step at which it is."""
        job = queryset.get()
        sentence = _("It stops after the step at which it is; what was done stays.")
        return self._steer(request, job, lambda: coupon_jobs.stop(job=job, now=timezone.now()), sentence)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Let it go on"), permissions=["steer"])
    def go_on(self, request: HttpRequest, queryset: QuerySet[CouponJob]) -> HttpResponse:
        """Go on from where it stood."""
        job = queryset.get()
        answer = self._steer(request, job, lambda: plans.resume(job=job), _("It goes on from where it stood."))
        ring()
        return answer

    def _steer(self, request: HttpRequest, job: CouponJob, act: Callable[[], Any], sentence: str) -> HttpResponse:
        try:
            act()
        except coupon_jobs.JobCannotChange as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, job, sentence)
            messages.success(request, sentence)
        return redirect(record_url(job))
