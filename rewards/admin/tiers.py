"""Tier memberships: their history, read only, and what staff may do about them on the customer's record."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin.columns import OfCustomerMixin
from customers.admin_pages import form_page
from customers.admin_panels import NEWEST, Fact, Panel, list_url, may_view, record_url
from customers.history_admin import HistoryAdmin
from customers.models import Customer
from customers.templatetags.loyalty import last_day, money, points
from rewards import tiers
from rewards.adjustments import OwnCard
from rewards.admin.on_customer import ON_RECORD, RewardsOnCustomer
from rewards.forms import GrantTierForm, WithdrawTierForm
from rewards.models import Tier, TierMembership
from rewards.tier_progress import Progress, progress_of


@admin.register(TierMembership)
class TierMembershipAdmin(OfCustomerMixin, HistoryAdmin):
    """Who was in which tier, newest first."""

    list_display = [
        "id",
        "member",
        "tier",
        "started_at",
        "reason",
        "kept_until",
        "grace_until",
        "ended_at",
        "end_reason",
    ]
    list_filter = ["tier", "reason"]
    list_select_related = ["customer", "tier"]
    fields = [
        "member", "tier", "started_at", "reason", "by", "note", "qualified_at", "kept_until", "grace_until", "ended_at",
        "end_reason", "ended_by", "end_note", "recorded_at",
    ]  # fmt: skip
    readonly_fields = ["member", "recorded_at"]


class TiersOnCustomer(RewardsOnCustomer):
    """Extend the customer's record by the tier, its history, and the buttons that grant one or take it back."""

    actions = [*RewardsOnCustomer.actions, "grant_tier", "withdraw_tier"]

    def has_grant_tier_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.grant_tiermembership")

    def offers(self, action: str, obj: Customer) -> bool:
        """Only what staff gave can be taken back."""
        if action == "grant_tier" and not Tier.objects.filter(rank__gt=0).exists():
            return False
        if action == "withdraw_tier":
            granted = TierMembership.objects.open().filter(customer=obj, reason=TierMembership.Reason.GRANTED)
            if not granted.exists():
                return False
        return super().offers(action, obj)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Grant tier"), permissions=["grant_tier"])
    def grant_tier(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Lead to the page that asks which and why."""
        return redirect("admin:customers_customer_grant_tier", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Withdraw tier"), permissions=["grant_tier"])
    def withdraw_tier(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Lead to the page that asks why."""
        return redirect("admin:customers_customer_withdraw_tier", queryset.get().pk)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/grant-tier/", wrap(self.grant_tier_view), name="customers_customer_grant_tier"),
            path("<int:pk>/withdraw-tier/", wrap(self.withdraw_tier_view), name="customers_customer_withdraw_tier"),
            *super().get_urls(),
        ]

    def grant_tier_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put the customer into a tier."""
        form = GrantTierForm(request.POST or None)

        def act(customer: Customer) -> str:
            row = tiers.grant(customer=customer, by=request.user, now=timezone.now(), **form.cleaned_data)
            return _("“%(tier)s” is granted until %(day)s.") % {"tier": row.tier.name, "day": last_day(row.kept_until)}

        return self._act_on_tier(request, pk, form, act, title=_("Grant tier"), submit=_("Grant"))

    def withdraw_tier_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take back a tier that staff gave."""
        form = WithdrawTierForm(request.POST or None)

        def act(customer: Customer) -> str:
            tiers.withdraw(customer=customer, by=request.user, now=timezone.now(), **form.cleaned_data)
            return _("The tier is withdrawn.")

        return self._act_on_tier(request, pk, form, act, title=_("Withdraw tier"), submit=_("Withdraw"))

    def _act_on_tier(
        self, request: HttpRequest, pk: int, form: forms.Form, act: Callable[[Customer], str], **words: str
    ) -> HttpResponse:
        if not self.has_grant_tier_permission(request):
            raise PermissionDenied
        customer = get_object_or_404(Customer.objects.enrolled(), pk=pk)
        if form.is_bound and form.is_valid():
            try:
                sentence = act(customer)
            except (OwnCard, tiers.HeldAlready, tiers.NotGranted) as error:
                form.add_error(None, str(error))
            else:
                self.log_change(request, customer, f"{sentence} {form.cleaned_data['note']}")
                messages.success(request, sentence)
                return redirect(record_url(customer))
        return form_page(self, request, record=customer, form=form, **words)

    def facts(self, request: HttpRequest, obj: Customer) -> list[Fact]:
        progress = progress_of(customer=obj, now=timezone.now())
        return [*super().facts(request, obj), *([tier_fact(progress)] if progress else [])]

    def panels(self, request: HttpRequest, obj: Customer) -> list[Panel]:
        found = super().panels(request, obj)
        return [*found, tiers_panel(obj)] if may_view(request.user, TierMembership) else found


def tier_fact(progress: Progress) -> Fact:
    """Say which tier it is, and what is missing to the next."""
    name, hint = progress.tier.name if progress.tier else "—", ""
    if progress.goal:
        write = money if progress.goal.metric == Tier.Metric.SPEND else points
        values = {"missing": write(progress.missing), "tier": progress.goal.name}
        hint = _("%(missing)s more for “%(tier)s”") % values
    return Fact(label=_("tier"), value=name, hint=hint)


def tiers_panel(customer: Customer) -> Panel:
    """Return the newest memberships."""
    rows: Any = TierMembership.objects.filter(customer=customer).select_related("tier").newest_first()[:NEWEST]
    return Panel(
        title=_("Tiers"),
        columns=[_("tier"), _("started at"), _("began because"), _("kept until"), _("ended at"), _("ended because")],
        rows=[
            [
                row.tier.name,
                row.started_at,
                row.get_reason_display(),
                row.grace_until or row.kept_until,
                row.ended_at,
                row.get_end_reason_display(),
            ]
            for row in rows
        ],
        empty=_("No tier yet."),
        all_url=list_url(TierMembership, q=customer.member_number),
    )
