"""What people wrote, made easy to search and to sort: the folded text, tags by staff, themes by keywords, kept filters."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.texts import LocalText


class VerbatimTag(models.Model):
    """A word that staff put on comments."""

    name = models.CharField(pgettext_lazy("of a thing", "name"), max_length=40, unique=True)

    class Meta:
        verbose_name = _("tag of comments")
        verbose_name_plural = _("tags of comments")
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="verbatimtag_has_a_name")]

    def __str__(self) -> str:
        return self.name


class Verbatim(models.Model):
    """The searchable side of one written answer; made by the clock, and gone with its answer."""

    answer = models.OneToOneField(
        "surveys.Answer", on_delete=models.CASCADE, primary_key=True, related_name="verbatim", verbose_name=_("answer")
    )
    folded = models.TextField(
        _("text, folded"), help_text=_("No difference of case, width and accents; words stand between single blanks.")
    )
    tags = models.ManyToManyField(VerbatimTag, blank=True, related_name="verbatims", verbose_name=_("tags"))

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")

    def __str__(self) -> str:
        return self.folded.strip()[:60]


class Theme(models.Model):
    """A topic that comments are about, recognised by keywords that anybody can read and change."""

    name_en = models.CharField(_("name (English)"), max_length=60)
    name_zh = models.CharField(_("name (Chinese)"), max_length=60, blank=True)
    words_en = models.TextField(
        _("keywords (English)"), blank=True, help_text=_("One per line. “wait” also finds “waiting” and “waited”.")
    )
    words_zh = models.TextField(_("keywords (Chinese)"), blank=True, help_text=_("One per line; found anywhere."))
    is_active = models.BooleanField(_("in use"), default=True)

    name = LocalText("name")

    class Meta:
        verbose_name = _("theme of comments")
        verbose_name_plural = _("themes of comments")
        constraints = [
            models.CheckConstraint(
                condition=~Q(words_en="", words_zh=""),
                name="theme_has_keywords",
                violation_error_message=_("A theme needs keywords in at least one language."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class SavedFilter(models.Model):
    """A look at comments that somebody wants to come back to; everybody who reads comments sees it."""

    survey = models.ForeignKey(
        "surveys.Survey", on_delete=models.CASCADE, related_name="saved_filters", verbose_name=_("survey")
    )
    name = models.CharField(pgettext_lazy("of a thing", "name"), max_length=60)
    query = models.CharField(_("query"), max_length=500, blank=True)
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

    class Meta:
        verbose_name = _("kept filter")
        verbose_name_plural = _("kept filters")
        constraints = [models.UniqueConstraint(fields=["survey", "name"], name="savedfilter_name_once")]

    def __str__(self) -> str:
        return self.name
