"""What customers ask of their own data: a copy of it, and its end."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class DataExport(models.Model):
    """A file with everything about a customer: asked for, made by a worker, fetched, deleted."""

    class State(models.TextChoices):
        WAITING = "waiting", _("being made")
        READY = "ready", _("ready")
        GONE = "gone", _("deleted")
        FAILED = "failed", _("failed")

    class Reason(models.TextChoices):
        """Why staff made it; a customer needs none."""

        REQUEST = "request", _("the customer asked for it")
        AUTHORITY = "authority", _("an authority asked for it")
        COMPLAINT = "complaint", _("a complaint is looked into")

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="data_exports", verbose_name=_("customer")
    )
    token = models.CharField(_("token"), max_length=32, unique=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    claimed_at = models.DateTimeField(_("last sign of life"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    ready_at = models.DateTimeField(_("ready at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("can be fetched until"))
    size = models.PositiveBigIntegerField(_("size"), default=0)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
        help_text=_("Empty when the customer asked."),
    )

    class Meta:
        verbose_name = _("export of personal data")
        verbose_name_plural = _("exports of personal data")
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="ready") | Q(ready_at__isnull=False), name="dataexport_ready_at_a_time"
            ),
            models.CheckConstraint(condition=Q(by=None) | ~Q(reason=""), name="dataexport_by_staff_for_a_reason"),
        ]
        indexes = [models.Index(fields=["customer", "-asked_at"], name="dataexport_of_customer")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.get_state_display()}"

    @property
    def path(self) -> Path:
        """Where the file lies, under a name that nobody can guess."""
        return folder() / f"{self.token}.zip"

    @property
    def unfinished_path(self) -> Path:
        """Where it lies while it is being written."""
        return self.path.with_suffix(".unfinished")

    def remove_files(self) -> None:
        """Delete the file, and what a worker that was stopped has left of it."""
        self.path.unlink(missing_ok=True)
        self.unfinished_path.unlink(missing_ok=True)

    remove_files.alters_data = True


def folder() -> Path:
    """Return the folder of the exports, for the portal's own user only."""
    path = Path(settings.VAR_DIR) / "exports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


class Erasure(models.Model):
    """The end of a customer's data: asked for, waiting while it can be called off, done. Done rows are the list of the erased."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        CANCELLED = "cancelled", _("called off")
        DONE = "done", _("done")

    class Reason(models.TextChoices):
        CUSTOMER = "customer", _("the customer's own wish")
        REQUEST = "request", _("the customer asked us")
        INACTIVE = "inactive", _("not seen for too long")
        RESTORED = "restored", _("erased before a backup was restored")

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="erasures", verbose_name=_("customer")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason)
    asked_at = models.DateTimeField(_("asked at"))
    due_at = models.DateTimeField(_("due at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
        help_text=_("Empty for the customer and for the calendar."),
    )

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(state="waiting"), name="erasure_waits_once_per_customer"
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", finished_at=None) | (~Q(state="waiting") & Q(finished_at__isnull=False)),
                name="erasure_finished_at_a_time",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="waiting"), name="erasure_due")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.get_state_display()}"
