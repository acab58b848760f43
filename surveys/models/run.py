"""The runs of campaigns, and who was considered in each."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from surveys.models.campaign import Campaign


class Run(models.Model):
    """One occurrence of a campaign. Whether it is sent follows from its messages; only what people decide is stored."""

    class Phase(models.TextChoices):
        PREPARING = "preparing", _("preparing")
        SENDING = "sending", _("sending")
        PAUSED = "paused", _("paused")
        CANCELLED = "cancelled", _("cancelled")
        CLOSED = "closed", _("closed")
        MISSED = "missed", _("missed")

    class PauseReason(models.TextChoices):
        MANUAL = "manual", _("by hand")
        PROVIDER_AUTH = "provider_auth", _("the provider refuses our account")
        ERROR_RATE = "error_rate", _("too many errors")
        COMPLAINT_RATE = "complaint_rate", _("too many complaints")
        BOUNCE_RATE = "bounce_rate", _("too many bounces")

    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="runs", db_index=False, verbose_name=_("campaign")
    )
    version = models.ForeignKey(
        "surveys.SurveyVersion", on_delete=models.PROTECT, related_name="runs", verbose_name=_("survey version")
    )
    period_key = models.CharField(
        _("period"), max_length=60, help_text=_("The planned local time; planning twice makes one run.")
    )
    phase = models.CharField(_("phase"), max_length=10, choices=Phase, default=Phase.PREPARING)
    pause_reason = models.CharField(_("pause reason"), max_length=15, choices=PauseReason, blank=True)
    planned_at = models.DateTimeField(_("planned at"))
    prepared_through = models.PositiveBigIntegerField(
        _("prepared through"),
        default=0,
        editable=False,
        help_text=_("The last customer considered, so that preparing can go on after a crash."),
    )
    prepared_at = models.DateTimeField(_("prepared at"), null=True, blank=True)
    audience_at = models.DateTimeField(
        _("audience as of"), null=True, blank=True, help_text=_("Empty is the planned moment; newcomers move it on.")
    )
    closes_at = models.DateTimeField(_("closes at"), help_text=_("Until when the links can be answered."))
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "period_key"], name="run_once_per_period"),
            models.CheckConstraint(
                condition=Q(phase="paused") & ~Q(pause_reason="") | ~Q(phase="paused") & Q(pause_reason=""),
                name="run_paused_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} · {self.period}"

    @property
    def period(self) -> str:
        """The period as people read it."""
        return self.period_key.replace("T", " ")


class Invitation(models.Model):
    """One customer considered in one run, invited or skipped with the reason, with what was frozen at that moment."""

    class Skip(models.TextChoices):
        HOLDOUT = "holdout", _("kept apart to compare with")
        NOT_SAMPLED = "not_sampled", _("not in the sample")
        QUARANTINE = "quarantine", _("was asked not long ago")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        NO_CONSENT = "no_consent", _("did not agree to surveys")
        SUPPRESSED = "suppressed", _("the address is suppressed")
        DUPLICATE_MAILBOX = "duplicate_mailbox", _("the address is asked already")
        INVALID_ADDRESS = "invalid_address", _("no usable address")
        ALREADY_ANSWERED = "already_answered", _("answered already")
        PAUSED = "paused", _("wants a pause")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(
        Run, on_delete=models.PROTECT, related_name="invitations", db_index=False, verbose_name=_("run")
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="invitations", verbose_name=_("customer")
    )
    email = models.CharField(
        _("address"),
        max_length=254,
        blank=True,
        help_text=_("An e-mail address, or the phone number of a text message."),
    )
    email_normalised = models.CharField(
        _("mailbox or number"), max_length=254, blank=True, help_text=_("However it is spelt.")
    )
    language = models.CharField(_("language"), max_length=10)
    time_zone = models.CharField(_("time zone"), max_length=60)
    name = models.CharField(_("name"), max_length=150, blank=True)
    skip = models.CharField(_("skipped"), max_length=20, choices=Skip, blank=True)
    viewed_at = models.DateTimeField(_("viewed at"), null=True, blank=True)
    has_answered = models.BooleanField(
        _("has answered"),
        default=False,
        help_text=_("Without a time, so that it leads to no answer of an anonymous survey."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(fields=["run", "customer"], name="invitation_customer_once_per_run"),
            models.UniqueConstraint(
                fields=["run", "email_normalised"], condition=Q(skip=""), name="invitation_mailbox_once_per_run"
            ),
            models.CheckConstraint(
                condition=~Q(skip="") | ~Q(email_normalised=""), name="invitation_goes_to_a_mailbox"
            ),
        ]
        indexes = [
            models.Index(
                fields=["run", "email_normalised"],
                condition=Q(skip__in=["holdout", "not_sampled"]),
                name="invitation_mailbox_apart",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.customer_id}"
