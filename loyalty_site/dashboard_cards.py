"""The figures of the dashboard as cards: a headline, a small chart, and the same numbers as a table."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.admin_panels import list_url, may_view, record_url
from customers.models import Customer
from customers.templatetags.loyalty import points, signed
from loyalty_site.dashboard import Figures
from rewards.models import BookProof, Coupon, CouponUse, PointBalance, PointTransaction
from surveys.models import Response

WIDTH, HEIGHT, GAP = 240, 56, 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One week of a chart, in the units of its drawing."""

    x: int
    y: int
    width: int
    height: int
    is_running: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One figure and how it went."""

    key: str
    title: str
    headline: str
    note: str
    chart_title: str
    url: str
    weeks: Sequence[dt.date]
    numbers: Sequence[int]

    @property
    def bars(self) -> list[Bar]:
        """The chart: bars from a common floor, the tallest fills the height."""
        highest = max(1, *self.numbers)
        width = (WIDTH + GAP) // len(self.numbers) - GAP
        heights = [max(2 if number > 0 else 1, round(max(0, number) * HEIGHT / highest)) for number in self.numbers]
        last = len(heights) - 1
        return [Bar(n * (width + GAP), HEIGHT - height, width, height, n == last) for n, height in enumerate(heights)]

    @property
    def rows(self) -> list[tuple[dt.date, str]]:
        """The chart as a table."""
        return [(week, points(number)) for week, number in zip(self.weeks, self.numbers, strict=True)]


def cards(figures: Figures, request: HttpRequest) -> list[Card]:
    """Return the cards that somebody may read."""
    groups = [
        (Customer, lambda: [_customers(figures)]),
        (PointBalance, lambda: _points(figures)),
        (Coupon, lambda: _coupons(figures)),
        (Response, lambda: [_surveys(figures)]),
    ]
    return [card for model, make in groups if may_view(request.user, model) for card in make()]


def _card(
    figures: Figures, key: str, title: str, headline: str, note: str, chart: str, model: Any, numbers: Any
) -> Card:
    url = list_url(model) if admin.site.is_registered(model) else ""
    return Card(key, title, headline, note, chart, url, figures.weeks, numbers)


def _customers(figures: Figures) -> Card:
    this_week = figures.new_customers[-1]
    note = ngettext("%(number)s new this week", "%(number)s new this week", this_week) % {"number": points(this_week)}
    return _card(
        figures, "customers", _("Customers"), points(figures.customers), note,
        _("New customers per week"), Customer, figures.new_customers,
    )  # fmt: skip


def _points(figures: Figures) -> list[Card]:
    grown = figures.owed - figures.owed_by_week[-2]
    return [
        _card(
            figures, "issued", _("Points issued"), points(sum(figures.issued)), _("in twelve weeks"),
            _("Points issued per week"), PointTransaction, figures.issued,
        ),
        _card(
            figures, "redeemed", _("Points redeemed"), points(sum(figures.redeemed)), _("in twelve weeks"),
            _("Points redeemed per week"), PointTransaction, figures.redeemed,
        ),
        _card(
            figures, "owed", _("Points owed"), points(figures.owed),
            _("%(change)s this week") % {"change": signed(grown)},
            _("Points owed at the end of each week"), PointBalance, figures.owed_by_week,
        ),
    ]  # fmt: skip


def _coupons(figures: Figures) -> list[Card]:
    this_week = figures.coupons_issued[-1]
    return [
        _card(
            figures, "live", _("Coupons live"), points(figures.live_coupons),
            ngettext("%(number)s issued this week", "%(number)s issued this week", this_week) % {"number": points(this_week)},
            _("Coupons issued per week"), Coupon, figures.coupons_issued,
        ),
        _card(
            figures, "used", _("Coupons redeemed"), points(sum(figures.coupons_redeemed)), _("in twelve weeks"),
            _("Coupons redeemed per week"), CouponUse, figures.coupons_redeemed,
        ),
    ]  # fmt: skip


def _surveys(figures: Figures) -> Card:
    due = ngettext("%(number)s mail due", "%(number)s mails due", figures.surveys_due) % {
        "number": points(figures.surveys_due)
    }
    ahead = ngettext("%(number)s campaign scheduled", "%(number)s campaigns scheduled", figures.campaigns_scheduled) % {
        "number": points(figures.campaigns_scheduled)
    }
    return _card(
        figures, "surveys", _("Surveys answered"), points(sum(figures.surveys_answered)), f"{due} · {ahead}",
        _("Surveys answered per week"), Response, figures.surveys_answered,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """One quick link."""

    title: str
    url: str


def links(request: HttpRequest) -> list[Link]:
    """Return the quick links that somebody may follow."""
    wanted = [
        (_("Find a customer"), "admin:customers_customer_changelist", "customers.view_customer"),
        (_("New customer"), "admin:customers_customer_add", "customers.add_customer"),
        (_("New coupon batch"), "admin:rewards_couponbatch_add", "rewards.add_couponbatch"),
        (_("New campaign"), "admin:surveys_campaign_add", "surveys.add_campaign"),
        (_("Insights"), "insights", "customers.view_buyingmonth"),
        (_("Mails"), "mails", "customers.view_look"),
        (_("Import"), "admin:customers_importjob_add", "customers.add_importjob"),
        (_("Cases"), "admin:surveys_case_changelist", "surveys.change_case"),
        (_("Requests to approve"), "admin:rewards_adjustmentrequest_changelist", "rewards.approve_adjustmentrequest"),
        (_("Irregularities"), "admin:rewards_pointtransaction_irregularities", "rewards.view_pointtransaction"),
        (_("Prove the books"), "admin:rewards_bookproof_changelist", "rewards.add_bookproof"),
    ]
    return [
        Link(title, url)
        for title, name, permission in wanted
        if request.user.has_perm(permission) and (url := _url(name))
    ]


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


@dataclass(frozen=True, slots=True)
class Books:
    """The last proof."""

    is_balanced: bool
    proven_at: dt.datetime
    url: str


def books(request: HttpRequest) -> Books | None:
    """Return the last proof of the books, None when there is none or it is nothing for this person."""
    if not may_view(request.user, BookProof):
        return None
    found = BookProof.objects.order_by("-proven_at", "-pk").first()
    return Books(found.is_balanced, found.proven_at, record_url(found)) if found else None
