"""What a customer chooses about their data, and how they confirm."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers import consent_words
from customers.forms import MailForm
from customers.models import Consent, Customer

CHANNELS = (
    Consent.Channel.EMAIL,
    Consent.Channel.SMS,
    Consent.Channel.PHONE,
    Consent.Channel.POST,
    Consent.Channel.WECHAT,
)
# Key and version of the sentences of this page in consent_words.
WORDING = "privacy-page:1"


def wording_of(channel: str, purpose: str) -> str:
    """Return the key of the sentence that is shown for a channel and purpose; for mails it is that of the profile."""
    return MailForm.WORDINGS[purpose] if channel == Consent.Channel.EMAIL else WORDING


def _switch() -> forms.CheckboxInput:
    return forms.CheckboxInput(attrs={"role": "switch", "class": "form-check-input"})


class PrivacyForm(forms.Form):
    """A switch for each purpose and channel, and one for what is chosen from the purchases."""

    SENTENCES = {
        purpose: consent_words.SENTENCES[f"{WORDING} {purpose}"]
        for purpose in (Consent.Purpose.MARKETING.value, Consent.Purpose.SURVEYS.value)
    }

    is_personalised = forms.BooleanField(
        label=_("Choose recommendations and surprises by what I bought"), required=False, widget=_switch()
    )

    def __init__(self, *args: Any, customer: Customer, granted: dict[tuple[str, str], bool], **kwargs: Any) -> None:
        initial = {"is_personalised": customer.is_personalised}
        super().__init__(*args, initial=initial, **kwargs)
        for purpose in self.SENTENCES:
            for channel in CHANNELS:
                self.fields[f"{purpose}_{channel.value}"] = forms.BooleanField(
                    label=channel.label, required=False, widget=_switch(),
                    initial=granted.get((channel.value, purpose), False),
                )  # fmt: skip

    def groups(self) -> list[tuple[Any, list[Any]]]:
        """Return the switches by purpose, each group with its sentence."""
        return [
            (sentence, [self[f"{purpose}_{channel.value}"] for channel in CHANNELS])
            for purpose, sentence in self.SENTENCES.items()
        ]

    def words(self) -> list[tuple[str, str, bool]]:
        """Return channel, purpose and yes or no of every switch that was moved."""
        return [
            (channel.value, purpose, self.cleaned_data[name])
            for purpose in self.SENTENCES
            for channel in CHANNELS
            if (name := f"{purpose}_{channel.value}") in self.changed_data
        ]


class ConfirmCodeForm(forms.Form):
    """Six digits from the mail."""

    code = forms.RegexField(
        r"^\s*[0-9]{6}\s*$",
        label=_("Code from the mail, six digits"),
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "class": "code-input", "maxlength": 6}
        ),
    )

    def clean_code(self) -> str:
        """Forgive blanks."""
        return self.cleaned_data["code"].strip()
