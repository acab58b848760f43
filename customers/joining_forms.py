"""The forms with which somebody becomes a member by themselves, and the field for a mailed code."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from customers import consent_words
from customers.enrolment import Word
from customers.joining import Wish
from customers.models import Consent
from customers.money import MoneyField
from customers.timezones import programme_date


class BirthdayField(forms.DateField):
    """A day in the past, as a calendar field."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date", "autocomplete": "bday"}, format="%Y-%m-%d")
        super().__init__(**{"widget": widget, "required": False} | kwargs)

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        today = programme_date(timezone.now())
        if day and not (today.year - 130 <= day.year and day < today):
            raise forms.ValidationError(_("Please check the year of your birthday."))
        return day


class JoinForm(forms.Form):
    """An address is enough. `wish()` is what waits until the code comes back."""

    # Keys and versions of sentences in consent_words.
    OFFERS_WORDING = "join-offers:1"
    SURVEYS_WORDING = "join-surveys:1"

    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(
            attrs={"autocomplete": "email", "inputmode": "email", "placeholder": "name@example.com"}
        ),
    )
    name = forms.CharField(
        label=gettext_lazy("Name (if you like)"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autocapitalize": "words"}),
    )
    birthday = BirthdayField(
        label=gettext_lazy("Birthday (if you like)"), help_text=gettext_lazy("So that we can think of you.")
    )
    may_mail_offers = forms.BooleanField(label=consent_words.SENTENCES[OFFERS_WORDING], required=False)
    may_mail_surveys = forms.BooleanField(
        label=consent_words.SENTENCES[SURVEYS_WORDING],
        required=False,
    )
    friend = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)

    def wish(self) -> Wish:
        """Return what was typed; an unticked sentence was not agreed to and is kept as nothing."""
        data = self.cleaned_data
        asked = [
            (data["may_mail_offers"], Consent.Purpose.MARKETING, self.OFFERS_WORDING),
            (data["may_mail_surveys"], Consent.Purpose.SURVEYS, self.SURVEYS_WORDING),
        ]
        email = Consent.Channel.EMAIL.value
        return Wish(
            name=data["name"], language=get_language() or "", friend=data["friend"],
            birthday=data["birthday"].isoformat() if data["birthday"] else "",
            words=tuple(Word(email, purpose.value, True, wording) for is_yes, purpose, wording in asked if is_yes),
        )  # fmt: skip


class ClaimForm(forms.Form):
    """A card, its code from the till or one of its receipts, and the address that it shall belong to."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )
    number = forms.CharField(
        label=gettext_lazy("Member number, card number or phone"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    code = forms.CharField(
        label=gettext_lazy("Code from the till"),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        help_text=gettext_lazy("You got it when you joined. Without it, a receipt of the last months:"),
    )
    receipt = forms.CharField(
        label=gettext_lazy("Number of a receipt of the last months"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    total = MoneyField(label=gettext_lazy("What the receipt comes to"), required=False)

    def clean(self) -> dict[str, Any]:
        """Ask for the code, or for the receipt with its amount."""
        data = super().clean() or self.cleaned_data
        if not data.get("code") and not self.errors:
            for name in ("receipt", "total"):
                if data.get(name) in (None, ""):
                    self.add_error(name, _("Needed where there is no code from the till."))
        return data


class MailedCodeForm(forms.Form):
    """The code of a mail; blanks, dashes and small letters are forgiven."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "autocorrect": "off",
                "spellcheck": "false",
                "autofocus": True,
                "class": "code-input",
            }
        ),
    )
