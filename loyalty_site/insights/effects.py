"""Whether gifts and coupons brought people back, as far as that can be known, and how good recommendations are."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from customers.admin.recommendations import ASPECTS, WAYS
from customers.models import RecommendationModel
from customers.templatetags.loyalty import points
from loyalty_site.insights import ranking
from loyalty_site.insights.keeping import kept
from loyalty_site.insights.ranking import PAGES
from rewards import pooled_words, uplift, uplift_words
from rewards.models import CouponBatch, CouponPlan, Surprise, Trial
from rewards.uplift_words import Sentence, of_100
from surveys import comparing
from surveys.models import Campaign

NEWEST = 12  # of each kind, with all that is said of them
RANKED = 60  # of each kind, in the table by net effect


@dataclass(frozen=True, slots=True)
class Verdict:
    """One surprise or batch, and what its trial says."""

    name: str
    url: str
    counted: str
    sentences: list[Sentence] = field(default_factory=list)


def effects(*, now: dt.datetime) -> dict[str, Any]:
    """Return what the page shows. Reports are counted at most every ten minutes, of the newest trials alone."""
    found = counted(now=now)
    return {
        **found.words(),
        "ranked": ranking.groups(found.all()),
        "without_coin": _without_coin(),
        "why_no_effect": uplift_words.without_coin(),
        "night": (night := RecommendationModel.objects.current()),
        "aspects": list(ASPECTS.values()),
        "ways": ways(night),
    }


def counted(*, now: dt.datetime) -> "Trials":
    """Return what trials said at most ten minutes ago."""
    return kept("trials", lambda: trials(now=now), now=now)


@dataclass(frozen=True, slots=True)
class Trials:
    """The reports of the newest surprises, and of the newest plans of coupons and thanks for surveys with a comparison, the newest first."""

    surprises: list[uplift.Report]
    plans: list[uplift.Report]
    thanks: list[uplift.Report]

    def all(self) -> list[uplift.Report]:
        """Return the reports of every kind, to be held against each other."""
        return [*self.surprises, *self.plans, *self.thanks]

    def words(self) -> dict[str, Any]:
        """Return the verdicts, and the kinds of surprises pooled, in the reader's language."""
        return {
            "surprises": [
                _verdict(it.trial.surprise, it, PAGES[Trial.Kind.SURPRISE]) for it in self.surprises[:NEWEST]
            ],
            "batches": [_verdict(it.trial.plan.batch, it, PAGES[Trial.Kind.COUPONS]) for it in self.plans[:NEWEST]],
            "thanks": [_verdict(it.trial.campaign, it, PAGES[Trial.Kind.SURVEY]) for it in self.thanks[:NEWEST]],
            "families": pooled_words.describe(uplift.families(reports=self.surprises)),
        }


def trials(*, now: dt.datetime) -> Trials:
    """Return what trials say at an instant."""
    plans = CouponPlan.objects.filter(trial__opened_at__lte=now).select_related("trial__plan__batch").order_by("-pk")
    asked = (
        Campaign.objects.filter(trial__opened_at__lte=now)
        .select_related("trial__campaign", "coupon_batch")
        .order_by("-pk")
    )
    return Trials(
        uplift.newest(now=now, most=RANKED),
        [uplift.report(trial=plan.trial, now=now) for plan in plans[:RANKED]],
        [comparing.report(campaign=campaign, now=now) for campaign in asked[:RANKED]],
    )


def _verdict(record: Surprise | CouponBatch | Campaign, report: uplift.Report, page: str) -> Verdict:
    url = reverse(f"admin:{page}", args=[record.pk])
    return Verdict(record.name, url, uplift_words.counted(report), uplift_words.sentences(report))


def _without_coin() -> list[tuple[str, str, str, str]]:
    """Return the newest batches that everybody got: name, issued, used, and how many of 100; counts, no effect."""
    surprising = Surprise.objects.exclude(batch=None).values("batch")
    rows = CouponBatch.objects.filter(issued__gt=0).exclude(pk__in=surprising)
    rows = rows.exclude(pk__in=CouponPlan.objects.exclude(trial=None).values("batch")).order_by("-pk")[:NEWEST]
    return [
        (batch.name, points(batch.issued), points(batch.redeemed), of_100(batch.redeemed / batch.issued))
        for batch in rows
    ]


def ways(night: RecommendationModel | None) -> list[tuple[Any, list[str]]]:
    figures = night.figures if night else {}
    return [
        (label, [f"{figures[way][aspect]:.3f}" for aspect in ASPECTS]) for way, label in WAYS.items() if way in figures
    ]
