"""Thanks for answers: what was given, and what waits for somebody to look."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers.admin_panels import record_url
from customers.history_admin import HistoryAdmin
from surveys import thanks
from surveys.models import RewardGrant

BOTH = [ActionLocation.CHANGE_FORM, ActionLocation.CHANGE_LIST]


@admin.register(RewardGrant)
class RewardGrantAdmin(HistoryAdmin):
    """Held thanks are released or refused here; which answer they are for is not shown, since it must not matter."""

    search_fields = ["=invitation__customer__member_number"]
    search_help_text = gettext_lazy("A member number.")
    sortable_by = ()
    list_display = ["member", "campaign", "state", "why", "points", "coupon", "earned_at"]
    list_display_links = ["campaign"]
    list_filter = ["state", "campaign"]
    list_select_related = ["invitation__customer", "campaign", "coupon__batch"]
    ordering = ["-pk"]
    actions = ["release", "refuse"]

    @admin.display(description=gettext_lazy("customer"))
    def member(self, grant: RewardGrant) -> SafeString:
        customer = grant.invitation.customer
        return format_html('<a href="{}">{}</a>', record_url(customer), customer.member_number)

    @admin.display(description=gettext_lazy("held because"))
    def why(self, grant: RewardGrant) -> str:
        labels = dict(RewardGrant.Reason.choices)
        return ", ".join(str(labels.get(reason, reason)) for reason in grant.reasons)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("surveys.change_rewardgrant")

    @admin.action(location=BOTH, description=gettext_lazy("Give these thanks"), permissions=["decide"])
    def release(self, request: HttpRequest, queryset: QuerySet[RewardGrant]) -> None:
        """Give what was held."""
        self._decide(request, queryset, thanks.release)

    @admin.action(location=BOTH, description=gettext_lazy("Refuse these thanks"), permissions=["decide"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[RewardGrant]) -> None:
        """Decide that there are none."""
        self._decide(request, queryset, thanks.refuse)

    def _decide(self, request: HttpRequest, queryset: QuerySet[RewardGrant], decide: Callable[..., Any]) -> None:
        done = 0
        for grant in queryset.order_by("pk"):
            try:
                grant = decide(grant=grant, by=request.user, now=timezone.now())
            except (thanks.AlreadyDecided, thanks.NothingLeft) as error:
                messages.error(request, str(error))
            else:
                done += 1
                self.log_change(request, grant, _("Thanks: %(state)s.") % {"state": grant.get_state_display()})
        if done:
            sentence = ngettext("%(number)d decided.", "%(number)d decided.", done) % {"number": done}
            messages.success(request, sentence)
