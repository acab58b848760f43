"""Forms of the till: bound at every step, so that what was typed stays until it counts."""

import re
import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Category, Store
from customers.money import MoneyField

MOST_PIECES = 9_999
CONTROL = {"class": "form-control", "autocomplete": "off", "spellcheck": "false"}


class TillMoneyField(MoneyField):
    """An amount as it is typed at a counter: 12.50, and 12,50 where the digits leave no doubt."""

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str) and self.digits:
            value = re.sub(rf"^\s*([0-9]+),([0-9]{{{self.digits}}})\s*$", r"\1.\2", value)
        return super().to_python(value)


class StationForm(forms.Form):
    """Where do you work?"""

    store = forms.ModelChoiceField(
        label=gettext_lazy("Store"), queryset=Store.objects.none(), widget=forms.Select(attrs={"class": "form-select"})
    )
    till = forms.CharField(
        label=gettext_lazy("Till"),
        max_length=20,
        initial="1",
        widget=forms.TextInput(attrs=CONTROL),
        help_text=gettext_lazy("Its name or number, as it stands on the receipts."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["store"].queryset = Store.objects.open().filter(kind=Store.Kind.COUNTER).order_by("pk")


class FindForm(forms.Form):
    """Who is it?"""

    q = forms.CharField(
        label=gettext_lazy("Customer"),
        max_length=300,
        widget=forms.TextInput(
            attrs=CONTROL | {"class": "form-control till-find", "autofocus": True, "inputmode": "search", "autocapitalize": "off"}
        ),
    )  # fmt: skip


class SaleForm(forms.Form):
    """What of a sale is not a line: what is being added, and how it is paid."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    amount = TillMoneyField(label=gettext_lazy("Amount"), required=False)
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"), queryset=Category.objects.none(), required=False,
        widget=forms.Select(attrs={"class": "form-select"}),
    )  # fmt: skip
    product = forms.CharField(label=gettext_lazy("Product"), max_length=200, required=False)
    code = forms.CharField(label=gettext_lazy("Code of a coupon or gift card"), max_length=80, required=False)
    points = forms.IntegerField(label=gettext_lazy("Points"), min_value=0, max_value=10**9, required=False)
    proof = forms.CharField(label=gettext_lazy("Customer's code"), max_length=200, required=False)
    reference = forms.CharField(label=gettext_lazy("Receipt number"), max_length=40, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].queryset = Category.objects.order_by("name_en", "pk")
        self.fields["category"].empty_label = _("no category")
        example = "0.00" if settings.PROGRAMME_CURRENCY_DIGITS else "0"
        looks = {
            "amount": {"inputmode": "decimal", "placeholder": example, "class": "form-control till-amount"},
            "product": {"placeholder": _("Name or SKU, or scan")},
            "code": {
                "autocapitalize": "characters",
                "placeholder": "XXXX-XXXX-XXXX",
                "class": "form-control till-code",
                "data-coupon-code": "code-hint",
            },
            "points": {"inputmode": "numeric", "min": 0},
            "proof": {"placeholder": _("Scan, or type the digits")},
            "reference": {"placeholder": _("made by itself")},
        }
        for name, attributes in looks.items():
            self.fields[name].widget.attrs |= CONTROL | attributes

    def clean_amount(self) -> int | None:
        amount = self.cleaned_data["amount"]
        if amount == 0:
            raise ValidationError(_("An amount is above 0."))
        return amount


class LineForm(forms.Form):
    """One line of the basket."""

    product = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    quantity = forms.IntegerField(label=gettext_lazy("Quantity"), min_value=0, max_value=MOST_PIECES)
    price = TillMoneyField(label=gettext_lazy("Price"), required=False)
    discount = TillMoneyField(label=gettext_lazy("Discount"), required=False)


class CodeForm(forms.Form):
    """The code of a gift card or a pick-up ticket."""

    code = forms.CharField(
        label=gettext_lazy("Code of the gift card or the ticket"),
        max_length=80,
        widget=forms.TextInput(
            attrs=CONTROL | {
                "class": "form-control till-code", "autocapitalize": "characters", "placeholder": "XXXX-XXXX-XXXX",
                "data-coupon-code": "code-hint", "autofocus": True,
            }
        ),
    )  # fmt: skip


class MoneyForm(forms.Form):
    """An amount of money that is put on a card, once."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    amount = TillMoneyField(
        label=gettext_lazy("Amount"),
        widget=forms.TextInput(attrs=CONTROL | {"inputmode": "decimal", "class": "form-control till-amount"}),
    )

    def clean_amount(self) -> int | None:
        amount = self.cleaned_data["amount"]
        if amount == 0:
            raise ValidationError(_("An amount is above 0."))
        return amount


class KeyForm(forms.Form):
    """Something that is done once."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class ReceiptForm(forms.Form):
    """Which receipt is it about?"""

    number = forms.CharField(
        label=gettext_lazy("Receipt number"),
        max_length=64,
        widget=forms.TextInput(attrs=CONTROL | {"autofocus": True, "autocapitalize": "characters"}),
    )
