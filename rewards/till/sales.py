"""The page of a sale, and the page that says what happened."""

import datetime as dt
import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import audit, claim_codes
from customers.finding import shorten
from customers.models import Customer
from customers.recommendations import choices
from rewards import till_actions, till_results, till_words
from rewards.adjustments import refuse_own_card
from rewards.coupons import CouponRefused
from rewards.ledger import InsufficientPoints
from rewards.models import PointBalance, TillAction
from rewards.sale import PaysTooMuch, ReceiptConflict
from rewards.tier_progress import progress_of
from rewards.till import baskets, counter, entries, proofs, surprises
from rewards.till.access import customer_of_token, may_see_all, say_recorded_already, till_page, token_of
from rewards.till.baskets import Sale
from rewards.till_actions import KeyReused, Station
from rewards.value_accounts import ValueRefused

CLAIM_SHOWN = dt.timedelta(minutes=15)


@till_page
def sale(request: HttpRequest, station: Station) -> HttpResponse:
    """Enter a sale: each step shows what it comes to, the last one records it."""
    posted = request.method == "POST"
    token = (request.POST if posted else request.GET).get("customer", "")
    customer, proof = customer_of_token(token)
    if customer is not None:
        refuse_own_card(customer, request.user)
    now = timezone.now()
    if not posted:
        if customer is not None:
            audit.note_looks(
                action=audit.Action.VIEWED, place=audit.Place.TILL, customer_ids=[customer.pk], by=request.user,
                store=station.store, now=now,
            )  # fmt: skip
        current = entries.begin(station=station, customer=customer, now=now, proof=proof)
        return _show(request, current, token)
    current = entries.read(
        request.POST, station=station, customer=customer, now=now, proof=request.POST.get("proved", "")
    )
    if "key" not in current.form.cleaned_data:
        raise Http404
    if "record" in request.POST and (earlier := till_actions.find(current.key)) is not None:
        return _already(request, current, earlier)
    if "mail_code" in request.POST:
        _mail_code(request, current)
    else:
        _read_proof(current, request.POST.get("proof_kind", ""))
    if "record" in request.POST and current.is_sound:
        baskets.check_payment(current)
        if current.is_sound and (done := _record(request, current)):
            return done
    return _show(request, current, token)


def _record(request: HttpRequest, current: Sale) -> HttpResponse | None:
    """Record a sale and lead to what happened; None when it was refused, with the reason in the form."""
    station, now, customer = current.station, current.now, current.customer
    try:
        if current.is_coupon_alone:
            action = till_actions.take_coupon(
                station=station, key=current.key, customer=customer, coupon=current.coupons[0], now=now
            )
        else:
            action = till_actions.sell(
                station=station, key=current.key, customer=customer, lines=current.lines, now=now, points=current.points,
                coupons=current.coupons, value=current.value, reference=current.form.cleaned_data["reference"],
                prove=_proof(current),
            )  # fmt: skip
            surprises.after_sale(action)
    except KeyReused as error:
        action = error.action
    except ReceiptConflict:
        current.reject("reference", _("Another sale of this till has this receipt number."))
    except (InsufficientPoints, PaysTooMuch) as error:
        current.reject("points", str(error))
    except (CouponRefused, ValueRefused) as error:
        current.reject(None, str(error))
    except proofs.ProofRefused as error:
        current.proof = ""
        current.reject("proof", str(error))
    if current.form.errors:
        return None
    return _already(request, current, action) if not action.is_new else redirect("till_done", key=action.key)


def _already(request: HttpRequest, current: Sale, action: TillAction) -> HttpResponse:
    """Lead to what the key did before, and say so."""
    is_same = action.kind != TillAction.Kind.SALE or till_actions.is_same_sale(
        action=action, customer=current.customer, lines=current.lines, points=current.points
    )
    if is_same:
        say_recorded_already(request)
    else:
        messages.warning(request, str(KeyReused(action=action)))
    return redirect("till_done", key=action.key)


