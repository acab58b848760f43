"""Campaigns: drafted with a live count of the audience, looked over, scheduled, released and stopped by buttons."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import segments
from customers.admin_panels import NEWEST, Fact, Panel, RecordMixin, may_view, record_url
from customers.admin_units import UnitsAdminMixin
from customers.history_admin import PortalAdmin
from customers.templatetags.loyalty import moment, points
from surveys import campaigns, recurrence, runs, subjects, versions
from surveys.admin.campaign_pages import CampaignPagesMixin, audience_words
from surveys.admin.gateways import TrialMessages
from surveys.admin.links import PhoneOnCampaign
from surveys.admin.runs import skipped_panel, with_unfinished
from surveys.admin.trial_mails import send_trial
from surveys.models import Campaign, Invitation, Occasion, Response

ON_RECORD = [ActionLocation.CHANGE_FORM]
# What stands for a field once it cannot be changed any more.
WORDS = {"segment": "audience_name", "sample": "sample_share", "holdout": "holdout_share"}


class CampaignForm(forms.ModelForm):
    """A campaign; the audience is chosen among the segments there are."""

    segment = forms.ChoiceField(label=capfirst(gettext_lazy("audience")), choices=segments.choices)

    class Media:
        js = ["js/campaign-form.js"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "segment" in self.fields:
            # Filled in when the page is made, and anew by the script when another audience is chosen.
            chosen = self.instance if self.instance.pk else Campaign(segment="everyone")
            self.fields["segment"].help_text = format_html(
                '<output id="audience-count" data-url="{}">{}</output>',
                reverse_lazy("admin:surveys_campaign_audience"),
                audience_words(chosen),
            )


@admin.register(Campaign)
class CampaignAdmin(PhoneOnCampaign, TrialMessages, CampaignPagesMixin, RecordMixin, UnitsAdminMixin, PortalAdmin):
    """Who is asked what, when and with which thanks. Once scheduled it is a promise and no longer changes."""

    form = CampaignForm
    units = {
        "sample": ("percent", gettext_lazy("Of the audience: 100 asks everybody.")),
        "thanks_holdout": (
            "percent",
            gettext_lazy(
                "Asked without a promise of thanks, by a coin, to learn what the thanks do. 0 compares nothing."
            ),
        ),
        "holdout": ("percent", gettext_lazy("Kept apart and never asked, to compare with.")),
    }
    list_display = ["name", "survey", "trigger", "state", "scheduled_at", "audience_name", "points"]
    list_filter = ["state", "trigger", "gateway", "scheduled_at"]
    list_select_related = ["survey"]
    search_fields = ["name", "survey__title_en", "survey__title_zh"]
    autocomplete_fields = ["survey", "coupon_batch"]
    readonly_fields = [
        "state", *WORDS.values(), "created_at", "by", "requested_by", "released_by", "released_at",
    ]  # fmt: skip
    actions = [
        "schedule", "release", "send_back", "results", "send_test", "texts", "pause", "resume", "why", "which_subject", "cancel", "copy",
        "archive",
        "effect", "links_and_posters", "answer_by_phone",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["name", "survey", "gateway"]}),
        (
            gettext_lazy("When"),
            {
                "fields": [
                    "trigger", "scheduled_at", "rhythm", "ends_at", ("hour_from", "hour_until"), "spread_days", "answer_days",
                ],
            },
        ),
        (
            gettext_lazy("What it waits for"),
            {
                "fields": [("delay_days", "delay_days_web"), "number", "days", "tier", "on_quarantine"],
                "description": gettext_lazy("Only for campaigns that ask when something happens; others leave this as it is."),
            },
        ),
        (
            gettext_lazy("Who"),
            {"fields": ["segment", "store", "sample", "holdout", "quarantine_days", "answered_days", "priority"]},
        ),
        (
            gettext_lazy("The mail or message"),
            {
                "fields": [
                    "subject_en", "body_en", "subject_zh", "body_zh", "subject_b_en", "subject_b_zh",
                ],
                "description": gettext_lazy("{name} stands for the customer's name, in subjects and texts. A text message has no subject, and a text of 300 characters at most."),
            },
        ),
        (
            gettext_lazy("Reminders"),
            {"fields": [("reminders", "reminder_days"), "reminder_subject_en", "reminder_subject_zh"]},
        ),
        (
            gettext_lazy("Thanks"),
            {"fields": ["points", "coupon_batch", "thanks_holdout", ("thanks_per_day", "thanks_limit"), "quick_seconds"]},
        ),
        (
            gettext_lazy("Record"),
            {
                "fields": ["state", "per_claim", "created_at", "by", "requested_by", "released_by", "released_at"],
                "classes": ["collapse"],
            },
        ),
    ]  # fmt: skip

    @admin.display(description=gettext_lazy("sample"))
    def sample_share(self, campaign: Campaign) -> str:
        return f"{campaign.sample / 100:g}%"

    @admin.display(description=gettext_lazy("hold-out"))
    def holdout_share(self, campaign: Campaign) -> str:
        return f"{campaign.holdout / 100:g}%"

    @admin.display(description=gettext_lazy("audience"))
    def audience_name(self, campaign: Campaign) -> str:
        segment = segments.find(campaign.segment)
        return str(segment.label) if segment else campaign.segment

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> list[Any]:
        fields = list(super().get_readonly_fields(request, obj))
        if obj is None or obj.state == Campaign.State.DRAFT:
            return fields
        return [*fields, *(field.name for field in Campaign._meta.concrete_fields if field.name not in ("id", "name"))]

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        """Write out what can no longer be chosen, folded up: by then the runs and what came of them matter more."""
        found = super().get_fieldsets(request, obj)
        if obj is None or "segment" not in self.get_readonly_fields(request, obj):
            return found
        return [
            (
                title,
                {
                    **rest,
                    "fields": [WORDS.get(f, f) if isinstance(f, str) else f for f in rest["fields"]],
                    "classes": ["collapse"] if title else [],
                },
            )
            for title, rest in found
        ]

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if not change:
            obj.by = request.user
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.state == Campaign.State.DRAFT)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("surveys.change_run")

    def has_release_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(campaigns.MAY_RELEASE)

    def has_results_permission(self, request: HttpRequest) -> bool:
        return may_view(request.user, Response)

    def has_why_permission(self, request: HttpRequest) -> bool:
        return may_view(request.user, Invitation)

    def facts(self, request: HttpRequest, obj: Campaign) -> list[Fact]:
        found = [Fact(label=_("state"), value=campaigns.state_word(campaign=obj))]
        if obj.is_triggered and obj.state != Campaign.State.DRAFT:
            waiting = obj.occasions.filter(state=Occasion.State.WAITING).count()
            found.append(Fact(label=_("occasions that wait"), value=points(waiting)))
        elif obj.rhythm and obj.state == Campaign.State.SCHEDULED:
            upcoming = recurrence.upcoming(campaign=obj, now=timezone.now(), number=1)
            found += [Fact(label=_("next time"), value=moment(at)) for at in upcoming]
        if obj.state == Campaign.State.DRAFT:
            members, agreed = campaigns.audience(campaign=obj, now=timezone.now())
            hint = _("of %(members)s in the audience") % {"members": points(members)}
            label = (
                _("agreed to surveys by text message, now") if obj.gateway_id else _("agreed to surveys by e-mail, now")
            )
            found.append(Fact(label=label, value=points(agreed), hint=hint))
        return found

    def panels(self, request: HttpRequest, obj: Campaign) -> list[Panel]:
        rows = list(with_unfinished(obj.runs.all()).order_by("-pk")[:NEWEST])
        found = [
            Panel(
                title=_("Runs"),
                columns=[_("run"), _("state"), _("planned at"), _("closes at")],
                rows=[
                    [
                        format_html('<a href="{}">{}</a>', record_url(row), row.period),
                        runs.state(run=row, is_unfinished=row.is_unfinished),
                        row.planned_at,
                        row.closes_at,
                    ]
                    for row in rows
                ],
                empty=_("Nothing was sent yet."),
            )
        ]
        if rows:
            skips = runs.skips(runs=rows)
            found.append(skipped_panel(request, skips, run__campaign__id__exact=obj.pk))
        return found

    def offers(self, action: str, obj: Campaign) -> bool:
        states = Campaign.State
        offered = {
            "schedule": obj.state == states.DRAFT,
            "release": obj.state == states.REQUESTED,
            "send_back": obj.state == states.REQUESTED,
            "texts": obj.state in campaigns.UNDERWAY,
            "pause": obj.state == states.SCHEDULED,
            "resume": obj.state == states.PAUSED,
            "cancel": obj.state in campaigns.UNDERWAY,
            "why": obj.state != states.DRAFT,
            "effect": obj.trial_id is not None,
            "results": obj.state != states.DRAFT,
        }
        if action == "which_subject":
            return obj.state != states.DRAFT and subjects.is_compared(campaign=obj)
        if action == "archive":
            return campaigns.is_over(campaign=obj, now=timezone.now())
        return offered.get(action, True)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Look it over and schedule"), permissions=["operate"])
    def schedule(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Lead to the page that shows what would leave."""
        return redirect("admin:surveys_campaign_review", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Look it over and release"), permissions=["release"])
    def release(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Lead to the page that shows what would leave."""
        return redirect("admin:surveys_campaign_review", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Back to draft"), permissions=["operate"])
    def send_back(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Let it be changed again."""
        return self._move(request, queryset.get(), campaigns.send_back)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Change texts"), permissions=["operate"])
    def texts(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Lead to the page of its texts."""
        return redirect("admin:surveys_campaign_texts", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Why not?"), permissions=["why"])
    def why(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Lead to the page that explains what became of one customer."""
        return redirect("admin:surveys_campaign_why", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Did it work?"), permissions=["view"])
    def effect(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Lead to the page that says whether the thanks brought people back."""
        return redirect("admin:surveys_campaign_effect", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Pause"), permissions=["operate"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Begin nothing new and stop what is being sent."""
        return self._move(request, queryset.get(), campaigns.pause)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Resume"), permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Go on."""
        return self._move(request, queryset.get(), campaigns.resume)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Archive"), permissions=["operate"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Put it away."""
        return self._move(request, queryset.get(), campaigns.archive)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Cancel"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Stop the campaign for good."""
        return self._move(request, queryset.get(), campaigns.cancel)

    def _move(
        self, request: HttpRequest, campaign: Campaign, move: Callable[..., Campaign], **kwargs: Any
    ) -> HttpResponse:
        try:
            campaign = move(campaign=campaign, now=timezone.now(), **kwargs)
        except (campaigns.CampaignNotReady, campaigns.CampaignNotScheduled, campaigns.CampaignNotInState) as error:
            messages.error(request, str(error))
        else:
            sentence = _("“%(name)s” is %(state)s.") % {"name": campaign.name, "state": campaign.get_state_display()}
            self.log_change(request, campaign, sentence)
            messages.success(request, sentence)
        return redirect(record_url(campaign))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Copy"), permissions=["add"])
    def copy(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Draft a new campaign like this one."""
        made = campaigns.copy(campaign=queryset.get(), by=request.user)
        self.log_addition(request, made, _("Copied from “%(name)s”.") % {"name": made.name})
        messages.success(request, _("This is the copy: give it a time and schedule it."))
        return redirect(record_url(made))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Send test to me"), permissions=["view"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse:
        """Mail the invitation to whoever presses the button, in the language of the admin; ask where a text message goes."""
        campaign = queryset.get()
        if campaign.gateway_id:
            return redirect("admin:surveys_campaign_trial", campaign.pk)
        version = versions.latest(survey=campaign.survey)
        if version is None:
            messages.error(request, _("Publish the survey before scheduling a campaign with it."))
            return redirect(record_url(campaign))
        send_trial(request, version=version, campaign=campaign)
        return redirect(record_url(campaign))
