"""Providers of text messages, through which a campaign reaches customers by their phone number instead of by e-mail."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Gateway(models.Model):
    """An account at a provider of text messages. Its address is a secret and kept sealed; recipients are no part of it."""

    name = models.CharField(pgettext_lazy("of a thing", "name"), max_length=60, unique=True)
    service = models.CharField(_("service"), max_length=20, editable=False)
    sealed_url = models.BinaryField(_("sealed address"), editable=False)
    is_active = models.BooleanField(
        _("in use"),
        default=True,
        help_text=_("While it is not, messages wait and no campaign can be scheduled with it."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("message gateway")
        verbose_name_plural = _("message gateways")

    def __str__(self) -> str:
        return self.name
