"""Where somebody is signed in."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class SignedInDevice(models.Model):
    """One browser that is signed in: what it says it is and when it was last here. No place, no network address."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="devices", verbose_name=_("user")
    )
    session_key = models.CharField(_("session key"), max_length=40, unique=True, editable=False)
    user_agent = models.CharField(_("what the browser says it is"), max_length=300, blank=True)
    signed_in_at = models.DateTimeField(_("signed in at"))
    seen_at = models.DateTimeField(_("last seen at"))

    class Meta:
        verbose_name = _("signed-in device")
        verbose_name_plural = _("signed-in devices")
        constraints = [
            models.CheckConstraint(condition=~Q(session_key=""), name="signedindevice_has_a_session"),
            models.CheckConstraint(
                condition=Q(seen_at__gte=models.F("signed_in_at")), name="signedindevice_seen_after_signing_in"
            ),
        ]
        indexes = [models.Index(fields=["user", "-seen_at"], name="signedindevice_of_user")]

    def __str__(self) -> str:
        return f"#{self.pk}"
