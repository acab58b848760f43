"""Stamp cards: a currency of the ledger beside points, and what a full card hands out.

`rewards.stamps` books through the same books as points; which purchases earn stamps is said by earning rules of the card.
docs/stamps.md works through the numbers.
"""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.texts import LocalText

FEWEST, MOST = 2, 50


class StampCard(models.Model):
    """So many stamps, then a coupon. Its number is the currency of its stamps in the books, so it is never deleted."""

    class Icon(models.TextChoices):
        """A drawing of static/img/icons.svg that fills the circles."""

        CUP = "cup", _("cup")
        CAKE = "cake", _("cake")
        BAG = "bag", _("bag")
        GIFT = "gift", _("gift")
        HEART = "heart", _("heart")
        STAR = "star", _("star")

    code = models.SlugField(_("code"), max_length=40, unique=True, help_text=_("A short word for tills and files."))
    name_en = models.CharField(_("name (English)"), max_length=100)
    name_zh = models.CharField(_("name (Chinese)"), max_length=100, blank=True)
    icon = models.CharField(_("drawing"), max_length=10, choices=Icon, default=Icon.CUP)
    stamps_needed = models.PositiveSmallIntegerField(
        _("stamps on a full card"),
        default=10,
        validators=[MinValueValidator(FEWEST), MaxValueValidator(MOST)],
        help_text=_("10 for “ten coffees, the eleventh is free”. Fixed once the first stamp is given."),
    )
    batch = models.ForeignKey(
        "rewards.CouponBatch",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("what a full card gives"),
        help_text=_("A full card is emptied and a coupon of this offer issued, at once. While the offer is paused or has none left, full cards wait."),
    )  # fmt: skip
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

    class Meta:
        verbose_name = _("stamp card")
        verbose_name_plural = _("stamp cards")
        constraints = [
            models.CheckConstraint(
                condition=Q(stamps_needed__gte=FEWEST, stamps_needed__lte=MOST), name="stampcard_has_room_for_stamps"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StampBalance(models.Model):
    """A customer's accounts on one card, cached as PointBalance is; written by the books alone, under this row's lock."""

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="stamp_balances",
        db_index=False,
        verbose_name=_("customer"),
    )
    card = models.ForeignKey(StampCard, on_delete=models.PROTECT, related_name="balances", verbose_name=_("stamp card"))
    pending = models.BigIntegerField(_("pending"), default=0)
    active = models.BigIntegerField(_("on the card"), default=0)
    held = models.BigIntegerField(_("held"), default=0)
    debt = models.BigIntegerField(_("debt"), default=0, help_text=_("Never above 0: the next stamps absorb it first."))
    lifetime = models.BigIntegerField(_("lifetime"), default=0, help_text=_("All stamps ever earned."))
    sequence = models.PositiveIntegerField(_("transactions"), default=0)
    mac = models.CharField(_("seal"), max_length=64, blank=True)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)

    class Meta:
        verbose_name = _("stamps of a customer")
        verbose_name_plural = _("stamps of customers")
        constraints = [
            models.UniqueConstraint(fields=["customer", "card"], name="stampbalance_once"),
            models.CheckConstraint(
                condition=Q(pending__gte=0, active__gte=0, held__gte=0, debt__lte=0, lifetime__gte=0),
                name="stampbalance_in_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} #{self.card_id}: {self.active}"
