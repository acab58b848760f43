"""Ways to a survey that are no mail: a link or a QR code for one campaign and one place, and the thanks for coming by it."""

import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from surveys import channels

# No letters and digits that are taken for each other on paper.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def new_code() -> str:
    """Return a code that nobody guesses: 10 signs, 49 bits."""
    return "".join(secrets.choice(ALPHABET) for _place in range(10))


class SurveyLink(models.Model):
    """A public link to a campaign's survey, for one place where people find it; answers are counted by that place."""

    campaign = models.ForeignKey(
        "surveys.Campaign", on_delete=models.PROTECT, related_name="links", db_index=False, verbose_name=_("campaign")
    )
    channel = models.CharField(
        pgettext_lazy("of a link", "place"), max_length=20, help_text=_("Answers are counted by it.")
    )
    label = models.CharField(
        _("note"), max_length=60, blank=True, help_text=_("To tell two links of one place apart, such as two tables.")
    )
    code = models.CharField(_("code"), max_length=20, unique=True, default=new_code, editable=False)
    is_active = models.BooleanField(_("in use"), default=True, help_text=_("Switched off, the link says so."))
    closes_at = models.DateTimeField(_("closes at"), null=True, blank=True, help_text=_("Empty stays open."))
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
        verbose_name = _("link to a survey")
        verbose_name_plural = _("links to surveys")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "channel", "label"],
                name="surveylink_once_per_place",
                violation_error_message=_("There is such a link already; add a note to tell them apart."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign} · {channels.ALL.get(self.channel, self.channel)}" + (
            f" ({self.label})" if self.label else ""
        )


class LinkThanks(models.Model):
    """What a customer got for answering by a link; once per campaign, and of no answer in particular."""

    campaign = models.ForeignKey(
        "surveys.Campaign",
        on_delete=models.PROTECT,
        related_name="link_thanks",
        db_index=False,
        verbose_name=_("campaign"),
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="link_thanks", verbose_name=_("customer")
    )
    # What the page of thanks asks of any thanks.
    state = "granted"

    points = models.PositiveIntegerField(_("points"))
    coupon = models.OneToOneField(
        "rewards.Coupon", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("coupon")
    )
    earned_at = models.DateTimeField(_("earned at"))

    class Meta:
        verbose_name = _("thanks for an answer by link")
        verbose_name_plural = _("thanks for answers by link")
        constraints = [models.UniqueConstraint(fields=["campaign", "customer"], name="linkthanks_once")]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.customer_id}: {self.points}"
