"""The switch that stops all spending while somebody finds out what is wrong."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class SpendingFreeze(models.Model):
    """From when until when nobody could spend points, redeem coupons or pay by gift card; earning went on."""

    reason = models.CharField(_("reason"), max_length=300, help_text=_("For colleagues; no customer's name."))
    is_open = models.BooleanField(_("in force"), default=True, editable=False)
    frozen_at = models.DateTimeField(_("frozen at"))
    frozen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("frozen by"),
        help_text=_("Empty when it was done by a command."),
    )
    resumed_at = models.DateTimeField(_("resumed at"), null=True, blank=True)
    resumed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("resumed by"),
    )

    class Meta:
        verbose_name = _("freeze of spending")
        verbose_name_plural = _("freezes of spending")
        constraints = [
            models.UniqueConstraint(
                fields=["is_open"], condition=Q(resumed_at=None), name="spendingfreeze_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(resumed_at=None, is_open=True) | Q(resumed_at__isnull=False, is_open=False),
                name="spendingfreeze_open_until_resumed",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.reason}"
