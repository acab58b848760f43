"""The customer, how we recognise them, and what they agreed to."""

import unicodedata
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers import consent_words
from customers.models.history import AppendOnlyModel
from customers.models.store import validate_time_zone


def fold(name: str) -> str:
    """Return the form of a name in which beginnings are compared: no difference of case, width or blanks."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())[:150]


class CustomerQuerySet(models.QuerySet["Customer"]):
    """Which customers, and what to know of them without a query each."""

    def bulk_create(self, objs: Iterable["Customer"], *args: Any, **kwargs: Any) -> list["Customer"]:
        customers = list(objs)
        for customer in customers:
            customer.name_folded = fold(customer.name)
        return super().bulk_create(customers, *args, **kwargs)

    def enrolled(self) -> "CustomerQuerySet":
        """Return the customers who take part: neither erased nor merged into another."""
        return self.filter(erased_at=None, merged_into=None)

    def of_one_person(self, customer_id: int) -> list[int]:
        """Return the key of a customer and of every record that was merged into theirs, however often."""
        found = new = [customer_id]
        while new:
            new = list(self.filter(merged_into__in=new).order_by("pk").values_list("pk", flat=True))
            found = [*found, *new]
        return found

    def with_contact(self) -> "CustomerQuerySet":
        """Annotate `email` and `phone`, empty when unknown."""
        return self.annotate(email=_identifier("email"), phone=_identifier("phone"))

    def consenting(self, *, channel: str, purpose: str) -> "CustomerQuerySet":
        """Return the customers whose latest word on a channel and purpose is yes."""
        latest = Consent.objects.filter(customer=OuterRef("pk"), channel=channel, purpose=purpose).order_by("-pk")
        return self.annotate(_consent=Subquery(latest.values("is_granted")[:1])).filter(_consent=True)


def _identifier(kind: str) -> models.expressions.Combinable:
    rows = Identifier.objects.filter(customer=OuterRef("pk"), kind=kind).order_by("pk")
    return models.functions.Coalesce(Subquery(rows.values("value")[:1]), models.Value(""))


class Customer(models.Model):
    """A person in the programme, with or without a log-in."""

    member_number = models.CharField(
        _("member number"), max_length=32, unique=True, help_text=_("Printed on the card and in the QR code.")
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="customer",
        verbose_name=_("log-in"),
        help_text=_("Made by itself when the customer first asks for a log-in code."),
    )
    name = models.CharField(_("name"), max_length=150, blank=True)
    name_folded = models.CharField(
        _("name, folded"),
        max_length=150,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=_("Written with the name; beginnings are searched in it."),
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        choices=[("en", _("English")), ("zh-hans", _("Simplified Chinese"))],
        help_text=_("For pages and mails; empty follows the browser, and English in mails."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=60,
        blank=True,
        validators=[validate_time_zone],
        help_text=_("Empty is the programme's."),
    )
    birthday = models.DateField(_("birthday"), null=True, blank=True)
    birthday_set_at = models.DateTimeField(
        _("birthday set at"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the customer chose it themselves; they do so once."),
    )
    wants_reminders = models.BooleanField(
        _("wants reminders"),
        default=True,
        db_default=True,
        help_text=_("Mails before points expire; notices about the account leave in any case."),
    )
    home_store = models.ForeignKey(
        "customers.Store", on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("home store")
    )
    is_personalised = models.BooleanField(
        _("personalised"), default=True, help_text=_("Off: no recommendation or surprise is chosen from the purchases.")
    )
    preferred_categories = models.ManyToManyField(
        "customers.Category",
        blank=True,
        related_name="+",
        verbose_name=_("likes"),
        help_text=_("By the customer's own word: a little higher among the recommendations."),
    )
    disliked_categories = models.ManyToManyField(
        "customers.Category",
        blank=True,
        related_name="+",
        verbose_name=_("would rather not see"),
        help_text=_("By the customer's own word: further down among the recommendations."),
    )
    spending_held_until = models.DateTimeField(
        _("spending held until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Nobody spends points of this customer before: the e-mail address has just changed."),
    )
    enrolled_at = models.DateTimeField(_("enrolled at"), default=timezone.now)
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True, editable=False)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, verbose_name=_("merged into")
    )

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.CheckConstraint(condition=~Q(member_number=""), name="customer_has_a_member_number"),
            models.CheckConstraint(condition=~Q(merged_into=models.F("pk")), name="customer_not_merged_into_itself"),
        ]
        indexes = [
            # PostgreSQL's own class for texts that are searched by their beginning; SQLite needs none.
            models.Index(fields=["name_folded"], name="customer_name_begins", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["enrolled_at"], name="customer_enrolled_at"),
        ]

    def __str__(self) -> str:
        return f"{self.name or _('no name')} · {self.member_number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        fields = kwargs.get("update_fields")
        if fields is None or "name" in fields:
            self.name_folded = fold(self.name)
            kwargs["update_fields"] = fields and {*fields, "name_folded"}
        super().save(*args, **kwargs)

    @property
    def survivor(self) -> "Customer":
        """The record that is left of this one: itself, or the last one that it was merged into."""
        customer = self
        while customer.merged_into is not None:
            customer = customer.merged_into
        return customer

    @property
    def mail_language(self) -> str:
        """The language that mails to this customer are written in."""
        return self.language or settings.LANGUAGE_CODE


class Identifier(models.Model):
    """One way to recognise a customer; a value belongs to one customer only."""

    class Kind(models.TextChoices):
        EMAIL = "email", _("e-mail")
        PHONE = "phone", _("phone")
        CARD = "card", _("card")
        WECHAT = "wechat", _("WeChat")
        EXTERNAL = "external", _("number in another system")

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="identifiers", verbose_name=_("customer")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    value = models.CharField(_("value"), max_length=254)
    normalised = models.CharField(
        _("normalised"),
        max_length=254,
        editable=False,
        help_text=_("What is compared: lower case, phone numbers as +49301234567."),
    )
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("identifier")
        verbose_name_plural = _("identifiers")
        constraints = [
            models.UniqueConstraint(fields=["kind", "normalised"], name="identifier_belongs_to_one_customer"),
            models.CheckConstraint(condition=~Q(normalised=""), name="identifier_is_not_empty"),
        ]
        indexes = [models.Index(fields=["normalised"], name="identifier_normalised")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.value}"


class Consent(AppendOnlyModel):
    """What a customer agreed to or withdrew, when, and in which words; the latest row counts."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("e-mail")
        SMS = "sms", _("text message")
        WECHAT = "wechat", _("WeChat")
        PHONE = "phone", _("phone")
        POST = "post", _("post")

    class Purpose(models.TextChoices):
        MARKETING = "marketing", _("offers and surprises")
        SURVEYS = "surveys", _("surveys")

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="consents", verbose_name=_("customer")
    )
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    is_granted = models.BooleanField(_("granted"))
    wording = models.CharField(
        _("wording"), max_length=60, blank=True, help_text=_("Key and version of the text that was shown.")
    )
    source = models.CharField(
        _("source"),
        max_length=200,
        help_text=_("Where it was said, for example import:customers.csv or unsubscribe:link."),
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    occurred_at = models.DateTimeField(_("occurred at"))
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes = [models.Index(fields=["customer", "channel", "purpose", "-id"], name="consent_latest")]

    def get_wording_display(self) -> str:
        """Return the sentence that was shown, in the active language; empty when none is known."""
        return consent_words.sentence(wording=self.wording, purpose=self.purpose)

    def get_source_display(self) -> str:
        """Return where it was said, in words for the customer."""
        return consent_words.place(self.source)

    def __str__(self) -> str:
        word = _("yes") if self.is_granted else _("no")
        return f"{self.get_channel_display()}, {self.get_purpose_display()}: {word}"
