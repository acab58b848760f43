"""Forms of the rewards app, for staff."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers import segments
from customers.money import FACTOR_DIGITS, PERCENT_DIGITS, MoneyField, ScaledField, scaled_text, trimmed_text
from rewards.models import CouponBatch, EarningRule, Tier
from rewards.recipients import Recipients, read_list

MOST_CODES = 1_000_000  # at a time
LONGEST_LIST = 20_000  # lines; larger sets are segments, which are issued in the background


class OnceForm(forms.Form):
    """A form that acts once: its hidden key becomes the source, so that a second press of the button changes nothing."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class ApproveForm(forms.Form):
    """Approve the version of a request that is on the page."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class WithdrawTierForm(forms.Form):
    """Take a tier back."""

    note = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("For colleagues; it stays in the history of the tier."),
    )


class GrantTierForm(WithdrawTierForm):
    """Give a tier by hand."""

    tier = forms.ModelChoiceField(
        label=gettext_lazy("Tier"),
        queryset=Tier.objects.filter(rank__gt=0).order_by("rank"),
        help_text=gettext_lazy("Kept as long as one that was reached: twelve months, then to the end of the month."),
    )
    field_order = ["tier", "note"]


class IssueCouponForm(OnceForm):
    """Give a customer a coupon."""

    batch = forms.ModelChoiceField(
        label=gettext_lazy("Coupon"),
        queryset=CouponBatch.objects.none(),
        help_text=gettext_lazy("The batches that are active today."),
    )

    def __init__(self, *args: Any, batches: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["batch"].queryset = batches


class VoidCouponsForm(forms.Form):
    """Cancel coupons."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("For colleagues; the customer only sees that the coupon is no longer valid."),
    )


class VoidRestForm(OnceForm, VoidCouponsForm):
    """Cancel all coupons of a batch that are left, once."""


class ExtendBatchForm(OnceForm):
    """Move the end of a batch."""

    last_date = forms.DateField(
        label=pgettext_lazy("of validity", "Last day"),
        widget=forms.DateInput(attrs={"type": "date", "class": "vDateField"}),
        help_text=gettext_lazy(
            "Coupons can be used until the end of this day. What customers hold is never cut short."
        ),
    )


