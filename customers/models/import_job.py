"""A file that staff handed in, and how far its import is."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportJob(models.Model):
    """A file of customers, purchases or printed codes: checked first, then imported when somebody says so."""

    class Kind(models.TextChoices):
        CUSTOMERS = "customers", _("customers")
        PURCHASES = "purchases", _("purchases")
        COUPONS = "coupons", _("printed coupon codes")

    class State(models.TextChoices):
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked, not imported yet")
        IMPORTING = "importing", _("being imported")
        DONE = "done", _("imported")
        FAILED = "failed", _("failed")

    kind = models.CharField(_("what is in the file"), max_length=10, choices=Kind, default=Kind.PURCHASES)
    name = models.CharField(_("file"), max_length=200, editable=False)
    token = models.CharField(_("token"), max_length=32, unique=True, editable=False)
    size = models.PositiveBigIntegerField(_("size"), default=0, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.CHECKING, editable=False)
    steps_done = models.PositiveBigIntegerField(_("steps done"), default=0, editable=False)
    steps = models.PositiveBigIntegerField(_("steps"), default=0, editable=False)
    counts = models.JSONField(_("counts"), default=dict, editable=False)
    bad_lines = models.PositiveBigIntegerField(_("bad lines"), default=0, editable=False)
    reason = models.CharField(_("why it failed"), max_length=500, blank=True, editable=False)
    language = models.CharField(_("language of the report"), max_length=10, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, editable=False)
    claimed_at = models.DateTimeField(_("last sign of life"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("handed in at"), editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, editable=False, related_name="+", verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [models.CheckConstraint(condition=~models.Q(token=""), name="importjob_has_a_token")]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        """Where the file lies, under a name that nobody can guess; never served."""
        return folder() / f"{self.token}.csv"

    @property
    def errors_path(self) -> Path:
        """Where the list of bad lines lies."""
        return folder() / f"{self.token}.errors.csv"

    @property
    def is_running(self) -> bool:
        """Whether a worker has something to do."""
        return self.state in (self.State.CHECKING, self.State.IMPORTING)


def folder() -> Path:
    """Return the folder of the uploads, for the portal's own user only."""
    path = Path(settings.VAR_DIR) / "imports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
