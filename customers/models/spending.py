"""How a customer shows at the till that they may spend: their PIN, a mailed code, and each proof that was accepted."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class TillPin(models.Model):
    """Six digits that a customer has chosen for the till. Only their Argon2 digest is kept."""

    customer = models.OneToOneField(
        "customers.Customer", on_delete=models.CASCADE, related_name="till_pin", verbose_name=_("customer")
    )
    digest = models.CharField(_("digest"), max_length=128, editable=False)
    set_at = models.DateTimeField(_("set at"))
    tries = models.PositiveSmallIntegerField(_("tries"), default=0, help_text=_("Since the last right one."))
    locked_until = models.DateTimeField(_("locked until"), null=True, blank=True)

    class Meta:
        verbose_name = _("till PIN")
        verbose_name_plural = _("till PINs")
        constraints = [models.CheckConstraint(condition=~Q(digest=""), name="tillpin_has_a_digest")]

    def __str__(self) -> str:
        return f"#{self.pk}"


class MailedCode(models.Model):
    """Six digits mailed to a customer, to spend at the till or to confirm something; the keyed digest alone is kept."""

    class Purpose(models.TextChoices):
        TILL = "till", _("spending at the till")
        PRIVACY = "privacy", _("export and erasure")

    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose, default=Purpose.TILL, db_default="till")
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="mailed_codes", verbose_name=_("customer")
    )
    digest = models.CharField(_("digest"), max_length=64, editable=False)
    sent_at = models.DateTimeField(_("sent at"))
    expires_at = models.DateTimeField(_("expires at"))
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("mailed code")
        verbose_name_plural = _("mailed codes")
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("sent_at")), name="mailedcode_expires_after_its_start"),
        ]
        indexes = [models.Index(fields=["customer", "-sent_at"], name="mailedcode_newest")]

    def __str__(self) -> str:
        return f"#{self.pk}"


class SpendingProof(models.Model):
    """What showed staff that the customer themselves wants to spend; it lets through one spending, within minutes."""

    class Kind(models.TextChoices):
        CODE = "code", _("fresh member code")
        PIN = "pin", _("till PIN")
        MAIL = "mail", _("mailed code")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="spending_proofs",
        db_index=False,
        verbose_name=_("customer"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    code_digest = models.CharField(
        _("digest of the code"), max_length=64, null=True, editable=False, help_text=_("A fresh code proves once.")
    )
    request_key = models.CharField(
        _("key of the request"),
        max_length=100,
        null=True,
        editable=False,
        help_text=_("Asked again, it proves the same."),
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    proved_at = models.DateTimeField(_("proved at"))
    expires_at = models.DateTimeField(_("expires at"))
    used_for = models.CharField(_("used for"), max_length=200, blank=True, help_text=_("Stable key of the spending."))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("spending proof")
        verbose_name_plural = _("spending proofs")
        constraints = [
            models.UniqueConstraint(fields=["code_digest"], name="spendingproof_code_once"),
            models.UniqueConstraint(fields=["request_key"], name="spendingproof_request_once"),
            models.CheckConstraint(
                condition=Q(kind="code", code_digest__isnull=False) | ~Q(kind="code") & Q(code_digest=None),
                name="spendingproof_code_has_a_digest",
            ),
            models.CheckConstraint(
                condition=Q(used_for="", used_at=None) | ~Q(used_for="") & Q(used_at__isnull=False),
                name="spendingproof_used_when_and_for_what",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("proved_at")), name="spendingproof_expires_after_its_start"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-proved_at"], name="spendingproof_of_customer"),
            models.Index(fields=["-proved_at", "id"], name="spendingproof_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.proved_at:%Y-%m-%d %H:%M}"
