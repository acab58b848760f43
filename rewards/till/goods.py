"""Goods that come back: find the receipt, choose what comes back, see what follows, confirm once."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Purchase
from rewards import receipts, till_actions, till_journal, till_results
from rewards.consequences import CouponChoiceNeeded
from rewards.returns import ReturnConflict, ReturnTooLarge
from rewards.till import misses
from rewards.till.access import customer_of_token, may_see_all, say_recorded_already, till_page
from rewards.till.forms import ReceiptForm
from rewards.till_actions import KeyReused, ReturnNotHere, Station

REFUSALS = (ReturnTooLarge, ReturnConflict, ReturnNotHere)
CHOICES = {"yes": True, "no": False}


@till_page
def receipts_page(request: HttpRequest, station: Station) -> HttpResponse:
    """Find a receipt by its number, or among the latest of a customer."""
    form = ReceiptForm(request.POST if request.method == "POST" else None)
    token = (request.POST or request.GET).get("customer", "")
    customer, __ = customer_of_token(token)
    found: list[Purchase] = [] if customer is None else till_journal.recent_of(customer=customer)
    if request.method == "POST" and form.is_valid():
        number = form.cleaned_data["number"]
        try:
            found = misses.look_up(
                lambda: till_journal.receipts_of(store=station.store, number=number), by=request.user
            )
        except misses.TooManyMisses as error:
            form.add_error("number", str(error))
        else:
            if not found:
                form.add_error("number", _("No receipt of this store has this number."))
            elif len(found) == 1:
                return redirect("till_return", pk=found[0].pk)
    context = {
        "form": form,
        "found": found,
        "customer": customer,
        "token": token,
        "station": station,
        "section": "return",
    }
    return render(request, "till/receipts.html", context)


@till_page
def goods_back(request: HttpRequest, station: Station, pk: int) -> HttpResponse:
    """Choose the lines that come back, see what that means, and confirm it once."""
    purchase = _purchase(station, pk)
    now, posted = timezone.now(), request.POST
    left = till_actions.left_of(purchase)
    wanted = {position: _quantity(posted.get(f"back_{position}", ""), most) for position, most in left.items()}
    if "all" in posted:
        wanted = dict(left)
    wanted = {position: quantity for position, quantity in wanted.items() if quantity}
    key = _key(posted.get("key", ""))
    refusal = till_actions.return_refusal(purchase=purchase, station=station, now=now)
    context: dict[str, Any] = receipts.receipt_of(purchase=purchase) | {
        "station": station, "section": "return", "left": left, "wanted": wanted, "key": key, "refusal": refusal and refusal.label,
        "coupon_choice": posted.get("coupon", ""),
    }  # fmt: skip
    if request.method == "POST":
        if "confirm" in posted and (done := till_actions.find(key)) is not None:
            say_recorded_already(request)
            return redirect("till_done", key=done.key)
        if not wanted:
            context["problem"] = _("Say what comes back: type a quantity.")
        elif answer := _act(request, station, purchase, wanted, key, context):
            return answer
    context["rows"] = [(line, left.get(line.position, 0), wanted.get(line.position, "")) for line in context["lines"]]
    return render(request, "till/return.html", context)


def _act(
    request: HttpRequest,
    station: Station,
    purchase: Purchase,
    wanted: dict[int, int],
    key: uuid.UUID,
    context: dict[str, Any],
) -> HttpResponse | None:
    """Show what a return would mean, or record it when that was seen before; None shows the page again."""
    now, choice = timezone.now(), CHOICES.get(request.POST.get("coupon", ""))
    seen = ",".join(f"{position}:{quantity}" for position, quantity in wanted.items())
    try:
        if "confirm" in request.POST and request.POST.get("seen") == seen:
            reason = request.POST.get("reason", "")[:200]
            action = till_actions.take_back(
                station=station, key=key, purchase=purchase, quantities=wanted, now=now, reason=reason,
                returns_coupon=choice,
            )  # fmt: skip
            return redirect("till_done", key=action.key)
        context["preview"] = till_actions.preview_return(
            station=station, purchase=purchase, quantities=wanted, now=now, returns_coupon=choice,
            look=lambda row: _seen(purchase, row),
        )  # fmt: skip
        context["seen"] = seen
    except CouponChoiceNeeded as needed:
        context["choice"] = needed.use.coupon.batch
        context["problem"] = str(needed)
    except KeyReused as error:
        messages.warning(request, str(error))
        return redirect("till_done", key=error.action.key)
    except REFUSALS as error:
        context["problem"] = str(error)
    return None


def _seen(purchase: Purchase, row: Any) -> dict[str, Any]:
    seen = till_results.back_of(purchase, row)
    return seen | {"lines": list(seen["lines"])}


def _purchase(station: Station, pk: int) -> Purchase:
    """Return a receipt of this store, or of any for who may see all."""
    rows = Purchase.objects.select_related("customer", "store")
    if pk >= 2**63:
        raise Http404
    return get_object_or_404(rows if may_see_all(station) else rows.filter(store=station.store), pk=pk)


def _quantity(text: str, most: int) -> int:
    return min(int(text), most) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid4()
