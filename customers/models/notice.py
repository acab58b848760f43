"""Mails about a customer's own account, one row each: what was meant to leave, and what became of it."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """One mail to one customer, queued in the transaction of its cause; one cause writes once."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        SKIPPED = "skipped", _("skipped")
        FAILED = "failed", _("failed")
        UNCERTAIN = "uncertain", _("uncertain")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="notices", verbose_name=_("customer")
    )
    kind = models.SlugField(_("kind"), max_length=40, help_text=_("The folder of its texts under templates/emails."))
    source = models.CharField(_("source"), max_length=200, help_text=_("Stable key of the cause."))
    context = models.JSONField(
        _("context"), default=dict, blank=True, help_text=_("Numbers and keys for the text; no personal data.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    error = models.CharField(_("error"), max_length=300, blank=True)
    queued_at = models.DateTimeField(_("queued at"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.UniqueConstraint(fields=["customer", "kind", "source"], name="notice_once_per_cause"),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(lease_until__isnull=False), name="notice_sending_is_leased"
            ),
        ]
        indexes = [
            models.Index(fields=["not_before", "id"], condition=Q(state="queued"), name="notice_to_send"),
            models.Index(fields=["lease_until"], condition=Q(state="sending"), name="notice_to_reap"),
            models.Index(fields=["-queued_at", "id"], name="notice_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.source})"
