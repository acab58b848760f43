"""Forms of points by hand, for staff."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.templatetags.loyalty import last_day, points
from rewards.forms import OnceForm
from rewards.models import PointTransaction
from rewards.models.adjustment import Reason

MOST_ADJUSTED = 1_000_000


class AdjustmentForm(forms.Form):
    """How many points, and why."""

    points = forms.IntegerField(
        label=gettext_lazy("Points"),
        min_value=-MOST_ADJUSTED,
        max_value=MOST_ADJUSTED,
        help_text=gettext_lazy("Above 0 gives, below 0 takes: 50 or -50."),
    )
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=[("", "—"), *Reason.choices])
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("The customer reads this in the statement: say why in a friendly sentence."),
    )
    staff_note = forms.CharField(
        label=gettext_lazy("Note for colleagues"),
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("The receipt it is about, or what happened. The customer does not see it."),
    )

    def clean_points(self) -> int:
        points = self.cleaned_data["points"]
        if points == 0:
            raise ValidationError(_("0 points change nothing."))
        return points


class AdjustPointsForm(OnceForm, AdjustmentForm):
    """Give or take points, once."""


class ExpiryField(forms.ModelChoiceField):
    """One expiry: how many points it took, and until when they could be spent."""

    def label_from_instance(self, obj: PointTransaction) -> str:
        return _("%(points)s points, to be spent until %(day)s") % {
            "points": points(obj.points), "day": last_day(obj.occurred_at)
        }  # fmt: skip


class BringBackForm(AdjustmentForm):
    """Bring expired points back, and why."""

    points = None
    expired = ExpiryField(
        label=gettext_lazy("Expired points"),
        queryset=PointTransaction.objects.none(),
        help_text=gettext_lazy("As a whole, within 30 days after they expired. They can be spent for another 30 days."),
    )
    field_order = ["expired", "reason", "note", "staff_note"]

    def __init__(self, *args: Any, expiries: QuerySet[PointTransaction], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["expired"].queryset = expiries


class ChangeRequestForm(AdjustmentForm):
    """Ask for something else than before."""


class AnswerForm(forms.Form):
    """Say no, and why."""

    answer = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("For the colleague who asked."),
    )
