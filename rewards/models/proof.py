"""What the nightly proof of the books found, and the digest that is mailed."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.history import AppendOnlyModel


class BookProof(AppendOnlyModel):
    """One proof. The digest covers every customer's last seal; mailed out, it keeps even yesterday's books from being rewritten."""

    proven_at = models.DateTimeField(_("proven at"), default=timezone.now)
    is_balanced = models.BooleanField(_("balanced"))
    customers = models.PositiveBigIntegerField(_("customers"))
    transactions = models.PositiveBigIntegerField(_("transactions"))
    digest = models.CharField(_("digest"), max_length=64)
    trial_balance = models.JSONField(_("trial balance"), help_text=_("Points per account."))
    faults = models.JSONField(_("faults"), default=list, help_text=_("The first 100 rows that do not fit."))

    class Meta:
        verbose_name = _("proof of the books")
        verbose_name_plural = _("proofs of the books")
        indexes = [models.Index(fields=["-proven_at"], name="bookproof_newest")]

    def __str__(self) -> str:
        return f"{self.proven_at:%Y-%m-%d %H:%M}"
