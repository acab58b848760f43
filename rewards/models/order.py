"""Rewards that customers have taken: a coupon that was handed out, or a thing that waits to be picked up."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RewardOrderQuerySet(models.QuerySet["RewardOrder"]):
    """Which orders."""

    def waiting(self) -> "RewardOrderQuerySet":
        """Return what waits to be picked up."""
        return self.filter(state=RewardOrder.State.ORDERED)

    def standing(self) -> "RewardOrderQuerySet":
        """Return what was not cancelled: it counts against stock and limits."""
        return self.exclude(state=RewardOrder.State.CANCELLED)

    def newest_first(self) -> "RewardOrderQuerySet":
        """Order as people read a history."""
        return self.order_by("-ordered_at", "-pk")


class RewardOrder(models.Model):
    """One reward taken by one customer. `rewards.catalogue` is the only writer; points and price are those of that day."""

    class State(models.TextChoices):
        ORDERED = "ordered", _("to be picked up")
        ISSUED = "issued", _("coupon issued")
        HANDED_OVER = "handed_over", _("handed over")
        CANCELLED = "cancelled", _("cancelled")

    class Ending(models.TextChoices):
        """Who or what cancelled it."""

        CUSTOMER = "customer", _("by the customer")
        SHOP = "shop", _("by the shop")
        LAPSED = "lapsed", _("not picked up in time")

    reward = models.ForeignKey(
        "rewards.Reward", on_delete=models.PROTECT, related_name="orders", db_index=False, verbose_name=_("reward")
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="reward_orders",
        db_index=False,
        verbose_name=_("customer"),
    )
    source = models.CharField(_("source"), max_length=200, unique=True, help_text=_("One request takes once."))
    place = models.PositiveIntegerField(
        _("place"), help_text=_("Counts the customer's standing orders of this reward from 1; no two are equal.")
    )
    points = models.PositiveBigIntegerField(_("points"), help_text=_("What was paid in points."))
    price = models.PositiveBigIntegerField(
        _("price"), default=0, help_text=_("To be paid in money when it is picked up, in the minor unit.")
    )
    state = models.CharField(_("state"), max_length=12, choices=State)
    coupon = models.OneToOneField(
        "rewards.Coupon",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reward_order",
        verbose_name=_("coupon"),
    )
    code_sealed = models.BinaryField(_("sealed code"), max_length=64, null=True, unique=True, editable=False)
    code_tail = models.CharField(_("ends in"), max_length=4, blank=True, editable=False)
    ordered_at = models.DateTimeField(_("ordered at"))
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)
    pick_up_until = models.DateTimeField(_("pick up until"), null=True, blank=True)
    handed_over_at = models.DateTimeField(_("handed over at"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    cancelled_because = models.CharField(_("cancelled"), max_length=10, choices=Ending, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True, help_text=_("Why the shop cancelled it."))
    store = models.ForeignKey(
        "customers.Store",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("store"),
        help_text=_("Where it was handed over."),
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("by"),
        help_text=_("Who handed it over or cancelled it; empty for the customer."),
    )

    objects = RewardOrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("reward order")
        verbose_name_plural = _("reward orders")
        constraints = [
            models.UniqueConstraint(
                fields=["reward", "customer", "place"],
                condition=~Q(state="cancelled"),
                name="rewardorder_place_once",
            ),
            models.CheckConstraint(condition=~Q(source=""), name="rewardorder_has_a_source"),
            models.CheckConstraint(
                condition=Q(coupon__isnull=False, code_sealed=None, pick_up_until=None)
                | Q(coupon=None, code_sealed__isnull=False, pick_up_until__isnull=False),
                name="rewardorder_is_a_coupon_or_a_ticket",
            ),
            models.CheckConstraint(
                condition=Q(state="handed_over", handed_over_at__isnull=False)
                | (~Q(state="handed_over") & Q(handed_over_at=None)),
                name="rewardorder_handed_over_at_a_time",
            ),
            models.CheckConstraint(
                condition=(Q(state="cancelled", cancelled_at__isnull=False) & ~Q(cancelled_because=""))
                | (~Q(state="cancelled") & Q(cancelled_at=None, cancelled_because="")),
                name="rewardorder_cancelled_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-ordered_at", "-id"], name="rewardorder_of_customer"),
            models.Index(fields=["reward", "customer"], name="rewardorder_of_reward"),
            models.Index(fields=["pick_up_until"], condition=Q(state="ordered"), name="rewardorder_to_lapse"),
            models.Index(fields=["-ordered_at", "-id"], name="rewardorder_newest"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.get_state_display()}"

    @property
    def is_ticket(self) -> bool:
        """Whether it is a thing to be picked up."""
        return self.code_sealed is not None

    def is_waiting(self, now: dt.datetime) -> bool:
        """Return whether it can be picked up at an instant."""
        return self.state == self.State.ORDERED and self.pick_up_until is not None and now < self.pick_up_until
