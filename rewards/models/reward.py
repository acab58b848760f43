"""What points can be exchanged for."""

import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.texts import LocalText


class RewardQuerySet(models.QuerySet["Reward"]):
    """Which rewards."""

    def on_offer(self, now: dt.datetime) -> "RewardQuerySet":
        """Return what a customer can redeem at an instant: active, inside its window, in stock."""
        return self.in_window(now).filter(Q(stock=None) | Q(stock__gt=F("taken")))

    def in_window(self, now: dt.datetime) -> "RewardQuerySet":
        """Return what is shown at an instant, sold out or not."""
        return self.filter(
            Q(starts_at=None) | Q(starts_at__lte=now), Q(ends_at=None) | Q(ends_at__gt=now), is_active=True
        )


class Reward(models.Model):
    """A thing with a price in points, money or both."""

    class Icon(models.TextChoices):
        """A drawing of static/img/icons.svg that stands for it."""

        GIFT = "gift", _("gift")
        CUP = "cup", _("cup")
        CAKE = "cake", _("cake")
        TICKET = "ticket", _("ticket")
        BAG = "bag", _("bag")
        HEART = "heart", _("heart")
        STAR = "star", _("star")

    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    name_en = models.CharField(_("name (English)"), max_length=100)
    name_zh = models.CharField(_("name (Chinese)"), max_length=100, blank=True)
    description_en = models.TextField(_("description (English)"), blank=True)
    description_zh = models.TextField(_("description (Chinese)"), blank=True)
    points_cost = models.PositiveIntegerField(_("points cost"), default=0)
    price = models.PositiveBigIntegerField(
        _("price"), default=0, help_text=_("Paid in money on top, in the currency's minor unit.")
    )
    cost_price = models.PositiveBigIntegerField(
        _("cost price"), default=0, help_text=_("What it costs the shop, in the minor unit.")
    )
    stock = models.PositiveIntegerField(_("stock"), null=True, blank=True, help_text=_("Empty is without limit."))
    taken = models.PositiveIntegerField(_("taken"), default=0, editable=False)
    per_customer = models.PositiveIntegerField(
        _("per customer"), null=True, blank=True, help_text=_("Empty is without limit.")
    )
    minimum_tier = models.ForeignKey(
        "rewards.Tier",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("minimum tier"),
        help_text=_("Everybody sees it; who is in this tier or a higher one can take it. Empty is everybody."),
    )
    segment = models.SlugField(
        _("segment"), max_length=60, blank=True, help_text=_("Only these customers see it. Empty is everybody.")
    )
    pick_up_days = models.PositiveSmallIntegerField(
        _("days to pick it up"),
        default=30,
        help_text=_("To the end of the last day; then the order is cancelled and the points go back. Not for coupons."),
    )
    icon = models.CharField(_("drawing"), max_length=12, choices=Icon, default=Icon.GIFT)
    batch = models.ForeignKey(
        "rewards.CouponBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("coupon"),
        help_text=_("The coupon that is handed out. Empty is a thing to be picked up."),
    )
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    name = LocalText("name")
    description = LocalText("description")
    objects = RewardQuerySet.as_manager()

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        constraints = [
            models.CheckConstraint(
                condition=Q(points_cost__gt=0) | Q(price__gt=0),
                name="reward_costs_something",
                violation_error_message=_("A reward costs points, money or both."),
            ),
            models.CheckConstraint(
                condition=Q(batch=None) | Q(price=0),
                name="reward_coupon_costs_points_alone",
                violation_error_message=_(
                    "A coupon is paid with points alone: money is taken when a thing is picked up."
                ),
            ),
            models.CheckConstraint(
                condition=Q(pick_up_days__gte=1),
                name="reward_can_be_picked_up",
                violation_error_message=_("Give at least one day to pick it up."),
            ),
            models.CheckConstraint(condition=Q(stock=None) | Q(taken__lte=F("stock")), name="reward_stock_holds"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(starts_at=None) | Q(ends_at__gt=F("starts_at")),
                name="reward_ends_after_start",
                violation_error_message=_("The end must lie after the start."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def left(self) -> int | None:
        """How many can still be taken, None without limit."""
        return None if self.stock is None else max(0, self.stock - self.taken)

    def is_on_offer(self, now: dt.datetime) -> bool:
        """Return whether it is active and inside its window at an instant."""
        has_begun = self.starts_at is None or self.starts_at <= now
        return self.is_active and has_begun and (self.ends_at is None or self.ends_at > now)
