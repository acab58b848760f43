"""Acting on what was heard: cases and the contact log."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class CaseQuerySet(models.QuerySet["Case"]):
    """Which cases."""

    def open(self) -> "CaseQuerySet":
        """Return the cases somebody still has to close."""
        return self.filter(state__in=OPEN_STATES)


class Case(models.Model):
    """Somebody was unhappy; somebody else makes it good."""

    class State(models.TextChoices):
        NEW = "new", _("new")
        CONTACTED = "contacted", _("contacted")
        WAITING = "waiting", _("waiting")
        RESOLVED = "resolved", _("resolved")
        UNREACHABLE = "unreachable", _("unreachable")
        NO_ACTION = "no_action", _("no action")

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="cases",
        verbose_name=_("customer"),
    )
    response = models.OneToOneField(
        "surveys.Response",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="case",
        verbose_name=_("response"),
    )
    store = models.ForeignKey(
        "customers.Store",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("store"),
        help_text=_("Whose people take care; where the customer was last."),
    )
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.NEW)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="cases",
        verbose_name=_("owner"),
    )
    subject = models.CharField(_("subject"), max_length=200)
    due_at = models.DateTimeField(_("due at"))
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)
    escalated_at = models.DateTimeField(
        _("escalated at"), null=True, blank=True, editable=False, help_text=_("When the managers were told it is late.")
    )
    cause = models.CharField(
        _("cause"),
        max_length=200,
        blank=True,
        help_text=_("What went wrong, in a few words; needed to close the case."),
    )
    outcome = models.TextField(_("outcome"), blank=True, help_text=_("What was done; needed to close the case."))

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["new", "contacted", "waiting"], closed_at=None)
                | Q(state__in=["resolved", "unreachable", "no_action"], closed_at__isnull=False),
                name="case_closed_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="resolved") | ~Q(outcome=""),
                name="case_resolved_says_how",
                violation_error_message=_("A resolved case says what was done."),
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="case_due"),
            models.Index(fields=["due_at"], condition=Q(closed_at=None, escalated_at=None), name="case_to_escalate"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.subject}"


OPEN_STATES = (Case.State.NEW, Case.State.CONTACTED, Case.State.WAITING)


class CaseRule(models.Model):
    """Which answers open a case. The first rule that fits an answer names the case."""

    class Test(models.TextChoices):
        RATING = "rating", _("a low rating")
        WORDS = "words", _("words in a comment")
        CHOICE = "choice", _("a choice was made")

    class Rated(models.TextChoices):
        NPS = "nps", _("recommendation, 0 to 10 (NPS)")
        CSAT = "csat", _("satisfaction, 1 to 5 (CSAT)")
        CES = "ces", _("effort, 1 to 7 (CES)")
        STARS = "stars", _("stars, 1 to 5")

    name = models.CharField(pgettext_lazy("of a thing", "name"), max_length=60)
    survey = models.ForeignKey(
        "surveys.Survey",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="case_rules",
        verbose_name=_("survey"),
        help_text=_("Empty is every survey."),
    )
    test = models.CharField(_("opens a case"), max_length=10, choices=Test, default=Test.RATING)
    question_kind = models.CharField(_("rating"), max_length=10, choices=Rated, blank=True)
    at_most = models.PositiveSmallIntegerField(pgettext_lazy("of a score", "at most"), null=True, blank=True)
    words = models.TextField(
        _("words"), blank=True, help_text=_("One per line, in any language; any of them opens a case.")
    )
    question_key = models.SlugField(
        _("key of the question"), max_length=40, blank=True, db_index=False, help_text=_("For “please call me”.")
    )
    choice_number = models.PositiveSmallIntegerField(
        _("number of the choice"), null=True, blank=True, help_text=_("Counted from 1.")
    )
    due_days = models.PositiveSmallIntegerField(_("due in"), default=2, help_text=_("Working days, Monday to Friday."))
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("rule for cases")
        verbose_name_plural = _("rules for cases")
        constraints = [
            models.CheckConstraint(
                condition=~Q(test="rating") | ~Q(question_kind="") & Q(at_most__isnull=False),
                name="caserule_rating_is_whole",
                violation_error_message=_("Say which rating, and up to which number."),
            ),
            models.CheckConstraint(
                condition=~Q(test="words") | ~Q(words=""),
                name="caserule_words_are_given",
                violation_error_message=_("Write the words, one per line."),
            ),
            models.CheckConstraint(
                condition=~Q(test="choice")
                | ~Q(question_key="") & Q(choice_number__gte=1, choice_number__isnull=False),
                name="caserule_choice_is_whole",
                violation_error_message=_("Say which question and which choice."),
            ),
            models.CheckConstraint(
                condition=Q(due_days__lte=60),
                name="caserule_due_in_time",
                violation_error_message=_("A case is due within 60 working days."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ContactLogEntry(models.Model):
    """One conversation with a customer, on whatever channel."""

    class Channel(models.TextChoices):
        HOTLINE = "hotline", _("hotline")
        STORE = "store", _("store")
        WECHAT = "wechat", _("WeChat")
        WEIBO = "weibo", _("Weibo")
        WHATSAPP = "whatsapp", "WhatsApp"
        FACEBOOK = "facebook", "Facebook"
        INSTAGRAM = "instagram", "Instagram"
        X = "x", "X"
        EMAIL = "email", _("e-mail")
        OTHER = "other", _("other")

    class Direction(models.TextChoices):
        IN = "in", _("from the customer")
        OUT = "out", _("to the customer")

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="contacts", verbose_name=_("customer")
    )
    case = models.ForeignKey(
        Case, on_delete=models.PROTECT, null=True, blank=True, related_name="contacts", verbose_name=_("case")
    )
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    direction = models.CharField(_("direction"), max_length=3, choices=Direction, default=Direction.IN)
    topic = models.CharField(_("topic"), max_length=100)
    text = models.TextField(_("what was said"), blank=True)
    link = models.URLField(_("link"), blank=True)
    duration_minutes = models.PositiveSmallIntegerField(_("minutes"), null=True, blank=True)
    follow_up_date = models.DateField(_("follow up on"), null=True, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"), default=timezone.now)
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("by"),
    )

    key = models.UUIDField(
        _("key"), null=True, blank=True, unique=True, editable=False, help_text=_("The same form writes once.")
    )

    class Meta:
        verbose_name = _("contact log entry")
        verbose_name_plural = _("contact log")
        indexes = [models.Index(fields=["customer", "-occurred_at", "-id"], name="contact_of_customer")]

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d} {self.get_channel_display()}: {self.topic}"
