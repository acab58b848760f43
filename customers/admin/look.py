"""The look of the portal: one page, with a preview in both schemes."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from customers import looks, palette
from customers.history_admin import PortalAdmin
from customers.models import Look


class LookForm(forms.ModelForm):
    """Name, colour and logo."""

    upload = forms.FileField(
        label=_("Logo"), required=False, help_text=_("PNG, JPEG or WebP, at most 2 MB; square or wide."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )  # fmt: skip
    without_logo = forms.BooleanField(label=_("Take the logo away"), required=False)

    class Meta:
        model = Look
        fields = ["name_en", "name_zh", "colour"]
        widgets = {"colour": forms.TextInput(attrs={"type": "color"})}

    def clean_colour(self) -> str:
        return self.cleaned_data["colour"].lower()

    def clean_upload(self) -> bytes | None:
        upload = self.cleaned_data["upload"]
        return looks.read_logo(upload.read(looks.LARGEST_FILE + 1)) if upload else None

    def save(self, commit: bool = True) -> Look:
        if self.cleaned_data["without_logo"]:
            self.instance.logo = b""
        elif self.cleaned_data["upload"]:
            self.instance.logo = self.cleaned_data["upload"]
        return super().save(commit)


@admin.register(Look)
class LookAdmin(PortalAdmin):
    """How the portal looks."""

    form = LookForm
    fieldsets = [(None, {"fields": ["name_en", "name_zh", "colour", "upload", "without_logo"]})]
    change_form_template = "admin/customers/look.html"
    ordering = ["pk"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one look: open it, made of the portal's own if need be."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        look, _is_new = Look.objects.get_or_create(pk=1)
        return self.changeform_view(request, str(look.pk), reverse("admin:customers_look_change", args=[look.pk]))

    def save_model(self, request: HttpRequest, obj: Look, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        looks.keep(obj)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        if obj is not None:
            # What is saved: the form may hold a colour that is none.
            saved = Look.objects.get(pk=obj.pk)
            context = {
                **context, "shades": palette.shades(saved.colour), "version": looks.version(saved),
                "schemes": ["light", "dark"],
            }  # fmt: skip
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)
