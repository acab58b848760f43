"""What a campaign's mails said: a copy of its texts, made when mails are planned, and never changed."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.history import AppendOnlyModel
from customers.texts import LocalText


class Wording(AppendOnlyModel):
    """The texts of a campaign as some of its messages have them. Edited texts are a new row, so that a message keeps its own."""

    class Arm(models.TextChoices):
        A = "a", "A"
        B = "b", "B"

    campaign = models.ForeignKey(
        "surveys.Campaign",
        on_delete=models.PROTECT,
        related_name="wordings",
        db_index=False,
        verbose_name=_("campaign"),
    )
    arm = models.CharField(_("subject"), max_length=1, choices=Arm, default=Arm.A)
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    subject_en = models.CharField(_("subject (English)"), max_length=150)
    subject_zh = models.CharField(_("subject (Chinese)"), max_length=150, blank=True)
    reminder_subject_en = models.CharField(_("reminder's subject (English)"), max_length=150, blank=True)
    reminder_subject_zh = models.CharField(_("reminder's subject (Chinese)"), max_length=150, blank=True)
    body_en = models.TextField(_("text (English)"), blank=True)
    body_zh = models.TextField(_("text (Chinese)"), blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    subject = LocalText("subject")
    reminder_subject = LocalText("reminder_subject")

    class Meta:
        verbose_name = _("wording")
        verbose_name_plural = _("wordings")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "arm", "revision"], name="wording_revision_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_arm_display()}{self.revision}: {self.subject}"
