"""Forms for the keys of the API."""

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import ApiKey
from customers.models.api_key import Scope

DAYS = [(1, _("1 day")), (7, _("7 days")), (30, _("30 days"))]


class ApiKeyForm(forms.ModelForm):
    """A new key, or the label of one that exists."""

    scopes = forms.MultipleChoiceField(
        label=_("Rights"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Give a key no more than its program needs."),
    )

    class Meta:
        model = ApiKey
        fields = ["label", "store", "till", "scopes", "expires_at"]

    def clean_expires_at(self) -> Any:
        """Refuse a key that would never open anything."""
        moment = self.cleaned_data["expires_at"]
        if moment is not None and moment <= timezone.now():
            raise ValidationError(_("This lies in the past."), code="past")
        return moment

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("till") and not data.get("store"):
            self.add_error("store", ValidationError(_("A till belongs to a store."), code="required"))
        return data


class RotateForm(forms.Form):
    """How long the old key stays alive beside the new one."""

    days = forms.TypedChoiceField(
        label=_("The old key lives on for"),
        choices=DAYS,
        coerce=int,
        initial=7,
        help_text=_("Put the new key into the till or shop within this time."),
    )

    @property
    def overlap(self) -> dt.timedelta:
        """The chosen time."""
        return dt.timedelta(days=self.cleaned_data["days"])
