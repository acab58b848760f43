"""Pages behind a personal link in a mail."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

View = Callable[..., HttpResponse]
_LANGUAGES = ("en", "zh-hans")


def personal(view: View) -> View:
    """Keep a page behind a personal link private: no cache, no referrer, no search engine, no log-in, no cookie.

    The token in the address is all the authority there is and no other site knows it, so a form needs no CSRF cookie; mail
    programs' browsers often refuse one, and a one-click unsubscription comes without.
    """

    @csrf_exempt
    @login_not_required
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def private(request: HttpRequest, token: str) -> HttpResponse:
        response = view(request, token)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return private


def language_of(request: HttpRequest, written: str) -> str:
    """Return the language asked for on the page itself, else the one that the mail was written in."""
    wanted = request.GET.get("lang", "")
    return wanted if wanted in _LANGUAGES else written


def other_language(request: HttpRequest) -> dict[str, str]:
    """Return the link to this page in the other language. It needs no cookie, and keeps what was chosen in the mail."""
    other = "en" if (translation.get_language() or "").startswith("zh") else "zh-hans"
    query = request.GET.copy()
    query["lang"] = other
    return {"other_language": other, "other_language_url": f"{request.path}?{query.urlencode()}"}
