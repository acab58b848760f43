"""Surprises at the counter: what to give whom today, handed over or declined."""

import logging

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.finding import shorten
from customers.models import Customer
from rewards import surprise_gifts, surprise_occasions
from rewards.catalogue import RewardRefused
from rewards.coupons import BatchLimitReached, BatchNotActive
from rewards.models import SurpriseGift, TillAction
from rewards.surprise_gifts import GiftClosed
from rewards.till.access import till_page, token_of
from rewards.till_actions import Station

logger = logging.getLogger(__name__)


def after_sale(action: TillAction) -> None:
    """Let a sale draw a surprise at once; should the database be busy, the worker finds the purchase a minute later."""
    if action.purchase is None or action.customer is None:
        return
    try:
        surprise_occasions.after_purchases(purchases=[action.purchase], now=timezone.now())
    except OperationalError:
        logger.exception("No surprise was drawn for purchase %s yet", action.purchase_id)


def sentences(customer: Customer | None) -> list[tuple[int, str]]:
    """Return what to give a customer today, each with the number of the gift: "Give Alice a pastry today"."""
    if customer is None:
        return []
    found = surprise_gifts.open_at_till(customer=customer, now=timezone.now())
    name = shorten(customer.name)
    return [(gift.pk, _sentence(name, surprise_gifts.name_of(gift.surprise))) for gift in found]


def _sentence(name: str, thing: str) -> str:
    if not name:
        return _("Give the customer today: %(thing)s") % {"thing": thing}
    return _("Give %(name)s today: %(thing)s") % {"name": name, "thing": thing}


@till_page
def surprise(request: HttpRequest, station: Station, pk: int) -> HttpResponse:
    """Note that a gift was handed over or declined, and go back to where the cashier was."""
    if request.method != "POST":
        return redirect("till")
    gift = get_object_or_404(SurpriseGift.objects.select_related("customer", "surprise"), pk=pk)
    is_given = "given" in request.POST
    act = surprise_gifts.hand_over if is_given else surprise_gifts.decline
    try:
        act(gift=gift, store=station.store, by=station.by, now=timezone.now())
    except (GiftClosed, RewardRefused, BatchNotActive, BatchLimitReached) as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("The surprise is handed over.") if is_given else _("Noted: the customer declined."))
    return redirect(f"{reverse('till_sale')}?customer={token_of(gift.customer)}")
