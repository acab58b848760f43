"""The pages of a campaign beside its form: look it over before it leaves, change its texts, and why somebody got no mail."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import segments
from customers.admin_pages import form_page
from customers.admin_panels import may_view, record_url
from customers.models import Store
from customers.templatetags.loyalty import points
from rewards import coins, uplift_words
from rewards.admin.surprise_pages import effect_page, rows_of
from surveys import campaigns, comparing, estimates, reach, recurrence, short_texts, subjects
from surveys.models import Campaign, Gateway, Invitation, Response

TEXTS = ["subject_en", "subject_zh", "reminder_subject_en", "reminder_subject_zh", "body_en", "body_zh"]
MAY_EXPORT = "rewards.export_surprise"
OTHER_SUBJECT = ["subject_b_en", "subject_b_zh"]


class TextsForm(forms.ModelForm):
    """The texts of a campaign under way."""

    class Meta:
        model = Campaign
        fields = [*TEXTS, *OTHER_SUBJECT]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.gateway_id:
            for name in [*self.fields]:
                if name not in ("body_en", "body_zh"):
                    del self.fields[name]
        elif not self.instance.subject_b_en:
            for name in OTHER_SUBJECT:
                del self.fields[name]
        else:
            self.fields["subject_b_en"].required = True


class WhyForm(forms.Form):
    """Whom somebody asks about."""

    customer = forms.CharField(
        label=gettext_lazy("customer"),
        max_length=254,
        help_text=gettext_lazy("A member number, an e-mail address or a phone number, whole."),
    )


class CampaignPagesMixin:
    """Addresses and views of these pages; what they show is worked out by domain functions."""

    @admin.action(location=[ActionLocation.CHANGE_FORM], description=gettext_lazy("Results"), permissions=["results"])
    def results(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Lead to the scores, of this campaign alone."""
        campaign = queryset.get()
        address = reverse("admin:surveys_survey_dashboard", args=[campaign.survey_id], query={"campaign": campaign.pk})
        return redirect(address)

    @admin.action(
        location=[ActionLocation.CHANGE_FORM], description=gettext_lazy("Which subject?"), permissions=["results"]
    )
    def which_subject(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Lead to the page that compares two subjects."""
        return redirect("admin:surveys_campaign_subjects", queryset.get().pk)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("audience/", wrap(self.audience_view), name="surveys_campaign_audience"),
            path("<int:pk>/review/", wrap(self.review_view), name="surveys_campaign_review"),
            path("<int:pk>/texts/", wrap(self.texts_view), name="surveys_campaign_texts"),
            path("<int:pk>/effect/", wrap(self.effect_view), name="surveys_campaign_effect"),
            path("<int:pk>/effect/rows/", wrap(self.rows_view), name="surveys_campaign_rows"),
            path("<int:pk>/why/", wrap(self.why_view), name="surveys_campaign_why"),
            path("<int:pk>/subjects/", wrap(self.subjects_view), name="surveys_campaign_subjects"),
            *super().get_urls(),
        ]

    def _campaign(self, request: HttpRequest, pk: int, *, may: bool) -> Campaign:
        if not may:
            raise PermissionDenied
        return get_object_or_404(Campaign.objects.select_related("survey", "store", "tier", "gateway"), pk=pk)

    def audience_view(self, request: HttpRequest) -> JsonResponse:
        """Count an audience that is being chosen, for the script of the form."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        campaign = Campaign(
            segment=request.GET.get("segment", "")[:40],
            store=_chosen(Store, request.GET.get("store", "")),
            gateway=_chosen(Gateway, request.GET.get("gateway", "")),
        )
        return JsonResponse({"text": audience_words(campaign)})

    def review_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what would leave, to whom, how fast and until when; the button lets it leave or asks for the release."""
        campaign = self._campaign(request, pk, may=self.has_operate_permission(request))
        now = timezone.now()
        is_request = campaign.state == Campaign.State.REQUESTED
        if is_request and not self.has_release_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._let_go(request, campaign, is_request=is_request)
        is_own = is_request and settings.FOUR_EYES and request.user.pk in (campaign.by_id, campaign.requested_by_id)
        missing = campaigns.missing_for(campaign=campaign, now=now)
        waits = not is_request and campaigns.needs_release(campaign=campaign, by=request.user, now=now)
        found = estimates.estimate(campaign=campaign, now=now)
        return form_page(
            self,
            request,
            record=campaign,
            form=forms.Form(),
            title=_("Look it over"),
            submit=_("Release") if is_request else _("Ask for release") if waits else _("Schedule"),
            template="admin/surveys/review_campaign.html",
            campaign=campaign,
            estimate=found,
            message_en=campaign.gateway and short_texts.sample(campaign=campaign, language="en"),
            message_zh=campaign.gateway and short_texts.sample(campaign=campaign, language="zh-hans"),
            missing=missing,
            waits=waits,
            is_own=is_own,
            may_go=not missing and not is_own,
            release_above=campaigns.RELEASE_ABOVE,
            upcoming=[] if campaign.is_triggered else recurrence.upcoming(campaign=campaign, now=now),
            audience_label=found.label if (found := segments.find(campaign.segment)) else "",
        )

    def _let_go(self, request: HttpRequest, campaign: Campaign, *, is_request: bool) -> HttpResponse:
        move = campaigns.release if is_request else campaigns.schedule
        try:
            campaign = move(campaign=campaign, by=request.user, now=timezone.now())
        except (campaigns.CampaignNotReady, campaigns.CampaignNeedsAnother, campaigns.CampaignNotInState) as error:
            messages.error(request, str(error))
        else:
            sentence = _("“%(name)s” is %(state)s.") % {"name": campaign.name, "state": campaign.get_state_display()}
            self.log_change(request, campaign, sentence)
            messages.success(request, sentence)
        return redirect(record_url(campaign))

    def texts_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change the texts of a campaign under way; mails that have left keep theirs."""
        campaign = self._campaign(request, pk, may=self.has_operate_permission(request))
        form = TextsForm(request.POST or None, instance=Campaign.objects.get(pk=pk))
        if request.method == "POST" and form.is_valid():
            try:
                changed = campaigns.rewrite(campaign=campaign, texts=form.cleaned_data)
            except campaigns.CampaignNotInState as error:
                messages.error(request, str(error))
            else:
                self.log_change(request, campaign, _("Changed the texts."))
                messages.success(
                    request, _("The texts are changed. Mails still waiting with new texts: %s.") % points(changed)
                )
            return redirect(record_url(campaign))
        return form_page(self, request, record=campaign, form=form, title=_("Change texts"), submit=_("Save"))

    def effect_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show whether the thanks brought people back, and whether they paid."""
        campaign = self._compared(request, pk, may=self.has_view_permission(request))
        share = uplift_words.of_100(campaign.thanks_holdout / coins.ALL)
        rule = [
            _("A fair coin asks %(share)s of 100 customers without a promise of thanks, to compare.") % {"share": share}
        ]
        found = comparing.report(campaign=campaign, now=timezone.now())
        return effect_page(self, request, record=campaign, found=found, rule=rule, leaked=0)

    def rows_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Hand out every customer that counts as a row, without name or number."""
        campaign = self._compared(request, pk, may=request.user.has_perm(MAY_EXPORT))
        self.log_change(request, campaign, "exported row by row")
        return rows_of(campaign.trial)

    def _compared(self, request: HttpRequest, pk: int, *, may: bool) -> Campaign:
        if not may:
            raise PermissionDenied
        return get_object_or_404(Campaign.objects.select_related("trial"), pk=pk, trial__isnull=False)

    def why_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what became of one customer in this campaign, and why."""
        campaign = self._campaign(request, pk, may=may_view(request.user, Invitation))
        form = WhyForm(request.POST or None)
        found = None
        if request.method == "POST" and form.is_valid():
            found = reach.explain(campaign=campaign, text=form.cleaned_data["customer"], now=timezone.now())
        return form_page(
            self,
            request,
            record=campaign,
            form=form,
            title=_("Why did somebody not get it?"),
            submit=_("Look"),
            template="admin/surveys/why.html",
            found=found,
        )

    def subjects_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show which of two subjects brought more answers, and how sure that is."""
        campaign = self._campaign(request, pk, may=may_view(request.user, Response))
        found = subjects.compare(campaign=campaign)
        return form_page(
            self,
            request,
            record=campaign,
            form=forms.Form(),
            title=_("Which subject?"),
            submit="",
            template="admin/surveys/subjects.html",
            rows=[_shares(variant) for variant in found.variants],
            sentences=subjects.sentences(found),
        )


def _shares(variant: subjects.Variant) -> dict[str, object]:
    """Return a subject with its share as people write it."""
    interval = variant.interval
    if interval is None:
        return {"variant": variant, "share": "", "interval": ""}
    words = {"low": f"{100 * interval.low:.1f}%", "high": f"{100 * interval.high:.1f}%"}
    return {
        "variant": variant,
        "share": f"{100 * interval.estimate:.1f}%",
        "interval": _("between %(low)s and %(high)s") % words,
    }


def _chosen(model: Any, key: str) -> Any:
    return model.objects.filter(pk=int(key)).first() if key.isdecimal() and len(key) < 10 else None


def audience_words(campaign: Campaign) -> str:
    """Return how many people an audience holds now and how many of them can be asked."""
    members, agreed = campaigns.audience(campaign=campaign, now=timezone.now())
    if campaign.gateway_id:
        words = _("Now %(members)s customers, of whom %(agreed)s agreed to surveys by text message.")
    else:
        words = _("Now %(members)s customers, of whom %(agreed)s agreed to surveys by e-mail.")
    return words % {
        "members": points(members),
        "agreed": points(agreed),
    }
