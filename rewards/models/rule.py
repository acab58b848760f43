"""How points are earned: versioned rules, and the tiers that multiply them."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.texts import LocalText


class EarningRuleQuerySet(models.QuerySet["EarningRule"]):
    """Which rules."""

    def live(self) -> "EarningRuleQuerySet":
        """Return the published version of each rule, in a stable order."""
        return self.filter(published_at__isnull=False, retired_at=None).order_by("key", "version")


class EarningRule(models.Model):
    """One version of one rule. A published version is never edited: a change is a new version."""

    class Kind(models.TextChoices):
        AMOUNT = "amount", _("per amount")
        VISIT = "visit", _("per visit")
        ITEM = "item", _("per item")
        EVENT = "event", _("per event")
        MULTIPLIER = "multiplier", _("multiplier")
        EXCLUSION = "exclusion", _("never earns")
        CAP = "cap", _("at most")

    class CapPer(models.TextChoices):
        CUSTOMER_DAY = "customer_day", _("customer and day")
        PROGRAMME_MONTH = "programme_month", _("the whole programme and month")

    class Event(models.TextChoices):
        SIGN_UP = "sign_up", _("sign-up")
        BIRTHDAY = "birthday", _("birthday")
        REVIEW = "review", _("review")
        REFERRAL = "referral", _("referral")
        SURVEY = "survey", _("survey answered")

    class Expiry(models.TextChoices):
        MONTH_END = "month_end", _("months, then to the end of that month")
        ROLLING = "rolling", _("months, to the day")
        FIXED = "fixed", _("on a fixed date")
        INACTIVITY = "inactivity", _("months after the last activity, then to the end of that month")
        NEVER = "never", _("never")

    key = models.SlugField(_("key"), max_length=60, help_text=_("The same over all versions of the rule."))
    stamp_card = models.ForeignKey(
        "rewards.StampCard",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="rules",
        verbose_name=_("stamp card"),
        help_text=_("Empty: the rule is about points. With a card it gives stamps instead, as many as it says points."),
    )
    version = models.PositiveIntegerField(_("version"), default=1)
    name_en = models.CharField(_("name (English)"), max_length=100)
    name_zh = models.CharField(_("name (Chinese)"), max_length=100, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    event = models.CharField(_("event"), max_length=10, choices=Event, blank=True)
    points = models.PositiveIntegerField(
        _("points"),
        default=0,
        help_text=_("For each amount, visit, item or event; of a cap, the most that can be earned."),
    )
    cap_per = models.CharField(
        _("cap per"),
        max_length=20,
        blank=True,
        choices=CapPer,
        help_text=_("Only for rules “at most”: whose points are counted, and over what time."),
    )
    per_amount = models.PositiveBigIntegerField(
        _("per amount"),
        default=0,
        help_text=_("In the currency's minor unit: 100 for one point per euro. Only for rules per amount."),
    )
    multiplier = models.PositiveIntegerField(
        _("multiplier"), default=10_000, help_text=_("In basis points: 10,000 is once, 20,000 is double.")
    )
    category = models.ForeignKey(
        "customers.Category",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("category"),
    )
    product = models.ForeignKey(
        "customers.Product",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("product"),
    )
    store = models.ForeignKey(
        "customers.Store", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("store")
    )
    weekdays = models.CharField(
        _("weekdays"),
        max_length=7,
        blank=True,
        help_text=_("Digits, 1 is Monday and 7 Sunday: 67 for the weekend. Empty is every day."),
    )
    from_time = models.TimeField(
        pgettext_lazy("of hours", "from"), null=True, blank=True, help_text=_("By the store's clock; empty is all day.")
    )
    until_time = models.TimeField(
        _("until"),
        null=True,
        blank=True,
        help_text=_(
            "No longer included. Earlier than “from” crosses midnight: 22:00 to 02:00 belongs to the evening's weekday."
        ),
    )
    minimum_basket = models.PositiveBigIntegerField(
        _("minimum basket"), default=0, help_text=_("In the currency's minor unit.")
    )
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    expiry = models.CharField(_("expiry"), max_length=10, choices=Expiry, default=Expiry.MONTH_END)
    expiry_months = models.PositiveSmallIntegerField(_("expiry months"), default=12)
    expiry_date = models.DateField(_("expiry date"), null=True, blank=True)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True, editable=False)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True, editable=False)
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
    objects = EarningRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("earning rule")
        verbose_name_plural = _("earning rules")
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="earningrule_version_once"),
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(published_at__isnull=False, retired_at=None),
                name="earningrule_one_live_version",
            ),
            models.CheckConstraint(
                condition=~Q(kind="amount") | Q(per_amount__gt=0, points__gt=0),
                name="earningrule_amount_has_a_rate",
                violation_error_message=_("A rule per amount needs points and the amount that earns them."),
            ),
            models.CheckConstraint(
                condition=(Q(kind="event") & ~Q(event="")) | (~Q(kind="event") & Q(event="")),
                name="earningrule_event_names_its_event",
                violation_error_message=_("A rule per event, and only such a rule, names the event."),
            ),
            models.CheckConstraint(
                condition=Q(kind="cap", points__gt=0, category=None, product=None) & ~Q(cap_per="")
                | (~Q(kind="cap") & Q(cap_per="")),
                name="earningrule_cap_says_how_much_of_what",
                violation_error_message=_(
                    "A cap, and only a cap, says per what; it needs points, and counts all products."
                ),
            ),
            models.CheckConstraint(
                condition=~Q(kind="exclusion")
                | Q(category__isnull=False)
                | Q(product__isnull=False)
                | Q(store__isnull=False),
                name="earningrule_exclusion_names_what",
                violation_error_message=_("A rule “never earns” names a product, a category or a store."),
            ),
            models.CheckConstraint(
                condition=Q(stamp_card=None) | (~Q(kind__in=["event", "exclusion"]) & ~Q(expiry="inactivity")),
                name="earningrule_stamps_come_from_purchases",
                violation_error_message=_(
                    "Stamps come from purchases, and end after months, on a date or never. What never earns is said without a card: it holds for points and all cards."
                ),
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(starts_at=None) | Q(ends_at__gt=F("starts_at")),
                name="earningrule_ends_after_start",
                violation_error_message=_("The end must lie after the start."),
            ),
            models.CheckConstraint(
                condition=Q(from_time=None, until_time=None)
                | (Q(from_time__isnull=False, until_time__isnull=False) & ~Q(from_time=F("until_time"))),
                name="earningrule_hours_have_two_ends",
                violation_error_message=_("Hours need a beginning and an end, and the two differ."),
            ),
            models.CheckConstraint(
                condition=~Q(expiry__in=["month_end", "rolling", "inactivity"]) | Q(expiry_months__gt=0),
                name="earningrule_expiry_takes_a_month_or_more",
                violation_error_message=_("Points last for one month or more."),
            ),
            models.CheckConstraint(
                condition=~Q(expiry="fixed") | Q(expiry_date__isnull=False),
                name="earningrule_fixed_expiry_has_a_date",
                violation_error_message=_("Expiry on a fixed date needs the date."),
            ),
            models.CheckConstraint(
                condition=Q(retired_at=None) | Q(published_at__isnull=False), name="earningrule_retired_was_published"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def is_published(self) -> bool:
        """A published version can no longer be edited."""
        return self.published_at is not None

    def is_in_window(self, moment: dt.datetime) -> bool:
        """Return whether an instant lies between start (inclusive) and end (exclusive)."""
        return (self.starts_at is None or self.starts_at <= moment) and (self.ends_at is None or moment < self.ends_at)


class CapUse(models.Model):
    """What was earned under a cap, of one customer's day or of one month of the programme, and what was cut off."""

    key = models.SlugField(_("key"), max_length=60, help_text=_("Of the rule, whatever its version."))
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("customer"),
        help_text=_("Empty for the whole programme."),
    )
    period_date = models.DateField(_("period"), help_text=_("The day, or the first of the month."))
    points = models.BigIntegerField(_("points"), default=0)
    trimmed = models.BigIntegerField(_("cut off"), default=0)

    class Meta:
        verbose_name = _("use of a cap")
        verbose_name_plural = _("uses of caps")
        constraints = [
            models.UniqueConstraint(
                fields=["key", "customer", "period_date"],
                condition=Q(customer__isnull=False),
                name="capuse_once_per_customer",
            ),
            models.UniqueConstraint(
                fields=["key", "period_date"], condition=Q(customer=None), name="capuse_once_per_programme"
            ),
            models.CheckConstraint(condition=Q(points__gte=0, trimmed__gte=0), name="capuse_only_grows"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.period_date}: {self.points}"


class Tier(models.Model):
    """A level of the programme, reached by what was bought, never by the spendable balance."""

    class Metric(models.TextChoices):
        SPEND = "spend", _("net spend in 12 months")
        POINTS = "points", _("points earned in 12 months")
        VISITS = "visits", _("visits in 12 months")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name_en = models.CharField(_("name (English)"), max_length=100)
    name_zh = models.CharField(_("name (Chinese)"), max_length=100, blank=True)
    rank = models.PositiveSmallIntegerField(_("rank"), unique=True, help_text=_("0 is where everybody starts."))
    metric = models.CharField(_("metric"), max_length=10, choices=Metric, default=Metric.SPEND)
    threshold = models.PositiveBigIntegerField(
        _("threshold"), default=0, help_text=_("In the minor unit, points or visits; 0 is given by staff alone.")
    )
    multiplier = models.PositiveIntegerField(
        _("multiplier"), default=10_000, help_text=_("In basis points: 10,000 is once, 12,500 is a quarter more.")
    )

    name = LocalText("name")

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        constraints = [models.CheckConstraint(condition=Q(multiplier__gte=10_000), name="tier_never_takes_away")]

    def __str__(self) -> str:
        return self.name
