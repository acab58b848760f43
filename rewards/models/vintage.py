"""What became of the points of each month: counted by night from the books, so that no page reads all of them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class CountedMonth(models.Model):
    """A month whose movements are counted, and the newest transaction that was known then."""

    month_date = models.DateField(_("month"), unique=True, help_text=_("Its first day."))
    newest_transaction = models.BigIntegerField(_("newest transaction"), default=0, editable=False)
    counted_at = models.DateTimeField(_("counted at"))

    class Meta:
        verbose_name = _("counted month")
        verbose_name_plural = _("counted months")

    def __str__(self) -> str:
        return f"{self.month_date:%Y-%m}"


class VintageMonth(models.Model):
    """What one month's movements did to the lots that become spendable in another: the vintage. Whole points, signed.

    Opened less redeemed, expired and other, over all months, is what is left in the lots. Holds no customer.
    """

    vintage_date = models.DateField(_("spendable from"), help_text=_("The month's first day."))
    month_date = models.DateField(_("month"), help_text=_("Of the movements; its first day."))
    opened = models.BigIntegerField(_("issued"), default=0)
    redeemed = models.BigIntegerField(_("spent"), default=0, help_text=_("Spent or on hold, less what was given back."))
    expired = models.BigIntegerField(_("expired"), default=0)
    other = models.BigIntegerField(
        _("other"), default=0, help_text=_("Taken back with goods, written off, adjusted or transferred.")
    )

    class Meta:
        verbose_name = _("month of a vintage")
        verbose_name_plural = _("months of vintages")
        constraints = [
            models.UniqueConstraint(fields=["vintage_date", "month_date"], name="vintagemonth_once"),
            models.CheckConstraint(condition=Q(opened__gte=0), name="vintagemonth_opens_points"),
        ]

    def __str__(self) -> str:
        return f"{self.vintage_date:%Y-%m} > {self.month_date:%Y-%m}"
