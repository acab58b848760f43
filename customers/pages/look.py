"""The merchant's colours as a style sheet, and their logo."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from customers import looks, palette

FOR_EVER = "public, max-age=31536000, immutable"
DARK = (
    "@media (prefers-color-scheme: dark) {{ :root:not([data-bs-theme=light], [data-theme=light]) {{ {0} }} }}\n"
    ":root[data-bs-theme=dark], :root[data-theme=dark] {{ {0} }}\n"
)


@require_GET
@login_not_required
def colours(request: HttpRequest, version: str) -> HttpResponse:
    """Serve the merchant's colours; the address changes with them."""
    shades = palette.shades(looks.current().colour)
    light, dark = ("; ".join(f"{name}: {value}" for name, value in shades[scheme].items()) for scheme in shades)
    return _kept(HttpResponse(f":root {{ {light} }}\n{DARK.format(dark)}", content_type="text/css"))


@require_GET
@login_not_required
def logo(request: HttpRequest, version: str) -> HttpResponse:
    """Serve the merchant's logo."""
    data = bytes(looks.current().logo)
    if not data:
        raise Http404
    return _kept(HttpResponse(data, content_type="image/png"))


@require_GET
@login_not_required
def icon(request: HttpRequest, version: str, size: int) -> HttpResponse:
    """Serve the logo as an icon for a home screen."""
    look = looks.current()
    if size not in (180, 192, 512) or not look.logo:
        raise Http404
    return _kept(HttpResponse(looks.icon(look, size=size), content_type="image/png"))


def _kept(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = FOR_EVER
    return response
