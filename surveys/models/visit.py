"""What a link in a mail was asked to record before anybody was seen to be there."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Intent(models.Model):
    """One opening of a rating link. Link scanners open them all, so it answers nothing; it only helps to tell."""

    class Agent(models.TextChoices):
        BROWSER = "browser", _("browser")
        SCANNER = "scanner", _("link scanner")
        OTHER = "other", _("other program")

    invitation = models.ForeignKey(
        "surveys.Invitation", on_delete=models.CASCADE, related_name="intents", verbose_name=_("invitation")
    )
    value = models.PositiveSmallIntegerField(
        _("value"), null=True, blank=True, help_text=_("Empty for the link that no person can see.")
    )
    agent = models.CharField(_("opened by"), max_length=10, choices=Agent)
    occurred_at = models.DateTimeField(_("occurred at"), default=timezone.now)

    class Meta:
        verbose_name = _("opened rating link")
        verbose_name_plural = _("opened rating links")

    def __str__(self) -> str:
        return f"{self.invitation_id}: {self.value} ({self.agent})"
