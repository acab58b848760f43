"""Gift cards and store credit of a customer: what is on them, what moved, and claiming a card by its code."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from customers import limits
from customers.access import customer_page
from customers.limits import Limit, LimitReached
from customers.models import Customer
from rewards import value_accounts, value_statement
from rewards.pages.forms import ClaimForm
from rewards.value_accounts import Reason, ValueRefused
from rewards.views import _before, _key

TRIES, TRY_SECONDS = 10, 3600
PAGE = 25


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def gift_cards(request: HttpRequest, customer: Customer) -> HttpResponse:
    """List store credit and gift cards, and take the code of a new one."""
    form = ClaimForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            # Counted before anybody looks, and for the account: codes are not to be guessed by patience.
            limits.take(Limit(f"claim:{customer.pk}", TRIES, TRY_SECONDS))
            account = value_accounts.claim(code=form.cleaned_data["code"], customer=customer, now=timezone.now())
        except LimitReached as reached:
            form.add_error(None, _too_often(reached.seconds))
        except ValueRefused as refused:
            form.add_error("code", str(refused) if refused.reason != Reason.HAS_OWNER else str(Reason.UNKNOWN.label))
        else:
            messages.success(request, _("The gift card is on your account: from now on you alone can spend it."))
            return redirect("gift_card", account.pk)
    accounts = [value_statement.Purse.of(account, now=timezone.now()) for account in _own(customer)]
    context = {"purses": accounts, "form": form, "together": sum(purse.spendable for purse in accounts)}
    return render(request, "rewards/gift_cards.html", context, status=422 if form.errors else 200)


@require_GET
@customer_page
def gift_card(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Show one gift card or the store credit: its code for the till, and every movement, newest first."""
    account = get_object_or_404(customer.value_accounts, pk=_key(pk))
    purse = value_statement.Purse.of(account, now=timezone.now())
    lines, older = value_statement.page_of(account=account, before=_before(request), size=PAGE)
    code = value_accounts.code_of(account) if purse.is_usable else ""
    context = {"purse": purse, "code": code, "lines": lines, "older": older, "is_first": "before" not in request.GET}
    return render(request, "rewards/gift_card.html", context)


def _own(customer: Customer) -> list:
    return value_accounts.of_customer(customer=customer)


def _too_often(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return ngettext(
        "That was too often. Please try again in %(minutes)d minute.",
        "That was too often. Please try again in %(minutes)d minutes.",
        minutes,
    ) % {"minutes": minutes}
