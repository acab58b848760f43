"""The customer's own pages: the member card, the profile, the language."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views import i18n
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers import accounts, consents, member_codes, till_pins
from customers import opt_out as opting_out
from customers.access import customer_page
from customers.forms import MailForm, TillPinForm
from customers.models import Consent, Customer, TillPin
from customers.personal import language_of, other_language, personal
from customers.recommendations import choices

RECOMMENDED = 12  # of each kind


@require_GET
@customer_page
def card(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Show a fresh code, which may spend, and the member number, which identifies and collects and never spends."""
    return render(request, "customers/card.html", {"customer": customer} | _fresh_code(customer))


@require_GET
@customer_page
def card_code(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Give the script of the card the next code."""
    return render(request, "customers/_fresh_code.html", _fresh_code(customer))


def _fresh_code(customer: Customer) -> dict[str, object]:
    now = timezone.now()
    return {"fresh_code": member_codes.make(customer=customer, now=now), "fresh_until": now + member_codes.VALID}


@require_GET
@customer_page
def for_you(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Show what the customer may like to buy again and what may be new to them, each with its reason."""
    again, new = choices.both(customer=customer, now=timezone.now(), each=RECOMMENDED)
    return render(request, "customers/for_you.html", {"customer": customer, "again": again, "new": new})


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def profile(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Show who the shop thinks this is, and let them choose the language and what may be mailed."""
    granted = _granted(customer)
    form = MailForm(request.POST if request.method == "POST" else None, initial=granted)
    if request.method == "POST" and form.is_valid():
        for purpose, wording in MailForm.WORDINGS.items():
            if not form.cleaned_data[purpose] and not granted[purpose]:
                continue  # silence stays silence
            change = consents.grant if form.cleaned_data[purpose] else consents.withdraw
            change(
                customer=customer, channel=Consent.Channel.EMAIL, purpose=purpose, wording=wording,
                source="portal:profile", by=request.user, now=timezone.now(),
            )  # fmt: skip
        messages.success(request, _("Your choice is saved."))
        return redirect("profile")
    identifiers = customer.identifiers.filter(kind__in=["email", "phone"]).order_by("kind", "pk")
    return render(
        request,
        "customers/profile.html",
        {
            "customer": customer, "identifiers": identifiers, "consent_form": form,
            "till_pin": TillPin.objects.filter(customer=customer).first(),
        },
    )  # fmt: skip


@sensitive_post_parameters("pin", "again")
@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def till_pin(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Let the customer choose, change or remove the PIN that spends at the till without a phone."""
    form = TillPinForm(request.POST if request.method == "POST" else None, customer=customer)
    if request.method == "POST" and "remove" in request.POST:
        if till_pins.remove(customer=customer, now=timezone.now()):
            messages.success(request, _("Your till PIN is removed."))
        return redirect("profile")
    if request.method == "POST" and form.is_valid():
        till_pins.choose(customer=customer, pin=form.cleaned_data["pin"], now=timezone.now())
        messages.success(request, _("Your till PIN is set. Please tell it to nobody but the till."))
        return redirect("profile")
    chosen = TillPin.objects.filter(customer=customer).first()
    return render(request, "customers/till_pin.html", {"form": form, "chosen": chosen})


def _granted(customer: Customer) -> dict[str, bool]:
    email = Consent.Channel.EMAIL
    return {
        purpose: consents.is_granted(customer=customer, channel=email, purpose=purpose) for purpose in MailForm.WORDINGS
    }


@personal
def opt_out(request: HttpRequest, token: str) -> HttpResponse:
    """End the mails of one purpose by one POST, from the page's button or from the mail program itself (RFC 8058)."""
    wish = opting_out.read(token)
    if wish is None:
        return render(request, "customers/not_here.html", status=404)
    if request.method == "POST":
        opting_out.withdraw(wish=wish, now=timezone.now())
    with translation.override(language_of(request, wish.customer.mail_language)):
        context = {"is_done": request.method == "POST", "purpose": wish.purpose}
        return render(request, "customers/opt_out.html", context | other_language(request))


@require_POST
@login_not_required
def set_language(request: HttpRequest) -> HttpResponse:
    """Remember the language on this device and, for a signed-in person, for mails and other devices."""
    language = request.POST.get("language", "")
    if request.user.is_authenticated and language in dict(settings.LANGUAGES):
        accounts.choose_language(user=request.user, language=language)
    return i18n.set_language(request)
