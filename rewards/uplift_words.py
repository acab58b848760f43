"""What a trial says, in sentences for a merchant: what happened because of it, what it earned, or how many more it takes."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.templatetags.loyalty import money, points
from rewards import coins, uplift
from rewards.models import CouponPlan, Surprise
from rewards.sequences import Interval
from rewards.surprise_gifts import name_of
from rewards.uplift import Report

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence; the tone is good, bad, or empty while nothing is certain."""

    text: str
    tone: str = ""


def sentences(report: Report) -> list[Sentence]:
    """Say in a few sentences what a report says, the most important first."""
    if report.problem:
        return [Sentence(_problem(report), "bad")]
    too = [Sentence(_got_it_too(report))] if report.got_it_too else []
    if report.came_back is None:
        return [Sentence(_not_enough(report)), *too]
    found = [_came_back(report.came_back)]
    if report.margin is not None:
        found += [Sentence(_earned(report.margin)), _verdict(report, report.margin)]
    elif report.needed:
        found.append(Sentence(_more(report.needed)))
    if report.final is not None:
        found.append(Sentence(_final(report.final)))
    return found + too


def verdict(report: Report) -> Sentence:
    """Say in one sentence whether it pays, or how many customers more would tell."""
    if report.problem:
        return Sentence(_problem(report), "bad")
    if report.came_back is None or report.margin is None:
        return Sentence(_not_enough(report))
    return _verdict(report, report.margin)


def still_needed(report: Report) -> int:
    """Return how many customers more would tell, roughly: two digits, rounded up."""
    has_answer = report.came_back is not None and report.margin is not None
    return _roughly(report.needed_margin if has_answer else report.needed)


def counted(report: Report) -> str:
    """Say how many customers stand behind it."""
    waiting = report.assigned - report.counted
    text = ngettext("%(number)s customer counts so far.", "%(number)s customers count so far.", report.counted) % {
        "number": points(report.counted)
    }
    if waiting:
        text += " " + ngettext(
            "For %(number)s more the %(days)d days are not over.", "For %(number)s more the %(days)d days are not over.", waiting
        ) % {"number": points(waiting), "days": report.trial.window_days}  # fmt: skip
    return text


def without_coin() -> str:
    """Say why there is no effect where nobody was left out to compare."""
    return _(
        "Everybody got it, so nobody can say what would have happened without it: those who use a coupon are those who come "
        "most often anyway, and they would look better even if it did nothing. Leave some out by a coin next time."
    )


def rule_of(surprise: Surprise) -> list[str]:
    """Say odds and rule of a surprise, so that staff know what they may tell."""
    odds = {"gift": of_100(surprise.odds / coins.ALL), "chance": of_100(surprise.chance / coins.ALL)}
    found = [_("Occasion: %(trigger)s.") % {"trigger": surprise.get_trigger_display()}]
    if surprise.trigger == Surprise.Trigger.BLUE:
        found.append(_("Of 100 customers about %(chance)s are drawn in a month.") % odds)
    elif surprise.chance < coins.ALL:
        found.append(_("Of 100 such occasions about %(chance)s are drawn.") % odds)
    found.append(_("A fair coin gives %(gift)s of 100 of those drawn %(thing)s; the others are compared with them.")
        % (odds | {"thing": name_of(surprise)}))  # fmt: skip
    found.append(_("Who was drawn rests for %(days)d days; at most %(budget)s are spent in a month.")
        % {"days": surprise.cooldown_days, "budget": money(surprise.budget)})  # fmt: skip
    found.append(_("Staff, and customers who switched personalisation off, are never drawn. Nobody has a right to it."))
    return found


def rule_of_holdout(plan: CouponPlan) -> str:
    """Say the odds of coupons that some are left out of."""
    return _("A fair coin leaves %(share)s of 100 customers without the coupon, to compare.") % {
        "share": of_100(plan.holdout / coins.ALL)
    }


def of_100(share: float) -> str:
    """Write a share as so many of 100, with a decimal where it is small."""
    value = abs(share) * 100
    text = f"{value:.1f}" if 0 < value < 1 or (value < 10 and abs(value - round(value)) > 0.25) else f"{value:.0f}"
    return (MINUS if share < 0 and float(text) else "") + text


