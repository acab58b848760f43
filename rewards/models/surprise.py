"""Surprises: what is given to whom without being promised, and what became of each gift."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.texts import LocalText
from rewards.models.trial import Assignment, Measured, Trial


class SurpriseQuerySet(models.QuerySet["Surprise"]):
    """Which surprises."""

    def running(self, now: dt.datetime) -> "SurpriseQuerySet":
        """Return those that may draw customers at an instant."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=now), state=Surprise.State.ACTIVE)


class Surprise(Measured):
    """A gift that nobody has a right to: when, to whom, what, how often at most, and how it reaches the customer."""

    class Trigger(models.TextChoices):
        PURCHASE = "purchase", _("with a purchase")
        NTH = "nth", _("with a certain purchase, such as the tenth")
        BIRTHDAY = "birthday", _("on the birthday")
        ANNIVERSARY = "anniversary", _("on the day of enrolment, each year")
        LAPSED = "lapsed", _("when somebody stays away longer than usual")
        TIER = "tier", _("when a tier is reached")
        UNHAPPY = "unhappy", _("after an unhappy answer")
        BLUE = "blue", _("out of the blue")

    class Family(models.TextChoices):
        """Triggers that rest together."""

        PURCHASE = "purchase", _("buying")
        CALENDAR = "calendar", _("birthdays and anniversaries")
        LAPSED = "lapsed", _("staying away")
        TIER = "tier", _("tiers")
        UNHAPPY = "unhappy", _("unhappy answers")
        BLUE = "blue", _("out of the blue")

    class Gift(models.TextChoices):
        COUPON = "coupon", _("a coupon")
        POINTS = "points", _("points")
        REWARD = "reward", _("a thing of the catalogue")
        THING = "thing", _("a thing at the counter")

    class Channel(models.TextChoices):
        MAIL = "mail", _("by mail")
        TILL = "till", _("at the till")

    class Window(models.TextChoices):
        DAY = "day", _("on the day")
        WEEK = "week", _("in its week")
        MONTH = "month", _("in its month")

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        ACTIVE = "active", _("running")
        STOPPED = "stopped", _("stopped")

    class Stop(models.TextChoices):
        HAND = "hand", _("by hand")
        END = "end", _("its end was reached")
        HARM = "harm", _("it does not help")

    name = models.CharField(pgettext_lazy("of a thing", "name"), max_length=100, help_text=_("For staff."))
    trigger = models.CharField(_("occasion"), max_length=12, choices=Trigger)
    threshold = models.PositiveSmallIntegerField(
        _("which"),
        default=1,
        help_text=_("The purchase that is celebrated, or how many times the usual pause somebody stays away."),
    )
    window = models.CharField(
        _("when"), max_length=5, choices=Window, default=Window.DAY, help_text=_("For birthdays and anniversaries.")
    )
    chance = models.PositiveSmallIntegerField(
        _("chance"),
        default=10_000,
        help_text=_("How many of the occasions are drawn; out of the blue, how many customers in a month."),
    )
    segment = models.CharField(_("segment"), max_length=60, blank=True, help_text=_("Empty is everybody."))
    gift = models.CharField(_("gift"), max_length=10, choices=Gift)
    batch = models.ForeignKey(
        "rewards.CouponBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="surprises",
        verbose_name=_("coupon"),
    )
    points = models.PositiveIntegerField(_("points"), default=0)
    reward = models.ForeignKey(
        "rewards.Reward",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="surprises",
        verbose_name=_("thing of the catalogue"),
    )
    thing_en = models.CharField(_("thing (English)"), max_length=60, blank=True, help_text=_("Such as: a pastry."))
    thing_zh = models.CharField(_("thing (Chinese)"), max_length=60, blank=True)
    cost = models.PositiveBigIntegerField(
        _("cost of a gift"), help_text=_("What one gift costs the shop, in the minor unit.")
    )
    budget = models.PositiveBigIntegerField(_("budget per month"), help_text=_("In the minor unit."))
    cooldown_days = models.PositiveSmallIntegerField(
        _("days of rest"),
        default=60,
        help_text=_("Nobody is drawn again by a surprise of the same kind of occasion before."),
    )
    channel = models.CharField(_("how"), max_length=4, choices=Channel, default=Channel.MAIL)
    hour_from = models.PositiveSmallIntegerField(_("not before the hour"), default=9)
    hour_until = models.PositiveSmallIntegerField(
        _("not after the hour"), default=20, help_text=_("Of the customer's own day.")
    )
    waits_days = models.PositiveSmallIntegerField(
        _("days it waits"), default=30, help_text=_("A gift that is not handed over by then is gone.")
    )
    subject_en = models.CharField(_("subject (English)"), max_length=120, blank=True)
    subject_zh = models.CharField(_("subject (Chinese)"), max_length=120, blank=True)
    message_en = models.TextField(_("message (English)"), blank=True, max_length=2000)
    message_zh = models.TextField(_("message (Chinese)"), blank=True, max_length=2000)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DRAFT, editable=False)
    stop = models.CharField(_("stopped because"), max_length=5, choices=Stop, blank=True, editable=False)
    stopped_at = models.DateTimeField(_("stopped at"), null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    trial = models.OneToOneField(
        Trial,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="surprise",
        verbose_name=_("trial"),
    )
    seen_purchase = models.PositiveBigIntegerField(
        default=0, editable=False, help_text=_("Purchases up to this one were looked at.")
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        editable=False,
        related_name="+",
        verbose_name=_("drafted by"),
    )
    requested_at = models.DateTimeField(_("drafted at"), default=timezone.now, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("approved by"),
    )
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True, editable=False)

    thing = LocalText("thing")
    subject = LocalText("subject")
    message = LocalText("message")
    objects = SurpriseQuerySet.as_manager()

    class Meta(Measured.Meta):
        abstract = False
        verbose_name = _("surprise")
        verbose_name_plural = _("surprises")
        constraints = [
            *Measured.Meta.constraints,
            models.CheckConstraint(
                condition=Q(gift="coupon", batch__isnull=False)
                | Q(gift="points", points__gt=0)
                | Q(gift="reward", reward__isnull=False)
                | (Q(gift="thing") & ~Q(thing_en="")),
                name="surprise_names_its_gift",
                violation_error_message=_("Say which coupon, how many points or which thing is given."),
            ),
            models.CheckConstraint(
                condition=Q(budget__gte=F("cost")),
                name="surprise_budget_pays_one",
                violation_error_message=_("The budget pays for at least one gift."),
            ),
            models.CheckConstraint(
                condition=Q(hour_from__lt=F("hour_until"), hour_until__lte=24),
                name="surprise_hours_are_a_window",
                violation_error_message=_("The first hour comes before the last, which is 24 at most."),
            ),
            models.CheckConstraint(
                condition=Q(chance__gte=1, chance__lte=10_000, threshold__gte=1, waits_days__gte=1),
                name="surprise_can_happen",
                violation_error_message=_("A chance is above nothing and at most 100 of 100; a number is at least 1."),
            ),
            models.CheckConstraint(
                condition=Q(state="draft", trial=None, approved_at=None, approved_by=None)
                | Q(
                    state__in=["active", "stopped"],
                    trial__isnull=False,
                    approved_at__isnull=False,
                    approved_by__isnull=False,
                ),
                name="surprise_runs_when_approved",
            ),
            models.CheckConstraint(
                condition=(Q(state="stopped", stopped_at__isnull=False) & ~Q(stop=""))
                | (~Q(state="stopped") & Q(stop="", stopped_at=None)),
                name="surprise_stops_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def family(self) -> str:
        """What it rests with."""
        return FAMILIES[self.trigger]

    @property
    def has_mail(self) -> bool:
        """Whether the customer is written to."""
        return self.channel == self.Channel.MAIL


FAMILIES = {
    Surprise.Trigger.PURCHASE: Surprise.Family.PURCHASE,
    Surprise.Trigger.NTH: Surprise.Family.PURCHASE,
    Surprise.Trigger.BIRTHDAY: Surprise.Family.CALENDAR,
    Surprise.Trigger.ANNIVERSARY: Surprise.Family.CALENDAR,
    Surprise.Trigger.LAPSED: Surprise.Family.LAPSED,
    Surprise.Trigger.TIER: Surprise.Family.TIER,
    Surprise.Trigger.UNHAPPY: Surprise.Family.UNHAPPY,
    Surprise.Trigger.BLUE: Surprise.Family.BLUE,
}


class SurpriseMonth(models.Model):
    """What a surprise has spent in one month of the programme's calendar; raised before a gift is promised to anybody."""

    surprise = models.ForeignKey(Surprise, on_delete=models.CASCADE, related_name="months", db_index=False)
    month_date = models.DateField(_("month"))
    budget = models.PositiveBigIntegerField(_("budget"))
    spent = models.PositiveBigIntegerField(_("spent"), default=0)

    class Meta:
        verbose_name = _("month of a surprise")
        verbose_name_plural = _("months of surprises")
        constraints = [
            models.UniqueConstraint(fields=["surprise", "month_date"], name="surprisemonth_once"),
            models.CheckConstraint(condition=Q(spent__lte=F("budget")), name="surprisemonth_budget_holds"),
        ]

    def __str__(self) -> str:
        return f"{self.surprise_id} {self.month_date:%Y-%m}"


class SurpriseRest(models.Model):
    """Until when a customer is not drawn again by one kind of occasion; moved only once that is over."""

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("customer")
    )
    family = models.CharField(_("kind of occasion"), max_length=12, choices=Surprise.Family)
    until_at = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("rest from surprises")
        verbose_name_plural = _("rests from surprises")
        constraints = [models.UniqueConstraint(fields=["customer", "family"], name="surpriserest_once")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.family}"


class SurpriseGift(models.Model):
    """What a customer whose coin fell well gets, and what became of it; who is compared has no such row."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        ANNOUNCED = "announced", _("announced")
        GIVEN = "given", pgettext_lazy("of a gift", "given")
        DECLINED = "declined", _("declined")
        LAPSED = "lapsed", _("not picked up")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("could not be given")

    assignment = models.OneToOneField(
        Assignment, on_delete=models.PROTECT, related_name="gift", verbose_name=_("assignment")
    )
    surprise = models.ForeignKey(
        Surprise, on_delete=models.PROTECT, related_name="gifts", db_index=False, verbose_name=_("surprise")
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="surprise_gifts",
        db_index=False,
        verbose_name=_("customer"),
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    month_date = models.DateField(_("month"), help_text=_("Whose budget pays for it."))
    not_before = models.DateTimeField(_("not before"))
    waits_until = models.DateTimeField(_("waits until"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    coupon = models.ForeignKey(
        "rewards.Coupon",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("coupon"),
    )
    order = models.ForeignKey(
        "rewards.RewardOrder",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("order"),
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
    note = models.CharField(_("note"), max_length=200, blank=True)
    leaked_at = models.DateTimeField(
        _("leaked at"), null=True, blank=True, help_text=_("The purchase came back after the gift was used.")
    )

    class Meta:
        verbose_name = _("gift of a surprise")
        verbose_name_plural = _("gifts of surprises")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "announced"], ended_at=None)
                | (~Q(state__in=["waiting", "announced"]) & Q(ended_at__isnull=False)),
                name="surprisegift_ends_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(leaked_at=None) | Q(state="given"), name="surprisegift_leaks_when_given"
            ),
        ]
        indexes = [
            models.Index(fields=["surprise", "state"], name="surprisegift_of_surprise"),
            models.Index(fields=["not_before"], condition=Q(state="waiting"), name="surprisegift_to_deliver"),
            models.Index(
                fields=["waits_until"], condition=Q(state__in=["waiting", "announced"]), name="surprisegift_to_lapse"
            ),
            models.Index(
                fields=["customer"], condition=Q(state__in=["waiting", "announced"]), name="surprisegift_open"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} ({self.get_state_display()})"
