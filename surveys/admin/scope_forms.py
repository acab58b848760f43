"""The form above the pages of results: which answers they are about."""

import datetime as dt
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from customers.timezones import end_of_day, programme_date, start_of_day
from surveys import channels
from surveys.models import Campaign, Response, Survey
from surveys.scopes import Scope

PERIODS = {"": _("all time"), "30": _("last 30 days"), "90": _("last 90 days"), "365": _("last 12 months")}
NEWEST_CAMPAIGNS = 50


class ScopeForm(forms.Form):
    """Narrow the answers. What is nonsense is left out: a page of results always opens."""

    campaign = forms.ModelChoiceField(
        Campaign.objects.none(), required=False, label=capfirst(_("campaign")), empty_label=_("all")
    )
    channel = forms.ChoiceField(required=False, label=capfirst(_("channel")))
    mode = forms.ChoiceField(required=False, label=_("How"), choices=[("", _("all")), *Response.Mode.choices])
    language = forms.ChoiceField(
        required=False,
        label=capfirst(_("language")),
        choices=[("", _("all")), ("en", _("English")), ("zh-hans", _("Simplified Chinese"))],
    )
    period = forms.ChoiceField(required=False, label=_("Period"), choices=PERIODS.items())

    def __init__(self, data: Any, *, survey: Survey) -> None:
        super().__init__(data, auto_id="scope-%s")
        self.survey = survey
        campaigns = Campaign.objects.filter(survey=survey).order_by("-pk")[:NEWEST_CAMPAIGNS]
        self.fields["campaign"].queryset = Campaign.objects.filter(pk__in=[row.pk for row in campaigns]).order_by("-pk")
        self.fields["channel"].choices = [("", _("all")), *channels.ALL.items()]
        if survey.anonymity != Survey.Anonymity.IDENTIFIED:
            # Day by day one could watch a single answer arrive.
            del self.fields["period"]

    def scope(self, *, now: dt.datetime) -> Scope:
        """Return what was asked for."""
        self.is_valid()
        values = self.cleaned_data
        today = programme_date(now)
        days = int(values.get("period") or 0)
        return Scope(
            survey=self.survey,
            campaign=values.get("campaign"),
            channel=values.get("channel") or "",
            mode=values.get("mode") or "",
            language=values.get("language") or "",
            since=start_of_day(today - dt.timedelta(days=days - 1)) if days else None,
            until=end_of_day(today) if days else None,
        )
