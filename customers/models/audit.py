"""Who of the staff, which program or which customer did or saw what: written once, in the transaction of the deed, for two years."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models.history import AppendOnlyModel


class AuditEvent(AppendOnlyModel):
    """One deed or one look at a customer. Keys and words of closed lists only, no name, so that an erasure leaves it whole."""

    class Action(models.TextChoices):
        VIEWED = "viewed", _("record opened")
        FOUND = "found", _("found in a search or list")
        CONTACTS = "contacts", _("contacts read")
        EXPORTED = "exported", _("data exported")
        DOWNLOADED = "downloaded", _("export downloaded")
        ERASURE_ASKED = "erasure_asked", _("erasure asked for")
        ERASURE_CANCELLED = "erasure_cancelled", _("erasure called off")
        ERASED = "erased", _("erased")
        MERGED = "merged", _("merged")
        UNMERGED = "unmerged", _("merge undone")
        KEPT_NO_LONGER = "kept_no_longer", _("taken away what is kept no longer")
        PERIOD = "period", _("how long something is kept changed")
        PREFERENCES = "preferences", _("preferences changed")
        SIGNED_IN = "signed_in", _("signed in")
        TURNED_AWAY = "turned_away", _("wrong code or password")
        DENIED = "denied", _("page refused")
        FACTOR = "factor", _("second factor changed")
        RIGHTS = "rights", _("rights changed")

    class Place(models.TextChoices):
        ADMIN = "admin", _("office")
        TILL = "till", _("till")
        API = "api", _("another system of the shop")
        PORTAL = "portal", _("these pages")
        COMMAND = "command", _("the system itself")

    action = models.CharField(_("what"), max_length=20, choices=Action)
    place = models.CharField(_("where"), max_length=10, choices=Place)
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="audit_events",
        db_index=False,
        verbose_name=_("customer"),
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    api_key = models.ForeignKey(
        "customers.ApiKey",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("API key"),
    )
    role = models.CharField(_("role"), max_length=40, blank=True, help_text=_("Of that moment."))
    store = models.ForeignKey(
        "customers.Store",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("store"),
    )
    reason = models.CharField(_("reason"), max_length=40, blank=True, help_text=_("A word of a closed list."))
    reference = models.CharField(_("concerns"), max_length=60, blank=True, help_text=_("Key of what it was about."))
    changes = models.JSONField(
        _("before and after"), default=dict, blank=True, help_text=_("Of the rights of staff and roles.")
    )
    network = models.CharField(
        _("network"), max_length=16, blank=True, help_text=_("Digest of the address: equal for one place.")
    )
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        constraints = [
            models.CheckConstraint(condition=Q(by=None) | Q(api_key=None), name="auditevent_is_of_one_actor"),
        ]
        indexes = [
            models.Index(fields=["customer", "-occurred_at", "-id"], name="auditevent_of_customer"),
            models.Index(fields=["-occurred_at", "-id"], name="auditevent_newest"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.action}"
