"""Who works at a till, and where: a permission, and a store and till chosen once per session."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from customers.models import Customer, Store
from rewards.adjustments import OwnCard
from rewards.till_actions import UNDO_ANY, Station

logger = logging.getLogger(__name__)

WORK = "rewards.use_tillaction"
SESSION = "till"
SALT = "till.customer"
SHIFT = 12 * 3600  # how long a link to a customer opens their sale


def till_page[**P](
    view: Callable[Concatenate[HttpRequest, Station, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Hand the station to a view; staff without the permission are refused, those without a till choose one first."""

    @wraps(view)
    @staff_page
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        station = station_of(request)
        if station is None:
            return redirect("till_station")
        request.station = station
        try:
            return view(request, station, *args, **kwargs)
        except OwnCard as error:
            return render(request, "till/own_card.html", {"sentence": str(error)}, status=403)
        except OperationalError:
            # A lock was not to be had in time: nothing was done, and the key makes the next try safe.
            logger.exception("The till waited too long for the database")
            return render(request, "till/busy.html", status=503)

    return page


def staff_page[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Open a page only to those who may work at a till."""

    @wraps(view)
    @require_http_methods(["GET", "HEAD", "POST"])
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not (request.user.is_active and request.user.has_perm(WORK)):
            raise PermissionDenied
        response = view(request, *args, **kwargs)
        if request.headers.get("X-Till") == "script" and 300 <= response.status_code < 400:
            # The script opens the page itself: following by itself it would use up the page's messages.
            return HttpResponse(status=204, headers={"X-Location": response.headers["Location"]})
        return response

    return page


def station_of(request: HttpRequest) -> Station | None:
    """Return the store and till of the session, None before they are chosen or when the store has closed."""
    chosen = request.session.get(SESSION)
    if not chosen:
        return None
    store = Store.objects.open().filter(pk=chosen["store"]).first()
    return store and Station(store=store, till=chosen["till"], by=request.user)


def choose_station(request: HttpRequest, *, store: Store, till: str) -> None:
    """Remember where this session works."""
    request.session[SESSION] = {"store": store.pk, "till": till}


def token_of(customer: Customer, *, proof: str = "") -> str:
    """Return what stands for a customer in addresses and forms: nobody can make one up, and it says nothing by itself.

    `proof` is a spending proof that came with the customer's fresh code.
    """
    return signing.dumps([customer.pk, proof], salt=SALT)


def customer_of_token(token: str) -> tuple[Customer | None, str]:
    """Return the customer of a token and the proof that came along; nobody for an empty one. Raises Http404."""
    if not token:
        return None, ""
    try:
        pk, proof = signing.loads(token, salt=SALT, max_age=SHIFT)
    except (signing.BadSignature, ValueError) as error:
        raise Http404 from error
    customer = Customer.objects.enrolled().filter(pk=pk).first()
    if customer is None:
        raise Http404
    return customer, proof


def say_recorded_already(request: HttpRequest) -> None:
    """Tell, once however often it was tried, that nothing was counted a second time."""
    sentence, waiting = _("This was recorded already; nothing was counted twice."), messages.get_messages(request)
    is_said = any(message.message == sentence for message in waiting)
    waiting.used = False
    if not is_said:
        messages.info(request, sentence)


def may_see_all(station: Station) -> bool:
    """Return whether somebody may look beyond their own store and day."""
    return station.by.has_perm(UNDO_ANY)
