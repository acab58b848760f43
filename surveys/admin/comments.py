"""The page of comments of a survey: searched, sorted into themes, tagged by staff, kept as filters."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers.admin_panels import may_view, record_url
from customers.history_admin import CappedPaginator, PortalAdmin
from customers.models import Customer
from surveys import themes, verbatims
from surveys.admin import charts
from surveys.models import Question, SavedFilter, Survey, Theme, Verbatim, VerbatimTag
from surveys.scopes import Scope

PER_PAGE = 50
# What of an address belongs to a filter that is kept.
KEPT = ("campaign", "channel", "mode", "language", "period", "q", "theme", "tag", "mood")


class CommentForm(forms.Form):
    """Which comments; what is nonsense is left out."""

    q = forms.CharField(
        required=False, max_length=100, label=gettext_lazy("Words"), widget=forms.TextInput(attrs={"type": "search"})
    )
    theme = forms.ModelChoiceField(
        Theme.objects.none(), required=False, label=capfirst(gettext_lazy("theme")), empty_label=gettext_lazy("all")
    )
    tag = forms.ModelChoiceField(
        VerbatimTag.objects.none(), required=False, label=capfirst(gettext_lazy("tag")), empty_label=gettext_lazy("all")
    )
    mood = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Rating"),
        choices=[
            ("", gettext_lazy("all")), ("low", gettext_lazy("unhappy")), ("middle", gettext_lazy("in between")),
            ("high", gettext_lazy("happy")),
        ],
    )  # fmt: skip

    def __init__(self, data: Any, *, is_promised: bool) -> None:
        super().__init__(data, auto_id="comments-%s")
        self.fields["theme"].queryset = Theme.objects.filter(is_active=True).order_by("name_en", "pk")
        self.fields["tag"].queryset = VerbatimTag.objects.order_by("name")
        if is_promised:
            # What somebody wrote could tell who gave which rating.
            del self.fields["mood"]


@dataclass(frozen=True)
class Comment:
    """One comment as it is shown; of a promised survey without anything that could tell who wrote it."""

    verbatim: Verbatim
    rating: str = ""
    customer: Customer | None = None
    url: str = ""


class CommentsOfSurvey:
    """Extend the admin of surveys by its comments."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/comments/", wrap(self.comments_view), name="surveys_survey_comments"),
            *super().get_urls(),
        ]

    def comments_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show comments; a POST tags them, or keeps the filter."""
        page = self.results_page(request, pk, _("Comments"))
        scope: Scope = page["scope"]
        if request.method == "POST":
            return self._change(request, scope, page["now"])
        form = CommentForm(request.GET, is_promised=scope.is_promised)
        page |= {"comment_form": form, "filters": self._filters(scope.survey), "may_tag": self._may_tag(request)}
        if not page["is_hidden"]:
            verbatims.index_new()
            page |= _found(request, scope, form) | _summary(scope)
        page["kept_query"] = _query(request)
        return TemplateResponse(request, "admin/surveys/comments.html", page)

    def _may_tag(self, request: HttpRequest) -> bool:
        return request.user.has_perm("surveys.add_verbatimtag")

    def _filters(self, survey: Survey) -> list[tuple[SavedFilter, str]]:
        url = reverse("admin:surveys_survey_comments", args=[survey.pk])
        return [(row, f"{url}?{row.query}") for row in survey.saved_filters.order_by("name")]

    def _change(self, request: HttpRequest, scope: Scope, now: Any) -> HttpResponse:
        if not self._may_tag(request):
            raise PermissionDenied
        post, survey = request.POST, scope.survey
        back = reverse("admin:surveys_survey_comments", args=[survey.pk])
        query = _query(request)
        if "_forget" in post:
            survey.saved_filters.filter(pk=post["_forget"] if post["_forget"].isdecimal() else 0).delete()
        elif "_keep" in post:
            if name := post.get("name", "").strip():
                verbatims.keep_filter(survey=survey, name=name, query=query, by=request.user, now=now)
                messages.success(request, _("The filter is kept under this name."))
            else:
                messages.error(request, _("Give the filter a name."))
        else:
            self._tag(request, scope)
        return redirect(f"{back}?{query}" if query else back)

    def _tag(self, request: HttpRequest, scope: Scope) -> None:
        ids = [int(text) for text in request.POST.getlist("comment") if text.removeprefix("-").isdecimal()]
        rows = list(verbatims.within(scope=Scope(survey=scope.survey)).filter(pk__in=ids[:PER_PAGE]))
        if not rows:
            messages.error(request, _("Choose at least one comment."))
        elif row := VerbatimTag.objects.filter(name=request.POST.get("_untag", "")).first():
            verbatims.untag(rows=rows, row=row)
        elif name := request.POST.get("tag_name", "").strip():
            verbatims.tag(rows=rows, name=name)
            sentence = ngettext("%(number)d comment is tagged.", "%(number)d comments are tagged.", len(rows))
            messages.success(request, sentence % {"number": len(rows)})
        else:
            messages.error(request, _("Write the tag."))


def _query(request: HttpRequest) -> str:
    query = request.GET.copy()
    for name in [name for name in query if name not in KEPT or not query[name]]:
        del query[name]
    return query.urlencode()


def _found(request: HttpRequest, scope: Scope, form: CommentForm) -> dict[str, Any]:
    form.is_valid()
    wanted = form.cleaned_data
    rows = verbatims.within(scope=scope)
    if wanted.get("q"):
        rows = verbatims.search(rows, wanted["q"])
    if wanted.get("theme"):
        rows = rows.filter(themes.about(wanted["theme"]))
    if wanted.get("tag"):
        rows = rows.filter(tags=wanted["tag"])
    if wanted.get("mood"):
        rows = verbatims.in_mood(rows, wanted["mood"])
    # The order of arrival would tell who wrote what of a promised survey.
    order = ["folded", "pk"] if scope.is_promised else ["-answer__response__completed_at", "-pk"]
    rows = rows.select_related("answer__question", "answer__response__customer").prefetch_related("tags")
    paginator = CappedPaginator(rows.order_by(*order), PER_PAGE)
    page = paginator.get_page(request.GET.get("p"))
    query = request.GET.copy()
    query.pop("p", None)
    return {
        "page": page,
        "found": paginator.count,
        "is_capped": paginator.is_capped,
        "comments": _comments(request, scope, list(page.object_list)),
        "page_query": query.urlencode(),
    }


def _comments(request: HttpRequest, scope: Scope, rows: list[Verbatim]) -> list[Comment]:
    if scope.is_promised:
        return [Comment(row) for row in rows]
    ratings = verbatims.ratings_of(response_ids=[row.answer.response_id for row in rows])
    names = may_view(request.user, Customer)
    found = []
    for row in rows:
        kind, number = ratings.get(row.answer.response_id, ("", None))
        customer = row.answer.response.customer if names else None
        found.append(
            Comment(
                row,
                rating="" if number is None else f"{kind.upper()} {number}",
                customer=customer,
                url=record_url(customer) if customer else "",
            )
        )
    return found


def _summary(scope: Scope) -> dict[str, Any]:
    """Return themes and phrases of the newest comments."""
    rows = verbatims.within(scope=scope).order_by("-pk").values_list("folded", "answer__response")
    comments = list(rows[: themes.NEWEST])
    headline = next((q for q in scope.questions() if q.kind in Question.SCALES), None)
    ratings = {}
    if headline:
        given = scope.answers().filter(question__key=headline.key, question__kind=headline.kind, number__isnull=False)
        ratings = dict(given.values_list("response", "number"))
    active = list(Theme.objects.filter(is_active=True).order_by("pk"))
    found = themes.mentions(themes=active, comments=comments, kind=headline.kind if headline else "", ratings=ratings)
    return {
        "mentions": [
            (one, charts.percent(one.share), charts.words_of(one.score, headline) if headline else "",
             charts.interval(one.score)) for one in found
        ],
        "phrases": themes.phrases(texts=[text for text, _response in comments]),
        "theme_question": headline,
        "looked_through": len(comments),
    }  # fmt: skip


@admin.register(Theme)
class ThemeAdmin(PortalAdmin):
    """Themes and the keywords by which they are recognised; a change counts for all comments at once."""

    list_display = ["name", "is_active", "keywords"]
    list_filter = ["is_active"]
    search_fields = ["name_en", "name_zh", "words_en", "words_zh"]
    fieldsets = [
        (None, {"fields": [("name_en", "name_zh"), "is_active"]}),
        (gettext_lazy("Keywords"), {"fields": [("words_en", "words_zh")]}),
    ]

    @admin.display(description=gettext_lazy("keywords"))
    def keywords(self, theme: Theme) -> str:
        return ", ".join(themes.keywords(theme))[:120]
