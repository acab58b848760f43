"""The door for a mail provider's webhooks: closed until there is a secret, and open for the providers in use alone."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

LARGEST = 1024 * 1024  # bytes


@csrf_exempt
@login_not_required
@require_http_methods(["POST", "HEAD"])
def take(request: HttpRequest, esp: str, kind: str) -> HttpResponse:
    """Hand a webhook to Anymail, which proves who sent it. What is too large is refused before it is read."""
    if not settings.ANYMAIL["WEBHOOK_SECRET"] or esp not in _providers():
        raise Http404
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > LARGEST:
        return HttpResponse(status=413)
    try:
        match = resolve(f"/{esp}/{kind}/", urlconf="anymail.urls")
    except Resolver404 as error:
        raise Http404 from error
    return match.func(request, *match.args, **match.kwargs)


def _providers() -> set[str]:
    """Return the short names of the providers that mails leave by, such as postmark."""
    backends = [mailer["BACKEND"] for mailer in settings.MAILERS.values()]
    return {backend.rpartition(".")[0].rpartition(".")[2] for backend in backends}
