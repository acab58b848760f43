"""How long the merchant wants things kept, where they have said so."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class KeepingPeriod(models.Model):
    """A period that the merchant has chosen; without a row the portal's own holds (customers/keeping.py)."""

    name = models.CharField(_("name"), max_length=20, unique=True)
    days = models.PositiveIntegerField(_("days"), null=True, blank=True, help_text=_("Empty: without end."))
    changed_at = models.DateTimeField(_("changed at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("period of keeping")
        verbose_name_plural = _("periods of keeping")
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="keepingperiod_has_a_name"),
            models.CheckConstraint(condition=Q(days=None) | Q(days__gt=0), name="keepingperiod_of_days"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.days}"
