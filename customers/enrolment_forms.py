"""The form at the till that takes a customer in within seconds."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import consent_words
from customers.csv_values import BadValue
from customers.customer_rows import read_phone
from customers.enrolment import Word
from customers.models import Consent


class TillEnrolmentForm(forms.Form):
    """A phone number or an e-mail address is enough. `enrolment()` is what enrol_at_till takes.

    The customer sees or hears the two sentences; what stays unticked was not asked and is kept as nothing.
    """

    # Key and version of the labels below: raise the version with any change of their meaning.
    OFFERS_WORDING = "till-offers:1"
    SURVEYS_WORDING = "till-surveys:1"

    phone = forms.CharField(
        label=gettext_lazy("Phone"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"inputmode": "email", "autocomplete": "off"}),
    )
    name = forms.CharField(
        label=gettext_lazy("Name (if they like)"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "words"}),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=[
            ("", gettext_lazy("as their phone")),
            ("en", gettext_lazy("English")),
            ("zh-hans", gettext_lazy("Simplified Chinese")),
        ],
        required=False,
    )
    card = forms.CharField(
        label=gettext_lazy("Card, if they have one: scan it here"),
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    may_mail_offers = forms.BooleanField(label=consent_words.SENTENCES[OFFERS_WORDING], required=False)
    may_mail_surveys = forms.BooleanField(label=consent_words.SENTENCES[SURVEYS_WORDING], required=False)

    def clean_phone(self) -> str:
        try:
            return read_phone(self.cleaned_data["phone"].strip())
        except BadValue as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not self.errors and not (data["phone"] or data["email"]):
            raise forms.ValidationError(_("A phone number or an e-mail address is needed."))
        if not self.errors and not data["email"] and (data["may_mail_offers"] or data["may_mail_surveys"]):
            self.add_error("email", _("To mail them anything, their address is needed."))
        return data

    def enrolment(self) -> dict[str, Any]:
        """Return what was typed as the arguments of enrol_at_till."""
        data = self.cleaned_data
        asked = [
            (data["may_mail_offers"], Consent.Purpose.MARKETING, self.OFFERS_WORDING),
            (data["may_mail_surveys"], Consent.Purpose.SURVEYS, self.SURVEYS_WORDING),
        ]
        return {name: data[name] for name in ("phone", "email", "name", "language", "card")} | {
            "words": [
                Word(channel=Consent.Channel.EMAIL, purpose=purpose, is_granted=True, wording=wording)
                for is_granted, purpose, wording in asked
                if is_granted
            ]
        }
