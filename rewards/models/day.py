"""Which days of the programme the daily run has dealt with."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ProgrammeDay(models.Model):
    """One day on which everybody was looked at: birthdays, sign-ups, tiers, notices."""

    day_date = models.DateField(_("day"), primary_key=True)
    finished_at = models.DateTimeField(_("finished at"))
    changed = models.PositiveIntegerField(_("changes"), help_text=_("Transactions and tiers."))

    class Meta:
        verbose_name = _("day of the programme")
        verbose_name_plural = _("days of the programme")

    def __str__(self) -> str:
        return str(self.day_date)
