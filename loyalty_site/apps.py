"""The portal itself, and Django's admin with the portal's index."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PortalConfig(AppConfig):
    """The composition root: pages that show all three apps together."""

    name = "loyalty_site"

    def ready(self) -> None:
        """Let the mail of the monthly report carry its file."""
        from customers import staff_mail
        from loyalty_site.insights import monthly

        staff_mail.ATTACHMENTS[monthly.KIND] = monthly.attachment


class PortalAdminConfig(AdminConfig):
    """Django's admin, with the dashboard as its index."""

    default_site = "loyalty_site.admin.PortalAdminSite"

    def ready(self) -> None:
        """Register what shows several apps together, once every app has registered its own."""
        super().ready()
        from loyalty_site import admin_customer, admin_libraries  # noqa: F401
