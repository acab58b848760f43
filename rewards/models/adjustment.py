"""Adjustments that wait for a second person."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    """Why staff change a balance; the word is kept with the transaction."""

    GOODWILL = "goodwill", _("goodwill")
    MISSING = "missing_purchase", _("purchase without card")
    COMPLAINT = "complaint", _("complaint")
    CORRECTION = "correction", _("correction of a mistake")
    EVENT = "event", _("event or promotion")
    MISUSE = "misuse", _("misuse")


class AdjustmentRequest(models.Model):
    """Points that somebody wants to give or take above their own limit, until another person decides."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        LAPSED = "lapsed", _("lapsed")

    key = models.UUIDField(_("key"), unique=True, editable=False)
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="adjustment_requests", verbose_name=_("customer")
    )
    points = models.BigIntegerField(_("points"), help_text=_("Above 0 gives, below 0 takes."))
    reason = models.CharField(_("reason"), max_length=40, choices=Reason)
    note = models.CharField(_("note"), max_length=300, help_text=_("For the customer."))
    staff_note = models.CharField(_("note for colleagues"), max_length=300, blank=True)
    version = models.PositiveIntegerField(
        _("version"), default=1, help_text=_("Grows with each change: who approves must have seen the latest.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("requested by")
    )
    requested_at = models.DateTimeField(_("requested at"), default=timezone.now)
    expires_at = models.DateTimeField(_("until"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    answer = models.CharField(_("reply"), max_length=300, blank=True, help_text=_("For the one who asked."))

    class Meta:
        verbose_name = _("adjustment request")
        verbose_name_plural = _("adjustment requests")
        constraints = [
            models.CheckConstraint(condition=~Q(points=0), name="adjustmentrequest_moves_something"),
            models.CheckConstraint(
                condition=~Q(state="approved") | (Q(decided_by__isnull=False) & ~Q(decided_by=F("by"))),
                name="adjustmentrequest_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", decided_at=None) | (~Q(state="pending") & Q(decided_at__isnull=False)),
                name="adjustmentrequest_decided_at_a_time",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], condition=Q(state="pending"), name="adjustmentrequest_pending")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points:+d} ({self.get_state_display()})"

    @property
    def source(self) -> str:
        """The key of the cause in the books."""
        return f"adjustment_request:{self.pk}"

    def is_open_at(self, moment: dt.datetime) -> bool:
        """Return whether somebody can still decide."""
        return self.state == self.State.PENDING and moment < self.expires_at
