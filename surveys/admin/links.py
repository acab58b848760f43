"""Links and posters of a campaign, and the page on which staff write down answers by telephone."""

import io
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers.admin_pages import form_page
from customers.admin_panels import Fact, RecordMixin, list_url
from customers.history_admin import PortalAdmin
from customers.models import Customer
from customers.templatetags.loyalty import points
from surveys import channels, posters, public_links, versions
from surveys.admin.chats import PostsOfLink
from surveys.admin.history import ChannelsFilter
from surveys.models import Campaign, Response, SurveyLink
from surveys.views import questionnaire

ON_RECORD = [ActionLocation.CHANGE_FORM]


class SurveyLinkForm(forms.ModelForm):
    """A link; the place is chosen among those we count."""

    channel = forms.ChoiceField(
        label=capfirst(pgettext_lazy("of a link", "place")), choices=channels.PLACES.items(),
        help_text=gettext_lazy("Answers are counted by it."),
    )  # fmt: skip


@admin.register(SurveyLink)
class SurveyLinkAdmin(PostsOfLink, RecordMixin, PortalAdmin):
    """Links and QR posters; a link that is out in the world keeps its campaign and place."""

    form = SurveyLinkForm
    list_display = ["campaign", "place", "label", "is_active", "answers", "code"]
    list_display_links = ["campaign", "place"]
    list_filter = ["is_active", ("channel", ChannelsFilter)]
    list_select_related = ["campaign"]
    search_fields = ["code", "label", "campaign__name"]
    autocomplete_fields = ["campaign"]
    sortable_by = ()
    actions = ["open_page", "poster", "small_poster", "post_link"]
    fields = ["campaign", "channel", "label", "is_active", "closes_at"]

    @admin.display(description=pgettext_lazy("of a link", "place"))
    def place(self, link: SurveyLink) -> str:
        return channels.words([link.channel])[link.channel]

    @admin.display(description=gettext_lazy("answers of the place"))
    def answers(self, link: SurveyLink) -> int:
        return link.answered

    def get_queryset(self, request: HttpRequest) -> QuerySet[SurveyLink]:
        return super().get_queryset(request).annotate(answered=_answers())

    def get_readonly_fields(self, request: HttpRequest, obj: SurveyLink | None = None) -> list[str]:
        return ["campaign", "place", "label"] if obj else []

    def get_fields(self, request: HttpRequest, obj: SurveyLink | None = None) -> list[str]:
        return ["campaign", "place" if obj else "channel", "label", "is_active", "closes_at"]

    def get_form(self, request: HttpRequest, obj: SurveyLink | None = None, **kwargs: Any) -> Any:
        # Once made, the place is read only and the form has no field for it.
        return super().get_form(request, obj, **kwargs, **({"form": forms.ModelForm} if obj else {}))

    def has_delete_permission(self, request: HttpRequest, obj: SurveyLink | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: SurveyLink, form: Any, change: bool) -> None:
        obj.by = obj.by or request.user
        super().save_model(request, obj, form, change)

    def facts(self, request: HttpRequest, obj: SurveyLink) -> list[Fact]:
        return [
            Fact(label=gettext_lazy("Address"), value=public_links.url_of(obj)),
            Fact(label=gettext_lazy("answers of the place"), value=points(obj.answered)),
        ]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/poster-<slug:size>.pdf", wrap(self.poster_view), name="surveys_surveylink_poster"),
            *super().get_urls(),
        ]

    @admin.action(location=ON_RECORD, description=gettext_lazy("Open the page"), permissions=["view"])
    def open_page(self, request: HttpRequest, queryset: QuerySet[SurveyLink]) -> HttpResponse:
        """Show what people see."""
        return redirect(reverse("survey_link", args=[queryset.get().code]))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Poster, A4"), permissions=["view"])
    def poster(self, request: HttpRequest, queryset: QuerySet[SurveyLink]) -> HttpResponse:
        """Lead to the poster."""
        return redirect("admin:surveys_surveylink_poster", queryset.get().pk, "a4")

    @admin.action(location=ON_RECORD, description=gettext_lazy("Poster, A5"), permissions=["view"])
    def small_poster(self, request: HttpRequest, queryset: QuerySet[SurveyLink]) -> HttpResponse:
        """Lead to the small poster."""
        return redirect("admin:surveys_surveylink_poster", queryset.get().pk, "a5")

    def poster_view(self, request: HttpRequest, pk: int, size: str) -> HttpResponse:
        """Give the poster as PDF, in the language of the admin."""
        if not self.has_view_permission(request) or size not in posters.SIZES:
            raise PermissionDenied
        link = get_object_or_404(SurveyLink.objects.select_related("campaign__survey"), pk=pk)
        file = io.BytesIO()
        posters.write_poster(link=link, size=size, file=file)
        response = HttpResponse(file.getvalue(), content_type="application/pdf")
        response["Content-Disposition"] = f'inline; filename="survey-{link.channel}-{link.code}.pdf"'
        return response


def _answers() -> Any:
    of_place = Response.objects.completed().filter(campaign=OuterRef("campaign"), channel=OuterRef("channel"))
    counted = of_place.order_by().values("campaign").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


class PhoneForm(forms.Form):
    """Who is on the line."""

    member = forms.CharField(
        required=False, max_length=40, label=gettext_lazy("Member number"),
        help_text=gettext_lazy("Empty for somebody who is no member or gives no name."),
    )  # fmt: skip


class PhoneOnCampaign:
    """Extend the admin of campaigns by answers that staff write down."""

    def has_phone_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("surveys.add_response")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.phone_view)
        return [path("<int:pk>/phone/", view, name="surveys_campaign_phone"), *super().get_urls()]

    @admin.action(location=ON_RECORD, description=gettext_lazy("Answer by telephone"), permissions=["phone"])
    def answer_by_phone(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Lead to the questions."""
        return redirect("admin:surveys_campaign_phone", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Links and posters"), permissions=["view"])
    def links_and_posters(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Lead to the links of the campaign."""
        return redirect(list_url(SurveyLink, campaign__id__exact=queryset.get().pk))

    def phone_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the member number, or for nobody, then show the questions as customers see them."""
        if not self.has_phone_permission(request):
            raise PermissionDenied
        campaign = get_object_or_404(Campaign.objects.select_related("survey"), pk=pk)
        if versions.latest(survey=campaign.survey) is None:
            raise PermissionDenied
        if "member" not in request.GET:
            return form_page(
                self, request, record=campaign, form=PhoneForm(), title=_("Answer by telephone"), submit=_("To the questions"),
                template="admin/surveys/phone.html",
            )  # fmt: skip
        number = request.GET["member"].strip()
        customer = Customer.objects.enrolled().filter(member_number=number).first() if number else None
        language = request.GET.get("lang")
        language = language if language in ("en", "zh-hans") else translation.get_language() or "en"
        record = public_links.PhoneRecord(campaign=campaign, customer=customer, by=request.user)
        with translation.override(language):
            visit = public_links.PhoneVisit(record=record, now=timezone.now())
            visit.unknown_member = number if number and customer is None else ""
            return questionnaire.respond(request, visit)