class IssueManyForm(OnceForm):
    """Choose who gets a coupon of a batch: a segment, a list, or codes for whoever shows them."""

    segment = forms.ChoiceField(
        label=gettext_lazy("Segment"),
        required=False,
        help_text=gettext_lazy("How many they are is counted in the next step."),
    )
    members = forms.CharField(
        label=gettext_lazy("List"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField"}),
        help_text=gettext_lazy("Or a list: one member number, e-mail address or phone number per line."),
    )
    codes = forms.IntegerField(
        label=gettext_lazy("Codes"),
        required=False,
        min_value=1,
        max_value=MOST_CODES,
        help_text=gettext_lazy("Or so many codes without a name, for print or another channel."),
    )
    recipients: Recipients | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["segment"].choices = [("", _("— no segment —")), *segments.choices()]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        members = (data.get("members") or "").strip("\r\n")
        if sum(map(bool, (data.get("segment"), members.strip(), data.get("codes")))) != 1 and not self.errors:
            raise ValidationError(_("Choose a segment, paste a list, or say how many codes: one of the three."))
        if members.strip():
            if len(members.splitlines()) > LONGEST_LIST:
                raise ValidationError(
                    {"members": _("A list has at most %(limit)s lines.") % {"limit": f"{LONGEST_LIST:,}"}}
                )
            self.recipients = read_list(members)
            if not self.recipients.customer_ids:
                raise ValidationError({"members": _("Nobody of this list is a customer.")})
        return data


WHOLE = 10_000  # basis points
SIZE_DIGITS = {
    CouponBatch.Value.PERCENT: PERCENT_DIGITS,
    CouponBatch.Value.MULTIPLIER: FACTOR_DIGITS,
}


class CouponBatchForm(forms.ModelForm):
    """A coupon batch: its size is typed as people say it and kept in the smallest unit of its kind."""

    value = forms.CharField(
        label=gettext_lazy("Size"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "vScaledField"}),
        help_text=gettext_lazy(
            "10 is 10 % off, 5.00 as an amount is that much money off, 2 as a multiplier doubles the points. "
            "A free product and a gift have no size."
        ),
    )

    segments = forms.MultipleChoiceField(
        label=gettext_lazy("Segments"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Who is in one of them on the day of use. None ticked: everybody."),
    )

    class Meta:
        model = CouponBatch
        fields = "__all__"  # noqa: DJ007 the admin's fieldsets choose

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("terms_en", "terms_zh"):
            if name in self.fields:
                self.fields[name].widget.attrs["rows"] = 3
        if "segments" in self.fields:
            self.fields["segments"].choices = segments.choices()
        if "value" in self.fields and self.instance.pk:
            self.initial["value"] = size_text(self.instance)

    def clean_value(self) -> int:
        text = self.cleaned_data["value"]
        kind = self.cleaned_data.get("value_kind")
        if not text or kind in (None, CouponBatch.Value.PRODUCT, CouponBatch.Value.GIFT):
            return 0
        if kind in SIZE_DIGITS:
            size = ScaledField(digits=SIZE_DIGITS[kind]).clean(text)
            if kind == CouponBatch.Value.PERCENT and size > WHOLE:
                raise ValidationError(_("More than 100 % cannot be taken off."))
            return size
        return MoneyField().clean(text)


def size_text(batch: CouponBatch) -> str:
    """Write the size of a batch as it is typed."""
    if batch.value_kind in (CouponBatch.Value.PRODUCT, CouponBatch.Value.GIFT):
        return ""
    if batch.value_kind in SIZE_DIGITS:
        return trimmed_text(batch.value, SIZE_DIGITS[batch.value_kind])
    return scaled_text(batch.value, MoneyField().digits)


class TierForm(forms.ModelForm):
    """A tier: the threshold is money, points or visits by its metric."""

    threshold = forms.CharField(
        label=gettext_lazy("Threshold"),
        initial="0",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "vScaledField"}),
        help_text=gettext_lazy(
            "By the metric: an amount such as 500.00, or a whole number of points or visits. 0: staff alone give it."
        ),
    )

    class Meta:
        model = Tier
        fields = "__all__"  # noqa: DJ007 the admin's fieldsets choose

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "threshold" in self.fields and self.instance.pk:
            is_money = self.instance.metric == Tier.Metric.SPEND
            self.initial["threshold"] = scaled_text(self.instance.threshold, MoneyField().digits if is_money else 0)

    def clean_threshold(self) -> int:
        text = self.cleaned_data["threshold"]
        if self.cleaned_data.get("metric") == Tier.Metric.SPEND:
            return MoneyField().clean(text)
        return ScaledField(digits=0).clean(text)


class EarningRuleForm(forms.ModelForm):
    """A draft of a rule."""

    class Meta:
        model = EarningRule
        fields = "__all__"  # noqa: DJ007 the admin's fieldsets choose

    def clean_key(self) -> str:
        key = self.cleaned_data["key"]
        if self.instance.pk is None and EarningRule.objects.filter(key=key).exists():
            raise ValidationError(_("There is a rule with this key: open it and press “New version”."))
        return key

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("kind") == EarningRule.Kind.EVENT:
            if data.get("store"):
                self.add_error("store", _("An event belongs to no store: leave this empty."))
            if not data.get("points"):
                self.add_error("points", _("An event needs points."))
        return data

    def clean_weekdays(self) -> str:
        digits = self.cleaned_data["weekdays"].strip()
        if not set(digits) <= set("1234567"):
            raise ValidationError(_("Write the digits 1 (Monday) to 7 (Sunday), such as 67 for the weekend."))
        return "".join(sorted(set(digits)))
