"""Gift cards and rewards at the counter: sold, looked up, filled, handed over, each once per key."""

import datetime as dt
import uuid

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.finding import shorten
from customers.models import User
from rewards import catalogue, till_counter, value_accounts
from rewards.adjustments import refuse_own_card
from rewards.catalogue import OrderClosed
from rewards.models import RewardOrder, TillAction, ValueAccount
from rewards.till import misses, wallet
from rewards.till.access import customer_of_token, say_recorded_already, till_page
from rewards.till.forms import CodeForm, KeyForm, MoneyForm
from rewards.till_actions import KeyReused, Station
from rewards.value_accounts import ValueRefused

SALT = "till.order"
# The code of a card that was just sold can be shown again so long, to who sold it: a printer may be out of paper.
FRESH = dt.timedelta(minutes=15)


@till_page
def counter(request: HttpRequest, station: Station) -> HttpResponse:
    """Look up a gift card or a pick-up ticket, sell a card, or see what waits for a customer."""
    token = (request.POST or request.GET).get("customer", "")
    customer, __ = customer_of_token(token)
    if customer is not None:
        refuse_own_card(customer, request.user)
    now, is_sale = timezone.now(), "sell" in request.POST
    sell_form = MoneyForm(request.POST if is_sale else None)
    code_form = CodeForm(request.POST if request.method == "POST" and not is_sale else None)
    answer = None
    if is_sale and sell_form.is_valid():
        answer = _sell(request, station, sell_form)
    elif code_form.is_bound and code_form.is_valid():
        answer = _look_up(code_form, station)
    if answer is not None:
        return answer
    context = {
        "sell_form": sell_form, "code_form": code_form, "customer": customer, "token": token, "station": station,
        "section": "sale", "accounts": [], "orders": [], "shown_name": customer and shorten(customer.name),
    }  # fmt: skip
    if customer is not None:
        context["orders"] = [
            (order, order_token(order)) for order in catalogue.open_orders_of(customer=customer, now=now)
        ]
        context["accounts"] = [
            (account, wallet.token_of(account)) for account in value_accounts.of_customer(customer=customer)
        ]
    return render(request, "till/counter.html", context)


@till_page
def card(request: HttpRequest, station: Station, token: str) -> HttpResponse:
    """Show what is on a gift card or store credit, and put money on it."""
    account = wallet.account_of(token)
    if account is None:
        raise Http404
    if account.customer is not None:
        refuse_own_card(account.customer, request.user)
    now = timezone.now()
    form = MoneyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        amount, key = form.cleaned_data["amount"], form.cleaned_data["key"]
        try:
            action = till_counter.fill_card(station=station, key=key, account=account, amount=amount, now=now)
        except KeyReused as error:
            action = error.action
        except ValueRefused as error:
            form.add_error("amount", str(error))
            action = None
        if action is not None:
            return _done(request, action)
    context = {
        "form": form, "account": account, "station": station, "section": "sale", "token": token,
        "is_expired": account.is_expired(now), "is_credit": account.kind == ValueAccount.Kind.STORE_CREDIT,
        "shown_name": account.customer and shorten(account.customer.name),
    }  # fmt: skip
    return render(request, "till/card.html", context)


@till_page
def pickup(request: HttpRequest, station: Station, token: str) -> HttpResponse:
    """Show a reward that was taken, and hand it over once."""
    order = order_of_token(token)
    if order is None:
        raise Http404
    refuse_own_card(order.customer, request.user)
    now, problem = timezone.now(), ""
    form = KeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            action = till_counter.hand_over(station=station, key=form.cleaned_data["key"], order=order, now=now)
        except KeyReused as error:
            action = error.action
        except OrderClosed as error:
            problem, action = str(error), None
        if action is not None:
            return _done(request, action)
    context = {
        "form": form, "order": order, "problem": problem, "is_waiting": order.is_waiting(now), "station": station,
        "section": "sale", "shown_name": shorten(order.customer.name),
    }  # fmt: skip
    return render(request, "till/pickup.html", context)


def fresh_code(action: TillAction, *, by: User, now: dt.datetime) -> str:
    """Return the code of a card that this person sold a moment ago, to be handed over; empty for everything else."""
    if action.kind != TillAction.Kind.CARD_SOLD or action.by_id != by.pk or now - action.occurred_at > FRESH:
        return ""
    movement = till_counter.movement_of(action)
    return value_accounts.code_of(movement.account) if movement is not None and movement.account.balance else ""


def order_token(order: RewardOrder) -> str:
    """Return what stands for a pick-up ticket in an address."""
    return signing.dumps(order.pk, salt=SALT)


def order_of_token(token: str) -> RewardOrder | None:
    """Return the order of a token, None for a wrong or old one."""
    try:
        pk = signing.loads(token, salt=SALT, max_age=wallet.SHIFT)
    except signing.BadSignature:
        return None
    return RewardOrder.objects.select_related("reward", "customer").filter(pk=pk).first()


def _sell(request: HttpRequest, station: Station, form: MoneyForm) -> HttpResponse | None:
    key: uuid.UUID = form.cleaned_data["key"]
    try:
        action = till_counter.sell_card(
            station=station, key=key, amount=form.cleaned_data["amount"], now=timezone.now()
        )
    except KeyReused as error:
        action = error.action
    except ValueRefused as error:
        form.add_error("amount", str(error))
        return None
    return _done(request, action)


def _look_up(form: CodeForm, station: Station) -> HttpResponse | None:
    text = form.cleaned_data["code"]
    try:
        found = misses.look_up(lambda: value_accounts.find_by_code(text) or catalogue.find_by_code(text), by=station.by)
    except misses.TooManyMisses as error:
        form.add_error("code", str(error))
        return None
    if isinstance(found, ValueAccount):
        return redirect("till_card", token=wallet.token_of(found))
    if isinstance(found, RewardOrder):
        return redirect("till_pickup", token=order_token(found))
    form.add_error("code", _("No gift card and no ticket has this code."))
    return None


def _done(request: HttpRequest, action: TillAction) -> HttpResponse:
    if not action.is_new:
        say_recorded_already(request)
    return redirect("till_done", key=action.key)
