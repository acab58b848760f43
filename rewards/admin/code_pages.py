"""The pages behind two buttons of a batch: hand out its codes, and choose a code for many."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers import csv_out
from customers.admin_pages import form_page
from customers.admin_panels import record_url
from rewards import code_files, codes, coupons
from rewards.models import CouponBatch

CSV, PDF = "csv", "pdf"


class HandOutForm(forms.Form):
    """Which file, and which part of it."""

    file = forms.ChoiceField(
        label=gettext_lazy("File"),
        choices=[
            (CSV, gettext_lazy("a table (CSV) of all codes, for a printer or another system")),
            (PDF, gettext_lazy("sheets to print and cut (PDF), ten coupons on A4")),
        ],
        widget=forms.RadioSelect,
        initial=CSV,
    )
    part = forms.IntegerField(label=gettext_lazy("Part of the sheets"), min_value=1, initial=1, required=False)

    def __init__(self, *args: Any, parts: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["part"].max_value = max(1, parts)
        self.fields["part"].help_text = _("1 to %(parts)d, with %(most)d coupons each.") % {
            "parts": max(1, parts), "most": code_files.PER_FILE,
        }  # fmt: skip
        self._parts = parts

    def clean_part(self) -> int:
        part = self.cleaned_data["part"] or 1
        if part > max(1, self._parts):
            raise forms.ValidationError(_("There is no such part."))
        return part


class WordsForm(forms.Form):
    """A code for many, in the shop's own words."""

    text = forms.CharField(
        label=pgettext_lazy("of a coupon", "Code"),
        max_length=48,
        help_text=gettext_lazy("4 to 32 Latin letters and digits, such as SUMMER or WELCOME-5; everybody may use it."),
    )


def codes_page(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponseBase:
    """Ask which file, note who took it, and hand it out."""
    if not request.user.has_perm("rewards.export_coupon"):
        raise PermissionDenied
    batch, now = get_object_or_404(CouponBatch, pk=pk), timezone.now()
    parts = code_files.parts(batch=batch, now=now)
    form = HandOutForm(request.POST or None, parts=parts)
    if form.is_bound and form.is_valid():
        if not parts:
            messages.warning(request, _("There is no coupon whose code could be handed out."))
            return redirect(record_url(batch))
        if form.cleaned_data["file"] == CSV:
            rows = code_files.export(batch=batch, by=request.user, now=now)
            return csv_out.download(name=f"codes-{batch.pk}.csv", heading=code_files.HEADING, rows=rows)
        part = form.cleaned_data["part"]
        file = code_files.print_sheets(batch=batch, part=part, by=request.user, now=now)
        name = f"coupons-{batch.pk}-{part}.pdf"
        headers = {"Cache-Control": "no-store"}
        return FileResponse(file, as_attachment=True, filename=name, content_type="application/pdf", headers=headers)
    return form_page(model_admin, request, record=batch, form=form, title=_("Hand out codes"), submit=_("Download"))


def words_page(model_admin: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponseBase:
    """Ask for the words, and issue the code for many."""
    if not model_admin.has_issue_permission(request):
        raise PermissionDenied
    batch = get_object_or_404(CouponBatch, pk=pk)
    form = WordsForm(request.POST or None)
    if form.is_bound and form.is_valid():
        try:
            coupon = coupons.issue_words(
                batch=batch, text=form.cleaned_data["text"], now=timezone.now(), by=request.user
            )
        except (codes.InvalidWords, codes.InvalidCode, coupons.CodeTaken) as error:
            form.add_error("text", str(error))
        except (coupons.BatchNotActive, coupons.BatchLimitReached) as error:
            messages.error(request, str(error))
            return redirect(record_url(batch))
        else:
            uses = {"code": coupon.text, "uses": coupon.uses_allowed}
            messages.success(request, _("The code %(code)s can be used %(uses)d times.") % uses)
            return redirect(record_url(batch))
    return form_page(
        model_admin, request, record=batch, form=form, title=_("Choose a code for many"), submit=_("Issue")
    )
