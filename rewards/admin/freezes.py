"""The switch that stops all spending, and when it was used."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from customers import confirming
from customers.admin_panels import list_url
from customers.history_admin import HistoryAdmin
from rewards import freezes
from rewards.models import SpendingFreeze


@admin.register(SpendingFreeze)
class SpendingFreezeAdmin(HistoryAdmin):
    """Freezes, newest first. Stopping needs no second look at who does it; letting go on does."""

    change_list_template = "admin/rewards/freezes.html"
    list_display = ["frozen_at", "reason", "frozen_by", "resumed_at", "resumed_by"]
    list_select_related = ["frozen_by", "resumed_by"]
    fields = ["reason", "frozen_at", "frozen_by", "resumed_at", "resumed_by"]

    def has_freeze_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(freezes.WATCHING)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {"may_freeze": self.has_freeze_permission(request), "current": freezes.current()}
        return super().changelist_view(request, context | (extra_context or {}))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.switch_view)
        return [path("switch/", view, name="rewards_spendingfreeze_switch"), *super().get_urls()]

    @method_decorator(require_POST)
    def switch_view(self, request: HttpRequest) -> HttpResponse:
        """Stop spending, or let it go on."""
        if not self.has_freeze_permission(request):
            raise PermissionDenied
        now = timezone.now()
        if request.POST.get("switch") == "resume":
            if not confirming.confirmed_lately(request, now=now):
                return confirming.ask(request, back=list_url(SpendingFreeze))
            freezes.resume(by=request.user, now=now)
            messages.success(request, _("Spending goes on."))
        elif reason := request.POST.get("reason", "").strip()[:300]:
            freezes.freeze(reason=reason, by=request.user, now=now)
            messages.success(request, _("Spending is frozen; within five seconds no till takes points or coupons."))
        else:
            messages.error(request, _("Please say why."))
        return redirect(list_url(SpendingFreeze))
