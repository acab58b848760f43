"""What this app adds to the customer's record: balances, statement, coupons, and the buttons that give."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin_pages import form_page
from customers.admin_panels import NEWEST, Fact, Panel, list_url, may_view, record_url
from customers.models import Customer
from customers.templatetags.loyalty import last_day, points
from rewards import coupons, ledger, outlook, statement, value_accounts
from rewards.adjustments import OwnCard, expired_lately, refuse_own_card
from rewards.admin.adjustments import adjust_page
from rewards.admin.bringing_back import bring_back_page
from rewards.admin.coupons import state_word
from rewards.admin.reward_orders import orders_panel
from rewards.admin.statement_file import StatementFileOnCustomer
from rewards.admin.stored_value import value_panel
from rewards.forms import IssueCouponForm
from rewards.models import Coupon, CouponBatch, PointBalance, PointTransaction, RewardOrder, ValueAccount

ON_RECORD = [ActionLocation.CHANGE_FORM]


class RewardsOnCustomer(StatementFileOnCustomer):
    """Extend the admin of customers; composed by the portal, since the customers app does not know this one."""

    actions = ["issue_coupon", "adjust_points", "bring_back", "store_credit", *StatementFileOnCustomer.actions]

    def has_issue_coupon_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.add_coupon")

    def has_adjust_points_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.add_pointtransaction")

    def offers(self, action: str, obj: Customer) -> bool:
        """Nothing is given to who was erased or merged into another, and only what expired lately is brought back."""
        if obj.erased_at is not None or obj.merged_into_id is not None:
            return False
        if action == "bring_back" and not expired_lately(customer=obj, now=timezone.now()).exists():
            return False
        return super().offers(action, obj)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Issue coupon"), permissions=["issue_coupon"])
    def issue_coupon(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Lead to the page that asks which."""
        return redirect("admin:customers_customer_issue_coupon", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Adjust points"), permissions=["adjust_points"])
    def adjust_points(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Lead to the page that asks how many and why."""
        return redirect("admin:customers_customer_adjust_points", queryset.get().pk)

    @admin.action(
        location=ON_RECORD, description=gettext_lazy("Bring back expired points"), permissions=["adjust_points"]
    )
    def bring_back(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Lead to the page that asks which and why."""
        return redirect("admin:customers_customer_bring_back", queryset.get().pk)

    def has_store_credit_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.add_valuemovement")

    @admin.action(location=ON_RECORD, description=gettext_lazy("Store credit"), permissions=["store_credit"])
    def store_credit(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """Lead to the customer's store credit, which is opened by it."""
        return redirect(record_url(value_accounts.credit_of(customer=queryset.get(), now=timezone.now())))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/issue-coupon/", wrap(self.issue_coupon_view), name="customers_customer_issue_coupon"),
            path("<int:pk>/adjust-points/", wrap(self.adjust_points_view), name="customers_customer_adjust_points"),
            path("<int:pk>/bring-back/", wrap(self.bring_back_view), name="customers_customer_bring_back"),
            *super().get_urls(),
        ]

    def issue_coupon_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Issue one coupon; the same form sent twice issues once."""
        if not self.has_issue_coupon_permission(request):
            raise PermissionDenied
        customer, now = _enrolled(pk), timezone.now()
        batches = CouponBatch.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), state=CouponBatch.State.ACTIVE)
        form = IssueCouponForm(request.POST or None, batches=batches.order_by("name_en", "pk"))
        if form.is_bound and form.is_valid():
            try:
                refuse_own_card(customer, request.user)
                coupon = coupons.issue(
                    batch=form.cleaned_data["batch"], customer=customer, source=f"staff:{form.cleaned_data['key']}", now=now, by=request.user
                )  # fmt: skip
            except (OwnCard, coupons.BatchNotActive, coupons.BatchLimitReached, ledger.SourceConflict) as error:
                form.add_error(None, str(error))
            else:
                sentence = _("“%(coupon)s” is issued; the customer sees it from now on.") % {
                    "coupon": coupon.batch.name
                }
                return self._done(request, customer, sentence)
        return form_page(self, request, record=customer, form=form, title=_("Issue coupon"), submit=_("Issue"))

    def adjust_points_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give or take points, or ask a second person."""
        if not self.has_adjust_points_permission(request):
            raise PermissionDenied
        return adjust_page(self, request, _enrolled(pk))

    def bring_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Bring back what expired lately."""
        if not self.has_adjust_points_permission(request):
            raise PermissionDenied
        return bring_back_page(self, request, _enrolled(pk))

    def _done(self, request: HttpRequest, customer: Customer, sentence: str) -> HttpResponse:
        self.log_change(request, customer, sentence)
        messages.success(request, sentence)
        return redirect(record_url(customer))

    def facts(self, request: HttpRequest, obj: Customer) -> list[Fact]:
        return [*super().facts(request, obj), *balance_facts(obj)] if may_view(request.user, PointBalance) else []

    def panels(self, request: HttpRequest, obj: Customer) -> list[Panel]:
        found = []
        if may_view(request.user, PointTransaction):
            found.append(statement_panel(obj))
        if may_view(request.user, Coupon):
            found.append(coupons_panel(obj))
        if may_view(request.user, RewardOrder) and obj.reward_orders.exists():
            found.append(orders_panel(obj.reward_orders.all(), list_url(RewardOrder, q=obj.member_number)))
        if may_view(request.user, ValueAccount) and obj.value_accounts.exists():
            found.append(value_panel(obj))
        return [*found, *super().panels(request, obj)]


def _enrolled(pk: int) -> Customer:
    return get_object_or_404(Customer.objects.enrolled(), pk=pk)


def balance_facts(customer: Customer) -> list[Fact]:
    """Return what the customer has, and what happens to it next."""
    balance = PointBalance.objects.filter(customer=customer).first() or PointBalance(customer=customer)
    expiry = outlook.next_expiry(customer=customer, now=timezone.now())
    hint = ""
    if expiry:
        hint = _("%(points)s expire on %(day)s") % {
            "points": points(expiry.points),
            "day": last_day(expiry.at),
        }
    facts = [
        Fact(label=_("spendable points"), value=points(balance.active), hint=hint),
        Fact(label=_("pending"), value=points(balance.pending)),
        Fact(label=_("earned altogether"), value=points(balance.lifetime)),
    ]
    if balance.held:
        facts.append(Fact(label=_("held"), value=points(balance.held)))
    if balance.debt:
        facts.append(Fact(label=_("debt"), value=points(balance.debt), hint=_("the next awards absorb it")))
    return facts


def statement_panel(customer: Customer) -> Panel:
    """Return the newest movements in words."""
    lines, _older = statement.page_of(customer=customer, before=None, size=NEWEST)
    return Panel(
        title=_("Statement"),
        columns=[_("occurred at"), _("what"), _("points"), _("spendable after it")],
        numeric=frozenset({2, 3}),
        rows=[[line.occurred_at, _in_words(line), line.points, points(line.balance)] for line in lines],
        empty=_("No points have moved yet."),
        all_url=list_url(PointTransaction, q=customer.member_number),
    )


def _in_words(line: statement.Line) -> Any:
    reasons = format_html_join("", "<br><small>{}</small>", ((reason,) for reason in line.why))
    return format_html("{}{}", line.what, reasons)


def coupons_panel(customer: Customer) -> Panel:
    """Return the newest coupons."""
    rows = Coupon.objects.filter(customer=customer).select_related("batch").newest_first()[:NEWEST]
    return Panel(
        title=_("Coupons"),
        columns=[_("coupon"), _("batch"), _("state"), _("issued at"), _("expires at")],
        rows=[
            [
                format_html('<a href="{}">{}</a>', record_url(row), row),
                row.batch.name,
                state_word(row),
                row.issued_at,
                row.expires_at,
            ]
            for row in rows
        ],
        empty=_("No coupon yet."),
        all_url=list_url(Coupon, q=customer.member_number),
    )
