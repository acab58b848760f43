"""To whom a batch of coupons goes, with which mail, what that was expected to cost, and who said yes."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.texts import LocalText


class CouponPlanQuerySet(models.QuerySet["CouponPlan"]):
    """Which plans."""

    def waiting(self) -> "CouponPlanQuerySet":
        """Return the approved plans whose coupons or mails are not all out yet."""
        return self.filter(approved_at__isnull=False, finished_at=None)


class CouponPlan(models.Model):
    """What is to happen once a drafted batch is approved; it is carried out once, under its key."""

    class Audience(models.TextChoices):
        LATER = "later", _("nobody yet: coupons are issued later, one by one or from the batch")
        SEGMENT = "segment", _("a segment of the customers")
        LIST = "list", _("a list of customers")
        CODES = "codes", _("codes without a name, for print or another channel")

    batch = models.OneToOneField(
        "rewards.CouponBatch", on_delete=models.CASCADE, related_name="plan", verbose_name=_("batch")
    )
    key = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    version = models.PositiveIntegerField(
        _("version"), default=1, help_text=_("Counts the changes; what was approved is one version.")
    )
    audience = models.CharField(_("audience"), max_length=10, choices=Audience, default=Audience.LATER)
    segment = models.CharField(_("segment"), max_length=60, blank=True)
    customer_ids = models.JSONField(_("list"), default=list, blank=True)
    codes = models.PositiveIntegerField(_("codes"), default=0)
    has_mail = models.BooleanField(_("with a mail"), default=False)
    subject_en = models.CharField(_("subject (English)"), max_length=120, blank=True)
    subject_zh = models.CharField(_("subject (Chinese)"), max_length=120, blank=True)
    message_en = models.TextField(_("message (English)"), blank=True, max_length=2000)
    message_zh = models.TextField(_("message (Chinese)"), blank=True, max_length=2000)
    holdout = models.PositiveSmallIntegerField(
        _("compared"),
        default=0,
        help_text=_("How many of the customers get nothing, so that the effect can be measured; 0 measures nothing."),
    )
    trial = models.OneToOneField(
        "rewards.Trial",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="plan",
        verbose_name=_("trial"),
    )
    estimate = models.JSONField(
        _("estimate"), default=dict, editable=False, help_text=_("The figures on the page when it was last saved.")
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("drafted by")
    )
    requested_at = models.DateTimeField(_("drafted at"))
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved by"),
    )
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    finished_at = models.DateTimeField(
        _("finished at"), null=True, blank=True, help_text=_("When all coupons were issued and all mails queued.")
    )

    subject = LocalText("subject")
    message = LocalText("message")
    objects = CouponPlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("coupon plan")
        verbose_name_plural = _("coupon plans")
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by=None, approved_at=None)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="couponplan_approval_has_person_and_time",
            ),
            models.CheckConstraint(
                condition=~Q(audience="segment") | ~Q(segment=""), name="couponplan_names_a_segment"
            ),
            models.CheckConstraint(condition=~Q(audience="codes") | Q(codes__gt=0), name="couponplan_counts_its_codes"),
            models.CheckConstraint(
                condition=Q(has_mail=False) | Q(audience__in=["segment", "list"]), name="couponplan_mails_to_customers"
            ),
            models.CheckConstraint(
                condition=Q(holdout=0) | Q(audience__in=["segment", "list"], holdout__gte=500, holdout__lte=5_000),
                name="couponplan_compares_customers",
                violation_error_message=_("Between 5 and 50 of 100 customers of a segment or a list can be compared."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.version}"
