"""The customers app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    """Who the customers are and what they bought."""

    name = "customers"
    verbose_name = _("Customers")

    def ready(self) -> None:
        """Read what each app says about the personal data in its models, and listen to who signs in."""
        from customers import receivers

        receivers.connect()
        # Found by name, so that no app has to know another's; tests/test_privacy_rules.py holds that nothing is missing.
        autodiscover_modules("privacy_rules")
        # What saved filters can ask; apps above add their own facts.
        autodiscover_modules("segment_facts")
