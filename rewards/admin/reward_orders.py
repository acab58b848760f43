"""Rewards that customers have taken: what waits at the counter, with the buttons to hand over and to cancel."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin.columns import OfCustomerMixin
from customers.admin_pages import form_page
from customers.admin_panels import NEWEST, Fact, Panel, RecordMixin, list_url, record_url
from customers.admin_units import UnitsAdminMixin
from customers.history_admin import HistoryAdmin
from customers.templatetags.loyalty import money, points
from rewards import catalogue
from rewards.adjustments import OwnCard
from rewards.catalogue import OrderClosed
from rewards.models import Reward, RewardOrder
from rewards.showcase import cost_of
from rewards.value_forms import CancelOrderForm

ON_RECORD = [ActionLocation.CHANGE_FORM]
State = RewardOrder.State


@admin.register(RewardOrder)
class RewardOrderAdmin(OfCustomerMixin, RecordMixin, UnitsAdminMixin, HistoryAdmin):
    """What was taken, newest first; `rewards.catalogue` alone changes it."""

    units = {"price": ("money", "")}
    list_display = ["id", "reward", "member", "state", "points", "price_shown", "ordered_at", "pick_up_until", "ticket"]
    list_filter = ["state", "reward"]
    list_select_related = ["customer", "reward"]
    ordering = ["-ordered_at", "-pk"]
    actions = ["hand_over", "cancel"]
    search_help_text = gettext_lazy(
        "The code of the ticket, or member number, e-mail, phone or the beginning of the customer's name."
    )
    readonly_fields = ["member", "ticket"]
    fieldsets = [
        (None, {"fields": ["reward", "member", "state", "points", "price", "coupon", "ticket", "place"]}),
        (gettext_lazy("When"), {"fields": ["ordered_at", "pick_up_until", "handed_over_at", "store"]}),
        (gettext_lazy("Record"), {"fields": ["cancelled_at", "cancelled_because", "note", "by", "source", "recorded_at"]}),
    ]  # fmt: skip

    @admin.display(description=gettext_lazy("ticket"))
    def ticket(self, order: RewardOrder) -> str:
        return f"…{order.code_tail}" if order.code_tail else "—"

    def own_search(self, term: str) -> dict[str, Any]:
        found = catalogue.find_by_code(term)
        return {"pk": found.pk} if found else {}

    def facts(self, request: HttpRequest, obj: RewardOrder) -> list[Fact]:
        facts = [
            Fact(label=_("state"), value=obj.get_state_display(), hint=obj.get_cancelled_because_display()),
            Fact(label=_("price"), value=cost_of(obj.points, obj.price) or "—"),
        ]
        if obj.is_waiting(timezone.now()) and obj.price:
            facts.append(Fact(label=_("to pay at the counter"), value=money(obj.price)))
        return facts

    def has_hand_over_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.change_rewardorder")

    has_cancel_permission = has_hand_over_permission

    def offers(self, action: str, obj: RewardOrder) -> bool:
        now = timezone.now()
        if action == "hand_over":
            return obj.is_waiting(now)
        return action != "cancel" or catalogue.can_cancel(obj, now=now, is_customer=False)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.cancel_view)
        return [path("<int:pk>/cancel/", view, name="rewards_rewardorder_cancel"), *super().get_urls()]

    @admin.action(location=ON_RECORD, description=gettext_lazy("Hand over"), permissions=["hand_over"])
    def hand_over(self, request: HttpRequest, queryset: QuerySet[RewardOrder]) -> HttpResponse:
        """Hand it over, once."""
        order = queryset.select_related("customer", "reward").get()
        try:
            catalogue.hand_over(order=order, by=request.user, now=timezone.now(), store=request.user.store)
        except (OrderClosed, OwnCard) as error:
            messages.error(request, str(error))
        else:
            sentence = _("“%(reward)s” is handed over.") % {"reward": order.reward.name}
            self.log_change(request, order, sentence)
            messages.success(request, sentence)
        return redirect(record_url(order))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Cancel"), permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[RewardOrder]) -> HttpResponse:
        """Lead to the page that asks why."""
        return redirect("admin:rewards_rewardorder_cancel", queryset.get().pk)

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancel for the shop: points and stock go back, and the customer is told."""
        if not self.has_cancel_permission(request):
            raise PermissionDenied
        order = get_object_or_404(RewardOrder.objects.select_related("customer", "reward", "coupon__batch"), pk=pk)
        form = CancelOrderForm(request.POST or None)
        if form.is_bound and form.is_valid():
            note = form.cleaned_data["note"]
            try:
                catalogue.cancel(
                    order=order, now=timezone.now(), because=RewardOrder.Ending.SHOP, by=request.user, note=note
                )
            except (OrderClosed, OwnCard) as error:
                messages.error(request, str(error))
            else:
                self.log_change(request, order, f"cancel: {note}")
                messages.success(request, _("Cancelled: the points are back, and the customer gets a mail."))
            return redirect(record_url(order))
        return form_page(self, request, record=order, form=form, title=_("Cancel"), submit=_("Cancel this order"))


def reward_facts(reward: Reward) -> list[Fact]:
    """Return how a reward goes."""
    orders = reward.orders
    waiting = orders.waiting().count()
    handed = orders.filter(state__in=[State.HANDED_OVER, State.ISSUED]).count()
    return [
        Fact(label=_("left"), value="∞" if reward.left is None else points(reward.left)),
        Fact(label=_("waiting at the counter"), value=points(waiting)),
        Fact(label=_("given out"), value=points(handed), hint=_("cost %(amount)s") % {"amount": money(handed * reward.cost_price)}),
        Fact(label=_("cancelled"), value=points(orders.filter(state=State.CANCELLED).count())),
    ]  # fmt: skip


def orders_panel(orders: QuerySet[RewardOrder], all_url: str) -> Panel:
    """Return the newest of some orders."""
    rows = orders.select_related("customer", "reward").newest_first()[:NEWEST]
    return Panel(
        title=_("Reward orders"),
        columns=[_("order"), _("reward"), _("customer"), _("state"), _("ordered at"), _("pick up until")],
        rows=[
            [
                format_html('<a href="{}">{}</a>', record_url(row), f"#{row.pk}"),
                row.reward.name,
                row.customer.member_number,
                row.get_state_display(),
                row.ordered_at,
                row.pick_up_until,
            ]
            for row in rows
        ],
        empty=_("Nobody has taken one yet."),
        all_url=all_url,
    )


def orders_of_reward(reward: Reward) -> Panel:
    """Return the newest orders of a reward."""
    return orders_panel(reward.orders.all(), list_url(RewardOrder, reward__id__exact=reward.pk))
