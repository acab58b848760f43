"""Two records of one person made one, and what is needed to part them again."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class CustomerMerge(models.Model):
    """One record went into another. `moved` holds the keys of what moved, by part; points stand in the books."""

    duplicate = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="merges_away", verbose_name=_("duplicate")
    )
    kept = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="merges_into", verbose_name=_("kept")
    )
    moved = models.JSONField(_("moved"), default=dict, editable=False)
    merged_at = models.DateTimeField(_("merged at"))
    undo_until = models.DateTimeField(_("can be undone until"))
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("undone by"),
    )

    class Meta:
        verbose_name = _("merge of two customers")
        verbose_name_plural = _("merges of customers")
        constraints = [
            models.UniqueConstraint(
                fields=["duplicate"], condition=Q(undone_at=None), name="customermerge_once_per_duplicate"
            ),
            models.CheckConstraint(condition=~Q(duplicate=F("kept")), name="customermerge_of_two"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.duplicate_id} → {self.kept_id}"

    @property
    def source(self) -> str:
        """The key of what this merge causes in the books."""
        return f"merge:{self.pk}"
