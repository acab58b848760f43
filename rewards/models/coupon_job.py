"""Work on many coupons that staff asked for, and how far it is."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class CouponJob(models.Model):
    """What was asked of a batch: coupons for nobody in particular, for a list or a segment; or a change of those issued.

    `cursor` is where the next step begins; it moves in the same transaction as the coupons of the step, so that a job goes on
    after a crash exactly where it stood.
    """

    class Kind(models.TextChoices):
        OPEN = "open", _("codes for whoever shows them")
        LIST = "list", _("coupons for a list of customers")
        SEGMENT = "segment", _("coupons for a segment")
        EXTEND = "extend", _("a later end")
        VOID = "void", _("voiding the rest")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    batch = models.ForeignKey(
        "rewards.CouponBatch", on_delete=models.PROTECT, related_name="jobs", editable=False, verbose_name=_("batch")
    )
    kind = models.CharField(_("what"), max_length=10, choices=Kind, editable=False)
    key = models.UUIDField(_("request"), unique=True, editable=False)
    segment = models.CharField(_("segment"), max_length=40, blank=True, editable=False)
    customer_ids = models.JSONField(_("customers"), default=list, editable=False)
    ends_at = models.DateTimeField(_("new end at"), null=True, blank=True, editable=False)
    void_reason = models.CharField(_("void reason"), max_length=200, blank=True, editable=False)
    total = models.PositiveBigIntegerField(_("asked for"), default=0, editable=False)
    done = models.PositiveBigIntegerField(_("worked through"), default=0, editable=False)
    changed = models.PositiveBigIntegerField(
        _("coupons"), default=0, editable=False, help_text=_("Issued, extended or voided.")
    )
    cursor = models.PositiveBigIntegerField(_("position"), default=0, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING, editable=False)
    reason = models.CharField(_("why it stopped"), max_length=500, blank=True, editable=False)
    language = models.CharField(_("language of the reason"), max_length=10, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, editable=False)
    claimed_at = models.DateTimeField(_("last sign of life"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("asked at"), editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
        verbose_name=_("by"),
    )

    class Meta:
        verbose_name = _("coupon job")
        verbose_name_plural = _("coupon jobs")
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="open") | Q(changed__lte=F("total")), name="couponjob_never_more_than_asked"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running"], finished_at=None)
                | Q(state__in=["stopped", "done", "failed"], finished_at__isnull=False),
                name="couponjob_finished_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"

    @property
    def is_running(self) -> bool:
        """Whether a worker has something to do."""
        return self.state in (self.State.WAITING, self.State.RUNNING)

    @property
    def percent(self) -> int:
        """How much of it is done, rounded down."""
        if self.state == self.State.DONE:
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0


class PrintedCodes(models.Model):
    """Which batch the codes of an imported file belong to: cards that a printer has numbered already."""

    job = models.OneToOneField(
        "customers.ImportJob", on_delete=models.CASCADE, related_name="printed_codes", verbose_name=_("import")
    )
    batch = models.ForeignKey(
        "rewards.CouponBatch", on_delete=models.PROTECT, related_name="printed_codes", verbose_name=_("batch")
    )

    class Meta:
        verbose_name = _("printed codes")
        verbose_name_plural = _("printed codes")

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.job_id}"
