"""The forms of the customer's own profile."""

import datetime as dt
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.csv_values import BadValue
from customers.customer_rows import read_phone
from customers.joining_forms import BirthdayField
from customers.models import Category, Customer


def time_zones() -> list[tuple[str, Any]]:
    """Return the places whose clock one may live by, the programme's first."""
    names = sorted(
        name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/", "right/"))
    )
    shop = format_lazy("{} ({})", gettext_lazy("as the shop"), settings.TIME_ZONE)
    return [("", shop), *((name, name.replace("_", " ")) for name in names)]


class DetailsForm(forms.Form):
    """Who I am. A birthday is chosen once; what is settled cannot be typed."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autocapitalize": "words"}),
    )
    phone = forms.CharField(
        label=gettext_lazy("Phone"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}),
        help_text=gettext_lazy("So that the till finds you without your card."),
    )
    birthday = BirthdayField(
        label=gettext_lazy("Birthday"), help_text=gettext_lazy("You choose it once; after that, ask the shop.")
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=time_zones,
        required=False,
        help_text=gettext_lazy("Surveys and surprises come by day, by this clock."),
    )

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customer = customer
        if customer.birthday_set_at is not None:
            self.fields["birthday"].disabled = True
            self.fields["birthday"].help_text = _("Something wrong? Please ask the shop.")

    def clean_phone(self) -> str:
        try:
            return read_phone(self.cleaned_data["phone"].strip())
        except BadValue as error:
            raise forms.ValidationError(str(error)) from error

    def clean_birthday(self) -> dt.date | None:
        """An empty field keeps what is known."""
        return self.cleaned_data["birthday"] or self.customer.birthday


class PreferencesForm(forms.Form):
    """What I like, what I would rather not see, and what I want to be reminded of."""

    likes = forms.ModelMultipleChoiceField(
        label=gettext_lazy("I like"),
        queryset=Category.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    dislikes = forms.ModelMultipleChoiceField(
        label=gettext_lazy("I would rather not see"),
        queryset=Category.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    wants_reminders = forms.BooleanField(
        label=gettext_lazy("Remind me by mail before my points expire."),
        required=False,
        widget=forms.CheckboxInput(attrs={"role": "switch", "class": "form-check-input"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("likes", "dislikes"):
            self.fields[name].queryset = Category.objects.order_by("name_en", "pk")
            self.fields[name].label_from_instance = lambda category: category.name

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not self.errors and (both := set(data["likes"]) & set(data["dislikes"])):
            names = ", ".join(sorted(category.name for category in both))
            self.add_error("dislikes", _("You cannot both like and not like: %(names)s.") % {"names": names})
        return data


class NewAddressForm(forms.Form):
    """Another e-mail address."""

    email = forms.EmailField(
        label=gettext_lazy("New e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )
