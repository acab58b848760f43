"""Parts of every page: icons, the navigation, the way back to the same page in another language."""

import re

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from customers import looks, palette
from customers.access import customer_of
from customers.qr import qr_svg

register = template.Library()

_BETWEEN_SENTENCES = re.compile(r"(?<=[。！？]) (?=\S)")

NAVIGATION = [
    ("home", "home", _("Home")),
    ("coupons", "ticket", _("Coupons")),
    ("card", "card", _("Card")),
    ("statement", "points", _("Points")),
    ("profile", "person", _("Profile")),
]

# Pages that belong to an entry without lying below its address.
SECTIONS = {
    "/for-you/": "/",
    "/purchases/": "/points/",
    "/rewards/": "/coupons/",
    "/gift-cards/": "/coupons/",
    "/stamps/": "/coupons/",
    "/friends/": "/profile/",
    "/privacy/": "/profile/",
    "/surveys/": "/profile/",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw an icon of the sprite; it says nothing to a screen reader, the words beside it do."""
    return format_html(
        '<svg class="icon" width="24" height="24" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
def brand(part: str) -> str:
    """Return a shade of the merchant's colour for mails, which know no style sheet: `text` or `fill`."""
    return palette.readable(looks.current().colour)[part]


@register.filter(is_safe=True)
def joined(text: str) -> str:
    """Take the space between two Chinese sentences, which templates write for English."""
    return _BETWEEN_SENTENCES.sub("", text)


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> list[dict[str, object]]:
    """Return the entries of a customer's navigation, with the one that is open; none for staff without a card."""
    request = context["request"]
    if not (hasattr(request, "customer") or customer_of(request.user)):
        return []
    path = request.path
    section = next((home for start, home in SECTIONS.items() if path.startswith(start)), path)
    entries = []
    for name, symbol, label in NAVIGATION:
        url = reverse(name)
        is_open = section == url or (url != "/" and section.startswith(url))
        entries.append({"url": url, "icon": symbol, "label": label, "is_open": is_open})
    return entries


@register.simple_tag
def qr(data: str, title: str = "") -> SafeString:
    """Draw a QR code as inline SVG."""
    return qr_svg(data, title=title)
