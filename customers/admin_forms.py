"""Forms of the customers admin."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from customers.identifiers import normalise
from customers.models import Identifier, User


class IdentifierForm(forms.ModelForm):
    """One way to recognise a customer; refuses what belongs to somebody else."""

    class Meta:
        model = Identifier
        fields = ["kind", "value"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The column's heading is no label to a screen reader.
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = field.label

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        kind, value = data.get("kind"), data.get("value")
        if not kind or not value:
            return data
        if kind == Identifier.Kind.EMAIL:
            self._check_email(value)
        normalised = normalise(kind=kind, value=value)
        if not normalised:
            raise ValidationError({"value": _("This is no phone number; write it as +49 30 1234567.")})
        others = Identifier.objects.filter(kind=kind, normalised=normalised).exclude(pk=self.instance.pk)
        if owner := others.select_related("customer").first():
            raise ValidationError(
                {"value": _("This belongs to the customer %(number)s.") % {"number": owner.customer.member_number}}
            )
        if normalised != self.instance.normalised:
            self.instance.normalised, self.instance.verified_at = normalised, None
        return data

    def _check_email(self, value: str) -> None:
        try:
            forms.EmailField().clean(value)
        except ValidationError as error:
            raise ValidationError({"value": error.messages}) from error


class IdentifierFormSet(forms.BaseInlineFormSet):
    """The identifiers of a customer."""

    def add_fields(self, form: forms.Form, index: int | None) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = _("Delete %(value)s") % {"value": form.instance}


class LowerCaseEmailMixin:
    """E-mail addresses of users are stored in lower case."""

    def clean_email(self) -> str:
        email = self.cleaned_data["email"].lower()
        if User.objects.filter(email=email).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("Somebody logs in with this address already."))
        return email


class StaffCreationForm(LowerCaseEmailMixin, AdminUserCreationForm):
    """A new member of staff, with a password of at least 15 characters or with the mailed code alone."""

    class Meta:
        model = User
        fields = ["email", "name", "language", "store", "groups"]


class StaffChangeForm(LowerCaseEmailMixin, UserChangeForm):
    """A member of staff."""

    class Meta:
        model = User
        fields = "__all__"
