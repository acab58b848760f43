"""Coupons: a batch holds the rules, a coupon holds its state."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.texts import LocalText


class CouponBatch(models.Model):
    """What the coupons of one kind are worth, where and when they hold, and how many there may be."""

    class Value(models.TextChoices):
        PERCENT = "percent", _("percent off")
        AMOUNT = "amount", _("amount off")
        PRODUCT = "product", _("free product")
        GIFT = "gift", _("gift")
        MULTIPLIER = "multiplier", _("points multiplier")

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        CLOSED = "closed", _("closed")

    name_en = models.CharField(_("name (English)"), max_length=100)
    name_zh = models.CharField(_("name (Chinese)"), max_length=100, blank=True)
    terms_en = models.TextField(
        _("terms (English)"), blank=True, help_text=_("What the customer reads below the code.")
    )
    terms_zh = models.TextField(_("terms (Chinese)"), blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    value_kind = models.CharField(_("value"), max_length=10, choices=Value)
    value = models.PositiveBigIntegerField(
        _("size"),
        default=0,
        help_text=_("Percent and multiplier in basis points (1,000 is 10 %), amount in the currency's minor unit."),
    )
    product = models.ForeignKey(
        "customers.Product",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("free product"),
    )
    minimum_basket = models.PositiveBigIntegerField(
        _("minimum basket"), default=0, help_text=_("In the currency's minor unit.")
    )
    products = models.ManyToManyField(
        "customers.Product", blank=True, related_name="+", verbose_name=_("products"), help_text=_("Empty is all.")
    )
    categories = models.ManyToManyField(
        "customers.Category", blank=True, related_name="+", verbose_name=_("categories"), help_text=_("Empty is all.")
    )
    stores = models.ManyToManyField(
        "customers.Store", blank=True, related_name="+", verbose_name=_("stores"), help_text=_("Empty is all.")
    )
    tiers = models.ManyToManyField(
        "rewards.Tier", blank=True, related_name="+", verbose_name=_("tiers"), help_text=_("Empty is all.")
    )
    segments = models.JSONField(
        _("segments"), default=list, blank=True, help_text=_("Who is in one of them when using it. Empty is all.")
    )
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    ends_at = models.DateTimeField(
        _("ends at"), null=True, blank=True, help_text=_("No coupon of the batch is valid after this.")
    )
    valid_days = models.PositiveSmallIntegerField(
        _("valid days"),
        null=True,
        blank=True,
        help_text=_("From issue, to the end of that day. Empty follows the batch."),
    )
    uses_per_coupon = models.PositiveIntegerField(
        _("uses per coupon"), default=1, help_text=_("More than 1 makes a code for many.")
    )
    per_customer = models.PositiveIntegerField(_("uses per customer"), null=True, blank=True)
    per_day = models.PositiveIntegerField(_("uses per day"), null=True, blank=True)
    limit = models.PositiveIntegerField(
        _("coupons at most"), null=True, blank=True, help_text=_("How many may be issued. Empty is without limit.")
    )
    budget = models.PositiveBigIntegerField(
        _("budget"), null=True, blank=True, help_text=_("Discounts given at most, in the minor unit.")
    )
    cost_price = models.PositiveBigIntegerField(
        _("cost price"), default=0, help_text=_("What one use costs the shop, in the minor unit.")
    )
    stacking = models.SlugField(
        _("stacking category"),
        max_length=40,
        blank=True,
        help_text=_("Coupons of one category exclude each other; empty excludes all."),
    )
    prefix = models.CharField(
        _("prefix"), max_length=8, blank=True, help_text=_("Shown before the code, outside its check symbol.")
    )
    issued = models.PositiveIntegerField(_("issued"), default=0, editable=False)
    redeemed = models.PositiveIntegerField(_("redeemed"), default=0, editable=False)
    spent = models.PositiveBigIntegerField(_("budget spent"), default=0, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("by"),
    )

    name = LocalText("name")
    terms = LocalText("terms")

    class Meta:
        verbose_name = _("coupon batch")
        verbose_name_plural = _("coupon batches")
        constraints = [
            models.CheckConstraint(
                condition=Q(value_kind__in=["product", "gift"]) | Q(value__gt=0),
                name="couponbatch_value_is_worth_something",
                violation_error_message=_("A percentage, an amount and a multiplier need a size."),
            ),
            models.CheckConstraint(
                condition=~Q(value_kind="percent") | Q(value__lte=10_000),
                name="couponbatch_percent_at_most_all",
                violation_error_message=_("A percentage is at most 10,000 basis points, which is the whole price."),
            ),
            models.CheckConstraint(
                condition=~Q(value_kind="product") | Q(product__isnull=False),
                name="couponbatch_free_product_is_named",
                violation_error_message=_("A free product needs the product."),
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(starts_at=None) | Q(ends_at__gt=F("starts_at")),
                name="couponbatch_ends_after_start",
                violation_error_message=_("The end must lie after the start."),
            ),
            models.CheckConstraint(condition=Q(uses_per_coupon__gte=1), name="couponbatch_coupons_can_be_used"),
            models.CheckConstraint(condition=Q(limit=None) | Q(issued__lte=F("limit")), name="couponbatch_limit_holds"),
            models.CheckConstraint(
                condition=Q(budget=None) | Q(spent__lte=F("budget")), name="couponbatch_budget_holds"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CouponQuerySet(models.QuerySet["Coupon"]):
    """Which coupons. Scheduled and expired are derived from the clock; no job has to run for them."""

    def live(self, now: dt.datetime) -> "CouponQuerySet":
        """Return the coupons that are not used up, voided or past their end."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), state__in=LIVE_STATES)

    def redeemable(self, now: dt.datetime) -> "CouponQuerySet":
        """Return the coupons that a till would take at an instant."""
        return self.live(now).filter(
            Q(starts_at=None) | Q(starts_at__lte=now), state=Coupon.State.ACTIVE, batch__state=CouponBatch.State.ACTIVE
        )

    def newest_first(self) -> "CouponQuerySet":
        """Order by issue."""
        return self.order_by("-issued_at", "-pk")