def _read_proof(current: Sale, kind: str) -> None:
    """Check what the customer showed, as soon as it is typed; a right one is kept until the sale is recorded."""
    text, customer = current.form.cleaned_data.get("proof", ""), current.customer
    if not text or customer is None:
        return
    try:
        current.proof = proofs.prove(
            customer=customer, text=text, kind=kind, key=current.key, by=current.station.by, now=current.now
        )
    except proofs.ProofRefused as error:
        current.reject("proof", str(error))


def _mail_code(request: HttpRequest, current: Sale) -> None:
    """Mail the customer a code to read out."""
    if current.customer is None:
        return
    try:
        proofs.mail(customer=current.customer, now=current.now)
    except proofs.ProofRefused as error:
        current.reject("proof", str(error))
    else:
        current.focus = "proof"
        messages.success(request, _("The code is on its way; it holds for five minutes."))


def _proof(current: Sale) -> Any:
    if not current.needs_proof:
        return None
    return proofs.spend_with(
        proof=current.proof, customer=current.customer, by=current.station.by, source=f"till:{current.key}",
        now=current.now,
    )  # fmt: skip


def _show(request: HttpRequest, current: Sale, token: str) -> HttpResponse:
    customer = current.customer
    if current.focus in current.form.fields:
        current.form.fields[current.focus].widget.attrs["autofocus"] = True
    context = {
        "sale": current, "form": current.form, "token": token, "station": current.station, "section": "sale",
        "proof_kind": request.POST.get("proof_kind", ""),
    }  # fmt: skip
    if customer is not None:
        context |= about(customer, current)
    if request.method != "POST":
        context["surprises"] = surprises.sentences(customer)
    return render(request, "till/sale.html", context)


def about(customer: Customer, current: Sale) -> dict[str, Any]:
    """Return what the cashier sees of a customer: little of the name, points, tier, and whether they may spend."""
    by, now = current.station.by, current.now
    progress = progress_of(customer=customer, now=now)
    again, new = choices.both(customer=customer, now=now, each=1)
    return {
        "hints": [*again, *new],
        "shown_name": shorten(customer.name),
        "balance": PointBalance.objects.filter(customer=customer).first() or PointBalance(customer=customer),
        "progress": progress,
        "is_proved": proofs.is_ready(proof=current.proof, customer=customer, by=by, now=now),
        "proof_kinds": proofs.kinds_of(customer),
    }


@till_page
def done(request: HttpRequest, station: Station, key: uuid.UUID) -> HttpResponse:
    """Say in words what happened under a key."""
    action = own_action(station, key)
    context = till_results.of(action=action)
    refusal = till_actions.undo_refusal(action=action, station=station, now=timezone.now())
    context |= {
        "station": station, "section": "sale", "headline": till_words.headline(action), "may_undo": refusal is None,
        "where": till_words.where(action), "facts": till_words.facts(context),
        "fresh_code": counter.fresh_code(action, by=request.user, now=timezone.now()),
        "next_token": token_of(action.customer) if action.customer is not None else "",
        "surprises": surprises.sentences(action.customer),
        **_claim(action, timezone.now()),
    }  # fmt: skip
    return render(request, "till/done.html", context)


def _claim(action: TillAction, now: dt.datetime) -> dict[str, str]:
    """Return the code by which somebody who was just enrolled opens their card on the web, and where; shown for a short while."""
    customer = action.customer
    if action.kind != TillAction.Kind.ENROL or customer is None or now - action.occurred_at > CLAIM_SHOWN:
        return {}
    if customer.identifiers.filter(kind="email").exists():
        return {}  # they sign in with that address
    place = reverse("claim", query={"number": customer.member_number})
    return {"claim_code": claim_codes.of(customer, now=now), "claim_url": f"{settings.SITE_URL}{place}"}


def own_action(station: Station, key: uuid.UUID) -> TillAction:
    """Return an action of this store, or of any for who may see all. Raises Http404."""
    action = till_actions.find(key)
    if action is None:
        raise Http404
    if action.store_id != station.store.pk and not may_see_all(station):
        raise PermissionDenied
    return action
