"""Gift cards and store credit: sold, topped up, given to and blocked by staff; their movements are history."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin.columns import OfCustomerMixin
from customers.admin_pages import form_page
from customers.admin_panels import NEWEST, Fact, Panel, RecordMixin, list_url, may_view, record_url
from customers.admin_units import UnitsAdminMixin
from customers.history_admin import HistoryAdmin
from customers.models import Customer, User
from customers.search import matching_ids
from customers.templatetags.loyalty import money
from rewards import stored_value, value_accounts
from rewards.adjustments import OwnCard
from rewards.ledger import SourceConflict
from rewards.models import ValueAccount, ValueMovement
from rewards.value_accounts import ValueRefused
from rewards.value_forms import BlockForm, GiveForm, PaidForm, SellCardForm
from rewards.value_limits import AboveValueLimit
from rewards.value_statement import signed_money

ON_RECORD = [ActionLocation.CHANGE_FORM]
MONEY = ("money", "")
REFUSALS = (ValueRefused, OwnCard, AboveValueLimit, SourceConflict)
CODE_SHOWN = "value_codes"  # accounts whose code this session may see once


@admin.register(ValueAccount)
class ValueAccountAdmin(OfCustomerMixin, RecordMixin, UnitsAdminMixin, HistoryAdmin):
    """Cards by their last four symbols: the whole code is for the holder's eyes, and for the till once, to print it."""

    units = {"paid": MONEY, "promotional": MONEY}
    list_display = [
        "__str__",
        "kind",
        "member",
        "balance_text",
        "paid_shown",
        "promotional_shown",
        "state",
        "opened_at",
        "expires_at",
    ]
    list_filter = ["kind", "state"]
    list_select_related = ["customer"]
    actions = ["top_up", "give", "block", "unblock", "new_code"]
    search_help_text = gettext_lazy(
        "The code of the card, or member number, e-mail, phone or the beginning of the customer's name."
    )
    readonly_fields = ["member", "balance_text"]
    fieldsets = [
        (None, {"fields": ["kind", "code_tail", "member", "balance_text", "paid", "promotional", "expires_at"]}),
        (gettext_lazy("Record"), {"fields": ["state", "block_reason", "opened_at", "claimed_at", "by", "sequence", "mac"]}),
    ]  # fmt: skip

    @admin.display(description=gettext_lazy("balance"))
    def balance_text(self, account: ValueAccount) -> str:
        return money(account.balance)

    def own_search(self, term: str) -> dict[str, Any]:
        found = value_accounts.find_by_code(term)
        return {"pk": found.pk} if found else {}

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm("rewards.add_valueaccount")

    def has_top_up_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.add_valuemovement")

    has_give_permission = has_top_up_permission

    def has_block_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.change_valueaccount")

    def facts(self, request: HttpRequest, obj: ValueAccount) -> list[Fact]:
        state = _("expired") if obj.is_expired(timezone.now()) else obj.get_state_display()
        return [
            Fact(label=_("balance"), value=money(obj.balance)),
            Fact(label=_("paid"), value=money(obj.paid)),
            Fact(label=_("given by the shop"), value=money(obj.promotional), hint=_("spent first")),
            Fact(label=_("state"), value=state, hint=obj.block_reason),
        ]

    def panels(self, request: HttpRequest, obj: ValueAccount) -> list[Panel]:
        return [movements_panel(obj)] if may_view(request.user, ValueMovement) else []

    def offers(self, action: str, obj: ValueAccount) -> bool:
        is_blocked = obj.state == ValueAccount.State.BLOCKED
        if action == "unblock":
            return is_blocked
        if action == "new_code":
            return obj.kind == ValueAccount.Kind.GIFT_CARD
        return not is_blocked and (action == "block" or not obj.is_expired(timezone.now()))

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, "rewards_valueaccount"
        return [
            path("<int:pk>/top-up/", wrap(self.top_up_view), name=f"{name}_top_up"),
            path("<int:pk>/give/", wrap(self.give_view), name=f"{name}_give"),
            path("<int:pk>/block/", wrap(self.block_view), name=f"{name}_block"),
            path("<int:pk>/code/", wrap(self.code_view), name=f"{name}_code"),
            *super().get_urls(),
        ]

    @admin.action(location=ON_RECORD, description=gettext_lazy("Top up"), permissions=["top_up"])
    def top_up(self, request: HttpRequest, queryset: QuerySet[ValueAccount]) -> HttpResponse:
        """Lead to the page that asks how much was paid."""
        return redirect("admin:rewards_valueaccount_top_up", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Give or take"), permissions=["give"])
    def give(self, request: HttpRequest, queryset: QuerySet[ValueAccount]) -> HttpResponse:
        """Lead to the page that asks how much and why."""
        return redirect("admin:rewards_valueaccount_give", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Block"), permissions=["block"])
    def block(self, request: HttpRequest, queryset: QuerySet[ValueAccount]) -> HttpResponse:
        """Lead to the page that asks why."""
        return redirect("admin:rewards_valueaccount_block", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Unblock"), permissions=["block"])
    def unblock(self, request: HttpRequest, queryset: QuerySet[ValueAccount]) -> HttpResponse:
        """Let it be spent again."""
        return self._done(request, value_accounts.unblock(account=queryset.get()), _("It can be spent again."))

    @admin.action(location=ON_RECORD, description=gettext_lazy("New code"), permissions=["block"])
    def new_code(self, request: HttpRequest, queryset: QuerySet[ValueAccount]) -> HttpResponse:
        """Kill the code that was lost, and show the new one."""
        account = value_accounts.replace_code(account=queryset.get(), by=request.user)
        self.log_change(request, account, _("New code"))
        return self._show_code(request, account)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Sell a gift card, and show its code once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SellCardForm(request.POST or None)
        if form.is_bound and form.is_valid():
            data = form.cleaned_data
            try:
                movement = stored_value.sell(
                    amount=data["amount"], promotional=data["promotional"], customer=form.customer, by=request.user,
                    source=f"value:sold:{data['key']}", occurred_at=timezone.now(), expires_at=data["expires_at"],
                    store=request.user.store, note=data["note"],
                )  # fmt: skip
            except REFUSALS as error:
                form.add_error(None, str(error))
            else:
                self.log_addition(request, movement.account, _("Gift card sold"))
                return self._show_code(request, movement.account)
        record = ValueAccount(kind=ValueAccount.Kind.GIFT_CARD)
        return form_page(
            self, request, record=record, form=form, title=_("Sell a gift card"), submit=_("Sell"),
            template="admin/rewards/sell_card.html", subtitle="",
        )  # fmt: skip

    def top_up_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Book what was paid."""

        def book(account: ValueAccount, data: dict[str, Any], by: User) -> ValueMovement:
            return stored_value.top_up(
                account=account, amount=data["amount"], promotional=data["promotional"],
                source=f"value:topped:{data['key']}", occurred_at=timezone.now(), store=by.store, by=by, note=data["note"],
            )  # fmt: skip

        return self._ask(request, pk, PaidForm, book, _("Top up"))

    def give_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give or take by hand, within one's limits."""

        def book(account: ValueAccount, data: dict[str, Any], by: User) -> ValueMovement:
            return stored_value.grant(
                account=account, amount=data["amount"], reason=data["reason"], key=str(data["key"]), by=by,
                now=timezone.now(), note=data["note"], store=by.store,
            )  # fmt: skip

        return self._ask(request, pk, GiveForm, book, _("Give or take"))

    def block_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Block it."""
        if not self.has_block_permission(request):
            raise PermissionDenied
        account = _account(pk)
        form = BlockForm(request.POST or None)
        if form.is_bound and form.is_valid():
            account = value_accounts.block(account=account, reason=form.cleaned_data["reason"])
            return self._done(request, account, _("It is blocked: %(reason)s") % {"reason": account.block_reason})
        return form_page(self, request, record=account, form=form, title=_("Block"), submit=_("Block"))

    def code_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show a new code once, to hand it over or print it."""
        account, allowed = _account(pk), request.session.get(CODE_SHOWN, [])
        if pk not in allowed:
            raise Http404
        request.session[CODE_SHOWN] = [key for key in allowed if key != pk]
        page = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": account,
            "title": _("The code of this gift card"),
            "code": value_accounts.code_of(account),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/rewards/card_code.html", page)

    def _ask(
        self,
        request: HttpRequest,
        pk: int,
        form_class: type[Form],
        book: Callable[[ValueAccount, dict[str, Any], User], ValueMovement],
        title: str,
    ) -> HttpResponse:
        if not self.has_top_up_permission(request):
            raise PermissionDenied
        account = _account(pk)
        form = form_class(request.POST or None)
        if form.is_bound and form.is_valid():
            try:
                movement = book(account, form.cleaned_data, request.user)
            except REFUSALS as error:
                form.add_error(None, str(error))
            else:
                return self._done(request, account, _("Booked: %(amount)s") % {"amount": signed_money(movement.amount)})
        return form_page(self, request, record=account, form=form, title=title, submit=_("Book"))

    def _show_code(self, request: HttpRequest, account: ValueAccount) -> HttpResponse:
        request.session[CODE_SHOWN] = [*request.session.get(CODE_SHOWN, []), account.pk]
        return redirect("admin:rewards_valueaccount_code", account.pk)

    def _done(self, request: HttpRequest, account: ValueAccount, sentence: str) -> HttpResponse:
        self.log_change(request, account, sentence)
        messages.success(request, sentence)
        return redirect(record_url(account))


@admin.register(ValueMovement)
class ValueMovementAdmin(OfCustomerMixin, UnitsAdminMixin, HistoryAdmin):
    """Every movement of stored value, newest first."""

    units = {"paid": MONEY, "promotional": MONEY, "paid_after": MONEY, "promotional_after": MONEY}
    list_display = [
        "id",
        "card",
        "member",
        "occurred_at",
        "kind",
        "amount_text",
        "paid_shown",
        "promotional_shown",
        "store",
        "by",
    ]
    list_filter = ["kind", "occurred_at"]
    list_select_related = ["account__customer", "store", "by"]
    ordering = ["-occurred_at", "-pk"]
    search_fields = ["source"]
    search_help_text = gettext_lazy("Source, or the code of the card, or whatever finds its owner.")
    readonly_fields = ["card", "member", "amount_text"]
    fieldsets = [
        (None, {"fields": ["card", "member", "sequence", "kind", "amount_text", "paid", "promotional", "paid_after", "promotional_after"]}),
        (gettext_lazy("Cause"), {"fields": ["source", "occurred_at", "recorded_at", "reverses", "purchase", "store", "by", "reason", "note"]}),
        (gettext_lazy("Seal"), {"fields": ["key_number", "mac"], "classes": ["collapse"]}),
    ]  # fmt: skip

    @admin.display(description=gettext_lazy("card"))
    def card(self, row: ValueMovement) -> SafeString:
        return format_html('<a href="{}">{}</a>', record_url(row.account), row.account)

    @admin.display(description=gettext_lazy("customer"))
    def member(self, row: ValueMovement) -> SafeString | str:
        return super().member(row.account)

    @admin.display(description=gettext_lazy("amount"))
    def amount_text(self, row: ValueMovement) -> str:
        return signed_money(row.amount)

    def get_search_results(self, request: Any, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if ":" in term:
            return queryset.filter(source=term), False
        if found := value_accounts.find_by_code(term):
            return queryset.filter(account=found), False
        owners = Customer.objects.filter(pk__in=matching_ids(term))
        return queryset.filter(account__customer__in=owners), False


def movements_panel(account: ValueAccount) -> Panel:
    """Return the newest movements of a card."""
    rows = account.movements.select_related("store", "by").order_by("-sequence")[:NEWEST]
    return Panel(
        title=_("Movements"),
        columns=[_("occurred at"), _("what"), _("amount"), _("balance after it"), _("store"), _("by"), _("note")],
        numeric=frozenset({2, 3}),
        rows=[
            [
                row.occurred_at,
                format_html('<a href="{}">{}</a>', record_url(row), row.get_kind_display()),
                signed_money(row.amount),
                money(row.balance_after),
                row.store,
                row.by,
                row.note,
            ]
            for row in rows
        ],
        empty=_("Nothing has moved yet."),
        all_url=list_url(ValueMovement, account__id__exact=account.pk),
    )


def value_panel(customer: Customer) -> Panel:
    """Return the store credit and gift cards of a customer."""
    return Panel(
        title=_("Gift cards and store credit"),
        columns=[_("card"), _("kind"), _("balance"), _("state"), _("expires at")],
        numeric=frozenset({2}),
        rows=[
            [
                format_html('<a href="{}">{}</a>', record_url(row), row),
                row.get_kind_display(),
                money(row.balance),
                row.get_state_display(),
                row.expires_at,
            ]
            for row in value_accounts.of_customer(customer=customer)[:NEWEST]
        ],
        empty=_("None yet."),
        all_url=list_url(ValueAccount, q=customer.member_number),
    )


def _account(pk: int) -> ValueAccount:
    return get_object_or_404(ValueAccount.objects.select_related("customer"), pk=pk)
