"""The JSON API: every app's operations under /api/v1/, described by /api/openapi.json, readable at /api/docs."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path, re_path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

import customers.api
import rewards.api
from customers.api.door import JsonParser, problem_of, settle_search
from customers.api.problems import KINDS, Problem, not_found
from loyalty_site import api_description, api_faults, webhook_description

logger = logging.getLogger(__name__)

DESCRIPTION = """For tills and web shops. Amounts are whole numbers in the currency's minor unit, points are whole numbers,
times carry their offset from UTC. Every write carries an Idempotency-Key: sent again with the same body it gets the first
answer, and nothing happens twice."""


def build() -> NinjaAPI:
    """Return the API with every app's operations mounted."""
    api = NinjaAPI(
        title="Loyalty API", version="1", description=DESCRIPTION, docs_url=None, openapi_url=None,
        urls_namespace="api", parser=JsonParser(),
    )  # fmt: skip
    api.add_router("", customers.api.router)
    api.add_router("", rewards.api.router)
    api.add_exception_handler(Exception, _answer_fault)
    api.add_exception_handler(Http404, lambda request, error: not_found().response())
    api.add_exception_handler(HttpError, _answer_unreadable)
    api.add_exception_handler(ValidationError, _answer_invalid)
    return api


def _answer_fault(request: HttpRequest, error: Exception) -> HttpResponse:
    problem = problem_of(error)
    if problem is None:
        logger.exception("API fault at %s %s", request.method, request.resolver_match.route, exc_info=error)
        problem = Problem(
            "internal", _("This is our fault. Whether it was done is not known: send the same request again.")
        )
    return problem.response()


def _answer_unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return Problem("malformed", _("The body is not valid JSON in UTF-8.")).response()


def _answer_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    faults = [api_faults.fault_of(one) for one in error.errors[: api_faults.MOST]]
    return Problem("invalid", _("See errors for what to change."), faults).response()


def _ours(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Open a view to keys alone (no log-in, no cookie), and answer a wrong method like every other problem."""

    @csrf_exempt
    @login_not_required
    @functools.wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        finally:
            settle_search(request)
        if response.status_code == 405:
            methods = response["Allow"]
            sentence = _("Here are %(methods)s.") % {"methods": methods}
            response = Problem("method_not_allowed", sentence, headers={"Allow": methods}).response()
        response["Cache-Control"] = "no-store"
        return response

    return run


@login_not_required
@require_safe
def openapi(request: HttpRequest) -> JsonResponse:
    """Describe the API to programs."""
    return JsonResponse(api_description.describe(API), json_dumps_params={"ensure_ascii": False})


@login_not_required
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Describe the API to people: written on the server, without any script."""
    page = {
        "groups": api_description.groups(API),
        "problems": KINDS,
        "site_url": settings.SITE_URL,
        "events": webhook_description.events(),
    }
    return render(request, "loyalty_site/api_docs.html", page)


@login_not_required
@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """Explain one problem: where the `type` of an answer leads."""
    if code not in KINDS:
        raise Http404
    return render(request, "loyalty_site/api_problem.html", {"code": code, "kind": KINDS[code]})


@csrf_exempt
@login_not_required
def nowhere(request: HttpRequest) -> HttpResponse:
    """Answer an address that the API does not have."""
    return not_found().response()


API = build()


def urls() -> list[URLPattern]:
    """Return the addresses below /api/."""
    patterns, _app, _namespace = API.urls
    operations = [
        URLPattern(pattern.pattern, _ours(pattern.callback), name=pattern.name)
        for pattern in patterns
        if pattern.name != "api-root"
    ]
    for pattern in operations:
        pattern.pattern = type(pattern.pattern)(f"v1/{pattern.pattern}", is_endpoint=True)
    return [
        path("openapi.json", openapi, name="openapi"),
        path("docs", docs, name="docs"),
        path("problems/<slug:code>", problem, name="problem"),
        *operations,
        re_path("", nowhere),
    ]
