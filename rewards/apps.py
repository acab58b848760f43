"""The rewards app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class RewardsConfig(AppConfig):
    """What customers get: points, tiers, rewards, coupons."""

    name = "rewards"
    verbose_name = _("Rewards")

    def ready(self) -> None:
        """Guard the books: triggers come back after every migration, and checks look for them. Take part in merges."""
        from rewards import belongings, checks, triggers  # noqa: F401

        # SQLite drops the triggers of a table that Django rebuilds (docs/decisions/0002).
        post_migrate.connect(triggers.install_after_migrate, sender=self)
