"""The reward catalogue: what is in reach, one reward, taking it, the ticket or coupon, and changing one's mind."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from customers.access import customer_page
from customers.models import Customer
from rewards import catalogue, ledger, showcase
from rewards.catalogue import OrderClosed, RewardRefused
from rewards.models import PointBalance, Reward, RewardOrder
from rewards.pages.forms import TakeForm
from rewards.showcase import Offer, Reason
from rewards.views import _key

MOST_ORDERS = 30


@require_GET
@customer_page
def rewards(request: HttpRequest, customer: Customer) -> HttpResponse:
    """List the rewards: in reach, ahead, for others; and above them what waits at the counter."""
    now = timezone.now()
    offers = showcase.offers_for(customer=customer, now=now)
    orders = customer.reward_orders.select_related("reward", "coupon").newest_first()
    context = {
        "groups": [
            (title, some)
            for title, some in (
                (_("Yours if you like"), [offer for offer in offers if offer.is_within_reach]),
                (_("Within sight"), [offer for offer in offers if offer.reason == Reason.POINTS]),
                (_("Not for now"), [offer for offer in offers if offer.reason not in (None, Reason.POINTS)]),
            )
            if some
        ],
        "spendable": PointBalance.objects.filter(customer=customer).values_list("active", flat=True).first() or 0,
        "waiting": orders.waiting().filter(pick_up_until__gt=now)[:MOST_ORDERS],
        "taken": orders.exclude(state=RewardOrder.State.ORDERED)[:MOST_ORDERS],
        "now": now,
    }
    return render(request, "rewards/rewards.html", context)


@require_GET
@customer_page
def reward(request: HttpRequest, customer: Customer, slug: str) -> HttpResponse:
    """Show one reward with what it costs, what is left afterwards, and the button that takes it."""
    offer = _offer(customer, slug)
    left = offer.spendable - offer.reward.points_cost
    context = {
        "offer": offer,
        "form": TakeForm(),
        "left": left,
        "until": showcase.until_of(offer.reward, timezone.now()),
    }
    return render(request, "rewards/reward.html", context)


@require_POST
@customer_page
def take(request: HttpRequest, customer: Customer, slug: str) -> HttpResponse:
    """Take a reward, and show the coupon or the ticket; the same press again shows the same."""
    form = TakeForm(request.POST)
    if not form.is_valid():
        return redirect("reward", slug)
    key, wanted = form.cleaned_data["key"], get_object_or_404(Reward, slug=slug)
    try:
        order = catalogue.redeem_reward(customer=customer, reward=wanted, key=key, now=timezone.now())
    except RewardRefused as refused:
        messages.error(request, str(refused))
        return redirect("rewards") if refused.reason in (Reason.UNKNOWN, Reason.OVER) else redirect("reward", slug)
    except ledger.SourceConflict:
        return redirect("reward", slug)
    if order.state == RewardOrder.State.ISSUED:
        messages.success(request, _("It is yours: show this coupon at the till."))
        return redirect("coupon", order.coupon_id)
    if order.state == RewardOrder.State.ORDERED:
        messages.success(request, _("It is set aside for you: show this ticket at the counter."))
    return redirect("reward_order", order.pk)


@require_GET
@customer_page
def order(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Show the ticket for the counter, or where the coupon is, and what became of it."""
    found = _order(customer, pk)
    now = timezone.now()
    is_waiting = found.is_waiting(now)
    context = {
        "order": found,
        "cost": showcase.cost_of(found.points, found.price),
        "code": catalogue.code_of(found) if is_waiting else "",
        "is_waiting": is_waiting,
        "may_cancel": catalogue.can_cancel(found, now=now, is_customer=True),
        "now": now,
    }
    return render(request, "rewards/order.html", context)


@require_POST
@customer_page
def cancel(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Change one's mind: the points come back."""
    found = _order(customer, pk)
    try:
        catalogue.cancel(order=found, now=timezone.now(), because=RewardOrder.Ending.CUSTOMER)
    except OrderClosed as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Cancelled. Your points are back."))
    return redirect("reward_order", found.pk)


def _offer(customer: Customer, slug: str) -> Offer:
    offer = showcase.offer_of(customer=customer, slug=slug, now=timezone.now())
    if offer is None:
        raise Http404
    return offer


def _order(customer: Customer, pk: int) -> RewardOrder:
    own = customer.reward_orders.select_related("reward", "coupon__batch", "store", "customer")
    return get_object_or_404(own, pk=_key(pk))
