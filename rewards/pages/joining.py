"""Becoming a member on the web, and the link of a friend that leads there."""

from allauth.core.internal import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from customers import accounts, joining, mailbox_proofs, sign_in_limits
from customers.even_answers import evenly
from customers.joining import Wish
from customers.joining_forms import JoinForm, MailedCodeForm
from rewards import events, referral_words, referrals
from rewards.models import EarningRule
from rewards.pages.friends import device_of

HOUR = 3600


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@evenly
def join(request: HttpRequest) -> HttpResponse:
    """Ask who would like to join, mail a code, and say the same whether the address is known or not."""
    if request.user.is_authenticated:
        return redirect("home")
    form = JoinForm(
        request.POST if request.method == "POST" else None, initial={"friend": request.GET.get("friend", "")[:20]}
    )
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        if ratelimit.consume(request, app="allauth.account", action="request_login_code", key=email.lower()):
            request.session.set_expiry(HOUR)  # what a stranger typed is not kept longer
            wish = form.wish()
            now = timezone.now()
            code = mailbox_proofs.ask(
                request.session, purpose=joining.PURPOSE, email=email, data=wish.packed(), now=now
            )
            joining.mail_code(email=email, code=code, language=wish.language)
            return redirect("join_code")
        form.add_error(None, _("Too many codes were asked for. Please wait a while."))
    gift = referral_words.friend_gift(code=str(form["friend"].value() or ""))
    return render(request, "account/join.html", {"form": form, "promises": _promises(), "friend_gift": gift})


@sensitive_post_parameters("code")
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join_code(request: HttpRequest) -> HttpResponse:
    """Take the code of the mail; it makes the member, or signs in who is one already."""
    email = mailbox_proofs.waiting(request.session, purpose=joining.PURPOSE)
    if not email or request.user.is_authenticated:
        return redirect("join")
    if request.method == "POST" and "resend" in request.POST:
        return _send_again(request, email)
    form = MailedCodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            email, data = mailbox_proofs.check(
                request.session, purpose=joining.PURPOSE, code=form.cleaned_data["code"],
                address=ratelimit.get_ip(request), now=timezone.now(),
            )  # fmt: skip
        except (mailbox_proofs.CodeWrong, sign_in_limits.TooManyTries) as error:
            form.add_error("code", str(error))
        except mailbox_proofs.CodeGone as error:
            mailbox_proofs.forget(request.session, purpose=joining.PURPOSE)
            messages.error(request, str(error))
            return redirect("join")
        else:
            return _come_in(request, email, Wish.unpacked(data))
    context = {"form": form, "email": email, "may_renew": mailbox_proofs.may_renew(request.session, purpose="join")}
    return render(request, "account/join_code.html", context)


def _send_again(request: HttpRequest, email: str) -> HttpResponse:
    try:
        if not ratelimit.consume(request, app="allauth.account", action="request_login_code", key=email.lower()):
            raise mailbox_proofs.CodeGone
        code = mailbox_proofs.renew(request.session, purpose=joining.PURPOSE, now=timezone.now())
    except mailbox_proofs.CodeGone:
        messages.error(request, _("Too many codes were asked for. Please wait a while."))
    else:
        joining.mail_code(email=email, code=code, language=translation.get_language() or "en")
        messages.success(request, _("A new code is on its way; the one before no longer works."))
    return redirect("join_code")


def _come_in(request: HttpRequest, email: str, wish: Wish) -> HttpResponse:
    """Make the member with all that belongs to it at once, and sign them in."""
    now = timezone.now()
    with transaction.atomic():
        customer, is_new = joining.join(email=email, wish=wish, now=now)
        if is_new:
            events.award_sign_up(customer=customer, now=now)
            referrals.note(friend=customer, code=wish.friend, email=email, device=device_of(request), now=now)
        user = accounts.ensure_user(email=email)
    if user is None or not user.is_active:
        return redirect("account_inactive")
    if is_new:
        messages.success(request, _("Welcome! Your member card is ready."))
    return accounts.sign_in(request, user=user, email=email, redirect_url=reverse("home"))


def _promises() -> dict[str, int]:
    """Return what events give by the rules of today, for the words beside the form."""
    rules = list(EarningRule.objects.live().filter(kind=EarningRule.Kind.EVENT, stamp_card=None))
    return events.promises(rules=rules, now=timezone.now())
