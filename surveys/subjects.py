"""Which of two subjects brought more answers: counted by customer, and said so that it holds while it is watched.

Who gets which subject is drawn by lot once for a campaign, so a customer who is asked every month is one customer here.
"""

from dataclasses import dataclass, field

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from customers.templatetags.loyalty import points
from rewards import proportions, sequences
from rewards.proportions import Share
from rewards.sequences import Interval, Sums
from surveys.models import Campaign, Message, Wording
from surveys.models.message import UNFINISHED_STATES

Arm = Wording.Arm
State = Message.State
# A bounced mail reached nobody; a complaint was read before.
REACHED = (State.ACCEPTED, State.DELIVERED, State.COMPLAINED)
# The difference that a shop would want to know of: so many more answers of a hundred mails.
WORTH_KNOWING = 0.05
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Variant:
    """One subject: the texts that have left, customers reached and those of them who answered."""

    arm: str
    subjects: list[str]
    reached: int = 0
    answered: int = 0

    @property
    def share(self) -> Share:
        """Those who answered of those reached."""
        return Share(self.answered, self.reached)

    @property
    def interval(self) -> Interval | None:
        """Its share with Wilson's interval; None of nobody."""
        return proportions.wilson(self.share) if self.reached else None

    @property
    def sums(self) -> Sums:
        """The same for a sequence of intervals."""
        return Sums(self.reached, self.answered, self.answered)


@dataclass(frozen=True)
class Comparison:
    """Both subjects and how far the second lies above the first, None while too few were reached."""

    variants: list[Variant] = field(default_factory=list)
    difference: Interval | None = None
    waiting: int = 0

    @property
    def needed(self) -> int:
        """How many customers in both arms show a difference of five answers of a hundred mails."""
        reached = sum(variant.reached for variant in self.variants)
        base = sum(variant.answered for variant in self.variants) / reached if reached else 0.1
        return proportions.needed(base=base, effect=WORTH_KNOWING)


def is_compared(*, campaign: Campaign) -> bool:
    """Return whether the campaign has or had a second subject."""
    return bool(campaign.subject_b_en) or campaign.wordings.filter(arm=Arm.B).exists()


def compare(*, campaign: Campaign) -> Comparison:
    """Count both subjects over all runs of a campaign; answers after a reminder count for the subject of the first mail."""
    first = Message.objects.filter(run__campaign=campaign, kind=Message.Kind.INVITE, wording__isnull=False)
    reached, answered = Q(state__in=REACHED), Q(invitation__has_answered=True)
    rows = first.order_by().values("wording__arm").annotate(
        reached=Count("invitation__customer", filter=reached, distinct=True),
        answered=Count("invitation__customer", filter=reached & answered, distinct=True),
        waiting=Count("pk", filter=Q(state__in=UNFINISHED_STATES)),
    )  # fmt: skip
    counted = {row["wording__arm"]: row for row in rows}
    variants = [_variant(campaign, arm, counted.get(arm, {})) for arm in Arm]
    waiting = sum(row["waiting"] for row in counted.values())
    planned = max(sum(variant.reached for variant in variants) + waiting, 1)
    one, other = variants
    difference = sequences.watched(other.sums, one.sums, planned=planned, are_shares=True)
    return Comparison(variants, difference, waiting)


def _variant(campaign: Campaign, arm: str, row: dict[str, int]) -> Variant:
    wordings = campaign.wordings.filter(arm=arm, messages__isnull=False).distinct().order_by("revision")
    subjects = list(dict.fromkeys(wording.subject for wording in wordings))
    planned = campaign.subject if arm == Arm.A else campaign.subject_b
    return Variant(arm, subjects or [planned], row.get("reached", 0), row.get("answered", 0))


def sentences(found: Comparison) -> list[str]:
    """Say what a comparison says, the verdict first."""
    said = [_verdict(found)]
    if found.waiting:
        said.append(_("Mails that still wait to leave: %(number)s.") % {"number": points(found.waiting)})
    if any(len(variant.subjects) > 1 for variant in found.variants):
        said.append(_("A subject was changed under way, so its numbers are those of all its texts together."))
    return said


def _verdict(found: Comparison) -> str:
    if found.difference is None:
        return _(
            "Too few answers to compare: it takes at least %(each)d customers reached by each subject and %(few)d answers."
        ) % {"each": sequences.FEWEST_EACH, "few": sequences.FEWEST_EVENTS}
    words = {
        "by": _of_100(abs(found.difference.estimate)), "low": _of_100(found.difference.low),
        "high": _of_100(found.difference.high), "needed": points(found.needed),
    }  # fmt: skip
    if not found.difference.excludes_zero:
        return _(
            "No clear difference: of 100 mails the second subject brings between %(low)s and %(high)s answers more than the "
            "first. To see a difference of 5 answers it takes about %(needed)s mails."
        ) % words  # fmt: skip
    if found.difference.is_benefit:
        return (
            _("The second subject brings more answers: of 100 mails %(by)s more, between %(low)s and %(high)s.") % words
        )
    words |= {"low": _of_100(-found.difference.high), "high": _of_100(-found.difference.low)}
    return _("The first subject brings more answers: of 100 mails %(by)s more, between %(low)s and %(high)s.") % words


def _of_100(share: float) -> str:
    return f"{100 * share:.1f}".replace("-", MINUS)
