"""Pages of the admin with a form of their own, for what the buttons of a record do."""

from typing import Any

from django import forms
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.options import ModelAdmin
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse


def form_page(
    model_admin: ModelAdmin,
    request: HttpRequest,
    *,
    record: Model,
    form: forms.Form,
    title: str,
    submit: str,
    template: str = "admin/record_form.html",
    **context: Any,
) -> TemplateResponse:
    """Show a form about one record in the admin's shape: `submit` is the word on the button."""
    visible = [name for name, field in form.fields.items() if not field.widget.is_hidden]
    fields = {
        "adminform": AdminForm(form, [(None, {"fields": visible})], {}, (), model_admin=model_admin),
        "hidden_fields": [form[name] for name in form.fields if name not in visible],
    }
    page = {
        **model_admin.admin_site.each_context(request),
        **fields,
        "opts": model_admin.opts,
        "original": record,
        "title": title,
        "subtitle": str(record),
        "form": form,
        "submit": submit,
        "media": model_admin.media + form.media,
        "has_view_permission": model_admin.has_view_permission(request, record),
        **context,
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, template, page)
