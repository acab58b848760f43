"""Segments that marketers make themselves: named conditions, all of which hold, and who is in by the last night."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.texts import LocalText


class SavedFilter(models.Model):
    """A named filter over facts about customers; wherever a segment can be chosen, it can be."""

    code = models.SlugField(
        _("code"), max_length=30, unique=True, help_text=_("Short and stable; coupons and campaigns remember it.")
    )
    name_en = models.CharField(_("name (English)"), max_length=100)
    name_zh = models.CharField(_("name (Chinese)"), max_length=100, blank=True)
    conditions = models.JSONField(_("conditions"), default=dict, help_text=_("Fact and value; all of them hold."))
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    followed_at = models.DateTimeField(
        _("last followed"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("The last night that noted who came and went."),
    )

    name = LocalText("name")

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        constraints = [models.CheckConstraint(condition=~Q(code=""), name="savedfilter_has_a_code")]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """The key of the segment."""
        return f"filter-{self.code}"


class FilterMember(models.Model):
    """A customer whom the last night found in a filter."""

    saved_filter = models.ForeignKey(
        SavedFilter, on_delete=models.CASCADE, related_name="members", db_index=False, verbose_name=_("saved filter")
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="+", verbose_name=_("customer")
    )

    class Meta:
        verbose_name = _("member of a filter")
        verbose_name_plural = _("members of filters")
        constraints = [
            models.UniqueConstraint(fields=["saved_filter", "customer"], name="filtermember_once"),
        ]

    def __str__(self) -> str:
        return f"{self.saved_filter_id}/{self.customer_id}"


class FilterEvent(models.Model):
    """A customer entered or left a filter; noted by night."""

    class Kind(models.TextChoices):
        ENTERED = "entered", _("came in")
        LEFT = "left", _("went out")

    saved_filter = models.ForeignKey(
        SavedFilter, on_delete=models.CASCADE, related_name="events", db_index=False, verbose_name=_("saved filter")
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="+", verbose_name=_("customer")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        verbose_name = _("change of a filter")
        verbose_name_plural = _("changes of filters")
        indexes = [models.Index(fields=["saved_filter", "-id"], name="filterevent_newest")]

    def __str__(self) -> str:
        return f"{self.saved_filter_id} {self.kind} {self.customer_id}"
