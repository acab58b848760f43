"""The surveys app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class SurveysConfig(AppConfig):
    """What we ask and how we listen."""

    name = "surveys"
    verbose_name = _("Surveys")

    def ready(self) -> None:
        """Take part in merges of customers, listen to mail providers, and freeze what is published."""
        from surveys import belongings, frozen, keeping, receivers  # noqa: F401

        receivers.connect()
        # SQLite drops the triggers of a table that Django rebuilds (docs/decisions/0002).
        post_migrate.connect(frozen.install_after_migrate, sender=self)
