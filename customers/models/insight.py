"""How many customers came back, month by month: counted by night, so that no page reads the whole history."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class BuyingMonth(models.Model):
    """One month of the programme's calendar: who bought, and who of them bought again soon. Holds no customer."""

    month_date = models.DateField(_("month"), unique=True, help_text=_("Its first day."))
    buyers = models.PositiveIntegerField(_("customers who bought"))
    repeaters = models.PositiveIntegerField(
        _("bought again"), help_text=_("Within 60 days of their first purchase of the month.")
    )
    newest_purchase = models.BigIntegerField(_("newest purchase"), default=0, editable=False)
    newest_return = models.BigIntegerField(_("newest return"), default=0, editable=False)
    changes = models.PositiveIntegerField(
        _("changes of customers"), default=0, editable=False, help_text=_("Merges, undone merges and erasures so far.")
    )
    counted_at = models.DateTimeField(_("counted at"))

    class Meta:
        verbose_name = _("month of purchases")
        verbose_name_plural = _("months of purchases")
        constraints = [
            models.CheckConstraint(condition=Q(repeaters__lte=F("buyers")), name="buyingmonth_repeaters_are_buyers"),
        ]

    def __str__(self) -> str:
        return f"{self.month_date:%Y-%m}: {self.repeaters}/{self.buyers}"


class CohortMonth(models.Model):
    """How many of those who first bought in one month bought in another. Holds no customer."""

    cohort_date = models.DateField(_("first bought in"), help_text=_("The month's first day."))
    month_date = models.DateField(_("month"), help_text=_("Its first day."))
    customers = models.PositiveIntegerField(_("customers"))

    class Meta:
        verbose_name = _("month of a cohort")
        verbose_name_plural = _("months of cohorts")
        constraints = [
            models.UniqueConstraint(fields=["cohort_date", "month_date"], name="cohortmonth_once"),
            models.CheckConstraint(
                condition=Q(month_date__gte=F("cohort_date")), name="cohortmonth_not_before_its_cohort"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cohort_date:%Y-%m} > {self.month_date:%Y-%m}: {self.customers}"
