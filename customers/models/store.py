"""Where people buy."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.texts import LocalText
from customers.timezones import is_time_zone


def default_time_zone() -> str:
    """Return the programme's time zone."""
    return settings.TIME_ZONE


def validate_time_zone(value: str) -> None:
    """Refuse a name that no clock knows."""
    if not is_time_zone(value):
        raise ValidationError(
            _("%(value)s is not a time zone; write a name such as Europe/Berlin."), params={"value": value}
        )


class StoreQuerySet(models.QuerySet["Store"]):
    """Which stores."""

    def open(self) -> "StoreQuerySet":
        """Return the stores that sell today."""
        return self.filter(is_active=True)


class Store(models.Model):
    """A shop with a counter, or a web shop."""

    class Kind(models.TextChoices):
        COUNTER = "counter", _("counter")
        WEB = "web", _("web shop")

    code = models.SlugField(
        _("code"), max_length=40, unique=True, help_text=_("Short and stable; imports and tills use it.")
    )
    name_en = models.CharField(_("name (English)"), max_length=100)
    name_zh = models.CharField(_("name (Chinese)"), max_length=100, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.COUNTER)
    time_zone = models.CharField(
        _("time zone"), max_length=60, default=default_time_zone, validators=[validate_time_zone]
    )
    pending_days = models.PositiveSmallIntegerField(
        _("pending days"),
        default=0,
        help_text=_("Days until points of a purchase can be spent: 0 at a counter, 7 for a web shop."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    name = LocalText("name")
    objects = StoreQuerySet.as_manager()

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        constraints = [
            models.CheckConstraint(condition=models.Q(pending_days__lte=365), name="store_pending_days_within_a_year"),
        ]

    def __str__(self) -> str:
        return self.name
