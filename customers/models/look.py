"""How the portal looks: the merchant's name, logo and colour. One row."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.texts import LocalText


class Look(models.Model):
    """The merchant's own name, logo and colour; where nothing is said the portal keeps its own."""

    DEFAULT_COLOUR = "#b3361b"

    name_en = models.CharField(
        _("name (English)"), max_length=60, blank=True, help_text=_("Empty: as the server's settings say.")
    )
    name_zh = models.CharField(_("name (Chinese)"), max_length=60, blank=True)
    colour = models.CharField(
        _("colour"),
        max_length=7,
        default=DEFAULT_COLOUR,
        validators=[RegexValidator(r"^#[0-9a-f]{6}\Z", _("A colour is written as # and six of 0-9 and a-f."))],
        help_text=_("Shades of it that could not be read are made darker or lighter by themselves."),
    )
    logo = models.BinaryField(_("logo"), blank=True, default=b"", editable=False)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    name = LocalText("name")

    class Meta:
        verbose_name = _("look of the portal")
        verbose_name_plural = _("look of the portal")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="look_is_one")]

    def __str__(self) -> str:
        return self.name or str(_("look of the portal"))
