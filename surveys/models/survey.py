"""Surveys, their published versions and the questions. Answers point at a version, which never changes."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.texts import LocalText, local_text


class Survey(models.Model):
    """One questionnaire over all its versions."""

    class Anonymity(models.TextChoices):
        IDENTIFIED = "identified", _("identified: the shop sees who answered")
        CONFIDENTIAL = "confidential", _("confidential: only totals are shown")
        ANONYMOUS = "anonymous", _("anonymous: nobody can ever find out")

    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    title_en = models.CharField(_("title (English)"), max_length=150)
    title_zh = models.CharField(_("title (Chinese)"), max_length=150, blank=True)
    intro_en = models.TextField(_("introduction (English)"), blank=True)
    intro_zh = models.TextField(_("introduction (Chinese)"), blank=True)
    thanks_en = models.TextField(_("thanks (English)"), blank=True, help_text=_("Shown after the last question."))
    thanks_zh = models.TextField(_("thanks (Chinese)"), blank=True)
    anonymity = models.CharField(
        _("anonymity"),
        max_length=12,
        choices=Anonymity,
        default=Anonymity.IDENTIFIED,
        help_text=_("Said to the customer on the first page, and a promise: it no longer changes once published."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    title = LocalText("title")
    intro = LocalText("intro")
    thanks = LocalText("thanks")

    class Meta:
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")

    def __str__(self) -> str:
        return self.title


class SurveyVersionQuerySet(models.QuerySet["SurveyVersion"]):
    """Which versions."""

    def published(self) -> "SurveyVersionQuerySet":
        """Return the versions that can be sent."""
        return self.filter(published_at__isnull=False)


class SurveyVersion(models.Model):
    """A set of questions; frozen once published."""

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="versions", verbose_name=_("survey"))
    number = models.PositiveIntegerField(_("version"))
    published_at = models.DateTimeField(_("published at"), null=True, blank=True, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("by"),
    )

    objects = SurveyVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("survey version")
        verbose_name_plural = _("survey versions")
        constraints = [
            models.UniqueConstraint(fields=["survey", "number"], name="surveyversion_number_once"),
            models.UniqueConstraint(fields=["survey"], condition=Q(published_at=None), name="surveyversion_one_draft"),
        ]

    def __str__(self) -> str:
        return f"{self.survey} v{self.number}"

    @property
    def is_published(self) -> bool:
        """A published version can no longer be edited."""
        return self.published_at is not None


class Question(models.Model):
    """One question of a version. The scale belongs to the kind and is never mixed."""

    class Kind(models.TextChoices):
        NPS = "nps", _("recommendation, 0 to 10 (NPS)")
        CSAT = "csat", _("satisfaction, 1 to 5 (CSAT)")
        CES = "ces", _("effort, 1 to 7 (CES)")
        STARS = "stars", _("stars, 1 to 5")
        CHOICE = "choice", _("one choice")
        SCALE = "scale", _("scale of your own")
        MULTIPLE = "multiple", _("several choices")
        MATRIX = "matrix", _("matrix, one choice per row")
        RANKING = "ranking", _("ranking, best first")
        TEXT = "text", _("text")
        NUMBER = "number", _("number")
        DATE = "date", _("date")

    class Test(models.TextChoices):
        AT_LEAST = "at_least", _("is at least")
        AT_MOST = "at_most", _("is at most")
        ONE_OF = "one_of", _("is one of")
        NONE_OF = "none_of", _("is none of")
        ANSWERED = "answered", _("was answered")

    SCALES = {Kind.NPS: range(11), Kind.CSAT: range(1, 6), Kind.CES: range(1, 8), Kind.STARS: range(1, 6)}

    version = models.ForeignKey(
        SurveyVersion, on_delete=models.PROTECT, related_name="questions", db_index=False, verbose_name=_("version")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    key = models.SlugField(
        _("key"), max_length=40, help_text=_("Stable over versions; exports use it as the column's name.")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    text_en = models.CharField(_("question (English)"), max_length=300)
    text_zh = models.CharField(_("question (Chinese)"), max_length=300, blank=True)
    choices_en = models.TextField(
        _("choices (English)"), blank=True, help_text=_("One per line, only for questions with choices.")
    )
    choices_zh = models.TextField(_("choices (Chinese)"), blank=True, help_text=_("In the same order."))
    rows_en = models.TextField(_("rows (English)"), blank=True, help_text=_("One per line, only for a matrix."))
    rows_zh = models.TextField(_("rows (Chinese)"), blank=True, help_text=_("In the same order."))
    least = models.SmallIntegerField(
        pgettext_lazy("of a scale", "from"),
        null=True,
        blank=True,
        help_text=_("For a scale of your own and for numbers."),
    )
    most = models.IntegerField(_("up to"), null=True, blank=True)
    low_en = models.CharField(_("lowest means (English)"), max_length=60, blank=True)
    low_zh = models.CharField(_("lowest means (Chinese)"), max_length=60, blank=True)
    high_en = models.CharField(_("highest means (English)"), max_length=60, blank=True)
    high_zh = models.CharField(_("highest means (Chinese)"), max_length=60, blank=True)
    is_required = models.BooleanField(_("required"), default=False)
    begins_page = models.BooleanField(_("begins a page"), default=False)
    show_if_key = models.SlugField(
        _("only if"), max_length=40, blank=True, db_index=False, help_text=_("The key of an earlier question.")
    )
    show_if_test = models.CharField(_("condition"), max_length=10, choices=Test, blank=True)
    show_if_values = models.CharField(
        _("values"),
        max_length=100,
        blank=True,
        help_text=_("Numbers, separated by commas; choices are counted from 1. Example: 0,1,2"),
    )

    text = LocalText("text")
    low = LocalText("low")
    high = LocalText("high")

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="question_position_once"),
            models.UniqueConstraint(fields=["version", "key"], name="question_key_once"),
            models.CheckConstraint(
                condition=~Q(kind__in=["choice", "multiple", "matrix", "ranking"]) | ~Q(choices_en=""),
                name="question_choices_are_given",
                violation_error_message=_("A question with choices needs them, one per line."),
            ),
            models.CheckConstraint(
                condition=~Q(kind="matrix") | ~Q(rows_en=""),
                name="question_matrix_has_rows",
                violation_error_message=_("A matrix needs rows, one per line."),
            ),
            models.CheckConstraint(
                condition=~Q(kind="scale") | Q(least__isnull=False, most__isnull=False, least__gte=0, most__lte=10),
                name="question_scale_has_ends",
                violation_error_message=_("A scale needs its two ends, between 0 and 10."),
            ),
            models.CheckConstraint(
                condition=Q(least=None) | Q(most=None) | Q(least__lt=F("most")),
                name="question_least_before_most",
                violation_error_message=_("The highest number must be above the lowest."),
            ),
            models.CheckConstraint(
                condition=Q(show_if_key="", show_if_test="") | ~Q(show_if_key="") & ~Q(show_if_test=""),
                name="question_condition_is_whole",
                violation_error_message=_("A condition needs both the question and what its answer must be."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.text}"

    @property
    def scale(self) -> range | None:
        """The numbers of a rating question, or None."""
        if self.kind == self.Kind.SCALE:
            return range(self.least or 0, (self.most or 0) + 1)
        return self.SCALES.get(self.Kind(self.kind))

    @property
    def choices(self) -> list[tuple[int, str]]:
        """The choices as (number, text in the active language); the number is what is stored."""
        return _numbered(self.choices_en, self.choices_zh)

    @property
    def rows(self) -> list[tuple[int, str]]:
        """The rows of a matrix as (number, text in the active language)."""
        return _numbered(self.rows_en, self.rows_zh)


def _numbered(english: str, chinese: str) -> list[tuple[int, str]]:
    """Return the lines in the active language; a line without translation stands in for it."""
    other = chinese.splitlines()
    return [
        (number, local_text(text, other[number] if number < len(other) else ""))
        for number, text in enumerate(english.splitlines())
    ]
