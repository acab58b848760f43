"""The programme in the shop's own figures, in the reader's language: what the help page says about points and tiers."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Store
from customers.templatetags.loyalty import day, money, points
from rewards import events
from rewards.models import EarningRule, Tier

ONCE = 10_000
Kind, Event, Expiry = EarningRule.Kind, EarningRule.Event, EarningRule.Expiry


@dataclass(frozen=True, slots=True)
class Step:
    """A tier with the sentence that says how to reach it and the one that says what it gives."""

    tier: Tier
    how: str
    what: str


def earning_sentences(*, rules: Iterable[EarningRule], now: dt.datetime) -> list[str]:
    """Return what purchases and events earn under some rules at a moment, a sentence each."""
    rules = [rule for rule in rules if rule.stamp_card_id is None and rule.is_in_window(now)]
    sentences = [sentence for rule in rules if (sentence := _of_purchase(rule))]
    given = events.promises(rules=rules, now=now)
    return sentences + [_EVENTS[event](points(given[event]), given[event]) for event in _EVENTS if event in given]


def expiry_sentences(*, rules: Iterable[EarningRule], now: dt.datetime) -> list[str]:
    """Return how long points of some rules last, each way of counting once."""
    earning = (Kind.AMOUNT, Kind.VISIT, Kind.ITEM, Kind.EVENT)
    found = [
        _lasts(rule) for rule in rules if rule.kind in earning and rule.is_in_window(now) and not rule.stamp_card_id
    ]
    return list(dict.fromkeys(found))


def worth_sentence() -> str:
    """Return what points are worth at the till."""
    unit = 10**settings.PROGRAMME_CURRENCY_DIGITS
    return _("%(points)s points pay %(amount)s at the till.") % {
        "points": points(settings.POINTS_PER_UNIT),
        "amount": money(unit),
    }


def waiting_sentence() -> str:
    """Return how long points of a purchase wait before they can be spent, empty where they never do."""
    longest = Store.objects.open().aggregate(days=Max("pending_days"))["days"]
    if not longest:
        return ""
    sentence = ngettext(
        "Points of some purchases, such as those on the web, can be spent after %(days)d day, when nothing came back.",
        "Points of some purchases, such as those on the web, can be spent after up to %(days)d days, when nothing came back.",
        longest,
    )
    return sentence % {"days": longest}


def steps() -> list[Step]:
    """Return the tiers, the lowest first."""
    return [Step(tier, _how(tier), _what(tier)) for tier in Tier.objects.order_by("rank")]


def _of_purchase(rule: EarningRule) -> str:
    if rule.kind == Kind.AMOUNT:
        values = {"points": points(rule.points), "amount": money(rule.per_amount)}
        sentence = ngettext(
            "%(points)s point for every %(amount)s", "%(points)s points for every %(amount)s", rule.points
        )
        return _with_place(rule, sentence % values)
    if rule.kind == Kind.VISIT:
        sentence = ngettext("%(points)s point for every visit", "%(points)s points for every visit", rule.points)
        return _with_place(rule, sentence % {"points": points(rule.points)})
    if rule.kind == Kind.ITEM:
        sentence = ngettext("%(points)s point for every item", "%(points)s points for every item", rule.points)
        return _with_place(rule, sentence % {"points": points(rule.points)})
    if rule.kind == Kind.MULTIPLIER:
        return _("%(rule)s: × %(factor)s") % {"rule": rule.name, "factor": f"{rule.multiplier / ONCE:g}"}
    if rule.kind == Kind.EXCLUSION:
        return _("Without points: %(rule)s") % {"rule": rule.name}
    return ""


def _with_place(rule: EarningRule, sentence: str) -> str:
    """Say of what and where a rule counts, when it does not count everything everywhere."""
    limits = [str(one.name) for one in (rule.product, rule.category, rule.store) if one is not None]
    return f"{sentence} ({', '.join(limits)})" if limits else sentence


_EVENTS = {
    Event.SIGN_UP.value: lambda text, number: ngettext(
        "%(points)s point for joining", "%(points)s points for joining", number
    ) % {"points": text},
    Event.BIRTHDAY.value: lambda text, number: ngettext(
        "%(points)s point on your birthday", "%(points)s points on your birthday", number
    ) % {"points": text},
    Event.REVIEW.value: lambda text, number: ngettext(
        "%(points)s point for a review", "%(points)s points for a review", number
    ) % {"points": text},
    Event.SURVEY.value: lambda text, number: ngettext(
        "%(points)s point for an answered survey", "%(points)s points for an answered survey", number
    ) % {"points": text},
}  # fmt: skip


def _lasts(rule: EarningRule) -> str:
    months = {"months": rule.expiry_months}
    match rule.expiry:
        case Expiry.MONTH_END:
            return (
                ngettext(
                    "Points last %(months)d month, and then to the end of that month.",
                    "Points last %(months)d months, and then to the end of that month.",
                    rule.expiry_months,
                )
                % months
            )
        case Expiry.ROLLING:
            return (
                ngettext("Points last %(months)d month.", "Points last %(months)d months.", rule.expiry_months) % months
            )
        case Expiry.INACTIVITY:
            return (
                ngettext(
                    "Points last until %(months)d month after your last visit.",
                    "Points last until %(months)d months after your last visit.",
                    rule.expiry_months,
                )
                % months
            )
        case Expiry.FIXED:
            return _("Points last until %(day)s.") % {"day": day(rule.expiry_date)}
    return _("Points do not expire.")


def _how(tier: Tier) -> str:
    if tier.rank == 0:
        return _("Where everybody begins.")
    if not tier.threshold:
        return _("Given by the shop.")
    if tier.metric == Tier.Metric.SPEND:
        return _("%(amount)s of purchases in twelve months.") % {"amount": money(tier.threshold)}
    if tier.metric == Tier.Metric.POINTS:
        sentence = ngettext(
            "%(points)s point earned in twelve months.", "%(points)s points earned in twelve months.", tier.threshold
        )
        return sentence % {"points": points(tier.threshold)}
    sentence = ngettext("%(visits)s visit in twelve months.", "%(visits)s visits in twelve months.", tier.threshold)
    return sentence % {"visits": points(tier.threshold)}


def _what(tier: Tier) -> str:
    percent = (tier.multiplier - ONCE) // 100
    return _("Purchases earn %(percent)d%% more points.") % {"percent": percent} if percent else ""
