"""Today at this till: what was done, what of it can be undone, and the receipt by mail."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from rewards import till_actions, till_journal, till_results, till_words
from rewards.coupons import CouponRefused
from rewards.models import TillAction
from rewards.returns import ReturnTooLarge
from rewards.till.access import may_see_all, say_recorded_already, till_page
from rewards.till.forms import KeyForm
from rewards.till.sales import own_action
from rewards.till_actions import KeyReused, Station, UndoRefused
from rewards.value_accounts import ValueRefused


@till_page
def journal(request: HttpRequest, station: Station) -> HttpResponse:
    """List what this till, or the whole store, did today, newest first."""
    is_store = request.GET.get("tills") == "all"
    now = timezone.now()
    day = till_journal.day_of(store=station.store, till="" if is_store else station.till, now=now)
    rows = [till_words.row_of(action=action, may_undo=action.kind in till_actions.UNDOABLE) for action in day.actions]
    context = {"day": day, "rows": rows, "is_store": is_store, "station": station, "section": "journal"}
    return render(request, "till/journal.html", context)


@till_page
def undo(request: HttpRequest, station: Station, pk: int) -> HttpResponse:
    """Show what would be undone, and undo it once."""
    rows = TillAction.objects.select_related("store", "customer", "purchase", "coupon_use__coupon__batch")
    action = get_object_or_404(rows, pk=_small(pk))
    if action.store_id != station.store.pk and not may_see_all(station):
        raise PermissionDenied
    now, problem = timezone.now(), ""
    form = KeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            done = till_actions.undo(station=station, key=form.cleaned_data["key"], action=action, now=now)
        except KeyReused as error:
            done = error.action
        except (UndoRefused, ReturnTooLarge, CouponRefused, ValueRefused) as error:
            problem, done = str(error), None
        if done is not None:
            if not done.is_new:
                say_recorded_already(request)
            return redirect("till_done", key=done.key)
    refusal = till_actions.undo_refusal(action=action, station=station, now=now)
    context = till_results.of(action=action) | {
        "form": form, "station": station, "problem": problem or (refusal and refusal.label), "section": "journal",
        "headline": till_words.headline(action), "where": till_words.where(action),
    }  # fmt: skip
    if refusal is None and action.purchase is not None:
        context["back"] = till_actions.preview_return(
            station=station, purchase=action.purchase, quantities=till_actions.left_of(action.purchase), now=now,
            returns_coupon=True, look=lambda row: till_results.back_of(action.purchase, row),
        )  # fmt: skip
    return render(request, "till/undo.html", context)


@till_page
def mail_receipt(request: HttpRequest, station: Station, key: uuid.UUID) -> HttpResponse:
    """Mail the receipt of a sale to its customer, who asked for it."""
    action = own_action(station, key)
    if request.method == "POST":
        try:
            till_results.mail_receipt(action=action, now=timezone.now())
        except till_results.NoAddress:
            messages.error(request, _("No e-mail address of this customer is known."))
        else:
            messages.success(request, _("The receipt is on its way by e-mail."))
    return redirect("till_done", key=key)


def _small(pk: int) -> int:
    if pk >= 2**63:
        raise Http404
    return pk
