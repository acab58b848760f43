"""Making a card of paper or of the till one's own: the form, the code to the mailbox, and the same answer to everybody."""

from allauth.core.internal import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from customers import accounts, claiming, joining, mailbox_proofs, sign_in_limits
from customers.even_answers import evenly
from customers.joining_forms import ClaimForm, MailedCodeForm

HOUR = 3600


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@evenly
def claim(request: HttpRequest) -> HttpResponse:
    """Ask for the card and one of its receipts, and mail a code; nothing is looked up before it is back."""
    if request.user.is_authenticated:
        return redirect("home")
    number = request.GET.get("number", "")[:60]
    form = ClaimForm(request.POST if request.method == "POST" else None, initial={"number": number})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        email = data.pop("email")
        if ratelimit.consume(request, app="allauth.account", action="request_login_code", key=email.lower()):
            request.session.set_expiry(HOUR)
            now = timezone.now()
            code = mailbox_proofs.ask(request.session, purpose=claiming.PURPOSE, email=email, data=data, now=now)
            joining.mail_code(email=email, code=code, language=get_language() or "en")
            return redirect("claim_code")
        form.add_error(None, _("Too many codes were asked for. Please wait a while."))
    return render(request, "account/claim.html", {"form": form})


@sensitive_post_parameters("code")
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@evenly
def claim_code(request: HttpRequest) -> HttpResponse:
    """Take the code, and only then look at the card."""
    email = mailbox_proofs.waiting(request.session, purpose=claiming.PURPOSE)
    if not email or request.user.is_authenticated:
        return redirect("claim")
    form = MailedCodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            email, data = mailbox_proofs.check(
                request.session, purpose=claiming.PURPOSE, code=form.cleaned_data["code"],
                address=ratelimit.get_ip(request), now=timezone.now(),
            )  # fmt: skip
        except (mailbox_proofs.CodeWrong, sign_in_limits.TooManyTries) as error:
            form.add_error("code", str(error))
        except mailbox_proofs.CodeGone as error:
            mailbox_proofs.forget(request.session, purpose=claiming.PURPOSE)
            messages.error(request, str(error))
            return redirect("claim")
        else:
            return _come_in(request, email, data)
    context = {"form": form, "email": email, "back_to": "claim"}
    return render(request, "account/join_code.html", context)


def _come_in(request: HttpRequest, email: str, data: dict) -> HttpResponse:
    """Give the card over and sign in; who is a member with this address already is signed in without it."""
    if accounts.is_member(email=email):
        messages.warning(
            request, _("You are a member with this address already. The shop can put both cards together.")
        )
    else:
        try:
            claiming.claim(email=email, address=ratelimit.get_ip(request), now=timezone.now(), **data)
        except (claiming.ClaimRefused, sign_in_limits.TooManyTries) as error:
            messages.error(request, str(error))
            return redirect("claim")
        messages.success(request, _("Your card is here now. To be safe, spending waits for 72 hours."))
    user = accounts.ensure_user(email=email)
    if user is None or not user.is_active:
        return redirect("account_inactive")
    return accounts.sign_in(request, user=user, email=email, redirect_url=reverse("home"))
