"""Occasions: what happened that a triggered campaign asks about."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Occasion(models.Model):
    """One cause for one campaign to ask one customer; the same cause is found once, however often somebody looks."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        CONSIDERED = "considered", _("considered")
        REPEATED = "repeated", _("considered already on that day")
        EXPIRED = "expired", _("too long ago")
        RETURNED = "returned", _("everything was returned")
        OUTSIDE = "outside", _("not in the audience")
        CANCELLED = "cancelled", _("cancelled")

    campaign = models.ForeignKey(
        "surveys.Campaign",
        on_delete=models.PROTECT,
        related_name="occasions",
        db_index=False,
        verbose_name=_("campaign"),
    )
    source = models.CharField(_("cause"), max_length=100, help_text=_("Such as purchase:1042 or birthday:42:2027."))
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="occasions", verbose_name=_("customer")
    )
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.WAITING)
    occurred_at = models.DateTimeField(_("occurred at"))
    due_at = models.DateTimeField(_("due at"))
    look_at = models.DateTimeField(_("look again at"), help_text=_("When it is due, or later when it was put off."))
    invitation = models.OneToOneField(
        "surveys.Invitation",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="occasion",
        verbose_name=_("invitation"),
    )
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("occasion")
        verbose_name_plural = _("occasions")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "source"], name="occasion_once_per_campaign"),
            models.CheckConstraint(
                condition=Q(state="considered", invitation__isnull=False)
                | ~Q(state="considered") & Q(invitation__isnull=True),
                name="occasion_considered_has_an_invitation",
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "look_at", "id"], condition=Q(state="waiting"), name="occasion_to_consider"
            ),
        ]

    def __str__(self) -> str:
        return self.source
