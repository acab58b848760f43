"""What was bought and what came back. Rows of history: written once, undone by a return."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.history import AppendOnlyModel, AppendOnlyQuerySet


class PurchaseQuerySet(AppendOnlyQuerySet):
    """Which purchases."""

    def newest_first(self) -> "PurchaseQuerySet":
        """Order as a customer reads them."""
        return self.order_by("-occurred_at", "-pk")


class Purchase(AppendOnlyModel):
    """One receipt. Money is in the currency's minor unit, tax included."""

    store = models.ForeignKey(
        "customers.Store", on_delete=models.PROTECT, related_name="purchases", verbose_name=_("store")
    )
    till = models.CharField(_("till"), max_length=40, blank=True)
    reference = models.CharField(
        _("receipt"), max_length=64, help_text=_("The number on the receipt, unique per store and till.")
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="purchases",
        verbose_name=_("customer"),
        help_text=_("Empty for a guest."),
    )
    occurred_at = models.DateTimeField(_("occurred at"), db_index=True)
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)
    total = models.BigIntegerField(_("total"), help_text=_("Sum of the lines after their discounts."))
    discount = models.BigIntegerField(
        _("discount"), default=0, help_text=_("Taken off the whole receipt, coupons included.")
    )
    paid_by_points = models.BigIntegerField(_("paid by points"), default=0)
    paid_by_value = models.BigIntegerField(
        _("paid by gift card or store credit"),
        default=0,
        db_default=0,
        help_text=_("Money that was paid in before: it earns points like any other."),
    )
    excluded = models.BigIntegerField(
        _("not counted"),
        default=0,
        db_default=0,
        help_text=_("What was paid for goods that never earn; it counts towards no tier."),
    )
    digest = models.CharField(
        _("digest"),
        max_length=32,
        blank=True,
        editable=False,
        help_text=_("Of the contents; tells a repeated receipt from a conflicting one."),
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

    objects = PurchaseQuerySet.as_manager()
    # On the instance that the call which recorded it returns: True, and how many points it earned and why.
    is_new = False
    points_earned = 0
    explanation: dict | None = None
    stamps: list | tuple = ()  # what became of stamp cards, by the call that recorded it

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        constraints = [
            models.UniqueConstraint(fields=["store", "till", "reference"], name="purchase_receipt_once"),
            models.CheckConstraint(condition=~Q(reference=""), name="purchase_has_a_reference"),
            models.CheckConstraint(
                condition=Q(discount__gte=0, paid_by_points__gte=0, total__gte=F("discount") + F("paid_by_points")),
                name="purchase_pays_at_most_its_total",
            ),
            models.CheckConstraint(
                condition=Q(excluded__gte=0, total__gte=F("discount") + F("paid_by_points") + F("excluded")),
                name="purchase_excludes_at_most_what_was_paid",
            ),
            models.CheckConstraint(
                condition=Q(paid_by_value__gte=0, total__gte=F("discount") + F("paid_by_points") + F("paid_by_value")),
                name="purchase_pays_at_most_its_total_by_value",
            ),
        ]
        indexes = [models.Index(fields=["customer", "-occurred_at", "-id"], name="purchase_of_customer")]

    def __str__(self) -> str:
        return f"{self.reference} ({self.occurred_at:%Y-%m-%d})"

    @property
    def to_pay(self) -> int:
        """What was paid in money on the day; what a gift card or store credit paid is money of another day."""
        return self.total - self.discount - self.paid_by_points - self.paid_by_value

    @property
    def source(self) -> str:
        """The key of what this purchase causes in the books."""
        return f"purchase:{self.pk}"


class PurchaseLine(AppendOnlyModel):
    """One line of a receipt."""

    purchase = models.ForeignKey(
        Purchase, on_delete=models.PROTECT, related_name="lines", db_index=False, verbose_name=_("purchase")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    product = models.ForeignKey(
        "customers.Product", on_delete=models.PROTECT, related_name="lines", verbose_name=_("product")
    )
    quantity = models.PositiveIntegerField(_("quantity"))
    unit_price = models.PositiveBigIntegerField(_("unit price"))
    discount = models.PositiveBigIntegerField(_("discount"), default=0)
    total = models.BigIntegerField(_("total"))
    is_excluded = models.BooleanField(
        _("never earns"),
        default=False,
        db_default=False,
        help_text=_("By the product or a rule, on the day of purchase."),
    )

    class Meta:
        verbose_name = _("purchase line")
        verbose_name_plural = _("purchase lines")
        constraints = [
            models.UniqueConstraint(fields=["purchase", "position"], name="purchaseline_position_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, total__gte=0, total=F("quantity") * F("unit_price") - F("discount")),
                name="purchaseline_total_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purchase_id}/{self.position}"


class Return(AppendOnlyModel):
    """Goods that came back, in whole or in part."""

    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="returns", verbose_name=_("purchase"))
    reference = models.CharField(
        _("reference"), max_length=64, help_text=_("The number of the return, unique per purchase.")
    )
    occurred_at = models.DateTimeField(_("occurred at"))
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)
    total = models.BigIntegerField(_("total"), help_text=_("Value of the returned lines."))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("by"),
    )

    is_new = False  # True on the instance that the call which recorded it returns

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        constraints = [
            models.UniqueConstraint(fields=["purchase", "reference"], name="return_reference_once"),
            models.CheckConstraint(condition=Q(total__gte=0), name="return_total_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} ({self.occurred_at:%Y-%m-%d})"

    @property
    def source(self) -> str:
        """The key of what this return causes in the books."""
        return f"return:{self.pk}"


class ReturnLine(AppendOnlyModel):
    """How many of one line came back."""

    return_of = models.ForeignKey(
        Return, on_delete=models.PROTECT, related_name="lines", db_index=False, verbose_name=_("return")
    )
    line = models.ForeignKey(
        PurchaseLine, on_delete=models.PROTECT, related_name="returns", verbose_name=_("purchase line")
    )
    quantity = models.PositiveIntegerField(_("quantity"))
    total = models.BigIntegerField(_("total"))

    class Meta:
        verbose_name = _("return line")
        verbose_name_plural = _("return lines")
        constraints = [
            models.UniqueConstraint(fields=["return_of", "line"], name="returnline_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0, total__gte=0), name="returnline_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.return_of_id}/{self.line_id}"
