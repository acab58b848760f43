"""Imports in the admin: hand a file in, look at what it would do, start, watch."""

import csv
import itertools
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from customers import import_jobs
from customers.admin_panels import Fact, Panel, RecordMixin, record_url
from customers.csv_rows import CsvRows, UnreadableFile
from customers.history_admin import PortalAdmin
from customers.models import ImportJob
from customers.templatetags.loyalty import points
from rewards import tasks
from rewards.import_forms import ImportJobForm
from rewards.import_runner import COLUMNS, COUNTS
from rewards.models import PrintedCodes

PREVIEW_ROWS = 10
SHOWN_FAULTS = 50


@admin.register(ImportJob)
class ImportJobAdmin(RecordMixin, PortalAdmin):
    """Files of customers, purchases and printed codes. A file is checked by itself, and imported when somebody says so."""

    form = ImportJobForm
    change_form_template = "admin/customers/importjob.html"
    list_display = ["name", "kind", "state", "bad_lines", "by", "created_at", "finished_at"]
    list_filter = ["kind", "state"]
    list_select_related = ["by"]
    readonly_fields = ["name", "by", "created_at", "finished_at"]

    def get_fields(self, request: HttpRequest, obj: ImportJob | None = None) -> list[str]:
        return ["kind", *self.readonly_fields] if obj else ["kind", "batch", "file"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or self.has_add_permission(request)

    def save_model(self, request: HttpRequest, obj: ImportJob, form: ImportJobForm, change: bool) -> None:
        import_jobs.accept(
            job=obj,
            upload=form.cleaned_data["file"],
            by=request.user,
            language=translation.get_language(),
            now=timezone.now(),
        )
        if obj.kind == ImportJob.Kind.COUPONS:
            PrintedCodes.objects.create(job=obj, batch=form.cleaned_data["batch"])

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, buttons | (extra_context or {}))

    def response_add(self, request: HttpRequest, obj: ImportJob, post_url_continue: str | None = None) -> HttpResponse:
        transaction.on_commit(partial(ring, request))  # the admin saves in a transaction
        return redirect(record_url(obj))

    def facts(self, request: HttpRequest, obj: ImportJob) -> list[Fact]:
        found = [Fact(label=_("state"), value=obj.get_state_display(), hint=obj.reason)]
        if printed := PrintedCodes.objects.filter(job=obj).select_related("batch").first():
            found.insert(0, Fact(label=_("batch"), value=printed.batch.name))
        if obj.counts:
            labels = COUNTS[obj.kind]
            found += [Fact(label=label, value=points(obj.counts.get(name, 0))) for name, label in labels.items()]
            found.append(Fact(label=_("bad lines"), value=points(obj.bad_lines)))
        return found

    def panels(self, request: HttpRequest, obj: ImportJob) -> list[Panel]:
        panels = [bad_lines_panel(obj)] if obj.counts else []
        if obj.path.exists():
            panels.append(preview_panel(obj))
        return panels

    def get_urls(self) -> list[URLPattern]:
        def wrapped(view: Any) -> Any:
            return self.admin_site.admin_view(view)

        return [
            path("<int:pk>/start/", wrapped(self.start_view), name="customers_importjob_start"),
            path("<int:pk>/bad-lines.csv", wrapped(self.bad_lines_view), name="customers_importjob_bad_lines"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def start_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Import a file that was checked."""
        job = self._job(request, pk)
        try:
            import_jobs.start(job=job)
        except import_jobs.NotChecked as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, job, "start")
            ring(request)
        return redirect(record_url(job))

    def bad_lines_view(self, request: HttpRequest, pk: int) -> FileResponse:
        """Hand out the list of bad lines."""
        job = self._job(request, pk)
        if not job.errors_path.exists():
            raise Http404
        return FileResponse(
            job.errors_path.open("rb"),
            as_attachment=True,
            filename=f"import-{job.pk}-bad-lines.csv",
            content_type="text/csv",
        )

    def _job(self, request: HttpRequest, pk: int) -> ImportJob:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return get_object_or_404(ImportJob, pk=pk)


def ring(request: HttpRequest) -> None:
    """Wake a worker; without one the clock's next round takes the job."""
    try:
        tasks.run_imports.delay()
    except OperationalError:
        messages.warning(
            request, _("The background worker cannot be reached; it takes the file as soon as it is back.")
        )


def bad_lines_panel(job: ImportJob) -> Panel:
    """Show the first bad lines."""
    rows = []
    if job.bad_lines and job.errors_path.exists():
        with job.errors_path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(itertools.islice(csv.reader(file), 1, SHOWN_FAULTS + 1))
    return Panel(
        title=_("Bad lines"),
        columns=[_("line"), _("column"), _("reason")],
        rows=[[int(line), field, reason] for line, field, reason in rows],
        empty=_("None: every line can be imported."),
        numeric=frozenset({0}),
    )


def preview_panel(job: ImportJob) -> Panel:
    """Show the first rows as the portal reads them."""
    columns, rows = COLUMNS[job.kind], []
    try:
        with job.path.open("rb") as file:
            rows = [
                [number, *fields]
                for number, fields, trouble in itertools.islice(CsvRows(file, columns=columns), PREVIEW_ROWS)
                if not trouble
            ]
    except (UnreadableFile, OSError):
        pass
    return Panel(
        title=_("The first rows"),
        columns=[_("line"), *columns],
        rows=rows,
        empty=_("The file has no rows."),
        numeric=frozenset({0}),
    )
