"""The keys of tills and shops, and what was answered to their writes."""

import datetime as dt

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """What a key may do: the complete list."""

    CUSTOMERS_READ = "customers:read", _("find customers, without their addresses")
    CUSTOMERS_CONTACTS = "customers:contacts", _("read e-mail, phone and birthday")
    CUSTOMERS_WRITE = "customers:write", _("enrol customers")
    POINTS_READ = "points:read", _("read balances and statements")
    POINTS_HOLD = "points:hold", _("put points on hold and spend them")
    POINTS_TRANSFER = "points:transfer", _("transfer points between customers")
    PURCHASES_READ = "purchases:read", _("read purchases and quote baskets")
    PURCHASES_WRITE = "purchases:write", _("record purchases")
    REFUNDS_WRITE = "refunds:write", _("record returns")
    COUPONS_READ = "coupons:read", _("check coupons")
    COUPONS_REASONS = "coupons:reasons", _("be told why a coupon is refused")
    COUPONS_REDEEM = "coupons:redeem", _("reserve, redeem and take back coupons")
    REWARDS_READ = "rewards:read", _("list the rewards of a customer")
    REWARDS_REDEEM = "rewards:redeem", _("take rewards for a customer, hand them over, cancel them")
    RECOMMENDATIONS_READ = "recommendations:read", _("read what to recommend to a customer")
    VALUE_READ = "value:read", _("read gift cards and store credit")
    VALUE_SELL = "value:sell", _("sell and top up gift cards and store credit")
    VALUE_SPEND = "value:spend", _("take payment by gift card and store credit, and give it back")


def validate_scopes(value: object) -> None:
    """Refuse anything but a list of scopes, each once."""
    if not isinstance(value, list) or len(set(value)) != len(value) or not set(value) <= set(Scope.values):
        raise ValidationError(_("A key's scopes are a list of those that exist, each once."))


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Which keys."""

    def live(self, now: dt.datetime) -> "ApiKeyQuerySet":
        """Return the keys that open the API at an instant."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


class ApiKey(models.Model):
    """A till's or shop's key to the API. Only the SHA-256 of its secret is kept, so that a copy of the database opens nothing."""

    Scope = Scope

    label = models.CharField(_("label"), max_length=100, help_text=_("Who uses it, such as “Till 2” or “Web shop”."))
    store = models.ForeignKey(
        "customers.Store",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("store"),
        help_text=_("The key acts for this store only. Empty is any store."),
    )
    till = models.CharField(
        _("till"), max_length=40, blank=True, help_text=_("The key acts for this till only. Empty is any till.")
    )
    scopes = models.JSONField(
        _("scopes"),
        default=list,
        validators=[validate_scopes],
        help_text=_("Give a key no more than its program needs."),
    )
    public_id = models.CharField(_("key"), max_length=8, unique=True, editable=False)
    client = models.CharField(
        _("client"),
        max_length=8,
        editable=False,
        help_text=_("The first key of this till or shop; a rotated key continues it, its repeated requests included."),
    )
    secret_digest = models.BinaryField(_("digest of the secret"), max_length=32, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True, help_text=_("Empty is never."))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(
        _("last used at"), null=True, blank=True, editable=False, help_text=_("To the minute.")
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("by"),
    )

    objects = ApiKeyQuerySet.as_manager()
    is_use_due = False  # whether its last use is to be noted; set when it is recognised

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [
            models.CheckConstraint(condition=~Q(public_id=""), name="apikey_has_a_public_id"),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("created_at")), name="apikey_expires_after_its_start"
            ),
        ]
        indexes = [models.Index(fields=["client"], name="apikey_of_client")]

    def __str__(self) -> str:
        return f"{self.label} · {self.public_id}"

    def may(self, scope: str) -> bool:
        """Whether the key has a scope."""
        return scope in self.scopes

    def is_live(self, now: dt.datetime) -> bool:
        """Whether the key opens the API at an instant."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class ApiRequest(models.Model):
    """What was answered to a write: its repetition gets the same answer. Written in the transaction of the effect."""

    client = models.CharField(_("client"), max_length=8, editable=False)
    key = models.CharField(_("idempotency key"), max_length=255)
    api_key = models.ForeignKey(
        ApiKey, on_delete=models.PROTECT, related_name="requests", db_index=False, verbose_name=_("API key")
    )
    fingerprint = models.BinaryField(
        _("fingerprint"),
        max_length=32,
        help_text=_("Keyed digest of the request, so that it tells nothing of a person."),
    )
    status = models.PositiveSmallIntegerField(_("status"), default=0)
    body = models.TextField(_("answer"), blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("API request")
        verbose_name_plural = _("API requests")
        constraints = [
            models.UniqueConstraint(fields=["client", "key"], name="apirequest_key_once"),
            models.CheckConstraint(condition=~Q(key=""), name="apirequest_has_a_key"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.status}"
