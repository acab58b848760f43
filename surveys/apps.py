"""The surveys app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SurveysConfig(AppConfig):
    """What we ask and how we listen."""

    name = "surveys"
    verbose_name = _("Surveys")

    def ready(self) -> None:
        """Take part in merges of customers, and listen to mail providers."""
        from surveys import belongings, receivers  # noqa: F401

        receivers.connect()
