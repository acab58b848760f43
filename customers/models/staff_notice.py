"""Mails to staff about what they have to look at, one row for each reader."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class StaffNotice(models.Model):
    """One mail to one member of staff, queued in the transaction of its cause; one cause writes once to each."""

    class Kind(models.TextChoices):
        ADJUSTMENT = "adjustment_waiting", _("points wait for approval")
        CASE_GIVEN = "case_given", _("a case is yours")
        CASE_OVERDUE = "case_overdue", _("a case is overdue")
        KEY_STOPPED = "api_key_stopped", _("an API key guesses")
        OWNER = "owner_signed_in", _("the owner has signed in")
        FROZEN = "spending_frozen", _("spending is frozen")
        THAWED = "spending_resumed", _("spending goes on")
        WEBHOOK = "webhook_stopped", _("a webhook was disabled")
        MONTHLY_REPORT = "monthly_report", _("the report of a month")
        SURVEY_MAILS = "survey_mails", _("survey mails to look at")
        CAMPAIGN_MISSED = "campaign_missed", _("a campaign missed its time")
        SURVEYS_STALLED = "surveys_stalled", _("survey mails do not leave")

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="staff_notices",
        verbose_name=pgettext_lazy("of a mail", "to"),
    )
    kind = models.SlugField(
        _("kind"), max_length=40, choices=Kind, help_text=_("The folder of its texts under templates/emails.")
    )
    source = models.CharField(_("source"), max_length=200, help_text=_("Stable key of the cause."))
    context = models.JSONField(
        _("context"), default=dict, blank=True, help_text=_("Numbers and keys for the text; no personal data.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    not_before = models.DateTimeField(
        _("not before"), default=timezone.now, help_text=_("Moves on while somebody is sending, and after a failure.")
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    error = models.CharField(_("error"), max_length=300, blank=True)
    queued_at = models.DateTimeField(_("queued at"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice to staff")
        verbose_name_plural = _("notices to staff")
        constraints = [
            models.UniqueConstraint(fields=["reader", "kind", "source"], name="staffnotice_once_per_cause"),
        ]
        indexes = [
            models.Index(fields=["not_before", "id"], condition=Q(state="queued"), name="staffnotice_to_send"),
            models.Index(fields=["kind", "-queued_at"], name="staffnotice_newest_of_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.source})"
