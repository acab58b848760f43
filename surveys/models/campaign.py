"""Campaigns: whom to ask what, when, and how often."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.texts import LocalText

# A text message is paid by the piece of 70 to 160 characters, and the link follows.
MOST_IN_A_MESSAGE = 300


class Campaign(models.Model):
    """What is asked of whom, when and with which thanks; every sending of it is a run."""

    class Trigger(models.TextChoices):
        ONE_OFF = "one_off", _("once")
        RECURRING = "recurring", _("again and again")
        PURCHASE = "purchase", _("after each purchase")
        NTH_PURCHASE = "nth_purchase", _("after a certain purchase, such as the fifth")
        TIER = "tier", _("when a tier is reached")
        POINTS_EXPIRING = "points_expiring", _("when points are about to expire")
        LAPSED = "lapsed", _("when somebody has stayed away")
        BIRTHDAY = "birthday", _("for the birthday")
        CONTACT = "contact", _("after a call to the hotline")
        CASE_CLOSED = "case_closed", _("after a case was closed")

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        REQUESTED = "requested", _("waiting for release")
        SCHEDULED = "scheduled", _("scheduled")
        PAUSED = "paused", _("paused")
        CANCELLED = "cancelled", _("cancelled")
        ARCHIVED = "archived", _("archived")

    class Rhythm(models.TextChoices):
        DAILY = "daily", _("every day")
        WEEKLY = "weekly", _("every week")
        MONTHLY = "monthly", _("every month")
        QUARTERLY = "quarterly", _("every quarter")
        YEARLY = "yearly", _("every year")

    class OnQuarantine(models.TextChoices):
        DROP = "drop", _("do not ask")
        DEFER = "defer", _("try again for seven days")

    name = models.CharField(pgettext_lazy("of a thing", "name"), max_length=100, help_text=_("For staff."))
    survey = models.ForeignKey(
        "surveys.Survey", on_delete=models.PROTECT, related_name="campaigns", verbose_name=_("survey")
    )
    gateway = models.ForeignKey(
        "surveys.Gateway",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        verbose_name=_("sent by"),
        help_text=_(
            "Empty sends e-mails. Otherwise customers get a text message, who agreed to surveys by text message."
        ),
    )
    trigger = models.CharField(_("trigger"), max_length=16, choices=Trigger, default=Trigger.ONE_OFF)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT, editable=False)
    scheduled_at = models.DateTimeField(
        _("send at"),
        null=True,
        blank=True,
        help_text=_("In the programme's time zone. What has a trigger of its own begins to look for it then."),
    )
    rhythm = models.CharField(
        _("rhythm"),
        max_length=10,
        choices=Rhythm,
        blank=True,
        help_text=_("Of what comes again and again: counted from the first time, at the same hour of the clock."),
    )
    ends_at = models.DateTimeField(
        _("ends at"), null=True, blank=True, help_text=_("Nothing new begins after this. Empty is never.")
    )
    delay_days = models.PositiveSmallIntegerField(
        _("days of delay"), default=1, help_text=_("Between the occasion and the mail.")
    )
    delay_days_web = models.PositiveSmallIntegerField(
        _("days of delay, web shop"), default=7, help_text=_("After a purchase in the web shop, so that it can arrive.")
    )
    number = models.PositiveIntegerField(
        _("number"),
        null=True,
        blank=True,
        help_text=_("Which purchase (5 is the fifth), or how many points at least are about to expire."),
    )
    days = models.PositiveSmallIntegerField(
        _("days"),
        null=True,
        blank=True,
        help_text=_("Without a purchase, or left until points expire, or before the birthday."),
    )
    tier = models.ForeignKey(
        "rewards.Tier",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("tier"),
        help_text=_("Which tier is reached. Empty is any."),
    )
    on_quarantine = models.CharField(
        _("who was asked not long ago"),
        max_length=10,
        choices=OnQuarantine,
        default=OnQuarantine.DROP,
        help_text=_("What happens when the occasion falls into the quarantine."),
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"),
        default=5,
        help_text=_("From 1, the highest, to 9: which campaign may ask when two want the same person."),
    )
    segment = models.CharField(_("audience"), max_length=40, help_text=_("A segment of customers."))
    store = models.ForeignKey(
        "customers.Store",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("store"),
        help_text=_("Only customers who bought here. Empty is all."),
    )
    sample = models.PositiveIntegerField(
        _("sample"), default=10_000, help_text=_("In basis points of the audience: 10,000 asks everybody.")
    )
    holdout = models.PositiveIntegerField(
        _("hold-out"), default=0, help_text=_("In basis points: kept apart and never asked, to compare with.")
    )
    quarantine_days = models.PositiveSmallIntegerField(
        _("quarantine days"),
        default=30,
        help_text=_("Nobody gets a second survey mail within these days, over all campaigns; never within 24 hours."),
    )
    answered_days = models.PositiveSmallIntegerField(
        _("days of rest after an answer"),
        default=90,
        help_text=_("Whoever answered any survey within these days is not asked."),
    )
    spread_days = models.PositiveSmallIntegerField(
        _("spread over days"), default=1, help_text=_("1 sends all on one day; 5 a fifth each day, by lot.")
    )
    reminders = models.PositiveSmallIntegerField(
        _("reminders"),
        default=1,
        help_text=_("To those who have not answered: none, 1 or 2. The second brings little and annoys more."),
    )
    reminder_days = models.PositiveSmallIntegerField(
        _("days until a reminder"), default=4, help_text=_("After the mail before it.")
    )
    subject_en = models.CharField(
        _("subject (English)"), max_length=150, blank=True, help_text=_("Of an e-mail; a text message has none.")
    )
    subject_zh = models.CharField(_("subject (Chinese)"), max_length=150, blank=True)
    subject_b_en = models.CharField(
        _("second subject (English)"),
        max_length=150,
        blank=True,
        help_text=_("To compare: half the mails get it, by lot. Empty compares nothing."),
    )
    subject_b_zh = models.CharField(_("second subject (Chinese)"), max_length=150, blank=True)
    reminder_subject_en = models.CharField(
        _("reminder's subject (English)"),
        max_length=150,
        blank=True,
        help_text=_("Another one than the first mail's. Empty writes “Your opinion counts:” before the subject."),
    )
    reminder_subject_zh = models.CharField(_("reminder's subject (Chinese)"), max_length=150, blank=True)
    body_en = models.TextField(
        _("text (English)"), blank=True, help_text=_("The paragraph above the link. {name} is the customer's name.")
    )
    body_zh = models.TextField(_("text (Chinese)"), blank=True)
    points = models.PositiveIntegerField(
        _("thank-you points"), default=0, help_text=_("Whatever the answer; 0 promises nothing.")
    )
    coupon_batch = models.ForeignKey(
        "rewards.CouponBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("thank-you coupon"),
        help_text=_("A coupon of this batch, whatever the answer."),
    )
    thanks_per_day = models.PositiveIntegerField(
        _("thanks per day"), null=True, blank=True, help_text=_("Later ones wait for the next day. Empty is no limit.")
    )
    thanks_limit = models.PositiveIntegerField(
        _("thanks in all"),
        null=True,
        blank=True,
        help_text=_("Once used up nothing is promised any more; who was promised waits for you. Empty is no limit."),
    )
    thanks_holdout = models.PositiveSmallIntegerField(
        _("compared"),
        default=0,
        help_text=_(
            "In basis points: asked without a promise of thanks, by a coin, to learn what the thanks do. 0 compares nothing."
        ),
    )
    trial = models.OneToOneField(
        "rewards.Trial",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="campaign",
        verbose_name=_("trial"),
    )
    quick_seconds = models.PositiveSmallIntegerField(
        _("too quick"),
        default=3,
        help_text=_("Thanks for answers given in fewer seconds are held until somebody has looked. 0 holds none."),
    )
    hour_from = models.PositiveSmallIntegerField(
        _("from hour"), default=9, help_text=_("Mails leave in this window of the customer's day.")
    )
    hour_until = models.PositiveSmallIntegerField(_("until hour"), default=20)
    answer_days = models.PositiveSmallIntegerField(
        _("answer days"), default=30, help_text=_("How long the link can be answered.")
    )
    per_claim = models.PositiveSmallIntegerField(
        _("mails per claim"),
        default=20,
        help_text=_("How many mails a crash can leave uncertain. 1 is the most careful, 20 the quickest."),
    )
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

    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
        verbose_name=_("requested by"),
    )
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
        verbose_name=_("released by"),
    )
    released_at = models.DateTimeField(_("released at"), null=True, blank=True, editable=False)

    subject = LocalText("subject")
    subject_b = LocalText("subject_b")
    reminder_subject = LocalText("reminder_subject")

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "cancelled", "archived"]) | Q(scheduled_at__isnull=False),
                name="campaign_scheduled_has_a_time",
                violation_error_message=_("A scheduled campaign needs a time."),
            ),
            models.CheckConstraint(
                condition=Q(sample__lte=10_000, holdout__lte=10_000),
                name="campaign_shares_at_most_all",
                violation_error_message=_("Sample and hold-out are at most 10,000 basis points, which is everybody."),
            ),
            models.CheckConstraint(
                condition=Q(thanks_holdout=0)
                | Q(thanks_holdout__gte=500, thanks_holdout__lte=5_000)
                & (Q(points__gt=0) | Q(coupon_batch__isnull=False)),
                name="campaign_compares_thanks",
                violation_error_message=_(
                    "Between 5 and 50 of 100 can be asked without thanks, and only where there are any."
                ),
            ),
            models.CheckConstraint(
                condition=Q(hour_from__lt=F("hour_until"), hour_until__lte=24),
                name="campaign_window_is_open",
                violation_error_message=_("The window must end after it begins, at 24 at the latest."),
            ),
            models.CheckConstraint(
                condition=Q(per_claim__gte=1, per_claim__lte=500),
                name="campaign_claims_some",
                violation_error_message=_("Mails per claim lie between 1 and 500."),
            ),
            models.CheckConstraint(
                condition=Q(trigger="recurring") & ~Q(rhythm="") | ~Q(trigger="recurring") & Q(rhythm=""),
                name="campaign_recurs_in_a_rhythm",
                violation_error_message=_("Say how often it comes again; only a campaign that does has a rhythm."),
            ),
            models.CheckConstraint(
                condition=~Q(trigger="nth_purchase") | Q(number__isnull=False, number__gte=1),
                name="campaign_knows_which_purchase",
                violation_error_message=_("Say which purchase, such as 5 for the fifth."),
            ),
            models.CheckConstraint(
                condition=~Q(trigger__in=["lapsed", "points_expiring"]) | Q(days__isnull=False, days__gte=1),
                name="campaign_knows_how_many_days",
                violation_error_message=_("Say how many days."),
            ),
            models.CheckConstraint(
                condition=Q(priority__gte=1, priority__lte=9),
                name="campaign_priority_in_bounds",
                violation_error_message=_("The priority lies between 1 and 9."),
            ),
            models.CheckConstraint(
                condition=Q(spread_days__gte=1, spread_days__lte=30),
                name="campaign_spreads_over_days",
                violation_error_message=_("Mails are spread over 1 to 30 days."),
            ),
            models.CheckConstraint(
                condition=Q(reminders__lte=2, reminder_days__gte=1),
                name="campaign_reminds_twice_at_most",
                violation_error_message=_(
                    "There are two reminders at most, each a day or more after the mail before it."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Ask for what an e-mail needs, and of a text message for no more than it can hold."""
        if self.gateway_id is None and not self.subject_en:
            raise ValidationError({"subject_en": _("An e-mail needs a subject.")})
        if self.gateway_id is None:
            return
        long = _("A text message holds %(most)d characters at most; the link follows them.")
        found = {
            name: long % {"most": MOST_IN_A_MESSAGE}
            for name in ("body_en", "body_zh")
            if len(getattr(self, name)) > MOST_IN_A_MESSAGE
        }
        if self.subject_b_en or self.subject_b_zh:
            found["subject_b_en"] = _("A text message has no subject to compare.")
        if found:
            raise ValidationError(found)

    @property
    def is_triggered(self) -> bool:
        """Whether it waits for something to happen to each customer, and has no audience of one moment."""
        return self.trigger not in (self.Trigger.ONE_OFF, self.Trigger.RECURRING)
