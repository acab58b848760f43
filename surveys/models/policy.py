"""What the law of a country asks of survey mails to its people."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.texts import LocalText


class MailPolicy(models.Model):
    """One country's row: a mark in the subject and words at the end of the mail, and why staff wrote them."""

    country = models.CharField(
        _("country"),
        max_length=2,
        unique=True,
        validators=[RegexValidator(r"^[A-Z]{2}\Z", _("Two capital letters, such as CN or DE."))],
        help_text=_("Two letters, such as CN; a customer's country follows from their time zone."),
    )
    subject_prefix = models.CharField(
        _("before the subject"),
        max_length=20,
        blank=True,
        help_text=_("Such as “AD” or 广告 where the law asks for it."),
    )
    footer_en = models.TextField(_("at the end (English)"), max_length=1000, blank=True)
    footer_zh = models.TextField(_("at the end (Chinese)"), max_length=1000, blank=True)
    basis = models.CharField(
        _("basis"),
        max_length=200,
        blank=True,
        help_text=_("For your records: on what the mails are based, such as consent."),
    )
    transfer = models.TextField(
        _("transfer abroad"), blank=True, help_text=_("For your records: where the addresses are kept and sent from.")
    )

    footer = LocalText("footer")

    class Meta:
        verbose_name = _("rule for a country")
        verbose_name_plural = _("rules for countries")

    def __str__(self) -> str:
        return self.country
