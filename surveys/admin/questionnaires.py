"""Surveys: the draft and its questions on one page, published versions read only."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.csp import CSP
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override

from customers.admin_panels import Fact, Panel, RecordMixin, record_url
from customers.history_admin import PortalAdmin
from surveys import starters, versions
from surveys.admin.comments import CommentsOfSurvey
from surveys.admin.dashboards import ResultsOfSurvey
from surveys.admin.exports import ExportsOfSurvey
from surveys.admin.question_forms import QuestionForm, QuestionFormSet
from surveys.admin.trial_mails import mail_of, send_trial
from surveys.models import Question, Survey, SurveyVersion
from surveys.views.questionnaire import respond
from surveys.visits import Visit

ON_RECORD = [ActionLocation.CHANGE_FORM]
# The preview stands in a frame of our own page, and nowhere else.
FRAMED = {**settings.SECURE_CSP, "frame-ancestors": [CSP.SELF]}
SHORT_TEXTS = {models.TextField: {"widget": AdminTextareaWidget(attrs={"rows": 3})}}


def shown_version(survey: Survey | None) -> SurveyVersion:
    """Return the draft, else the latest version, else a first draft that is not saved yet."""
    newest = survey.versions.order_by("-number").first() if survey and survey.pk else None
    return newest or SurveyVersion(survey=survey, number=1)


class QuestionInline(admin.StackedInline):
    """The questions of the version shown. They hang on the version, which the page of the survey stands for."""

    model = Question
    form = QuestionForm
    formset = QuestionFormSet
    formfield_overrides = SHORT_TEXTS
    extra = 1
    ordering = ["position"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("position", "kind", "is_required", "begins_page"),
                    ("text_en", "text_zh"),
                    ("choices_en", "choices_zh"),
                    "key",
                ]
            },
        ),
        (
            gettext_lazy("Rows, scales and numbers"),
            {
                "fields": [("rows_en", "rows_zh"), ("least", "most"), ("low_en", "low_zh"), ("high_en", "high_zh")],
                "classes": ["collapse"],
            },
        ),
        (
            gettext_lazy("Only ask if"),
            {"fields": [("show_if_key", "show_if_test", "show_if_values")], "classes": ["collapse"]},
        ),
    ]

    def __init__(self, parent_model: type[Survey], admin_site: admin.AdminSite) -> None:
        super().__init__(SurveyVersion, admin_site)

    def has_add_permission(self, request: HttpRequest, obj: Survey | None = None) -> bool:
        return super().has_add_permission(request, obj) and not shown_version(obj).is_published

    def has_change_permission(self, request: HttpRequest, obj: Survey | None = None) -> bool:
        return super().has_change_permission(request, obj) and not shown_version(obj).is_published

    def has_delete_permission(self, request: HttpRequest, obj: Survey | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not shown_version(obj).is_published


@admin.register(Survey)
class SurveyAdmin(ExportsOfSurvey, CommentsOfSurvey, ResultsOfSurvey, RecordMixin, PortalAdmin):
    """Write, look at, publish; a published version stays as it is, the next one begins as its copy."""

    inlines = [QuestionInline]
    list_display = ["title", "slug", "anonymity", "published", "drafted"]
    list_filter = ["anonymity"]
    search_fields = ["slug", "title_en", "title_zh"]
    prepopulated_fields = {"slug": ["title_en"]}
    formfield_overrides = SHORT_TEXTS
    actions = ["preview", "send_test", "publish", "revise", "copy", "results"]
    change_list_template = "admin/surveys/surveys.html"
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("slug", "anonymity"),
                    ("title_en", "title_zh"),
                    ("intro_en", "intro_zh"),
                    ("thanks_en", "thanks_zh"),
                ],
                "description": gettext_lazy(
                    "In questions and thanks, {programme} stands for the programme's name; in questions, {key} stands for "
                    "what was answered to the question with that key."
                ),
            },
        ),
    ]

    @admin.display(description=gettext_lazy("published"), boolean=True)
    def published(self, survey: Survey) -> bool:
        return survey.has_published

    @admin.display(description=gettext_lazy("draft in work"), boolean=True)
    def drafted(self, survey: Survey) -> bool:
        return survey.has_draft

    def get_queryset(self, request: HttpRequest) -> QuerySet[Survey]:
        of_survey = SurveyVersion.objects.filter(survey=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                has_published=Exists(of_survey.published()), has_draft=Exists(of_survey.filter(published_at=None))
            )
        )

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Survey, inline: admin.options.InlineModelAdmin, prefix: str
    ) -> dict[str, Any]:
        kwargs = super().get_formset_kwargs(request, obj, inline, prefix)
        return kwargs | {"instance": shown_version(obj)}

    def get_readonly_fields(self, request: HttpRequest, obj: Survey | None = None) -> list[Any]:
        """What was promised to those who answered is not taken back."""
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "anonymity"] if obj and versions.latest(survey=obj) else fields

    def save_related(self, request: HttpRequest, form: Any, formsets: list[Any], change: bool) -> None:
        for formset in formsets:
            if formset.instance.pk is None:
                formset.instance.survey, formset.instance.by = form.instance, request.user
                formset.instance.save()
        super().save_related(request, form, formsets, change)

    def has_delete_permission(self, request: HttpRequest, obj: Survey | None = None) -> bool:
        return False

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("surveys.change_surveyversion")

    def facts(self, request: HttpRequest, obj: Survey) -> list[Fact]:
        shown, latest = shown_version(obj), versions.latest(survey=obj)
        state = _("published, read only") if shown.is_published else _("draft")
        return [
            Fact(label=_("Below: version %(number)d") % {"number": shown.number}, value=state),
            Fact(
                label=_("Campaigns send"),
                value=_("version %(number)d") % {"number": latest.number} if latest else _("nothing yet"),
            ),
        ]

    def panels(self, request: HttpRequest, obj: Survey) -> list[Panel]:
        rows = obj.versions.select_related("by").order_by("-number")[:10]
        return [
            Panel(
                title=_("Versions"),
                columns=[_("version"), _("published at"), _("by")],
                rows=[[row.number, row.published_at or _("draft"), row.by] for row in rows],
                empty=_("No version yet."),
            )
        ]

    def offers(self, action: str, obj: Survey) -> bool:
        shown = shown_version(obj)
        return {"publish": shown.pk and not shown.is_published, "revise": shown.is_published}.get(action, True)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/preview/", view(self.preview_view), name="surveys_survey_preview"),
            path("<int:pk>/phones/", view(self.phones_view), name="surveys_survey_phones"),
            path("start/", view(self.start_view), name="surveys_survey_start"),
            *super().get_urls(),
        ]

    @admin.action(location=ON_RECORD, description=gettext_lazy("Preview"), permissions=["view"])
    def preview(self, request: HttpRequest, queryset: QuerySet[Survey]) -> HttpResponse:
        """Show the pages as customers see them on their phones, in both languages."""
        return redirect("admin:surveys_survey_phones", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Send test to me"), permissions=["view"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[Survey]) -> HttpResponse:
        """Mail what is shown below, draft or not, to whoever presses the button."""
        survey = queryset.get()
        version = shown_version(survey)
        if version.pk is None or not version.questions.exists():
            messages.error(request, _("This survey has no question yet."))
        else:
            send_trial(request, version=version, campaign=mail_of(survey))
        return redirect(record_url(survey))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Copy"), permissions=["add"])
    def copy(self, request: HttpRequest, queryset: QuerySet[Survey]) -> HttpResponse:
        """Begin another survey with the same questions."""
        made = starters.copy(survey=queryset.get(), by=request.user)
        self.log_addition(request, made, _("Copied from “%(name)s”.") % {"name": made.title})
        messages.success(request, _("This is the copy: change it and publish it."))
        return redirect(record_url(made))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Publish"), permissions=["publish"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Survey]) -> HttpResponse:
        """Freeze the draft, so that campaigns can send it."""
        survey = queryset.get()
        try:
            version = versions.publish(survey=survey, by=request.user, now=timezone.now())
        except (versions.NoDraft, versions.NoQuestions, versions.QuestionsUnclear) as error:
            messages.error(request, str(error))
        else:
            sentence = _("Version %(number)d is published.") % {"number": version.number}
            self.log_change(request, survey, sentence)
            messages.success(request, sentence)
        return redirect(record_url(survey))

    @admin.action(location=ON_RECORD, description=gettext_lazy("New version"), permissions=["publish"])
    def revise(self, request: HttpRequest, queryset: QuerySet[Survey]) -> HttpResponse:
        """Begin the next version as a copy of the published one."""
        survey = queryset.get()
        draft = versions.revise(survey=survey)
        sentence = _("Version %(number)d begins as a copy; change its questions and publish it.") % {
            "number": draft.number
        }
        self.log_change(request, survey, sentence)
        messages.success(request, sentence)
        return redirect(record_url(survey))

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Offer surveys to start from; one press makes a draft."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        chosen = request.POST.get("starter", "")
        if request.method == "POST" and chosen in starters.STARTERS:
            survey = starters.begin(starter=chosen, by=request.user)
            self.log_addition(
                request, survey, _("Started from “%(name)s”.") % {"name": starters.STARTERS[chosen].label}
            )
            messages.success(request, _("This is your draft: change what you like, look at it, and publish it."))
            return redirect(record_url(survey))
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("Start from a template"),
            "starters": starters.STARTERS,
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/surveys/start.html", context)

    def phones_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show two phones, one in each language; what is answered on them is recorded nowhere."""
        survey = self._viewable(request, pk)
        url = preview_url(survey)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": survey, "title": _("Preview"),
            "subtitle": str(survey), "phones": [("en", "English", f"{url}?lang=en"), ("zh-hans", "中文", f"{url}?lang=zh-hans")],
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/surveys/phones.html", context)

    @method_decorator(xframe_options_sameorigin)
    @method_decorator(csp_override(FRAMED))
    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the page as a customer sees it; sending the answers records nothing."""
        survey = self._viewable(request, pk)
        version = shown_version(survey)
        language = request.GET.get("lang")
        language = language if language in ("en", "zh-hans") else translation.get_language()
        with translation.override(language):
            if version.pk is None:
                return render(request, "surveys/nothing_yet.html", {"survey": survey})
            return respond(request, Visit(version=version, now=timezone.now()))

    def _viewable(self, request: HttpRequest, pk: int) -> Survey:
        survey = get_object_or_404(Survey, pk=pk)
        if not self.has_view_permission(request, survey):
            raise PermissionDenied
        return survey


def preview_url(survey: Survey) -> str:
    """Return where staff see a survey's page."""
    return reverse("admin:surveys_survey_preview", args=[survey.pk])
