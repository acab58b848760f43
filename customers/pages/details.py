"""Changing what the shop knows: name, phone, birthday, preferences, and the e-mail address with a code to the new one."""

from allauth.core.internal import ratelimit
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from customers import accounts, addresses, devices, mailbox_proofs, sign_in_limits
from customers import details as own_details
from customers.access import customer_page
from customers.joining_forms import MailedCodeForm
from customers.models import Category, Customer, User
from customers.profile_forms import DetailsForm, NewAddressForm, PreferencesForm

PURPOSE = "address"


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def details(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Let customers put right what is known of them."""
    known = {
        "name": customer.name, "phone": next(iter(own_details.phones_of(customer)), ""), "birthday": customer.birthday,
        "time_zone": customer.time_zone,
    }  # fmt: skip
    form = DetailsForm(request.POST if request.method == "POST" else None, initial=known, customer=customer)
    if request.method == "POST" and form.is_valid():
        try:
            own_details.change(customer=customer, now=timezone.now(), **form.cleaned_data)
        except own_details.PhoneTaken as error:
            form.add_error("phone", str(error))
        else:
            messages.success(request, _("Your details are saved."))
            return redirect("profile")
    return render(request, "customers/details.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def preferences(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Let customers say what they like and what they want to be reminded of."""
    known = {
        "likes": customer.preferred_categories.all(), "dislikes": customer.disliked_categories.all(),
        "wants_reminders": customer.wants_reminders,
    }  # fmt: skip
    form = PreferencesForm(request.POST if request.method == "POST" else None, initial=known)
    if request.method == "POST" and form.is_valid():
        own_details.prefer(customer=customer, **form.cleaned_data)
        messages.success(request, _("Your choice is saved."))
        return redirect("profile")
    context = {"form": form, "has_categories": Category.objects.exists()}
    return render(request, "customers/preferences.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def address(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Ask for the new address and mail a code to it; the page says the same whether it is taken or not."""
    form = NewAddressForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        if ratelimit.consume(request, app="allauth.account", action="request_login_code", key=email.lower()):
            code = mailbox_proofs.ask(request.session, purpose=PURPOSE, email=email, data={}, now=timezone.now())
            addresses.mail_change_code(customer=customer, email=email, code=code)
            return redirect("address_code")
        form.add_error(None, _("Too many codes were asked for. Please wait a while."))
    current = list(addresses.emails_of(customer).values())
    return render(request, "customers/address.html", {"form": form, "current": current})


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def address_code(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Take the code from the new address; only then is anything changed."""
    email = mailbox_proofs.waiting(request.session, purpose=PURPOSE)
    if not email:
        return redirect("address")
    form = MailedCodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            email, _data = mailbox_proofs.check(
                request.session, purpose=PURPOSE, code=form.cleaned_data["code"], address=ratelimit.get_ip(request),
                now=timezone.now(),
            )  # fmt: skip
            is_other = addresses.change(customer=customer, email=email, now=timezone.now())
        except (mailbox_proofs.CodeWrong, sign_in_limits.TooManyTries) as error:
            form.add_error("code", str(error))
        except (mailbox_proofs.CodeGone, addresses.AddressTaken) as error:
            mailbox_proofs.forget(request.session, purpose=PURPOSE)
            messages.error(request, str(error))
            return redirect("address")
        else:
            if is_other:
                _stay_signed_in(request, email)
            messages.success(
                request, _("Your new e-mail address is in force. To be safe, spending waits for 72 hours.")
            )
            return redirect("profile")
    return render(request, "account/join_code.html", {"form": form, "email": email, "back_to": "address"})


def _stay_signed_in(request: HttpRequest, email: str) -> None:
    """Every session has ended; whoever has just shown the code keeps this one, under another key."""
    accounts.ensure_user(email=email)
    user = User.objects.get(pk=request.user.pk)
    before = request.session.session_key
    update_session_auth_hash(request, user)
    devices.forget(session_key=before)
    devices.note_sign_in(
        user=user, session=request.session, user_agent=request.META.get("HTTP_USER_AGENT", ""), now=timezone.now()
    )
