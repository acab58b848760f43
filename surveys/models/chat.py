"""Groups in a chat that a robot may write to, and every post that was meant to go there."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ChatGroup(models.Model):
    """A group of customers in WeCom, Feishu, DingTalk, Telegram and the like, reached by its robot."""

    name = models.CharField(pgettext_lazy("of a thing", "name"), max_length=60, unique=True)
    service = models.CharField(_("service"), max_length=20, editable=False)
    sealed_url = models.BinaryField(_("sealed address"), editable=False)
    language = models.CharField(
        _("language"), max_length=10, choices=[("en", _("English")), ("zh-hans", _("Simplified Chinese"))], default="en"
    )
    rest_days = models.PositiveSmallIntegerField(
        _("days of rest"), default=14, help_text=_("No second survey is posted within these days, over all campaigns.")
    )
    is_active = models.BooleanField(_("in use"), default=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("chat group")
        verbose_name_plural = _("chat groups")

    def __str__(self) -> str:
        return self.name


class ChatPost(models.Model):
    """One survey link posted to one group. At most once: what nobody confirmed is never sent again by itself."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("sending")
        SENT = "sent", _("accepted by the service")
        UNCONFIRMED = "unconfirmed", _("not confirmed")
        CANCELLED = "cancelled", _("cancelled")

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(ChatGroup, on_delete=models.PROTECT, related_name="posts", verbose_name=_("chat group"))
    link = models.ForeignKey(
        "surveys.SurveyLink", on_delete=models.PROTECT, related_name="posts", verbose_name=_("link to a survey")
    )
    text = models.CharField(_("text"), max_length=500)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.QUEUED)
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    queued_at = models.DateTimeField(_("queued at"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )

    class Meta:
        verbose_name = _("post to a chat group")
        verbose_name_plural = _("posts to chat groups")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="queued", claimed_at=None) | Q(state="cancelled") | Q(claimed_at__isnull=False),
                name="chatpost_claimed_before_it_leaves",
            )
        ]
        indexes = [models.Index(fields=["state", "id"], name="chatpost_by_state")]

    def __str__(self) -> str:
        return f"{self.group}: {self.link}"
