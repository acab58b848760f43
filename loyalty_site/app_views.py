"""What makes the portal an app on a phone: its manifest, its worker, and the page that is there without a network."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from customers import looks

# What the page without a network needs; the rest is kept as it is asked for.
SHELL = (
    "bootstrap/css/bootstrap.min.css", "css/tokens.css", "css/portal.css", "css/pass.css", "img/mark.svg", "img/icons.svg",
    "js/theme.js", "js/portal.js", "js/offline.js",
)  # fmt: skip
PAPER = "#f7f3ec"


@require_GET
@login_not_required
@cache_control(public=True, max_age=3600)
def manifest(request: HttpRequest) -> JsonResponse:
    """Tell a phone how the portal is called and drawn on its home screen."""
    look = looks.current()
    version = looks.version(look)
    icons = [
        {
            "src": reverse("look_icon", args=[version, size]) if look.logo else static(f"img/icon-{size}.png"),
            "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose,
        }
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]  # fmt: skip
    found = {
        "id": "/", "name": looks.name(), "short_name": looks.name()[:30], "start_url": reverse("home"), "scope": "/",
        "display": "standalone", "background_color": PAPER, "theme_color": PAPER, "icons": icons,
        "shortcuts": [
            {"name": "Card · 会员卡", "url": reverse("card")},
            {"name": "Coupons · 优惠券", "url": reverse("coupons")},
        ],
    }  # fmt: skip
    return JsonResponse(found, content_type="application/manifest+json")


@require_GET
@login_not_required
@cache_control(public=True, no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """Serve the script that answers when the network does not; it keeps nothing of a person."""
    shell = [static(name) for name in SHELL] + [reverse("offline")]
    context = {"shell": shell, "offline": reverse("offline"), "static_url": static("")}
    return render(request, "worker.js", context, content_type="text/javascript")


@require_GET
@login_not_required
@cache_control(public=True, max_age=3600)
def offline(request: HttpRequest) -> HttpResponse:
    """Show the last balance that this device has seen, in both languages: the page was kept before it was known who reads it."""
    return render(request, "offline.html")
