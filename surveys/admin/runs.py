"""Runs: what became of everybody considered, and the buttons for what people decide."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin_panels import Fact, Panel, RecordMixin, list_url, may_view, record_url
from customers.history_admin import PortalAdmin
from customers.templatetags.loyalty import points
from surveys import runs, scores
from surveys.admin.results import answers_csv, percent, results_page
from surveys.models import Invitation, Message, Response, Run

ON_RECORD = [ActionLocation.CHANGE_FORM]


def with_unfinished(queryset: QuerySet[Run]) -> QuerySet[Run]:
    """Annotate whether a run still has messages to send; one look into an index each."""
    return queryset.annotate(is_unfinished=Exists(Message.objects.filter(run=OuterRef("pk")).unfinished()))


@admin.register(Run)
class RunAdmin(RecordMixin, PortalAdmin):
    """One sending of a campaign, read only but for its buttons."""

    class Media:
        css = {"all": ["css/surveys-admin.css"]}

    list_display = ["campaign", "period", "state_word", "planned_at", "closes_at"]
    list_display_links = ["campaign", "period"]
    list_filter = ["phase", "planned_at"]
    list_select_related = ["campaign"]
    search_fields = ["campaign__name", "period_key"]
    sortable_by = ()
    actions = ["results", "pause", "resume", "newcomers", "close", "cancel"]
    fields = ["campaign", "version", "period", "planned_at", "prepared_at", "closes_at", "created_at"]
    readonly_fields = ["period"]

    @admin.display(description=gettext_lazy("period"))
    def period(self, run: Run) -> str:
        return run.period

    @admin.display(description=gettext_lazy("state"))
    def state_word(self, run: Run) -> str:
        return runs.state(run=run, is_unfinished=run.is_unfinished)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        return with_unfinished(super().get_queryset(request)).select_related("version__survey")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("surveys.change_run")

    def has_results_permission(self, request: HttpRequest) -> bool:
        return may_view(request.user, Response)

    def facts(self, request: HttpRequest, obj: Run) -> list[Fact]:
        counts = runs.counts(run=obj)
        rates = scores.rates(run=obj, counts=counts)
        uncertain = points(counts.uncertain)
        if counts.uncertain:
            url = list_url(Message, run__id__exact=obj.pk, state__exact=Message.State.UNCERTAIN)
            uncertain = format_html('<a class="uncertain" href="{}">{}</a>', url, uncertain)
        return [
            Fact(label=_("state"), value=runs.state(run=obj, is_unfinished=bool(counts.unfinished))),
            Fact(label=_("considered"), value=points(counts.considered)),
            Fact(label=_("skipped"), value=points(counts.skipped)),
            Fact(label=_("mails that left"), value=points(counts.left)),
            Fact(label=_("uncertain"), value=uncertain),
            Fact(label=_("answered"), value=points(rates.completed), hint=percent(rates.response)),
        ]

    def panels(self, request: HttpRequest, obj: Run) -> list[Panel]:
        counts = runs.counts(run=obj)
        states = Message.State
        found = [
            Panel(
                title=_("Mails by state"),
                columns=[_("state"), _("mails")],
                rows=[
                    [_state_link(obj, state), points(counts.states[state])]
                    for state in states
                    if counts.states.get(state)
                ],
                numeric=frozenset({1}),
                empty=_("No mail was written yet."),
            )
        ]
        return [
            *found,
            *_reminders(counts),
            skipped_panel(request, counts.skips, run__id__exact=obj.pk),
        ]

    def offers(self, action: str, obj: Run) -> bool:
        is_live = obj.phase in runs.LIVE_PHASES
        offered = {
            "pause": obj.phase == Run.Phase.SENDING and obj.is_unfinished,
            "resume": obj.phase == Run.Phase.PAUSED,
            "newcomers": obj.phase == Run.Phase.SENDING and not obj.campaign.is_triggered,
            "close": is_live,
            "cancel": is_live and obj.is_unfinished,
        }
        return offered.get(action, True)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/results/", wrap(self.results_view), name="surveys_run_results"),
            path("<int:pk>/answers.csv", wrap(self.answers_view), name="surveys_run_answers"),
            *super().get_urls(),
        ]

    @admin.action(location=ON_RECORD, description=gettext_lazy("Results"), permissions=["results"])
    def results(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponse:
        """Lead to the scores."""
        return redirect(reverse("admin:surveys_run_results", args=[queryset.get().pk]))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Pause"), permissions=["operate"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponse:
        """Stop sending for a while."""
        return self._move(request, queryset.get(), runs.pause, reason=Run.PauseReason.MANUAL)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Resume"), permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponse:
        """Go on sending."""
        return self._move(request, queryset.get(), runs.resume)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Add newcomers"), permissions=["operate"])
    def newcomers(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponse:
        """Ask also those who belong to the audience by now."""
        return self._move(request, queryset.get(), runs.add_newcomers, now=timezone.now())

    @admin.action(location=ON_RECORD, description=gettext_lazy("Close: no more answers"), permissions=["operate"])
    def close(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponse:
        """End the run and its links."""
        return self._move(request, queryset.get(), runs.close, now=timezone.now())

    @admin.action(location=ON_RECORD, description=gettext_lazy("Cancel what has not left"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponse:
        """Drop every queued mail."""
        return self._move(request, queryset.get(), runs.cancel, now=timezone.now())

    def _move(self, request: HttpRequest, run: Run, move: Callable[..., None], **kwargs: Any) -> HttpResponse:
        try:
            move(run=run, **kwargs)
        except runs.RunNotInPhase as error:
            messages.error(request, str(error))
        else:
            sentence = _("The run is %(phase)s.") % {"phase": run.get_phase_display()}
            self.log_change(request, run, sentence)
            messages.success(request, sentence)
        return redirect(record_url(run))

    def results_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the scores of a run."""
        return results_page(self, request, self._run(request, pk))

    def answers_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the answers of a run as a table, and remember who took them."""
        if not request.user.has_perm("surveys.export_response"):
            raise PermissionDenied
        run = self._run(request, pk)
        self.log_change(request, run, _("Exported the answers."))
        return answers_csv(run)

    def _run(self, request: HttpRequest, pk: int) -> Run:
        if not self.has_results_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request).select_related("campaign", "version__survey"), pk=pk)


def skipped_panel(request: HttpRequest, skips: dict[str, int], **query: Any) -> Panel:
    """Return how many customers got no mail for which reason; each leads to their rows, which can be searched."""
    may_read = may_view(request.user, Invitation)
    rows = []
    for skip in Invitation.Skip:
        if not skips.get(skip):
            continue
        url = list_url(Invitation, **query, skip__exact=skip) if may_read else ""
        label = format_html('<a href="{}">{}</a>', url, skip.label) if url else skip.label
        rows.append([label, points(skips[skip])])
    return Panel(
        title=_("Skipped, and why"),
        columns=[_("reason"), _("customers")],
        rows=rows,
        numeric=frozenset({1}),
        empty=_("Nobody was skipped."),
        all_url=list_url(Invitation, **query) if may_read else "",
    )


def _reminders(counts: runs.Counts) -> list[Panel]:
    if not counts.reminders:
        return []
    rows = [[state.label, points(counts.reminders[state])] for state in Message.State if counts.reminders.get(state)]
    return [
        Panel(
            title=_("Reminders by state"),
            columns=[_("state"), _("mails")],
            rows=rows,
            numeric=frozenset({1}),
            empty="",
        )
    ]


def _state_link(run: Run, state: Message.State) -> str:
    url = list_url(Message, run__id__exact=run.pk, state__exact=state)
    name = "uncertain" if state == Message.State.UNCERTAIN else ""
    return format_html('<a class="{}" href="{}">{}</a>', name, url, state.label)
