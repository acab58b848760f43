"""The form of a surprise: what is asked of whoever drafts it, with friendly errors."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import segments
from rewards import surprise_gifts, surprise_plans
from rewards.models import Reward, Surprise

Gift, Trigger = Surprise.Gift, Surprise.Trigger


class SurpriseForm(forms.ModelForm):
    """Check that occasion, gift and words fit each other; the cost of a gift is proposed where nobody typed it."""

    segment = forms.ChoiceField(label=gettext_lazy("Segment"), required=False)

    class Meta:
        model = Surprise
        fields = [
            "name", "trigger", "threshold", "window", "chance", "segment", "gift", "batch", "points", "reward", "thing_en",
            "thing_zh", "cost", "budget", "channel", "hour_from", "hour_until", "waits_days", "cooldown_days", "ends_at",
            "subject_en", "message_en", "subject_zh", "message_zh", "odds", "window_days", "worthwhile", "margin_rate",
            "worthwhile_margin", "message_cost",
        ]  # fmt: skip
        widgets = {
            "message_en": forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
            "message_zh": forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "segment" in self.fields:
            self.fields["segment"].choices = [("", _("Everybody")), *segments.choices()]
        if "batch" in self.fields:
            ids = [batch.pk for batch in surprise_plans.batches_to_give()]
            self.fields["batch"].queryset = self.fields["batch"].queryset.filter(pk__in=ids)
        if "reward" in self.fields:
            self.fields["reward"].queryset = Reward.objects.filter(batch=None, is_active=True).order_by("name_en")
        if "cost" in self.fields:
            self.fields["cost"].required = False

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        missing = {
            Gift.COUPON: ("batch", _("Choose a coupon.")),
            Gift.POINTS: ("points", _("Say how many points.")),
            Gift.REWARD: ("reward", _("Choose a thing of the catalogue.")),
            Gift.THING: ("thing_en", _("Say in a word or two what is handed over.")),
        }.get(data.get("gift"))
        if missing and not data.get(missing[0]):
            self.add_error(*missing)
        if data.get("trigger") in (Trigger.NTH, Trigger.LAPSED) and (data.get("threshold") or 0) < 2:
            self.add_error("threshold", _("At least 2: the second purchase, or twice the usual pause."))
        return data

    def _post_clean(self) -> None:
        """Propose the cost, and refuse what customers were promised, once the fields stand in the record."""
        if not self.errors and self.cleaned_data.get("cost") is None:
            draft = Surprise(**{name: self.cleaned_data.get(name) for name in ("gift", "batch", "reward")})
            draft.points = self.cleaned_data.get("points") or 0
            self.cleaned_data["cost"] = surprise_gifts.worth(draft)
            if not self.cleaned_data["cost"] and draft.gift == Gift.COUPON:
                self.add_error("cost", _("Say what one costs: the coupon has no cost price, and no budget would hold."))
        super()._post_clean()
        if not self.errors:
            try:
                surprise_plans.refuse_entitlement(self.instance)
            except surprise_plans.PublishedEntitlement as error:
                self.add_error(None, str(error))


class ApproveSurpriseForm(forms.Form):
    """The version that the approver has seen."""

    version = forms.IntegerField(widget=forms.HiddenInput)
