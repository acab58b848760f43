"""How a customer wishes to be asked."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SurveyPreference(models.Model):
    """A wish from the preference page: of one campaign, or of all where no campaign is named.

    Consent is kept elsewhere (customers.Consent); this narrows what the consent allows.
    """

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="survey_preferences", verbose_name=_("customer")
    )
    campaign = models.ForeignKey(
        "surveys.Campaign",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("campaign"),
        help_text=_("Empty for all surveys."),
    )
    is_left_out = models.BooleanField(
        _("wants no mail of this campaign"), default=False, help_text=_("All surveys end by withdrawing the consent.")
    )
    has_no_reminders = models.BooleanField(_("wants no reminders"), default=False)
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("survey preference")
        verbose_name_plural = _("survey preferences")
        constraints = [
            models.UniqueConstraint(fields=["customer", "campaign"], name="surveypreference_once_per_campaign"),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(campaign=None), name="surveypreference_once_for_all"
            ),
            models.CheckConstraint(
                condition=Q(campaign=None, is_left_out=False)
                | Q(campaign__isnull=False, has_no_reminders=False, paused_until=None),
                name="surveypreference_fits_its_reach",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}/{self.campaign_id or 'all'}"
