"""What happened to coupons, and which are held for a basket."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models.history import AppendOnlyModel


class CouponEvent(AppendOnlyModel):
    """Something that happened to one coupon or, without one, to a whole batch; it is never changed.

    What a row says by itself is not said twice: issue, first sight and void stand on the coupon, redemptions on their uses.
    `rewards/coupon_history.py` puts all of it together.
    """

    class Kind(models.TextChoices):
        RESERVED = "reserved", _("reserved")
        RELEASED = "released", _("released")
        RETURNED = "returned", _("taken back")
        HIDDEN = "hidden", _("put away")
        UNHIDDEN = "unhidden", _("taken out again")
        ACTIVATED = "activated", _("activated")
        PAUSED = "paused", _("paused")
        CLOSED = "closed", _("closed")
        EXTENDED = "extended", _("extended")
        VOIDED = "voided", _("rest voided")
        EXPORTED = "exported", _("codes exported")
        PRINTED = "printed", _("codes printed")

    batch = models.ForeignKey(
        "rewards.CouponBatch", on_delete=models.PROTECT, related_name="events", db_index=False, verbose_name=_("batch")
    )
    coupon = models.ForeignKey(
        "rewards.Coupon",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="events",
        db_index=False,
        verbose_name=_("coupon"),
    )
    kind = models.CharField(_("event"), max_length=10, choices=Kind)
    happened_at = models.DateTimeField(_("at"))
    count = models.PositiveBigIntegerField(_("coupons"), default=1)
    note = models.CharField(_("note"), max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("by"),
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

    class Meta:
        verbose_name = _("coupon event")
        verbose_name_plural = _("coupon events")
        indexes = [
            models.Index(fields=["coupon", "id"], condition=Q(coupon__isnull=False), name="couponevent_of_coupon"),
            models.Index(fields=["batch", "id"], condition=Q(coupon=None), name="couponevent_of_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"


class CouponHold(models.Model):
    """A coupon that is held for one basket until a deadline; until then it counts against every limit, like a use.

    A coupon for one use has one hold, a code for many has one for each basket. A use or a release deletes it.
    """

    coupon = models.ForeignKey(
        "rewards.Coupon", on_delete=models.CASCADE, related_name="holds", db_index=False, verbose_name=_("coupon")
    )
    batch = models.ForeignKey(
        "rewards.CouponBatch", on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("batch")
    )
    key = models.CharField(_("reservation"), max_length=255)
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("customer"),
    )
    discount = models.PositiveBigIntegerField(_("discount"), default=0)
    basket_digest = models.CharField(_("basket"), max_length=64, blank=True)
    held_until = models.DateTimeField(_("held until"))

    class Meta:
        verbose_name = _("held coupon")
        verbose_name_plural = _("held coupons")
        constraints = [models.UniqueConstraint(fields=["coupon", "key"], name="couponhold_once_per_basket")]
        indexes = [models.Index(fields=["batch", "held_until"], name="couponhold_of_batch")]

    def __str__(self) -> str:
        return f"{self.coupon_id}/{self.pk}"
