"""The pages that show all three apps together."""

from allauth.account import views as account_views
from allauth.mfa.base import views as mfa_views
from allauth.mfa.webauthn import views as passkey_views
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from customers import passkeys
from customers.access import customer_page
from customers.models import Customer
from customers.recommendations import choices
from loyalty_site.suggestions import suggestion_for
from rewards import outlook, passes, stamp_sheets, statement
from rewards.models import PointBalance
from rewards.tier_progress import progress_of

COUPONS = 4
LINES = 5
SHEETS = 2
RECOMMENDED = 3  # of each kind


@require_GET
@customer_page
def home(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Show what the customer has, what happens next, and one thing worth doing."""
    now = timezone.now()
    # One question for the balance and for everything about recommendations.
    customer = choices.with_list(Customer.objects.filter(pk=customer.pk)).select_related("balance").get()
    balance = getattr(customer, "balance", None) or PointBalance(customer=customer)
    expiring = outlook.next_expiry(customer=customer, now=now)
    tickets = passes.live_passes(customer=customer, now=now, limit=COUPONS)
    lines, _older = statement.page_of(customer=customer, before=None, size=LINES)
    again, new = choices.both(customer=customer, now=now, each=RECOMMENDED)
    context = {
        "now": now,
        "again": again,
        "new": new,
        "customer": customer,
        "balance": balance,
        "pending": outlook.next_activation(customer=customer),
        "expiring": expiring,
        "tickets": tickets,
        "sheets": stamp_sheets.sheets_of(customer=customer)[:SHEETS],
        "lines": lines,
        "offers_passkey": passkeys.is_offered(request),
        "progress": progress_of(customer=customer, now=now),
        "suggestion": suggestion_for(customer=customer, tickets=tickets, expiring=expiring, now=now),
    }
    return render(request, "loyalty_site/home.html", context)


def password_set(request: HttpRequest) -> HttpResponse:
    """Let staff choose a first password; customers have none, so nobody can steal it."""
    return account_views.password_set(request) if request.user.is_staff else not_offered(request)


def password_change(request: HttpRequest) -> HttpResponse:
    """Let staff change their password."""
    return account_views.password_change(request) if request.user.is_staff else not_offered(request)


def second_factor(request: HttpRequest) -> HttpResponse:
    """Show staff all their second factors; customers have passkeys, and nothing else to choose from."""
    return mfa_views.index(request) if request.user.is_staff else redirect("mfa_list_webauthn")


def add_passkey(request: HttpRequest) -> HttpResponse:
    """Add a passkey. Customers go back to their list, without recovery codes: the mailed code opens the door in any case."""
    response = passkey_views.add_webauthn(request)
    is_added = request.method == "POST" and response.status_code == 302
    return redirect("mfa_list_webauthn") if is_added and not request.user.is_staff else response


def not_offered(request: HttpRequest, key: str = "") -> HttpResponse:
    """Close a page of the log-in library that this portal does without."""
    raise Http404
