"""Bringing friends: the member's own link with what it brings, and what a friend meets who follows it."""

from urllib.parse import urlencode

from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from customers.access import customer_page
from customers.models import Customer
from rewards import referral_doubts, referral_words, referrals


@require_GET
@customer_page
def friends(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Show the link, what both get for it, and what became of each friend."""
    offer, link = referrals.offer_in_force(), ""
    if offer is not None:
        code = referrals.code_of(customer=customer, device=device_of(request), now=timezone.now()).code
        link = settings.SITE_URL + reverse("friend_link", args=[code])
    context = {"offer": offer, "link": link, "lines": referral_words.lines_of(customer=customer)}
    if offer is not None:
        context |= {
            "friend_gift": referral_words.gift(number=offer.friend_points, batch=offer.friend_batch),
            "own_gift": referral_words.gift(number=offer.advocate_points, batch=offer.advocate_batch),
        }
    return render(request, "rewards/friends.html", context)


@login_not_required
@require_safe
def follow(request: HttpRequest, code: str) -> HttpResponse:
    """Lead from a member's link to joining; the code goes along in the form, not in a cookie."""
    return redirect(f"{reverse('join')}?{urlencode({'friend': code[:20]})}")


def device_of(request: HttpRequest) -> str:
    """Return the digest of where a request comes from."""
    return referral_doubts.device_digest(
        address=ratelimit.get_ip(request), user_agent=request.META.get("HTTP_USER_AGENT", "")
    )
