"""The thanks for an answer: at most one per invitation, given at once or held until somebody has looked."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class RewardGrant(models.Model):
    """What one invited customer gets for answering, whatever the answer. It names no response and no answer."""

    class State(models.TextChoices):
        GRANTED = "granted", pgettext_lazy("of a gift", "given")
        HELD = "held", _("held")
        REFUSED = "refused", _("refused")

    class Reason(models.TextChoices):
        TOO_FAST = "too_fast", _("answered in less than three seconds")
        STRAIGHT_LINE = "straight_line", _("the same answer throughout")
        DAILY_BUDGET = "daily_budget", _("the thanks of that day were used up")
        LIMIT = "limit", _("all thanks of the campaign were used up")
        NO_COUPON = "no_coupon", _("the batch has no coupon left")

    invitation = models.OneToOneField(
        "surveys.Invitation", on_delete=models.PROTECT, related_name="grant", verbose_name=_("invitation")
    )
    campaign = models.ForeignKey(
        "surveys.Campaign", on_delete=models.PROTECT, related_name="grants", db_index=False, verbose_name=_("campaign")
    )
    state = models.CharField(_("state"), max_length=10, choices=State)
    reasons = models.JSONField(_("reasons"), default=list, blank=True, help_text=_("Why it was held."))
    points = models.PositiveIntegerField(_("points"), default=0)
    coupon = models.OneToOneField(
        "rewards.Coupon", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("coupon")
    )
    granted_date = models.DateField(
        _("counts for"),
        null=True,
        blank=True,
        help_text=_("The day whose budget it took, in the programme's time zone."),
    )
    earned_at = models.DateTimeField(_("earned at"), default=timezone.now, editable=False)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("by"),
    )

    class Meta:
        verbose_name = _("thanks for an answer")
        verbose_name_plural = _("thanks for answers")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="granted", granted_date__isnull=False)
                | ~Q(state="granted") & Q(granted_date=None, coupon=None, points=0),
                name="rewardgrant_given_on_a_day",
            ),
        ]
        indexes = [models.Index(fields=["campaign", "state", "granted_date"], name="rewardgrant_of_day")]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.invitation_id}: {self.state}"
