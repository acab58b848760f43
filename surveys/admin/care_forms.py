"""The forms of cases."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import User
from rewards.forms import OnceForm
from rewards.models import CouponBatch
from surveys.models import Case


class CaseForm(forms.ModelForm):
    """A case; closing it as resolved asks for the cause and for what was done."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("state") == Case.State.RESOLVED:
            for name, sentence in (
                ("cause", _("Write down what went wrong before closing the case as resolved.")),
                ("outcome", _("Write down what was done before closing the case as resolved.")),
            ):
                if name not in self.errors and not (cleaned.get(name) or "").strip():
                    self.add_error(name, sentence)
        return cleaned


class GiftForm(OnceForm):
    """Points or a coupon to make something good again, of which the person may give."""

    points = forms.IntegerField(
        label=gettext_lazy("Points"), min_value=1, max_value=100_000, required=False,
        help_text=gettext_lazy("Within your own limits, as on the customer's record."),
    )  # fmt: skip
    batch = forms.ModelChoiceField(
        label=gettext_lazy("Coupon"), queryset=CouponBatch.objects.none(), required=False,
        help_text=gettext_lazy("The batches that are active today."),
    )  # fmt: skip
    note = forms.CharField(
        label=gettext_lazy("Note"), max_length=200, required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("The customer reads it beside the points."),
    )  # fmt: skip

    def __init__(self, *args: Any, batches: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["batch"].queryset = batches
        if not by.has_perm("rewards.add_pointtransaction"):
            del self.fields["points"], self.fields["note"]
        if not by.has_perm("rewards.add_coupon"):
            del self.fields["batch"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned.setdefault("points", None)
        cleaned.setdefault("batch", None)
        if not self.errors and bool(cleaned["points"]) == bool(cleaned["batch"]):
            raise forms.ValidationError(_("Choose either points or a coupon."))
        if cleaned.get("points") and not cleaned.get("note"):
            cleaned["note"] = _("With our apologies")
        return cleaned
