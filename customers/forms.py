"""Forms of the customers app."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ConfirmLoginCodeForm as AllauthConfirmLoginCodeForm
from allauth.account.forms import RequestLoginCodeForm as AllauthRequestLoginCodeForm
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from allauth.core import context
from allauth.core.internal import ratelimit
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.webauthn.forms import AddWebAuthnForm as AllauthAddWebAuthnForm
from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers import consent_words, sign_in_limits, till_pins
from customers.accounts import ensure_user
from customers.joining_forms import MailedCodeForm
from customers.models import Customer


class RequestLoginCodeForm(AllauthRequestLoginCodeForm):
    """Ask for the mailed code; a customer on paper gets a log-in at this moment."""

    email = forms.EmailField(
        label=_("E-mail"),
        widget=forms.EmailInput(
            attrs={"autocomplete": "email", "inputmode": "email", "autofocus": True, "placeholder": "name@example.com"}
        ),
    )

    def clean_email(self) -> str:
        """Let the shop's list of addresses decide who is meant; the answer is the same for known and unknown ones."""
        address = super().clean_email()  # counts the request first
        user = ensure_user(email=address)
        self._user = user if user and user.is_active else None
        return address


class ConfirmLoginCodeForm(AllauthConfirmLoginCodeForm, MailedCodeForm):
    """Type the code of the mail, unless too many wrong ones came for this account or from this address."""

    def clean_code(self) -> str:
        """Look at the code when both counters allow it."""
        request = context.request
        stage, code = request._login_stage, self.cleaned_data["code"]
        try:
            is_right = sign_in_limits.look_at(
                account=stage.state.get("email", ""),
                address=ratelimit.get_ip(request),
                now=timezone.now(),
                is_right=lambda: (
                    bool(self.expected_code) and compare_user_code(actual=code, expected=self.expected_code)
                ),
            )
        except sign_in_limits.TooManyTries as error:
            raise forms.ValidationError(str(error)) from error
        if not is_right:
            raise get_adapter().validation_error("incorrect_code")
        return code


class AddPasskeyForm(AllauthAddWebAuthnForm):
    """Name a passkey. A customer's always signs in by itself; staff may have a key that is only a second factor."""

    name = forms.CharField(label=_("Name of the device"), max_length=100, required=False)


class ResetPasswordForm(AllauthResetPasswordForm):
    """Mail a link for a new password, to staff only: customers have no password to forget."""

    def clean_email(self) -> str:
        """Answer everybody alike."""
        address = super().clean_email()
        self.users = [user for user in self.users if user.is_staff]
        return address


class MailForm(forms.Form):
    """What may we mail you? A field is named for its purpose."""

    # Purpose -> key and version of its sentence in consent_words.
    WORDINGS = {"surveys": "survey-mail:1", "marketing": "offer-mail:1"}

    surveys = forms.BooleanField(
        label=consent_words.SENTENCES[WORDINGS["surveys"]],
        required=False,
        widget=forms.CheckboxInput(attrs={"role": "switch", "class": "form-check-input"}),
    )
    marketing = forms.BooleanField(
        label=consent_words.SENTENCES[WORDINGS["marketing"]],
        required=False,
        widget=forms.CheckboxInput(attrs={"role": "switch", "class": "form-check-input"}),
    )


def _pin_input() -> forms.PasswordInput:
    return forms.PasswordInput(
        attrs={
            "inputmode": "numeric",
            "autocomplete": "off",
            "minlength": 6,
            "pattern": "[0-9]{6}",
            "class": "code-input",
        }
    )


class TillPinForm(forms.Form):
    """Six digits, twice."""

    pin = forms.CharField(label=_("New till PIN, six digits"), max_length=6, widget=_pin_input())
    again = forms.CharField(label=_("Once more"), max_length=6, widget=_pin_input())

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customer = customer

    def clean_pin(self) -> str:
        """Refuse what is easy to guess."""
        pin = self.cleaned_data["pin"]
        try:
            till_pins.refuse_weak(pin=pin, customer=self.customer)
        except till_pins.WeakPin as error:
            raise forms.ValidationError(str(error)) from error
        return pin

    def clean_again(self) -> str:
        """Both times the same."""
        again = self.cleaned_data["again"]
        if "pin" in self.cleaned_data and again != self.cleaned_data["pin"]:
            raise forms.ValidationError(_("These are not the same six digits."))
        return again
