"""The part of the batch's page that says who gets the coupons and which mail goes with them."""

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers import segments
from customers.money import PERCENT_HINT, PercentField
from rewards.forms import LONGEST_LIST, MOST_CODES
from rewards.models import CouponPlan
from rewards.recipients import Recipients, read_list

SHOWN_UNKNOWN = 5
Audience = CouponPlan.Audience


class CouponPlanForm(forms.ModelForm):
    """Choose an audience and, for customers, write the mail."""

    segment = forms.ChoiceField(label=gettext_lazy("Segment"), required=False)
    members = forms.CharField(
        label=gettext_lazy("List"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "class": "vLargeTextField"}),
    )
    codes = forms.IntegerField(
        label=gettext_lazy("Codes"),
        required=False,
        min_value=0,
        max_value=MOST_CODES,
        help_text=gettext_lazy("How many codes without a name; up to a million."),
    )
    holdout = PercentField(
        label=gettext_lazy("Left out to compare"),
        required=False,
        help_text=format_lazy(
            "{} {}",
            PERCENT_HINT,
            gettext_lazy(
                "A fair coin leaves so many of the customers out; without them nobody knows whether it helped."
            ),
        ),
    )
    recipients: Recipients | None = None

    class Meta:
        model = CouponPlan
        fields = ["audience", "segment", "members", "codes", "holdout", "has_mail", "subject_en", "message_en", "subject_zh", "message_zh"]  # fmt: skip
        widgets = {
            "audience": forms.RadioSelect,
            "message_en": forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
            "message_zh": forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
            "subject_en": forms.TextInput(attrs={"class": "vTextField"}),
            "subject_zh": forms.TextInput(attrs={"class": "vTextField"}),
        }
        help_texts = {
            "has_mail": gettext_lazy("To those who agreed to offers by mail; the others see the coupon on their page."),
            "message_en": gettext_lazy("A few friendly sentences; the coupon itself is added below them."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["segment"].choices = [("", _("— no segment —")), *segments.choices()]
        self.fields["members"].help_text = self._list_hint()

    def _list_hint(self) -> str:
        chosen = len(self.instance.customer_ids)
        hint = _("One member number, e-mail address or phone number per line.")
        if not chosen:
            return hint
        kept = ngettext(
            "%(number)d customer is on the list; paste a new list to replace it.",
            "%(number)d customers are on the list; paste a new list to replace them.",
            chosen,
        )
        return f"{hint} {kept % {'number': chosen}}"

    def clean_codes(self) -> int:
        return self.cleaned_data["codes"] or 0

    def clean_holdout(self) -> int:
        return self.cleaned_data["holdout"] or 0

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("holdout") and data.get("audience") not in (Audience.SEGMENT, Audience.LIST):
            self.add_error("holdout", _("Only customers of a segment or a list can be left out."))
        audience = data.get("audience")
        if audience == Audience.SEGMENT and not data.get("segment"):
            self.add_error("segment", _("Choose a segment."))
        if audience == Audience.CODES and not data.get("codes"):
            self.add_error("codes", _("Say how many codes."))
        if audience == Audience.LIST:
            self._read_list((data.get("members") or "").strip("\r\n"))
        if data.get("has_mail"):
            self._check_mail(data)
        return data

    def _read_list(self, members: str) -> None:
        if not members.strip():
            if not self.instance.customer_ids:
                self.add_error("members", _("Paste a list of customers."))
            return
        if len(members.splitlines()) > LONGEST_LIST:
            self.add_error("members", _("A list has at most %(limit)s lines.") % {"limit": f"{LONGEST_LIST:,}"})
            return
        found = read_list(members)
        if found.unknown:
            lines = [_("line %(number)d: %(text)s") % {"number": it.line, "text": it.text} for it in found.unknown]
            more = len(lines) - SHOWN_UNKNOWN
            text = "; ".join(lines[:SHOWN_UNKNOWN]) + (f" (+{more})" if more > 0 else "")
            self.add_error("members", _("Nobody is known by these lines: %(lines)s") % {"lines": text})
        self.recipients = found

    def _check_mail(self, data: dict[str, Any]) -> None:
        if data.get("audience") not in (Audience.SEGMENT, Audience.LIST):
            self.add_error("has_mail", _("A mail needs a segment or a list of customers."))
        for name in ("subject", "message"):
            if not (data.get(f"{name}_en") or data.get(f"{name}_zh")):
                self.add_error(f"{name}_en", _("A mail needs this in at least one language."))

    def has_changed(self) -> bool:
        """Every draft gets a plan, be it that nobody gets a coupon yet."""
        return not self.instance.pk or super().has_changed()

    def _post_clean(self) -> None:
        """Put the list into the plan, which a preview shows and a save keeps."""
        super()._post_clean()
        if self.recipients is not None:
            self.instance.customer_ids = self.recipients.customer_ids
