"""What was done at a till: one row per action and key, so that nothing counts twice and everything can be looked up."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.history import AppendOnlyModel


class TillAction(AppendOnlyModel):
    """One action of one till, written in the transaction of what it did. The same key again finds this row instead."""

    class Kind(models.TextChoices):
        ENROL = "enrol", _("enrolment")
        SALE = "sale", _("sale")
        COUPON = "coupon", _("coupon without a sale")
        RETURN = "return", _("return")
        UNDO = "undo", _("undone")
        PICKUP = "pickup", _("reward handed over")
        CARD_SOLD = "card_sold", _("gift card sold")
        CARD_FILLED = "card_filled", _("stored value topped up")
        CARD_SPENT = "card_spent", _("stored value spent")

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    store = models.ForeignKey(
        "customers.Store", on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("store")
    )
    till = models.CharField(_("till"), max_length=40)
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="till_actions",
        verbose_name=_("customer"),
    )
    purchase = models.ForeignKey(
        "customers.Purchase",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="till_actions",
        verbose_name=_("purchase"),
    )
    goods_back = models.OneToOneField(
        "customers.Return",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="till_action",
        verbose_name=_("return"),
    )
    coupon_use = models.ForeignKey(
        "rewards.CouponUse",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="till_actions",
        verbose_name=_("coupon use"),
    )
    undoes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by", verbose_name=_("undoes")
    )
    source = models.CharField(
        _("source"), max_length=200, blank=True, help_text=_("Key of what it moved besides points and goods.")
    )
    money = models.BigIntegerField(
        _("money"), default=0, help_text=_("Into the drawer, below 0 out of it; in the minor unit.")
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("by")
    )
    occurred_at = models.DateTimeField(_("occurred at"))
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)

    is_new = False  # True on the instance that the call which did it returns

    class Meta:
        verbose_name = _("till action")
        verbose_name_plural = _("till actions")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="undo", undoes__isnull=False) | (~Q(kind="undo") & Q(undoes=None)),
                name="tillaction_undo_names_what_it_undoes",
            ),
            models.CheckConstraint(
                condition=~Q(kind="sale") | Q(purchase__isnull=False), name="tillaction_sale_has_a_purchase"
            ),
            models.CheckConstraint(
                condition=~Q(kind="return") | Q(goods_back__isnull=False), name="tillaction_return_has_goods"
            ),
        ]
        indexes = [models.Index(fields=["store", "-occurred_at", "-id"], name="tillaction_of_store")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"
