"""Who is in which tier, from when, and until when it is kept: a history of rows, one of them open."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TierMembershipQuerySet(models.QuerySet["TierMembership"]):
    """Which memberships."""

    def open(self) -> "TierMembershipQuerySet":
        """Return those that go on, one per customer at most."""
        return self.filter(ended_at=None)

    def newest_first(self) -> "TierMembershipQuerySet":
        """Order as people read a history."""
        return self.order_by("-started_at", "-pk")


class TierMembership(models.Model):
    """A stretch of time in a tier above the first; who has no open row is where everybody starts."""

    class Reason(models.TextChoices):
        REACHED = "reached", _("reached")
        GRANTED = "granted", _("granted by staff")
        STEPPED_DOWN = "stepped_down", _("stepped down")
        REFUNDED = "refunded", _("purchases came back")
        WITHDRAWN = "withdrawn", _("withdrawn by staff")

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="tier_memberships",
        db_index=False,
        verbose_name=_("customer"),
    )
    tier = models.ForeignKey(
        "rewards.Tier", on_delete=models.PROTECT, related_name="memberships", verbose_name=_("tier")
    )
    started_at = models.DateTimeField(_("started at"))
    qualified_at = models.DateTimeField(
        _("qualified at"),
        null=True,
        blank=True,
        help_text=_("The twelve months up to here reached the tier; empty when they did not have to."),
    )
    kept_until = models.DateTimeField(_("kept until"))
    grace_until = models.DateTimeField(
        _("grace until"), null=True, blank=True, help_text=_("Set with the warning; the step down comes then.")
    )
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, help_text=_("Empty while it goes on."))
    reason = models.CharField(_("began because"), max_length=12, choices=Reason)
    end_reason = models.CharField(_("ended because"), max_length=12, choices=Reason, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True, help_text=_("Why staff gave it."))
    end_note = models.CharField(_("note at the end"), max_length=300, blank=True, help_text=_("Why staff took it."))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("by"),
    )
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("ended by"),
    )
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)

    objects = TierMembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("tier membership")
        verbose_name_plural = _("tier memberships")
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(ended_at=None), name="tiermembership_one_open_per_customer"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="")
                | (Q(ended_at__isnull=False, ended_at__gte=F("started_at")) & ~Q(end_reason="")),
                name="tiermembership_ends_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(grace_until=None) | Q(grace_until__gte=F("kept_until")),
                name="tiermembership_grace_comes_after",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "started_at"], name="tiermembership_of_customer"),
            models.Index(fields=["kept_until"], condition=Q(ended_at=None), name="tiermembership_kept"),
            models.Index(
                fields=["grace_until"],
                condition=Q(ended_at=None, grace_until__isnull=False),
                name="tiermembership_grace",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.tier_id} ({self.reason})"
