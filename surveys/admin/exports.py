"""Answers as a file: who may, what goes into it, and a note of it in the history."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import confirming, csv_out
from customers.admin_pages import form_page
from customers.templatetags.loyalty import moment
from customers.timezones import programme_date
from surveys import exports
from surveys.admin.scope_forms import ScopeForm
from surveys.models import Survey
from surveys.scopes import Scope

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ExportForm(ScopeForm):
    """Which answers, as what, and whether with member numbers."""

    file = forms.ChoiceField(
        label=gettext_lazy("File"), choices=[("xlsx", gettext_lazy("Excel workbook")), ("csv", "CSV")]
    )
    with_members = forms.BooleanField(
        required=False,
        label=gettext_lazy("With member numbers"),
        help_text=gettext_lazy("Personal data: every row then says who took it out, and you confirm who you are."),
    )
    reason = forms.CharField(
        max_length=200, label=gettext_lazy("Reason"), help_text=gettext_lazy("Kept in the history of the survey.")
    )

    def __init__(self, data: Any, *, survey: Survey, may_name: bool) -> None:
        super().__init__(data, survey=survey)
        if not may_name or survey.anonymity != Survey.Anonymity.IDENTIFIED:
            del self.fields["with_members"]


class ExportsOfSurvey:
    """Extend the admin of surveys by the export of answers."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("<int:pk>/export/", view, name="surveys_survey_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Ask what is wanted, and hand it out."""
        if not request.user.has_perm("surveys.export_response"):
            raise PermissionDenied
        page = self.results_page(request, pk, _("Export answers"))
        survey, now = page["original"], page["now"]
        may_name = request.user.has_perm("customers.export_customer")
        form = ExportForm(request.POST if request.method == "POST" else None, survey=survey, may_name=may_name)
        if not (form.is_bound and form.is_valid()):
            form.initial = request.GET.dict()
            return form_page(self, request, record=survey, form=form, title=_("Export answers"), submit=_("Export"))
        with_members = form.cleaned_data.get("with_members", False)
        if with_members and not confirming.confirmed_lately(request, now=now):
            return confirming.ask(request)
        scope = form.scope(now=now)
        # Written before the first row goes out: a download that breaks off was a download all the same.
        note = (
            _("Answers exported with member numbers: %(reason)s") if with_members else _("Answers exported: %(reason)s")
        )
        self.log_change(request, survey, note % {"reason": form.cleaned_data["reason"]})
        return _file(request, scope, form.cleaned_data["file"], with_members=with_members)


def _file(request: HttpRequest, scope: Scope, kind: str, *, with_members: bool) -> HttpResponseBase:
    now = timezone.now()
    heading = exports.columns(scope=scope, with_members=with_members)
    lines = exports.rows(scope=scope, with_members=with_members)
    if with_members:
        watermark = f"{request.user.email}, {moment(now)}"
        heading = [*heading, "exported_by"]
        lines = ([*line, watermark] for line in lines)
    name = f"answers-{scope.survey.slug}-{programme_date(now)}.{kind}"
    if kind == "csv":
        return csv_out.download(name=name, heading=heading, rows=lines)
    from surveys import workbooks  # loads openpyxl

    file = workbooks.workbook(heading=heading, lines=lines)
    response = FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)
    response["Cache-Control"] = "no-store"
    return response
