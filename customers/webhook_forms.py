"""Forms for the endpoints of webhooks."""

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from customers import webhook_addresses
from customers.models import WebhookEndpoint
from customers.models.webhook import EventType

OVERLAPS = [(1, _("1 day")), (7, _("7 days")), (30, _("30 days")), (0, _("not at all: it has become known"))]
SINCE = [(1, _("1 hour")), (24, _("1 day")), (72, _("3 days")), (168, _("7 days")), (720, _("30 days"))]


class EndpointForm(forms.ModelForm):
    """Who is told, where, and of what."""

    event_types = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(kind.value, f"{kind.value}: {kind.label}") for kind in EventType],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose no more than the other system needs."),
    )

    class Meta:
        model = WebhookEndpoint
        fields = ["label", "url", "event_types"]
        widgets = {"url": forms.URLInput(attrs={"class": "vURLField", "placeholder": "https://"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Here, so that the labels are in the language of the page.
        self.fields["event_types"].choices = [(kind.value, f"{kind.value}: {kind.label}") for kind in EventType]

    def clean_url(self) -> str:
        """Refuse what could never be called; whether the name leads outside is seen at every delivery."""
        url = self.cleaned_data["url"].strip()
        try:
            webhook_addresses.read(url)
        except webhook_addresses.BadAddress as error:
            raise ValidationError(str(error), code=error.code) from error
        return url

    def clean_event_types(self) -> list[str]:
        return sorted(self.cleaned_data["event_types"])


class RotateSecretForm(forms.Form):
    """How long the earlier secret goes on signing beside the new one."""

    days = forms.TypedChoiceField(
        label=_("The earlier secret goes on signing for"),
        choices=OVERLAPS,
        coerce=int,
        initial=7,
        help_text=_(
            "Within this time every message carries both signatures, so nothing is lost while you change over."
        ),
    )

    @property
    def overlap(self) -> dt.timedelta:
        """The chosen time."""
        return dt.timedelta(days=self.cleaned_data["days"])


class SendAgainForm(forms.Form):
    """How far back failed deliveries are sent again."""

    hours = forms.TypedChoiceField(
        label=_("What failed within the last"),
        choices=SINCE,
        coerce=int,
        initial=24,
        help_text=_("Each message keeps its id, so that the other system recognises what it has already."),
    )

    @property
    def age(self) -> dt.timedelta:
        """The chosen time."""
        return dt.timedelta(hours=self.cleaned_data["hours"])
