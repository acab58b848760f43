"""All trials by what they earned after costs: the proven ones in order, the others apart and in no order.

What an estimate says before it is proven is mostly noise, so it earns no place. A place counts those that are better beyond doubt:
whoever's intervals overlap share it. docs/insights.md#by-net-effect says how to read it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from customers.csv_out import Cell
from customers.templatetags.loyalty import points
from rewards import uplift_words
from rewards.models import CouponBatch, Surprise, Trial
from rewards.sequences import Interval
from rewards.uplift import Report
from rewards.uplift_words import Sentence, amount
from surveys.models import Campaign

PAYS, COSTS, OPEN, NO_RESULT = "pays", "costs", "open", "no_result"
LABELS: dict[str, str | Promise] = {
    PAYS: gettext_lazy("Pays beyond doubt"),
    COSTS: gettext_lazy("Costs more than it brings, beyond doubt"),
    OPEN: gettext_lazy("Not known yet; in no order of effect, the newest first"),
    NO_RESULT: gettext_lazy("Without a result"),
}

PAGES = {
    Trial.Kind.SURPRISE: "rewards_surprise_report",
    Trial.Kind.COUPONS: "rewards_couponbatch_effect",
    Trial.Kind.SURVEY: "surveys_campaign_effect",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A trial in the table; the place is empty for what is not proven, the amounts for what has no interval."""

    place: str
    name: str
    url: str
    kind: str
    net: str
    between: str
    counted: str
    verdict: Sentence


@dataclass(frozen=True, slots=True)
class Group:
    """What is known to the same degree."""

    label: str
    rows: Sequence[Row]


def group_of(report: Report) -> str:
    """Return whether a trial pays, costs, is not known yet, or has no result, by its interval alone."""
    if report.problem:
        return NO_RESULT
    found = net_of(report)
    if found is None or not found.excludes_zero:
        return OPEN
    return PAYS if found.is_benefit else COSTS


def net_of(report: Report) -> Interval | None:
    """Return what a trial earned per assigned customer after costs; None while its own page gives no answer either."""
    return report.margin if not report.problem and report.came_back is not None else None


def ordered(reports: Iterable[Report]) -> list[tuple[str, int | None, Report]]:
    """Return each trial with its group and place: the proven ones by what they earned, then the others, the newest first."""
    found = [(group_of(it), it) for it in reports]
    proven = [(group, it, net) for group, it in found if group in (PAYS, COSTS) and (net := net_of(it)) is not None]
    proven.sort(key=lambda row: (-row[2].estimate, -row[1].trial.pk))
    rows: list[tuple[str, int | None, Report]] = [
        (group, 1 + sum(other.low > net.high for *__, other in proven), it) for group, it, net in proven
    ]
    others = sorted((it for it in found if it[0] in (OPEN, NO_RESULT)), key=lambda row: -row[1].trial.pk)
    for name in (OPEN, NO_RESULT):
        rows += [(group, None, it) for group, it in others if group == name]
    return rows


def groups(reports: Iterable[Report]) -> list[Group]:
    """Return the table in the active language, without the groups that are empty."""
    rows = ordered(reports)
    found = [(name, [_row(it, place) for group, place, it in rows if group == name]) for name in LABELS]
    return [Group(str(LABELS[name]), some) for name, some in found if some]


def proven(reports: Iterable[Report]) -> list[Row]:
    """Return the proven ones alone, for a report on paper."""
    return [_row(it, place) for __, place, it in ordered(reports) if place is not None]


def heading() -> list[str]:
    """Name the columns of the file; amounts are in the currency's minor unit, as whole numbers that can be summed."""
    return [
        _("Place"), _("what is known"), _("kind"), pgettext("of a thing", "name"), _("opened at"), _("customers assigned"),
        _("customers counted"), _("net per customer, minor unit"), _("lower end"), _("upper end"), _("currency"),
        _("customers still needed"),
    ]  # fmt: skip


def rows(reports: Iterable[Report]) -> Iterator[list[Cell]]:
    """Give a row per trial, in the order of the table; empty where there is no interval."""
    for group, place, report in ordered(reports):
        net, trial = net_of(report), report.trial
        amounts = [None] * 3 if net is None else [round(it) for it in (net.estimate, net.low, net.high)]
        yield [
            place, str(LABELS[group]), trial.get_kind_display(), _record(trial).name, trial.opened_at, report.assigned,
            report.counted, *amounts, settings.PROGRAMME_CURRENCY,
            uplift_words.still_needed(report) if group == OPEN else None,
        ]  # fmt: skip


def _row(report: Report, place: int | None) -> Row:
    net, record = net_of(report), _record(report.trial)
    return Row(
        place="" if place is None else points(place),
        name=record.name,
        url=reverse(f"admin:{PAGES[report.trial.kind]}", args=[record.pk]),
        kind=report.trial.get_kind_display(),
        net="" if net is None else amount(net.estimate),
        between="" if net is None else _("%(low)s to %(high)s") % {"low": amount(net.low), "high": amount(net.high)},
        counted=points(report.counted),
        verdict=uplift_words.verdict(report),
    )


def _record(trial: Trial) -> Surprise | CouponBatch | Campaign:
    """Return what a trial is about, which the reports were read with."""
    if trial.kind == Trial.Kind.SURPRISE:
        return trial.surprise
    return trial.plan.batch if trial.kind == Trial.Kind.COUPONS else trial.campaign
