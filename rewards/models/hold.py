"""Points set aside for a purchase that is not finished."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class PointHold(models.Model):
    """Points that can be spent by one purchase only, until a deadline; then they come back by themselves."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        CAPTURED = "captured", _("spent")
        RELEASED = "released", _("released")
        LAPSED = "lapsed", _("lapsed")

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="point_holds", verbose_name=_("customer")
    )
    transaction = models.OneToOneField(
        "rewards.PointTransaction", on_delete=models.PROTECT, related_name="hold", verbose_name=_("transaction")
    )
    source = models.CharField(_("source"), max_length=200, unique=True)
    points = models.BigIntegerField(_("points"))
    captured = models.BigIntegerField(_("spent"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    placed_at = models.DateTimeField(_("placed at"), default=timezone.now)
    expires_at = models.DateTimeField(_("until"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    store = models.ForeignKey(
        "customers.Store",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("store"),
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

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [
            models.CheckConstraint(
                condition=Q(points__gt=0, captured__gte=0, captured__lte=F("points")),
                name="pointhold_spends_at_most_itself",
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="pointhold_closed_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state="captured", captured__gt=0) | (~Q(state="captured") & Q(captured=0)),
                name="pointhold_captured_spends_something",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], condition=Q(state="open"), name="pointhold_to_release")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points} ({self.source})"