def amount(minor: float) -> str:
    """Write an amount that was calculated, in the currency, rounded to its smallest coin."""
    return (MINUS if minor < -0.5 else "") + money(abs(round(minor)))


def _problem(report: Report) -> str:
    if report.problem == uplift.BENT_COIN:
        return _(
            "There is no result: the coin did not stay fair (%(gift)s got the gift, %(control)s did not). Something other than "
            "the coin has chosen, so the two groups cannot be compared."
        ) % {"gift": points(report.gift.assigned), "control": points(report.control.assigned)}
    if report.problem == uplift.GOT_IT_TOO:
        return _(
            "There is no result: %(number)s of the %(control)s customers who were left out were given the same by another way, so "
            "the two groups cannot be compared."
        ) % {"number": points(report.got_it_too), "control": points(report.control.assigned)}
    return _(
        "There is no result: a gift or its message is older than the toss of the coin, so the two groups cannot be compared."
    )


def _got_it_too(report: Report) -> str:
    return ngettext(
        "%(number)s of those who were left out were given the same by another way: the effect may be larger than it looks.",
        "%(number)s of those who were left out were given the same by another way: the effect may be larger than it looks.",
        report.got_it_too,
    ) % {"number": points(report.got_it_too)}


def _not_enough(report: Report) -> str:
    return _("Not enough yet: about %(number)s more customers would show a difference of %(share)s in 100.") % {
        "number": points(_roughly(report.needed)),
        "share": of_100(report.trial.worthwhile / coins.ALL),
    }


def _came_back(found: Interval) -> Sentence:
    values = {"share": of_100(abs(found.estimate)), "low": of_100(found.low), "high": of_100(found.high)}
    if found.is_benefit:
        text = _("About %(share)s in 100 more came back because of it (between %(low)s and %(high)s).")
        return Sentence(text % values, "good")
    if found.excludes_benefit:
        values |= {"low": of_100(-found.high), "high": of_100(-found.low)}
        text = _("About %(share)s in 100 fewer came back because of it (between %(low)s and %(high)s).")
        return Sentence(text % values, "bad")
    if found.estimate >= 0:
        text = _("About %(share)s in 100 more came back (between %(low)s and %(high)s), which may still be chance.")
    else:
        values |= {"low": of_100(-found.high), "high": of_100(-found.low)}
        text = _("About %(share)s in 100 fewer came back (between %(low)s and %(high)s), which may still be chance.")
    return Sentence(text % values)


def _earned(found: Interval) -> str:
    values = {"amount": amount(abs(found.estimate)), "low": amount(found.low), "high": amount(found.high)}
    if found.estimate >= 0:
        return _("After costs it earned %(amount)s per customer (between %(low)s and %(high)s).") % values
    values |= {"low": amount(-found.high), "high": amount(-found.low)}
    return _("After costs it lost %(amount)s per customer (between %(low)s and %(high)s).") % values


def _verdict(report: Report, found: Interval) -> Sentence:
    if found.is_benefit:
        return Sentence(_("It pays."), "good")
    if found.excludes_benefit:
        return Sentence(_("It costs more than it brings."), "bad")
    if report.needed_margin:
        return Sentence(_("We cannot yet say that it pays; %(more)s") % {"more": _more(report.needed_margin)})
    gain = {"gain": amount(report.trial.worthwhile_margin)}
    return Sentence(_("We cannot say that it pays; if it does, it is hardly more than %(gain)s for each.") % gain)


def _more(number: int) -> str:
    text = ngettext("about %(number)s more customer would tell.", "about %(number)s more customers would tell.", number)
    return text % {"number": points(_roughly(number))}


def _final(found: Interval) -> str:
    return _("Looked at once, at the end: between %(low)s and %(high)s in 100 more.") % {
        "low": of_100(found.low),
        "high": of_100(found.high),
    }


def _roughly(number: int) -> int:
    """Round a number that is only known roughly to two digits, upwards."""
    step = 10 ** max(0, len(str(number)) - 2)
    return -(-number // step) * step
