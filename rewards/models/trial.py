"""Trials: who was given something and who is compared, by a fair coin, and what will count as success, fixed beforehand."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models.history import AppendOnlyError


class Measured(models.Model):
    """How an effect will be judged. Rates are in basis points, money is in the currency's minor unit."""

    odds = models.PositiveSmallIntegerField(
        _("odds"), default=5_000, help_text=_("How many of those drawn get the gift; the others are compared.")
    )
    window_days = models.PositiveSmallIntegerField(
        _("days to come back"), default=60, help_text=_("Whoever buys within so many days has come back.")
    )
    worthwhile = models.PositiveSmallIntegerField(
        _("worthwhile effect"),
        default=500,
        help_text=_("The smallest part more that should come back for it to be worth the trouble."),
    )
    worthwhile_margin = models.PositiveBigIntegerField(
        _("worthwhile gain"),
        default=100,
        help_text=_("The smallest gain per customer, after costs, that is worth knowing."),
    )
    margin_rate = models.PositiveSmallIntegerField(
        _("margin"), default=5_000, help_text=_("What is left of a sale after the goods are paid.")
    )
    message_cost = models.PositiveIntegerField(
        _("cost of a message"), default=0, help_text=_("What sending one message costs the shop.")
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(odds__gte=1_000, odds__lte=9_500),
                name="%(class)s_compares_enough",
                violation_error_message=_(
                    "Between 10 and 95 of 100 get the gift: without anybody to compare, nobody knows."
                ),
            ),
            models.CheckConstraint(
                condition=Q(window_days__gte=1, worthwhile__gte=1, worthwhile__lte=5_000, worthwhile_margin__gte=1),
                name="%(class)s_outcome_can_be_measured",
                violation_error_message=_("Give at least one day, and an effect above nothing and at most 50 of 100."),
            ),
            models.CheckConstraint(
                condition=Q(margin_rate__lte=10_000),
                name="%(class)s_margin_at_most_all",
                violation_error_message=_("A margin is at most the whole price."),
            ),
        ]


class Trial(Measured):
    """One comparison. Nothing of it changes but its end: outcomes are fixed before anybody is assigned."""

    class Kind(models.TextChoices):
        SURPRISE = "surprise", _("surprise")
        COUPONS = "coupons", _("coupons")
        SURVEY = "survey", _("survey reward")

    kind = models.CharField(_("of what"), max_length=10, choices=Kind)
    key = models.UUIDField(_("key"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(pgettext_lazy("of a thing", "name"), max_length=100)
    base = models.PositiveSmallIntegerField(
        _("share before"), help_text=_("How many came back anyway when it began; a guess in a young shop.")
    )
    planned = models.PositiveIntegerField(_("planned customers"), help_text=_("With so many the answer is sharpest."))
    opened_at = models.DateTimeField(_("opened at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    is_cut_short = models.BooleanField(
        _("cut short"), default=False, help_text=_("Stopped because of what it showed, or by hand.")
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("by"),
    )

    class Meta(Measured.Meta):
        abstract = False
        verbose_name = _("trial")
        verbose_name_plural = _("trials")
        constraints = [
            *Measured.Meta.constraints,
            models.CheckConstraint(
                condition=Q(closed_at=None, is_cut_short=False) | Q(closed_at__gte=F("opened_at")),
                name="trial_closes_after_opening",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and not set(kwargs.get("update_fields") or ["?"]) <= {"closed_at", "is_cut_short"}:
            raise AppendOnlyError(Trial)  # what it measures is fixed when it begins
        super().save(*args, **kwargs)


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Which assignments."""

    def counted(self) -> "AssignmentQuerySet":
        """Return the first of each customer: the customer is what is compared."""
        return self.filter(number=1)


class Assignment(models.Model):
    """How the coin fell for one customer on one occasion, written before anything is given or sent.

    What happens afterwards is noted in `first_message_at` and `cost`; nothing else ever changes.
    """

    trial = models.ForeignKey(
        Trial, on_delete=models.PROTECT, related_name="assignments", db_index=False, verbose_name=_("trial")
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="assignments", verbose_name=_("customer")
    )
    key = models.CharField(_("occasion"), max_length=200, help_text=_("Such as birthday:42:2027; it happens once."))
    number = models.PositiveIntegerField(
        _("number"), help_text=_("Counts the customer's occasions in this trial; the first one is compared.")
    )
    is_gift = models.BooleanField(_("gets the gift"))
    reason = models.JSONField(_("reason"), default=dict, help_text=_("Why the customer was drawn: keys and numbers."))
    purchase = models.ForeignKey(
        "customers.Purchase",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="assignments",
        verbose_name=_("purchase"),
    )
    assigned_at = models.DateTimeField(_("assigned at"))
    since_at = models.DateTimeField(_("before from"), help_text=_("Where the time before begins."))
    closes_at = models.DateTimeField(_("counted until"))
    first_message_at = models.DateTimeField(_("first message at"), null=True, blank=True)
    cost = models.PositiveBigIntegerField(
        _("cost"), default=0, help_text=_("What was given cost the shop, coupons apart, in the minor unit.")
    )

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        constraints = [
            models.UniqueConstraint(fields=["trial", "key"], name="assignment_once_per_occasion"),
            models.UniqueConstraint(fields=["trial", "customer", "number"], name="assignment_counts_occasions"),
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("assigned_at"), since_at__lt=F("assigned_at"), number__gte=1),
                name="assignment_has_a_before_and_an_after",
            ),
            models.CheckConstraint(
                condition=Q(first_message_at=None) | Q(first_message_at__gte=F("assigned_at")),
                name="assignment_before_the_first_message",
            ),
            models.CheckConstraint(
                condition=Q(is_gift=True) | Q(first_message_at=None, cost=0), name="assignment_gives_control_nothing"
            ),
        ]
        indexes = [models.Index(fields=["trial", "closes_at"], name="assignment_of_trial")]

    def __str__(self) -> str:
        return f"{self.key} ({_('gift') if self.is_gift else _('compared')})"
