"""The portal's admin site."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class PortalAdminSite(admin.AdminSite):
    """Django's admin in the portal's look; staff come in by the portal's own log-in."""

    site_title = settings.PROGRAMME_NAME
    site_header = settings.PROGRAMME_NAME
    index_title = _("Dashboard")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """List our own apps first, in the order in which they build on each other."""
        apps = super().get_app_list(request, app_label)
        ours = {"customers": 0, "rewards": 1, "surveys": 2}
        return sorted(apps, key=lambda app: ours.get(app["app_label"], len(ours)))

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Send to the portal's log-in, which knows second factors and rate limits; the admin never asks for a password."""
        return secure_admin_login(super().login)(request, extra_context)

    def index(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show how the shop is doing, above the list of everything."""
        # Models are ready only now: Django asks for this module while it loads the apps.
        from loyalty_site import dashboard, dashboard_cards, dashboard_warnings

        found = dashboard.figures(now=timezone.now())
        context = {
            "cards": dashboard_cards.cards(found, request),
            "links": dashboard_cards.links(request),
            "books": dashboard_cards.books(request),
            "warnings": dashboard_warnings.warnings(request, now=timezone.now()),
            "counted_at": found.counted_at,
        }
        return super().index(request, context | (extra_context or {}))
