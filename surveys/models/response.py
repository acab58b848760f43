"""What customers answered."""

import secrets
import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ResponseQuerySet(models.QuerySet["Response"]):
    """Which responses."""

    def completed(self) -> "ResponseQuerySet":
        """Return the finished answers that count: no tests."""
        return self.filter(completed_at__isnull=False, is_test=False)


class Response(models.Model):
    """One person's answers to one version; one per invitation.

    Of an anonymous survey a response belongs to nobody, and its times are those of the run: nothing in the row, neither its
    key nor its place among others, leads back to who was asked. It stays `started` as long as neither `completed_at` nor
    `declined_at` is set; what was answered until then is kept, and counts as partial.
    """

    class Mode(models.TextChoices):
        WEB = "web", _("web")
        PHONE = "phone", _("phone")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(
        "surveys.SurveyVersion", on_delete=models.PROTECT, related_name="responses", verbose_name=_("survey version")
    )
    invitation = models.ForeignKey(
        "surveys.Invitation",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="responses",
        verbose_name=_("invitation"),
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="responses",
        verbose_name=_("customer"),
    )
    campaign = models.ForeignKey(
        "surveys.Campaign",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="responses",
        verbose_name=_("campaign"),
    )
    run = models.ForeignKey(
        "surveys.Run",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="responses",
        verbose_name=_("run"),
        help_text=_("Empty for answers that no mail asked for."),
    )
    is_anonymous = models.BooleanField(_("anonymous"), default=False)
    channel = models.CharField(
        _("channel"),
        max_length=40,
        default="email",
        help_text=_("Where the link was found: email, wechat, receipt, window …"),
    )
    mode = models.CharField(_("mode"), max_length=10, choices=Mode, default=Mode.WEB)
    language = models.CharField(_("language"), max_length=10)
    is_test = models.BooleanField(_("test"), default=False)
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    declined_at = models.DateTimeField(_("declined at"), null=True, blank=True)
    page = models.PositiveSmallIntegerField(_("pages answered"), default=0, editable=False)
    seconds = models.PositiveIntegerField(
        _("seconds"), null=True, blank=True, editable=False, help_text=_("How long the answering pages were open.")
    )
    flags = models.JSONField(
        _("remarks"), default=list, blank=True, editable=False, help_text=_("What looks odd about this answer.")
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("by"),
    )

    objects = ResponseQuerySet.as_manager()

    class Meta:
        verbose_name = _("response")
        verbose_name_plural = _("responses")
        constraints = [
            models.UniqueConstraint(
                fields=["invitation"], condition=Q(is_test=False), name="response_once_per_invitation"
            ),
            models.CheckConstraint(
                condition=Q(is_anonymous=False) | Q(invitation=None, customer=None, by=None),
                name="response_anonymous_is_nobodys",
            ),
            models.CheckConstraint(
                condition=Q(completed_at=None) | Q(declined_at=None), name="response_completed_or_declined"
            ),
            models.CheckConstraint(
                condition=Q(is_test=False) | Q(invitation=None, run=None), name="response_test_is_of_no_run"
            ),
        ]
        indexes = [models.Index(fields=["completed_at"], name="response_completed_at")]

    def __str__(self) -> str:
        return f"{self.version} · {timezone.localtime(self.started_at):%Y-%m-%d %H:%M}"


def random_key() -> int:
    """Return a negative key. Counted keys would tell in which order anonymous answers came, and so whose they are."""
    return -1 - secrets.randbelow(2**62)


class Answer(models.Model):
    """One answer to one question: a number for ratings and numbers, chosen numbers for choices, else a text.

    `chosen` holds the numbers of the choices, counted from 0: of several choices in their order, of a ranking best first,
    of a matrix one for each row, null where the row was left out.
    """

    response = models.ForeignKey(
        Response, on_delete=models.CASCADE, related_name="answers", db_index=False, verbose_name=_("response")
    )
    question = models.ForeignKey(
        "surveys.Question", on_delete=models.PROTECT, related_name="answers", verbose_name=_("question")
    )
    number = models.BigIntegerField(_("number"), null=True, blank=True)
    chosen = models.JSONField(_("chosen"), null=True, blank=True, help_text=_("Numbers of the choices, from 0."))
    text = models.TextField(_("text"), blank=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [models.UniqueConstraint(fields=["response", "question"], name="answer_once_per_question")]

    def __str__(self) -> str:
        rated = self.chosen if self.number is None else self.number
        return f"{self.question_id}: {self.text or rated}"
