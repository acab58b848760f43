"""Bringing friends in the admin: the offers, and the friends that somebody has to look at."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin.columns import OfCustomerMixin
from customers.admin_panels import Fact, RecordMixin, list_url, may_view, record_url
from customers.admin_units import UnitsAdminMixin
from customers.history_admin import HistoryAdmin, PortalAdmin
from customers.templatetags.loyalty import points
from rewards import referrals
from rewards.adjustments import OwnCard
from rewards.models import Referral, ReferralOffer

ON_RECORD = [ActionLocation.CHANGE_FORM]
State = Referral.State


@admin.register(ReferralOffer)
class ReferralOfferAdmin(UnitsAdminMixin, RecordMixin, PortalAdmin):
    """What friends and members get. Once somebody came by an offer it can only be switched off: another one is another row."""

    list_display = ["id", "is_active", "friend_points", "friend_batch", "advocate_points", "advocate_batch", "friends"]
    list_display_links = ["id", "is_active"]
    list_select_related = ["friend_batch", "advocate_batch"]
    autocomplete_fields = ["friend_batch", "advocate_batch"]
    units = {"minimum_total": ("money", gettext_lazy("Of one receipt of the friend, after returns; 0 for any."))}
    fieldsets = [
        (gettext_lazy("For the friend, on joining"), {"fields": ["friend_points", "friend_batch"]}),
        (
            gettext_lazy("For the member, after the friend's first kept purchase"),
            {"fields": ["advocate_points", "advocate_batch", "minimum_total", "return_days"]},
        ),
        (gettext_lazy("Bounds"), {"fields": ["most_a_year", "expiry_months", "is_active"]}),
    ]

    @admin.display(description=gettext_lazy("friends who came"))
    def friends(self, offer: ReferralOffer) -> str:
        return points(offer.friends_count)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReferralOffer]:
        return super().get_queryset(request).annotate(friends_count=Count("referrals"))

    def get_readonly_fields(self, request: HttpRequest, obj: ReferralOffer | None = None) -> list[Any]:
        """What was promised to somebody stays as it was."""
        if obj is None or not obj.referrals.exists():
            return list(super().get_readonly_fields(request, obj))
        names = [name for __, rest in self.fieldsets for name in rest["fields"]]
        self_units = [f"{name}_shown" if name in self.units else name for name in names if name != "is_active"]
        return [*self_units]

    def has_delete_permission(self, request: HttpRequest, obj: ReferralOffer | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.referrals.exists())

    def save_model(self, request: HttpRequest, obj: ReferralOffer, form: Any, change: bool) -> None:
        obj.by = obj.by or request.user
        super().save_model(request, obj, form, change)

    def facts(self, request: HttpRequest, obj: ReferralOffer) -> list[Fact]:
        if not may_view(request.user, Referral):
            return []
        counts = dict(obj.referrals.order_by().values_list("state").annotate(Count("pk")))
        held = format_html('<a href="{}">{}</a>', list_url(Referral, state=State.HELD), points(counts.get("held", 0)))
        return [
            Fact(label=_("friends who came"), value=points(sum(counts.values()))),
            Fact(label=_("gift given"), value=points(counts.get("given", 0)), hint=_("after a kept purchase")),
            Fact(label=_("to be looked at"), value=held),
        ]


@admin.register(Referral)
class ReferralAdmin(OfCustomerMixin, HistoryAdmin):
    """Who came through whom. What is held waits for a yes or a no."""

    list_display = ["id", "member", "friend_member", "state", "why", "joined_at", "given_at"]
    list_filter = ["state"]
    list_select_related = ["customer", "friend"]
    actions = ["approve", "refuse"]
    fields = [
        "state", "why", "member", "friend_member", "offer", "joined_at", "friend_given_at", "purchase", "given_at",
        "decided_by", "decided_at",
    ]  # fmt: skip
    readonly_fields = ["member", "friend_member", "why"]

    @admin.display(description=gettext_lazy("friend"))
    def friend_member(self, row: Referral) -> SafeString:
        return format_html('<a href="{}">{}</a>', record_url(row.friend), row.friend.member_number)

    @admin.display(description=gettext_lazy("why it is to be looked at"))
    def why(self, row: Referral) -> SafeString | str:
        labels = dict(Referral.Doubt.choices)
        return format_html_join(" ", "{}", ((labels.get(doubt, doubt),) for doubt in row.doubts)) or "–"

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.decide_referral")

    def offers(self, action: str, obj: Referral) -> bool:
        return obj.state == State.HELD

    @admin.action(location=ON_RECORD, description=gettext_lazy("Let it through"), permissions=["decide"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Referral]) -> HttpResponse:
        """Give the friend what was promised; the member's gift follows after the purchase."""
        return self._decide(request, queryset, referrals.approve, _("Let through: the friend has got the gift."))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Refuse"), permissions=["decide"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[Referral]) -> HttpResponse:
        """Close it without gifts."""
        return self._decide(request, queryset, referrals.refuse, _("Refused: nobody gets a gift for it."))

    def _decide(self, request: HttpRequest, queryset: Any, decide: Any, sentence: str) -> HttpResponse:
        row = queryset.get()
        try:
            decide(referral=row, by=request.user, now=timezone.now())
        except (referrals.AlreadyDecided, OwnCard) as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, row, sentence)
            messages.success(request, sentence)
        return redirect(record_url(row))