class Coupon(models.Model):
    """One code. It is stored sealed, so that a copy of the database holds nothing to redeem; lists show its last four symbols."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        RESERVED = "reserved", _("reserved")
        REDEEMED = "redeemed", _("redeemed")
        VOIDED = "voided", _("voided")
        HIDDEN = "hidden", _("hidden")

    batch = models.ForeignKey(CouponBatch, on_delete=models.PROTECT, related_name="coupons", verbose_name=_("batch"))
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="coupons",
        verbose_name=_("customer"),
        help_text=_("Empty: whoever shows it."),
    )
    code_sealed = models.BinaryField(_("sealed code"), max_length=64, unique=True, editable=False)
    code_tail = models.CharField(_("ends in"), max_length=4, editable=False)
    text = models.CharField(
        _("code for many"),
        max_length=32,
        blank=True,
        editable=False,
        help_text=_("The words that the shop chose, such as SUMMER; they hang on the wall and are no secret."),
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE)
    source = models.CharField(
        _("source"),
        max_length=200,
        unique=True,
        help_text=_("Stable key of the cause; issuing again returns the same coupon."),
    )
    uses = models.PositiveIntegerField(_("uses"), default=0)
    uses_allowed = models.PositiveIntegerField(_("uses allowed"), default=1)
    issued_at = models.DateTimeField(_("issued at"))
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    reserved_until = models.DateTimeField(_("reserved until"), null=True, blank=True)
    reservation_key = models.CharField(_("reservation"), max_length=255, blank=True)
    seen_at = models.DateTimeField(
        _("seen at"), null=True, blank=True, editable=False, help_text=_("When the customer first opened it.")
    )
    voided_at = models.DateTimeField(_("voided at"), null=True, blank=True)
    void_reason = models.CharField(_("void reason"), max_length=200, blank=True)
    voided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
        verbose_name=_("voided by"),
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
        verbose_name=_("by"),
    )

    objects = CouponQuerySet.as_manager()

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        constraints = [
            models.CheckConstraint(
                condition=Q(uses__lte=F("uses_allowed"), uses_allowed__gte=1), name="coupon_used_at_most_as_allowed"
            ),
            models.CheckConstraint(
                condition=Q(state="redeemed", uses=F("uses_allowed"))
                | (~Q(state="redeemed") & Q(uses__lt=F("uses_allowed")))
                | Q(state="voided"),
                name="coupon_redeemed_when_used_up",
            ),
            models.CheckConstraint(
                condition=Q(state="reserved", reserved_until__isnull=False)
                | (~Q(state="reserved") & Q(reserved_until=None)),
                name="coupon_reserved_until_a_deadline",
            ),
            models.CheckConstraint(
                condition=Q(state="voided", voided_at__isnull=False) | (~Q(state="voided") & Q(voided_at=None)),
                name="coupon_voided_at_a_time",
            ),
            models.CheckConstraint(condition=~Q(source=""), name="coupon_has_a_source"),
        ]
        indexes = [
            models.Index(fields=["customer", "-issued_at", "-id"], name="coupon_of_customer"),
            models.Index(fields=["batch"], condition=Q(seen_at__isnull=False), name="coupon_seen"),
        ]

    def __str__(self) -> str:
        return self.text or f"…{self.code_tail}"

    def state_at(self, now: dt.datetime) -> str:
        """Return the state with what the clock adds: scheduled and expired."""
        if self.state in LIVE_STATES:
            if self.expires_at is not None and self.expires_at <= now:
                return "expired"
            if self.starts_at is not None and self.starts_at > now:
                return "scheduled"
            if self.state == self.State.RESERVED and self.reserved_until is not None and self.reserved_until <= now:
                return "active"
        return self.state


LIVE_STATES = (Coupon.State.ACTIVE, Coupon.State.RESERVED, Coupon.State.HIDDEN)


class CouponUse(models.Model):
    """One redemption of one coupon. A return writes its own key and time; nothing else of the row ever changes."""

    coupon = models.ForeignKey(
        Coupon, on_delete=models.PROTECT, related_name="redemptions", db_index=False, verbose_name=_("coupon")
    )
    # The coupon's batch once more, so that limits and reports count by one index; the coupon's key guards it.
    batch = models.ForeignKey(
        CouponBatch,
        on_delete=models.PROTECT,
        related_name="uses",
        db_index=False,
        db_constraint=False,
        verbose_name=_("batch"),
    )
    number = models.PositiveIntegerField(
        _("use"), help_text=_("Counts the uses of the coupon from 1, returned ones included.")
    )
    request_key = models.CharField(_("request"), max_length=255, unique=True)
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="coupon_uses",
        verbose_name=_("customer"),
    )
    purchase = models.ForeignKey(
        "customers.Purchase",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="coupon_uses",
        verbose_name=_("purchase"),
    )
    store = models.ForeignKey(
        "customers.Store",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("store"),
    )
    discount = models.PositiveBigIntegerField(
        _("discount"), default=0, help_text=_("What the use took off, in the minor unit.")
    )
    redeemed_at = models.DateTimeField(_("redeemed at"), db_index=True)
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)
    returned_at = models.DateTimeField(_("returned at"), null=True, blank=True)
    return_key = models.CharField(_("return request"), max_length=255, null=True, blank=True, unique=True)
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
        verbose_name = _("coupon use")
        verbose_name_plural = _("coupon uses")
        constraints = [
            models.UniqueConstraint(fields=["coupon", "number"], name="couponuse_number_once"),
            models.CheckConstraint(
                condition=Q(returned_at=None, return_key=None) | Q(returned_at__isnull=False, return_key__isnull=False),
                name="couponuse_return_has_key_and_time",
            ),
        ]
        indexes = [models.Index(fields=["batch", "redeemed_at"], name="couponuse_of_batch")]

    def __str__(self) -> str:
        return f"{self.coupon_id}/{self.number}"
