"""Outgoing webhooks: who is told, what happened, and how far each piece of news has come. docs/webhooks.md has the whole story."""

import uuid

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class EventType(models.TextChoices):
    """What an endpoint can be told: the complete list."""

    CUSTOMER_ENROLLED = "customer.enrolled", _("a customer was enrolled")
    CUSTOMER_CHANGED = "customer.changed", _("a customer's record was changed")
    PURCHASE_RECORDED = "purchase.recorded", _("a purchase was recorded")
    PURCHASE_RETURNED = "purchase.returned", _("goods came back")
    POINTS_CHANGED = "points.changed", _("points moved")
    COUPON_ISSUED = "coupon.issued", _("one coupon was issued, or many at once")
    COUPON_REDEEMED = "coupon.redeemed", _("a coupon was used")
    COUPON_RETURNED = "coupon.returned", _("the use of a coupon was taken back")
    COUPON_VOIDED = "coupon.voided", _("a coupon was cancelled")
    TIER_CHANGED = "tier.changed", _("a customer changed tier")
    IMPORT_FINISHED = "import.finished", _("a file was imported")


# Not to be chosen: whoever presses the button gets it.
TEST = "endpoint.test"


def validate_types(value: object) -> None:
    """Refuse anything but a list of event types, each once."""
    if not isinstance(value, list) or len(set(value)) != len(value) or not set(value) <= set(EventType.values):
        raise ValidationError(_("An endpoint's events are a list of those that exist, each once."))


def new_message_id() -> str:
    """Return the name of an event, the same at every attempt."""
    return f"msg_{uuid.uuid4().hex}"


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    """Which endpoints."""

    def listening(self) -> "WebhookEndpointQuerySet":
        """Return the endpoints for which news is kept; a paused one gets it later."""
        return self.filter(state__in=[WebhookEndpoint.State.ACTIVE, WebhookEndpoint.State.PAUSED])


class WebhookEndpoint(models.Model):
    """An address of a shop's own system that is told what happens. Its secret is sealed with a key outside the database."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        DISABLED = "disabled", _("disabled")

    class Reason(models.TextChoices):
        STAFF = "staff", _("by staff")
        GONE = "gone", _("it answered 410: gone for good")
        FAILING = "failing", _("nothing could be delivered for days")
        PAUSED_TOO_LONG = "paused_too_long", _("it was paused for too long")

    label = models.CharField(_("label"), max_length=100, help_text=_("Who listens, such as “Web shop”."))
    url = models.CharField(
        _("address"), max_length=500, help_text=_("Begins with https:// and is reachable from the internet.")
    )
    event_types = models.JSONField(
        _("events"),
        default=list,
        validators=[validate_types],
        help_text=_("Choose no more than the other system needs."),
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE, editable=False)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason, blank=True, editable=False)
    changed_at = models.DateTimeField(_("in this state since"), default=timezone.now, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    starts_at = models.DateTimeField(
        _("complete from"),
        editable=False,
        help_text=_("Everything that happens from this moment on is told; of the seconds before, some may be missing."),
    )
    secret_sealed = models.BinaryField(_("sealed secret"), max_length=200, editable=False)
    previous_sealed = models.BinaryField(_("sealed earlier secret"), max_length=200, null=True, editable=False)
    previous_until = models.DateTimeField(_("the earlier secret signs until"), null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failing_since_at = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    delivered_at = models.DateTimeField(_("last delivery"), null=True, blank=True, editable=False)
    rests_until = models.DateTimeField(_("rests until"), null=True, blank=True, editable=False)
    claim = models.UUIDField(_("claim"), null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("by"),
    )

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        constraints = [
            models.CheckConstraint(condition=~Q(url=""), name="webhookendpoint_has_an_address"),
            models.CheckConstraint(
                condition=Q(previous_sealed=None, previous_until=None)
                | Q(previous_sealed__isnull=False, previous_until__isnull=False),
                name="webhookendpoint_earlier_secret_ends",
            ),
            models.CheckConstraint(
                condition=Q(state="active", reason="") | (~Q(state="active") & ~Q(reason="")),
                name="webhookendpoint_stops_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(claim=None, lease_until=None) | Q(claim__isnull=False, lease_until__isnull=False),
                name="webhookendpoint_claim_is_leased",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__gte=F("created_at")), name="webhookendpoint_starts_once_it_exists"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} · #{self.pk}"


class WebhookEvent(models.Model):
    """One piece of news, written in the transaction of what happened: keys and whole numbers, no name and no address."""

    uid = models.CharField(
        pgettext_lazy("of a webhook", "message"), max_length=40, unique=True, default=new_message_id, editable=False
    )
    type = models.CharField(_("event"), max_length=40, choices=[*EventType.choices, (TEST, _("a test"))])
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("customer"),
    )
    data = models.JSONField(_("data"), default=dict, help_text=_("Numbers and keys only; no personal data."))
    occurred_at = models.DateTimeField(_("occurred at"))
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)
    spread_at = models.DateTimeField(
        _("handed out at"), null=True, blank=True, editable=False, help_text=_("When each endpoint got its delivery.")
    )

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        indexes = [
            models.Index(fields=["id"], condition=Q(spread_at=None), name="webhookevent_to_spread"),
            models.Index(fields=["recorded_at"], name="webhookevent_recorded_at"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.uid}"


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint: at least once, and the same message id each time."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")

    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("endpoint")
    )
    event = models.ForeignKey(
        WebhookEvent, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("event")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    status = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True, help_text=_("The last HTTP status."))
    error = models.CharField(_("what went wrong"), max_length=40, blank=True)
    attempted_at = models.DateTimeField(_("last attempt"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="webhookdelivery_once_per_endpoint"),
            models.CheckConstraint(
                condition=Q(state="pending", finished_at=None) | (~Q(state="pending") & Q(finished_at__isnull=False)),
                name="webhookdelivery_ends_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_attempt_at", "id"], condition=Q(state="pending"), name="webhookdelivery_due"
            ),
            models.Index(fields=["endpoint", "id"], condition=Q(state="failed"), name="webhookdelivery_failed"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.state}"
