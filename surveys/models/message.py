"""The sending ledger: every mail that was meant to leave, and what became of it."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.history import AppendOnlyModel


class MessageQuerySet(models.QuerySet["Message"]):
    """Which messages."""

    def unfinished(self) -> "MessageQuerySet":
        """Return what still has to leave; a run is sent when none is left."""
        return self.filter(state__in=UNFINISHED_STATES)


class Message(models.Model):
    """One mail. Its id is the idempotency key, the Message-ID and the provider's metadata, and stays the same for ever."""

    class Kind(models.TextChoices):
        INVITE = "invite", _("invitation")
        REMINDER = "reminder", _("reminder")

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        CLAIMED = "claimed", _("about to be sent")
        SENDING = "sending", _("sending")
        ACCEPTED = "accepted", _("accepted by the provider")
        DELIVERED = "delivered", _("delivered")
        SKIPPED = "skipped", _("skipped")
        EXPIRED = "expired", _("expired")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("failed")
        BOUNCED = "bounced", _("bounced")
        COMPLAINED = "complained", _("complained about")
        UNCERTAIN = "uncertain", _("uncertain")
        WRITTEN_OFF = "written_off", _("written off")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(
        "surveys.Run", on_delete=models.PROTECT, related_name="messages", db_index=False, verbose_name=_("run")
    )
    invitation = models.ForeignKey(
        "surveys.Invitation",
        on_delete=models.PROTECT,
        related_name="messages",
        db_index=False,
        verbose_name=_("invitation"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.INVITE)
    number = models.PositiveSmallIntegerField(_("number"), default=1)
    wording = models.ForeignKey(
        "surveys.Wording",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,
        verbose_name=_("wording"),
    )
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.QUEUED)
    not_before = models.DateTimeField(_("not before"))
    claim = models.UUIDField(_("claim"), null=True, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    error = models.CharField(
        _("error"), max_length=300, blank=True, help_text=_("What the mail server said, without any address.")
    )
    provider_id = models.CharField(_("provider's id"), max_length=200, blank=True)
    replay_until = models.DateTimeField(
        _("repeatable until"),
        null=True,
        blank=True,
        help_text=_("Until then the provider takes the same message again without sending it twice."),
    )
    replay_account = models.CharField(_("repeatable at"), max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(
                fields=["invitation", "kind", "number"], name="message_once_per_invitation_and_kind"
            ),
            models.CheckConstraint(
                condition=Q(claim__isnull=False, lease_until__isnull=False) | ~Q(state__in=["claimed", "sending"]),
                name="message_sending_is_leased",
            ),
        ]
        indexes = [
            models.Index(fields=["run", "state"], name="message_of_run"),
            models.Index(
                fields=["run", "not_before", "id"], condition=Q(state="queued"), name="message_of_run_to_send"
            ),
            models.Index(fields=["lease_until"], condition=Q(state__in=["claimed", "sending"]), name="message_to_reap"),
            models.Index(
                fields=["not_before"],
                condition=Q(state="uncertain", replay_until__isnull=False),
                name="message_to_replay",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


UNFINISHED_STATES = (Message.State.QUEUED, Message.State.CLAIMED, Message.State.SENDING)


class DeliveryEvent(AppendOnlyModel):
    """What the provider reported, once each, as it came."""

    esp = models.CharField(_("provider"), max_length=40)
    dedupe_key = models.CharField(_("key"), max_length=200)
    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, null=True, blank=True, related_name="events", verbose_name=_("message")
    )
    kind = models.CharField(_("kind"), max_length=30)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("delivery event")
        verbose_name_plural = _("delivery events")
        constraints = [models.UniqueConstraint(fields=["esp", "dedupe_key"], name="deliveryevent_once")]

    def __str__(self) -> str:
        return f"{self.kind} ({self.esp})"


class MailReport(models.Model):
    """What a provider's webhook brought and nobody has looked at yet; it becomes a delivery event and is gone.

    Addresses are taken out on the way in: the mailbox is kept as its hash, as in suppressions.
    """

    esp = models.CharField(_("provider"), max_length=40)
    dedupe_key = models.CharField(_("key"), max_length=200)
    kind = models.CharField(_("kind"), max_length=30)
    survey_message = models.CharField(_("message"), max_length=36, blank=True)
    email_hash = models.CharField(_("hash of the mailbox"), max_length=64, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))
    received_at = models.DateTimeField(_("received at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("report of a mail provider")
        verbose_name_plural = _("reports of mail providers")
        constraints = [models.UniqueConstraint(fields=["esp", "dedupe_key"], name="mailreport_once")]

    def __str__(self) -> str:
        return f"{self.kind} ({self.esp})"


class MailAccount(models.Model):
    """How fast mails may leave through one account at a mail server or provider: a bucket of tokens, one for each mail."""

    mailer = models.CharField(_("mailer"), max_length=40, unique=True)
    most_per_second = models.PositiveIntegerField(
        _("mails per second"),
        null=True,
        blank=True,
        help_text=_("What your account allows. Empty is as fast as it goes."),
    )
    per_minute = models.PositiveIntegerField(
        _("mails per minute at the moment"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Lower for a while after a throttling."),
    )
    thousandths = models.PositiveBigIntegerField(
        _("thousandths of tokens"), default=0, editable=False, help_text=_("A thousand let one mail leave.")
    )
    counted_at = models.DateTimeField(_("counted at"), default=timezone.now, editable=False)
    throttled_at = models.DateTimeField(_("throttled at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("mail account")
        verbose_name_plural = _("mail accounts")
        constraints = [
            models.CheckConstraint(
                condition=Q(most_per_second__isnull=True) | Q(most_per_second__gte=1),
                name="mailaccount_sends_some",
                violation_error_message=_("At least one mail per second; pause the run to stop it."),
            ),
        ]

    def __str__(self) -> str:
        return self.mailer


class Suppression(models.Model):
    """An address that gets no more mail of a scope. Only its hash is kept, and it outlives an erasure."""

    class Scope(models.TextChoices):
        ALL = "all", _("all mail")
        SURVEYS = "surveys", _("all surveys")

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        BOUNCED = "bounced", _("bounced")
        COMPLAINED = "complained", _("complained")
        INVALID = "invalid", _("invalid address")
        STAFF = "staff", _("by staff")

    email_hash = models.CharField(_("hash of the mailbox"), max_length=64)
    scope = models.CharField(_("scope"), max_length=10, choices=Scope)
    reason = models.CharField(_("reason"), max_length=15, choices=Reason)
    source = models.CharField(_("source"), max_length=200)
    occurred_at = models.DateTimeField(_("occurred at"), default=timezone.now)

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        constraints = [models.UniqueConstraint(fields=["email_hash", "scope"], name="suppression_once_per_scope")]

    def __str__(self) -> str:
        return f"{self.email_hash[:8]}… {self.scope}"
