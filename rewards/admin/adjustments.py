"""Points by hand: the page that gives or takes, and the requests that wait for a second person."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import confirming
from customers.admin.columns import OfCustomerMixin
from customers.admin_pages import form_page
from customers.admin_panels import record_url
from customers.history_admin import PortalAdmin
from customers.models import Customer
from customers.templatetags.loyalty import points, signed
from rewards import adjustments, ledger, staff_limits, statement
from rewards.adjustment_forms import AdjustPointsForm, AnswerForm, ChangeRequestForm
from rewards.forms import ApproveForm
from rewards.models import AdjustmentRequest, PointBalance, PointTransaction

ON_RECORD = [ActionLocation.CHANGE_FORM]
APPROVE = "rewards.approve_adjustmentrequest"
REFUSALS = (adjustments.OwnCard, ledger.InsufficientPoints, ledger.SourceConflict)


def adjust_page(model_admin: ModelAdmin, request: HttpRequest, customer: Customer) -> HttpResponse:
    """Give or take points, or ask a second person; the same form sent twice does it once."""
    form = AdjustPointsForm(request.POST or None)
    needs_request = False
    if form.is_bound and form.is_valid():
        asked = {"customer": customer, "by": request.user, "now": timezone.now(), **form.cleaned_data}
        try:
            return _adjusted(model_admin, request, customer, adjustments.adjust(**asked))
        except staff_limits.AboveLimit as error:
            if "_request" in request.POST:
                return _requested(request, adjustments.request(**asked))
            form.add_error("points", str(error))
            needs_request = True
        except REFUSALS as error:
            if row := AdjustmentRequest.objects.filter(key=form.cleaned_data["key"], by=request.user).first():
                return _requested(request, row)
            form.add_error(None, str(error))
    return form_page(
        model_admin, request, record=customer, form=form, title=_("Adjust points"), submit=_("Adjust"),
        template="admin/rewards/adjust_points.html", needs_request=needs_request,
        left=staff_limits.left_for(by=request.user, now=timezone.now()),
    )  # fmt: skip


def _adjusted(
    model_admin: ModelAdmin, request: HttpRequest, customer: Customer, posted: PointTransaction
) -> HttpResponse:
    sentence = posted_sentence(posted)
    model_admin.log_change(request, customer, sentence)
    messages.success(request, sentence)
    return redirect(record_url(customer))


def _requested(request: HttpRequest, row: AdjustmentRequest) -> HttpResponse:
    sentence = _("%(points)s points wait for a second person, for 24 hours at most.")
    messages.success(request, sentence % {"points": signed(row.points)})
    return redirect(record_url(row))


def posted_sentence(posted: PointTransaction) -> str:
    """Say what was posted and what the customer can spend now."""
    return _("%(points)s points; %(active)s can be spent now.") % {
        "points": signed(statement.signed_for_customer(posted)),
        "active": points(posted.active_after),
    }


@admin.register(AdjustmentRequest)
class AdjustmentRequestAdmin(OfCustomerMixin, PortalAdmin):
    """What waits for a second person, and what became of it. Whoever may not approve sees only their own."""

    list_display = [
        "id",
        "member",
        "signed_points",
        "reason",
        "state",
        "by",
        "requested_at",
        "expires_at",
        "decided_by",
    ]
    list_filter = ["state"]
    list_select_related = ["customer", "by", "decided_by"]
    sortable_by = ()
    readonly_fields = ["member", "signed_points"]
    actions = ["approve", "refuse", "change_it"]
    fieldsets = [
        (None, {"fields": ["member", "signed_points", "reason", "note", "staff_note"]}),
        (gettext_lazy("Request"), {"fields": ["by", "requested_at", "expires_at", "version"]}),
        (gettext_lazy("Decision"), {"fields": ["state", "decided_by", "decided_at", "answer"]}),
    ]

    @admin.display(description=gettext_lazy("points"))
    def signed_points(self, row: AdjustmentRequest) -> str:
        return signed(row.points)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AdjustmentRequest]:
        rows = super().get_queryset(request).select_related("customer", "by", "decided_by")
        sees_all = request.user.has_perm(APPROVE) or request.user.has_perm("rewards.view_pointtransaction")
        return rows if sees_all else rows.filter(by=request.user)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(APPROVE)

    def has_adjust_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.add_pointtransaction")

    def offers(self, action: str, obj: AdjustmentRequest) -> bool:
        """A decided request is history."""
        return obj.is_open_at(timezone.now())

    @admin.action(location=ON_RECORD, description=gettext_lazy("Approve"), permissions=["approve"])
    def approve(self, request: HttpRequest, queryset: QuerySet[AdjustmentRequest]) -> HttpResponse:
        """Lead to the page with the exact figures."""
        return redirect("admin:rewards_adjustmentrequest_approve", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Refuse"), permissions=["adjust"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[AdjustmentRequest]) -> HttpResponse:
        """Lead to the page that asks why."""
        return redirect("admin:rewards_adjustmentrequest_refuse", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Change the request"), permissions=["adjust"])
    def change_it(self, request: HttpRequest, queryset: QuerySet[AdjustmentRequest]) -> HttpResponse:
        """Lead to the form with what was asked for."""
        return redirect("admin:rewards_adjustmentrequest_revise", queryset.get().pk)

    def get_urls(self) -> list[URLPattern]:
        pages = {"approve": self.approve_view, "refuse": self.refuse_view, "revise": self.revise_view}
        wrap = self.admin_site.admin_view
        own = [
            path(f"<int:pk>/{name}/", wrap(view), name=f"rewards_adjustmentrequest_{name}")
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the exact figures and post them; 403 for one's own request, 409 when it is no longer what was shown."""
        row = self._row(request, pk, is_allowed=self.has_approve_permission(request))
        if not confirming.confirmed_lately(request, now=timezone.now()):
            return confirming.ask(request)
        form = ApproveForm(request.POST or None, initial={"version": row.version})
        status = 200
        if form.is_bound and form.is_valid():
            try:
                posted = adjustments.approve(
                    request=row, version=form.cleaned_data["version"], by=request.user, now=timezone.now()
                )
            except (adjustments.RequestChanged, adjustments.RequestClosed, ledger.InsufficientPoints) as error:
                # What is shown next is the request as it stands, and the next press is about that.
                row = self._row(request, pk)
                form, status = ApproveForm(initial={"version": row.version}), 409
                messages.error(request, str(error))
            except (adjustments.OwnRequest, adjustments.OwnCard) as error:
                status = 403
                messages.error(request, str(error))
            else:
                return self._close(request, row, posted_sentence(posted))
        return self._page(request, row, form, title=_("Approve"), submit=_("Approve"), status=status)

    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask why, and close the request; whoever made it may take it back."""
        row = self._row(request, pk)
        self._only(request, row, may_all=self.has_approve_permission(request))
        form = AnswerForm(request.POST or None)
        if form.is_bound and form.is_valid():
            try:
                adjustments.refuse(request=row, by=request.user, now=timezone.now(), **form.cleaned_data)
            except adjustments.RequestClosed as error:
                form.add_error(None, str(error))
            else:
                return self._close(request, row, _("The request is refused; no points have moved."))
        return self._page(request, row, form, title=_("Refuse"), submit=_("Refuse"))

    def revise_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change one's own request: the figures that an approver may be looking at no longer hold."""
        row = self._row(request, pk)
        self._only(request, row, may_all=False)
        old = {name: getattr(row, name) for name in ("points", "reason", "note", "staff_note")}
        form = ChangeRequestForm(request.POST or None, initial=old)
        if form.is_bound and form.is_valid():
            try:
                adjustments.change(request=row, by=request.user, now=timezone.now(), **form.cleaned_data)
            except adjustments.RequestClosed as error:
                form.add_error(None, str(error))
            else:
                return self._close(request, row, _("The request is changed and waits for another 24 hours."))
        return self._page(request, row, form, title=_("Change the request"), submit=_("Save"))

    def _row(self, request: HttpRequest, pk: int, *, is_allowed: bool | None = None) -> AdjustmentRequest:
        if not (self.has_adjust_permission(request) if is_allowed is None else is_allowed):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk)

    def _only(self, request: HttpRequest, row: AdjustmentRequest, *, may_all: bool) -> None:
        if row.by_id != request.user.pk and not may_all:
            raise PermissionDenied

    def _close(self, request: HttpRequest, row: AdjustmentRequest, sentence: str) -> HttpResponse:
        self.log_change(request, row, sentence)
        messages.success(request, sentence)
        return redirect(record_url(row))

    def _page(
        self, request: HttpRequest, row: AdjustmentRequest, form: Form, *, title: str, submit: str, status: int = 200
    ) -> Any:
        balance = PointBalance.objects.filter(customer=row.customer).first()
        active = balance.active if balance else 0
        page = form_page(
            self, request, record=row, form=form, title=title, submit=submit, active=active, after=active + row.points,
            template="admin/rewards/decide_adjustment.html", is_open=row.is_open_at(timezone.now()),
        )  # fmt: skip
        page.status_code = status
        return page
