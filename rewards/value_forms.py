"""Forms of staff for gift cards, store credit and taken rewards."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers import segments
from customers.models import Customer
from customers.money import MoneyField, money_hint
from customers.timezones import start_of_day
from rewards.forms import OnceForm
from rewards.models import Reward
from rewards.models.adjustment import Reason

WIDE = {"class": "vTextField"}


def _money(label: Any, help_text: Any, **options: Any) -> MoneyField:
    return MoneyField(label=label, help_text=help_text, **options)


class PaidForm(OnceForm):
    """Money that was paid in, and what the shop puts on top."""

    amount = _money(gettext_lazy("Paid"), gettext_lazy("What the customer pays for it now."))
    promotional = _money(
        gettext_lazy("On top from the shop"),
        gettext_lazy("Given, not paid: it is spent first. It counts against your limit for the day. Empty is nothing."),
        required=False,
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs=WIDE),
        help_text=gettext_lazy("The customer reads this beside the movement."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].help_text = f"{money_hint()} {self.fields['amount'].help_text}"

    def clean_amount(self) -> int:
        if not self.cleaned_data["amount"]:
            raise ValidationError(_("Give an amount above 0."))
        return self.cleaned_data["amount"]

    def clean_promotional(self) -> int:
        return self.cleaned_data["promotional"] or 0


class SellCardForm(PaidForm):
    """A new gift card."""

    member_number = forms.CharField(
        label=gettext_lazy("Member number"),
        max_length=32,
        required=False,
        help_text=gettext_lazy("Whose it is alone. Empty: whoever shows the card, until somebody claims it."),
    )
    last_day = forms.DateField(
        label=pgettext_lazy("of validity", "Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("Empty is without end. Mind the law of your country: it often asks for years."),
    )
    field_order = ["amount", "promotional", "member_number", "last_day", "note"]
    customer: Customer | None = None

    def clean_member_number(self) -> str:
        number = self.cleaned_data["member_number"].strip()
        if number:
            self.customer = Customer.objects.enrolled().filter(member_number=number).first()
            if self.customer is None:
                raise ValidationError(_("No customer has this member number."))
        return number

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        day = data.get("last_day")
        data["expires_at"] = start_of_day(day.fromordinal(day.toordinal() + 1)) if day else None
        return data


class GiveForm(OnceForm):
    """Money given or taken by hand."""

    direction = forms.ChoiceField(
        label=gettext_lazy("What"),
        choices=[("give", gettext_lazy("give")), ("take", gettext_lazy("take"))],
        help_text=gettext_lazy("What is taken comes off what the shop gave first."),
    )
    amount = _money(gettext_lazy("Amount"), "")
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=[("", "—"), *Reason.choices])
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=300,
        widget=forms.TextInput(attrs=WIDE),
        help_text=gettext_lazy("The customer reads this beside the movement: say why in a friendly sentence."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].help_text = money_hint()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("amount") == 0:
            self.add_error("amount", _("Give an amount above 0."))
        if data.get("amount") and data.get("direction") == "take":
            data["amount"] = -data["amount"]
        return data


class BlockForm(forms.Form):
    """Why a card is blocked."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=forms.TextInput(attrs=WIDE),
        help_text=gettext_lazy("For colleagues; the customer only sees that it is blocked. The money stays on it."),
    )


class CancelOrderForm(forms.Form):
    """Why the shop cancels a reward."""

    note = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=forms.TextInput(attrs=WIDE),
        help_text=gettext_lazy("The customer reads it, gets the points back, and a mail that says so."),
    )


class RewardForm(forms.ModelForm):
    """A reward of the catalogue."""

    segment = forms.ChoiceField(
        label=gettext_lazy("Segment"),
        required=False,
        help_text=gettext_lazy("Only these customers see it. Empty is everybody."),
    )

    class Meta:
        model = Reward
        fields = "__all__"  # noqa: DJ007 the admin's fieldsets choose

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "segment" in self.fields:
            self.fields["segment"].choices = [("", _("— everybody —")), *segments.choices()]

    def clean_stock(self) -> int | None:
        stock = self.cleaned_data["stock"]
        if stock is not None and stock < self.instance.taken:
            raise ValidationError(_("%(taken)d are taken already.") % {"taken": self.instance.taken})
        return stock
