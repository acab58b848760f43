"""Where each customer stands: how lately, often and much they bought, their own rhythm, and what may come. Made by night."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

QUINTILE = Q(recency=None, frequency=None, monetary=None) | Q(
    recency__range=(1, 5), frequency__range=(1, 5), monetary__range=(1, 5)
)


class Standing(models.Model):
    """One customer as of the last night in which something about them changed."""

    customer = models.OneToOneField(
        "customers.Customer",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="standing",
        verbose_name=_("customer"),
    )
    visits = models.PositiveIntegerField(_("days with a purchase"))
    spent = models.BigIntegerField(_("spent"), help_text=_("In the currency's minor unit."))
    last_at = models.DateTimeField(_("last purchase"))
    usual_days = models.PositiveIntegerField(
        _("usual days between purchases"), help_text=_("The own median, drawn towards the shop's while few are known.")
    )
    due_at = models.DateTimeField(_("due at"), db_index=True)
    lapsing_at = models.DateTimeField(_("lapsing at"))
    lapsed_at = models.DateTimeField(_("lapsed at"), db_index=True)
    recency = models.PositiveSmallIntegerField(_("recency"), null=True, blank=True, help_text=_("5 is the latest."))
    frequency = models.PositiveSmallIntegerField(
        _("frequency"), null=True, blank=True, help_text=_("5 is the most often.")
    )
    monetary = models.PositiveSmallIntegerField(
        _("monetary value"), null=True, blank=True, help_text=_("5 is the most.")
    )
    chance_permille = models.PositiveSmallIntegerField(_("chance to buy, in thousandths"), null=True, blank=True)
    visits_permille = models.PositiveIntegerField(_("expected purchases, in thousandths"), null=True, blank=True)
    value = models.PositiveBigIntegerField(_("expected value"), null=True, blank=True)
    value_low = models.PositiveBigIntegerField(_("expected value, at least"), null=True, blank=True)
    value_high = models.PositiveBigIntegerField(_("expected value, at most"), null=True, blank=True)
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("standing of a customer")
        verbose_name_plural = _("standings of customers")
        constraints = [
            models.CheckConstraint(condition=QUINTILE, name="standing_quintiles_are_whole"),
            models.CheckConstraint(
                condition=Q(value=None) | Q(value_low__lte=models.F("value"), value_high__gte=models.F("value")),
                name="standing_value_lies_in_its_interval",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} · {self.recency}{self.frequency}{self.monetary}"


class StandingChange(models.Model):
    """A customer's three figures on the day on which they became these; a day without a row is like the day before."""

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.CASCADE,
        related_name="standing_changes",
        db_index=False,
        verbose_name=_("customer"),
    )
    day_date = models.DateField(_("day"))
    recency = models.PositiveSmallIntegerField(_("recency"))
    frequency = models.PositiveSmallIntegerField(_("frequency"))
    monetary = models.PositiveSmallIntegerField(_("monetary value"))

    class Meta:
        verbose_name = _("change of standing")
        verbose_name_plural = _("changes of standing")
        constraints = [
            models.UniqueConstraint(fields=["customer", "day_date"], name="standingchange_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.day_date} {self.recency}{self.frequency}{self.monetary}"


class StandingNight(models.Model):
    """One night in which everybody's standing was looked at, and what the forecasts of that night were worth."""

    day_date = models.DateField(_("day"), primary_key=True)
    finished_at = models.DateTimeField(_("finished at"))
    customers = models.PositiveIntegerField(_("customers"))
    changed = models.PositiveIntegerField(_("changed"))
    forecast = models.JSONField(
        _("forecast"),
        default=dict,
        blank=True,
        help_text=_("Parameters, and by tenths of customers what was forecast half a year ago and what happened."),
    )

    marks = models.JSONField(
        _("marks"),
        default=dict,
        blank=True,
        editable=False,
        help_text=_(
            "How far it has come, and what was fitted on the first night of the week; the next night goes on there."
        ),
    )

    class Meta:
        verbose_name = _("night of standings")
        verbose_name_plural = _("nights of standings")

    def __str__(self) -> str:
        return str(self.day_date)
