"""The books: transactions, the lots they open and draw on, and the cached balance.

`rewards.ledger` is the only writer. A transaction moves a positive number of points from one account to another of one
customer, so every row balances by construction; docs/points.md explains the accounts.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.history import AppendOnlyModel, AppendOnlyQuerySet


class Account(models.TextChoices):
    """Where points are: the first four belong to the customer, the others to the programme."""

    PENDING = "pending", _("pending")
    ACTIVE = "active", _("active")
    HELD = "held", _("held")
    DEBT = "debt", _("debt")
    ISSUED = "issued", _("issued")
    REDEEMED = "redeemed", _("redeemed")
    EXPIRED = "expired", _("expired")
    REVERSED = "reversed", _("reversed")
    WRITTEN_OFF = "written_off", _("written off")
    TRANSFERRED = "transferred", _("transferred")


CUSTOMER_ACCOUNTS = (Account.PENDING, Account.ACTIVE, Account.HELD, Account.DEBT)


class Kind(models.TextChoices):
    """Why points moved."""

    EARN = "earn", _("earned")
    REDEEM = "redeem", _("spent")
    EXPIRE = "expire", _("expired")
    REVERSE = "reverse", _("reversed")
    ADJUST = "adjust", _("adjusted")
    TRANSFER = "transfer", _("transferred")
    HOLD = "hold", _("put on hold")
    RELEASE = "release", _("released")
    WRITE_OFF = "write_off", _("written off")
    REINSTATE = "reinstate", _("reinstated")
    ACTIVATE = "activate", _("became spendable")


POINTS = 0  # the currency of the programme's points; any other is the number of a stamp card


class PointsManager(models.Manager.from_queryset(AppendOnlyQuerySet)):
    """The movements of points alone: whoever counts points never counts stamps by mistake."""

    def get_queryset(self) -> AppendOnlyQuerySet:
        return super().get_queryset().filter(currency=POINTS)


class PointTransaction(AppendOnlyModel):
    """One movement of points; never updated, never deleted (a trigger refuses it on both databases).

    `objects` knows the programme's points alone, `all_currencies` the stamps of stamp cards, too.
    """

    Account = Account
    Kind = Kind

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="point_transactions",
        db_index=False,
        verbose_name=_("customer"),
    )
    currency = models.PositiveSmallIntegerField(
        _("currency"), default=POINTS, db_default=POINTS, editable=False,
        help_text=_("0 for the programme's points, otherwise the number of the stamp card."),
    )  # fmt: skip
    sequence = models.PositiveIntegerField(
        _("number"), help_text=_("Counts the customer's transactions from 1, without a gap.")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    from_account = models.CharField(_("from"), max_length=12, choices=Account)
    to_account = models.CharField(_("to"), max_length=12, choices=Account)
    points = models.BigIntegerField(_("points"))
    source = models.CharField(
        _("source"),
        max_length=200,
        help_text=_("Stable key of the cause, such as purchase:1042; one cause posts once."),
    )
    occurred_at = models.DateTimeField(_("occurred at"))
    recorded_at = models.DateTimeField(_("recorded at"))
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reversals",
        db_index=False,
        verbose_name=_("reverses"),
        help_text=_("What this row takes back, in whole or in part; all reversals together never exceed it."),
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
        related_name="+",
        db_index=False,
        verbose_name=_("by"),
    )
    reason = models.CharField(
        _("reason"), max_length=40, blank=True, help_text=_("A word of a closed list, for adjustments.")
    )
    note = models.CharField(_("note"), max_length=300, blank=True, help_text=_("For the customer."))
    explanation = models.JSONField(
        _("explanation"),
        null=True,
        blank=True,
        help_text=_("The rule versions, basis and multipliers behind an award; refunds use them."),
    )
    pending_after = models.BigIntegerField(_("pending after"))
    active_after = models.BigIntegerField(_("active after"))
    held_after = models.BigIntegerField(_("held after"))
    debt_after = models.BigIntegerField(_("debt after"))
    key_number = models.PositiveSmallIntegerField(_("key number"))
    mac = models.CharField(
        _("seal"), max_length=64, help_text=_("Chains this row to the one before it, with a key outside the database.")
    )

    objects = PointsManager()
    all_currencies = AppendOnlyQuerySet.as_manager()

    class Meta:
        verbose_name = _("point transaction")
        verbose_name_plural = _("point transactions")
        constraints = [
            models.UniqueConstraint(fields=["customer", "currency", "sequence"], name="pointtransaction_sequence_once"),
            models.UniqueConstraint(
                fields=["source", "kind", "from_account", "to_account"], name="pointtransaction_cause_posts_once"
            ),
            models.CheckConstraint(condition=Q(points__gt=0), name="pointtransaction_moves_something"),
            models.CheckConstraint(condition=~Q(from_account=F("to_account")), name="pointtransaction_goes_somewhere"),
            models.CheckConstraint(
                condition=Q(from_account__in=CUSTOMER_ACCOUNTS) | Q(to_account__in=CUSTOMER_ACCOUNTS),
                name="pointtransaction_touches_the_customer",
            ),
            models.CheckConstraint(condition=~Q(source=""), name="pointtransaction_has_a_source"),
            models.CheckConstraint(condition=Q(sequence__gt=0), name="pointtransaction_sequence_from_one"),
            models.CheckConstraint(
                condition=Q(pending_after__gte=0, active_after__gte=0, held_after__gte=0, debt_after__lte=0),
                name="pointtransaction_balances_in_bounds",
            ),
        ]
        indexes = [
            models.Index(fields=["occurred_at"], name="pointtransaction_occurred_at"),
            models.Index(fields=["reverses"], condition=Q(reverses__isnull=False), name="pointtransaction_reversals"),
            models.Index(
                fields=["currency", "kind"], condition=Q(currency__gt=POINTS), name="pointtransaction_of_stamps"
            ),
            models.Index(fields=["by", "occurred_at"], condition=Q(kind="adjust"), name="pointtransaction_by_hand"),
        ]

    def __str__(self) -> str:
        return f"#{self.sequence} {self.signed:+d} {self.kind} ({self.source})"

    @property
    def signed(self) -> int:
        """Points as the customer counts them: what enters their accounts is positive, what leaves them negative."""
        if self.to_account not in CUSTOMER_ACCOUNTS:
            return -self.points
        return self.points


class PointLotQuerySet(models.QuerySet["PointLot"]):
    """Which lots."""

    def spendable(self) -> "PointLotQuerySet":
        """Return the active lots with something left, in the order in which they are drawn."""
        return self.filter(activated_at__isnull=False, remaining__gt=0).in_drawing_order()

    def in_drawing_order(self) -> "PointLotQuerySet":
        """Order by expiry (never last), then activation, then age."""
        return self.order_by(F("expires_at").asc(nulls_last=True), "activates_at", "pk")

    def due_to_activate(self, now) -> "PointLotQuerySet":
        """Return the pending lots whose day has come."""
        return self.filter(activated_at=None, activates_at__lte=now)

    def due_to_expire(self, now) -> "PointLotQuerySet":
        """Return the active lots past their expiry with something left."""
        return self.filter(activated_at__isnull=False, remaining__gt=0, expires_at__lte=now)


class PointLotManager(models.Manager.from_queryset(PointLotQuerySet)):
    """The lots of points alone."""

    def get_queryset(self) -> PointLotQuerySet:
        return super().get_queryset().filter(currency=POINTS)


class PointLot(models.Model):
    """The points of one award, with their own activation and expiry; `all_currencies` knows those of stamps, too."""

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="point_lots",
        db_index=False,
        verbose_name=_("customer"),
    )
    transaction = models.OneToOneField(
        PointTransaction, on_delete=models.PROTECT, related_name="lot", verbose_name=_("opened by")
    )
    currency = models.PositiveSmallIntegerField(
        _("currency"), default=POINTS, db_default=POINTS, editable=False, help_text=_("That of the transaction.")
    )
    points = models.BigIntegerField(_("points"))
    remaining = models.BigIntegerField(_("remaining"))
    activates_at = models.DateTimeField(_("activates at"))
    activated_at = models.DateTimeField(
        _("activated at"), null=True, blank=True, help_text=_("Empty while the points are pending.")
    )
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True, help_text=_("Empty is never."))
    inactive_months = models.PositiveSmallIntegerField(
        _("months without activity"),
        null=True,
        blank=True,
        help_text=_("Of points that end only when the customer stays away; empty for all others."),
    )
    lapses_at = models.DateTimeField(
        _("lapses at"),
        null=True,
        blank=True,
        help_text=_("When such points end unless the customer comes back; only ever moved on."),
    )

    objects = PointLotManager()
    all_currencies = PointLotQuerySet.as_manager()

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        constraints = [
            models.CheckConstraint(
                condition=Q(points__gt=0, remaining__gte=0, remaining__lte=F("points")),
                name="pointlot_remaining_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("activates_at")),
                name="pointlot_expires_after_activation",
            ),
            models.CheckConstraint(
                # Both or neither, said outright: what compares with NULL is neither true nor false, and would pass.
                condition=Q(inactive_months__isnull=True, lapses_at__isnull=True)
                | Q(
                    inactive_months__isnull=False,
                    inactive_months__gt=0,
                    lapses_at__isnull=False,
                    lapses_at__gt=F("activates_at"),
                ),
                name="pointlot_lapses_after_activation",
            ),
        ]
        indexes = [
            models.Index(
                "customer",
                Coalesce("expires_at", "lapses_at"),
                condition=Q(remaining__gt=0),
                name="pointlot_open_of_customer",
            ),
            models.Index(
                fields=["customer", "activates_at"],
                condition=Q(activated_at=None, remaining__gt=0),
                name="pointlot_pending_of_customer",
            ),
            models.Index(fields=["activates_at"], condition=Q(activated_at=None), name="pointlot_to_activate"),
            models.Index(
                fields=["expires_at"],
                condition=Q(remaining__gt=0, activated_at__isnull=False),
                name="pointlot_to_expire",
            ),
            models.Index(
                fields=["lapses_at"],
                condition=Q(remaining__gt=0, lapses_at__isnull=False, expires_at=None),
                name="pointlot_to_lapse",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.remaining}/{self.points}"


class LotAllocation(AppendOnlyModel):
    """How much of a transaction came out of a lot (negative) or went back into it (positive)."""

    transaction = models.ForeignKey(
        PointTransaction,
        on_delete=models.PROTECT,
        related_name="allocations",
        db_index=False,
        verbose_name=_("transaction"),
    )
    lot = models.ForeignKey(PointLot, on_delete=models.PROTECT, related_name="allocations", verbose_name=_("lot"))
    points = models.BigIntegerField(_("points"))

    class Meta:
        verbose_name = _("lot allocation")
        verbose_name_plural = _("lot allocations")
        constraints = [
            models.UniqueConstraint(fields=["transaction", "lot"], name="lotallocation_once"),
            models.CheckConstraint(condition=~Q(points=0), name="lotallocation_moves_something"),
        ]

    def __str__(self) -> str:
        return f"{self.points:+d} (#{self.lot_id})"


class PointBalance(models.Model):
    """The customer's accounts, cached; written by the ledger alone, under this row's lock, and proven by prove_books."""

    customer = models.OneToOneField(
        "customers.Customer",
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="balance",
        verbose_name=_("customer"),
    )
    pending = models.BigIntegerField(_("pending"), default=0)
    active = models.BigIntegerField(_("active"), default=0)
    held = models.BigIntegerField(_("held"), default=0)
    debt = models.BigIntegerField(_("debt"), default=0, help_text=_("Never above 0: later awards absorb it first."))
    lifetime = models.BigIntegerField(_("lifetime"), default=0, help_text=_("All points ever earned."))
    sequence = models.PositiveIntegerField(_("transactions"), default=0)
    mac = models.CharField(_("seal"), max_length=64, blank=True)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)

    class Meta:
        verbose_name = _("balance")
        verbose_name_plural = _("balances")
        constraints = [
            models.CheckConstraint(
                condition=Q(pending__gte=0, active__gte=0, held__gte=0, debt__lte=0, lifetime__gte=0),
                name="pointbalance_in_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.active}"
