"""The page behind a link in a chat, on a receipt or in the window."""

from allauth.account.adapter import get_adapter
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from customers import limits
from customers.access import customer_of
from customers.limits import Limit, LimitReached
from customers.personal import language_of, other_language
from surveys import public_links
from surveys.models import SurveyLink
from surveys.views import questionnaire
from surveys.views.neutral import not_here

# One address may be a whole shop's network, so this only stops machines.
ANSWERS, SECONDS = 60, 600
DAYS = 180


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def survey_link(request: HttpRequest, code: str) -> HttpResponse:
    """Show the questions to whoever comes by; each device answers once, and another time if it forgets its cookie."""
    now = timezone.now()
    link = public_links.find(code=code, now=now)
    if link is None:
        return _private(not_here(request))
    language = language_of(request, translation.get_language() or "en")
    with translation.override(language):
        customer = customer_of(request.user) if request.user.is_authenticated else None
        visit = public_links.LinkVisit(link=link, customer=customer, now=now)
        if request.get_signed_cookie(_cookie(link), default="", salt="surveys.link") == "answered":
            return _private(questionnaire.thank(request, visit))
        if request.method == "POST" and _is_too_much(request, link):
            context = {"minutes": SECONDS // 60} | other_language(request)
            return _private(render(request, "surveys/too_many.html", context, status=429))
        response = questionnaire.respond(request, visit)
        if visit.is_finished:
            response.set_signed_cookie(
                _cookie(link), "answered", salt="surveys.link", max_age=DAYS * 24 * 3600, path=request.path,
                httponly=True, samesite="Lax", secure=request.is_secure(),
            )  # fmt: skip
        return _private(response)


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _cookie(link: SurveyLink) -> str:
    return f"survey-{link.pk}"


def _is_too_much(request: HttpRequest, link: SurveyLink) -> bool:
    address = get_adapter().get_client_ip(request)
    try:
        limits.take(Limit(f"survey-link:{link.pk}:{address}", ANSWERS, SECONDS))
    except LimitReached:
        return True
    return False
