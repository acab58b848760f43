"""The page of what should be looked at, for managers and auditors."""

import datetime as dt

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.http import require_safe

from customers.admin_panels import Panel, list_url, may_view, record_url
from customers.models import SpendingProof
from customers.templatetags.loyalty import day, moment, points
from customers.timezones import programme_date
from rewards import irregularities
from rewards.irregularities import MOST, Report
from rewards.models import PointTransaction

WEEK = 7


class PeriodForm(forms.Form):
    """From when to when."""

    begin = forms.DateField(label=pgettext_lazy("of a period", "From"), widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(label=gettext_lazy("To"), widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict:
        data = super().clean()
        if not self.errors and data["end"] < data["begin"]:
            raise forms.ValidationError(_("The end lies before the beginning."))
        return data


@require_safe
def irregularities_page(request: HttpRequest) -> HttpResponse:
    """Show the four lists of a period, the last seven days unless another is asked for."""
    if not may_view(request.user, PointTransaction):
        raise PermissionDenied
    today = programme_date(timezone.now())
    begin, end = today - dt.timedelta(days=WEEK - 1), today
    form = PeriodForm(request.GET if request.GET else None, initial={"begin": begin, "end": end})
    if form.is_bound and form.is_valid():
        begin, end = form.cleaned_data["begin"], form.cleaned_data["end"]
    found = irregularities.report(begin=begin, end=end)
    page = {
        **admin.site.each_context(request),
        "title": _("Irregularities"),
        "opts": PointTransaction._meta,
        "form": form,
        "report": found,
        "panels": panels(found),
        "most": MOST,
    }
    return TemplateResponse(request, "admin/rewards/irregularities.html", page)


def panels(found: Report) -> list[Panel]:
    """Return the lists as tables, names of customers left out: auditors read them, too."""
    return [_busy_cards(found), _after_change(found), _one_hand(found), _by_hand(found)]


def _busy_cards(found: Report) -> Panel:
    return Panel(
        title=_("Cards that earned more than %(most)d times on a day") % {"most": irregularities.MOST_EARNS},
        columns=[_("day"), _("card"), _("purchases"), _("points"), _("stores")],
        numeric=frozenset({2, 3, 4}),
        rows=[
            [
                day(row["day"]), _transactions(row["customer__member_number"]), row["earns"], points(row["sum"]),
                row["stores"],
            ]
            for row in found.busy_cards
        ],
        empty=_("None in these days."),
    )  # fmt: skip


def _after_change(found: Report) -> Panel:
    return Panel(
        title=_("Points spent within 24 hours after another e-mail address"),
        columns=[_("when"), _("card"), _("points"), _("store"), _("by")],
        numeric=frozenset({2}),
        rows=[
            [
                format_html('<a href="{}">{}</a>', record_url(row), moment(row.occurred_at)),
                _transactions(row.customer.member_number), points(row.points), row.store, row.by,
            ]
            for row in found.after_change
        ],
        empty=_("None in these days."),
        all_url=list_url(SpendingProof),
    )  # fmt: skip


def _one_hand(found: Report) -> Panel:
    return Panel(
        title=_("Coupons issued and redeemed by the same person, or by hand on the same day"),
        columns=[_("when"), _("coupon"), _("card"), _("issued by"), _("redeemed by"), _("store")],
        rows=[
            [
                format_html('<a href="{}">{}</a>', record_url(use), moment(use.redeemed_at)),
                f"{use.coupon.batch} …{use.coupon.code_tail}", use.customer and use.customer.member_number,
                use.coupon.by, use.by, use.store,
            ]
            for use in found.one_hand
        ],
        empty=_("None in these days."),
    )  # fmt: skip


def _by_hand(found: Report) -> Panel:
    return Panel(
        title=_("Points by hand, by person and hour"),
        columns=[_("hour"), _("by"), _("times"), _("cards"), _("given"), pgettext("by hand", "taken")],
        numeric=frozenset({2, 3, 4, 5}),
        rows=[
            [
                moment(row["hour"]), row["by__name"] or row["by__email"], row["times"], row["cards"],
                points(row["given"]), points(row["taken"]),
            ]
            for row in found.by_hand
        ],
        empty=_("None in these days."),
    )  # fmt: skip


def _transactions(member_number: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', list_url(PointTransaction, q=member_number), member_number)
