"""Gift cards and store credit: money that customers have with the shop, in books of their own, apart from points.

`rewards.stored_value` is the only writer. A card's value is the sum of its movements; what stands on the account is a copy
that the writer keeps under the account's lock, and that prove_books replays. docs/stored_value.md works through the numbers.
"""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models.history import AppendOnlyModel


class ValueAccount(models.Model):
    """One gift card, or the store credit of one customer; amounts in the minor unit of the programme's currency."""

    class Kind(models.TextChoices):
        GIFT_CARD = "gift_card", _("gift card")
        STORE_CREDIT = "store_credit", _("store credit")

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        BLOCKED = "blocked", _("blocked")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="value_accounts",
        verbose_name=_("customer"),
        help_text=_("Empty: whoever shows the card."),
    )
    code_sealed = models.BinaryField(_("sealed code"), max_length=64, null=True, unique=True, editable=False)
    code_tail = models.CharField(_("ends in"), max_length=4, blank=True, editable=False)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.ACTIVE)
    block_reason = models.CharField(_("blocked because"), max_length=200, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True, help_text=_("Empty is never."))
    paid = models.BigIntegerField(_("paid"), default=0, help_text=_("What is left of the money that was paid in."))
    promotional = models.BigIntegerField(
        _("given"), default=0, help_text=_("What is left of what the shop gave on top.")
    )
    sequence = models.PositiveIntegerField(_("movements"), default=0)
    mac = models.CharField(_("seal"), max_length=64, blank=True)
    opened_at = models.DateTimeField(_("opened at"))
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
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
        verbose_name = _("gift card or store credit")
        verbose_name_plural = _("gift cards and store credit")
        constraints = [
            models.CheckConstraint(condition=Q(paid__gte=0, promotional__gte=0), name="valueaccount_never_below_zero"),
            models.CheckConstraint(
                condition=(Q(kind="gift_card", code_sealed__isnull=False) & ~Q(code_tail=""))
                | Q(kind="store_credit", code_sealed=None, code_tail="", customer__isnull=False),
                name="valueaccount_has_a_code_or_an_owner",
            ),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(kind="store_credit"), name="valueaccount_one_credit_per_customer"
            ),
            models.CheckConstraint(
                condition=(Q(state="blocked") & ~Q(block_reason="")) | Q(state="active", block_reason=""),
                name="valueaccount_blocked_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False) & (Q(paid__gt=0) | Q(promotional__gt=0)),
                name="valueaccount_to_expire",
            ),
        ]

    def __str__(self) -> str:
        return f"…{self.code_tail}" if self.code_tail else f"{self.get_kind_display()} #{self.pk}"

    @property
    def balance(self) -> int:
        """What can be spent, paid and given together."""
        return self.paid + self.promotional

    def is_expired(self, now: dt.datetime) -> bool:
        """Return whether its end is reached at an instant."""
        return self.expires_at is not None and self.expires_at <= now


class ValueMovement(AppendOnlyModel):
    """What came onto an account (above 0) or left it (below 0), paid and given apart. Never changed, never deleted."""

    class Kind(models.TextChoices):
        SOLD = "sold", _("sold")
        TOPPED_UP = "topped_up", _("topped up")
        GRANTED = "granted", pgettext_lazy("of stored value", "granted")
        SPENT = "spent", _("spent")
        REFUNDED = "refunded", _("given back")
        REVERSED = "reversed", _("taken back")
        EXPIRED = "expired", _("expired")
        ADJUSTED = "adjusted", _("adjusted")

    account = models.ForeignKey(
        ValueAccount,
        on_delete=models.PROTECT,
        related_name="movements",
        db_index=False,
        verbose_name=_("gift card or store credit"),
    )
    sequence = models.PositiveIntegerField(
        _("number"), help_text=_("Counts the account's movements from 1, without a gap.")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    paid = models.BigIntegerField(_("paid"), help_text=_("Money that was paid in, in the minor unit."))
    promotional = models.BigIntegerField(_("given"), help_text=_("What the shop gave, in the minor unit."))
    paid_after = models.BigIntegerField(_("paid after it"))
    promotional_after = models.BigIntegerField(_("given after it"))
    source = models.CharField(
        _("source"), max_length=200, unique=True, help_text=_("Stable key of the cause; one cause moves once.")
    )
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reversals",
        verbose_name=_("reverses"),
        help_text=_("What this row gives or takes back, in whole or in part."),
    )
    purchase = models.ForeignKey(
        "customers.Purchase",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="value_movements",
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
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="value_movements",
        verbose_name=_("by"),
    )
    reason = models.CharField(_("reason"), max_length=40, blank=True, help_text=_("A word of a closed list."))
    note = models.CharField(_("note"), max_length=300, blank=True, help_text=_("For the customer."))
    occurred_at = models.DateTimeField(_("occurred at"))
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)
    key_number = models.PositiveSmallIntegerField(_("key number"))
    mac = models.CharField(_("seal"), max_length=64)

    class Meta:
        verbose_name = _("movement of value")
        verbose_name_plural = _("movements of value")
        constraints = [
            models.UniqueConstraint(fields=["account", "sequence"], name="valuemovement_number_once"),
            models.CheckConstraint(condition=~Q(paid=0, promotional=0), name="valuemovement_moves_something"),
            models.CheckConstraint(
                condition=Q(paid_after__gte=0, promotional_after__gte=0), name="valuemovement_never_below_zero"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["sold", "topped_up", "granted", "refunded"], paid__gte=0, promotional__gte=0)
                | Q(kind__in=["spent", "reversed", "expired"], paid__lte=0, promotional__lte=0)
                | Q(kind="adjusted"),
                name="valuemovement_goes_the_right_way",
            ),
            models.CheckConstraint(condition=~Q(source=""), name="valuemovement_has_a_source"),
        ]
        indexes = [models.Index(fields=["-occurred_at", "-id"], name="valuemovement_newest")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.amount:+d} {self.kind} ({self.source})"

    @property
    def amount(self) -> int:
        """Paid and given together, above 0 what came in."""
        return self.paid + self.promotional

    @property
    def balance_after(self) -> int:
        """What could be spent afterwards."""
        return self.paid_after + self.promotional_after
