"""Forms of the customer's pages."""

import uuid

from django import forms
from django.utils.translation import gettext_lazy as _

from rewards import codes


class TakeForm(forms.Form):
    """Take a reward: the hidden key makes a second press of the button change nothing."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class ClaimForm(forms.Form):
    """Put a gift card on one's account."""

    code = forms.CharField(
        label=_("Code of the gift card"),
        max_length=4 * codes.LONGEST,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "class": "code-input"}
        ),
        help_text=_("Twelve letters and digits; dashes and capitals do not matter."),
    )
