"""How many were asked, how many answered, and whether those who answered are like those who were asked."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)  # fmt: skip
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Purchase, Store
from rewards.models import TierMembership
from surveys import scores, splits
from surveys.models import Message, Question, Response
from surveys.runs import LEFT
from surveys.scopes import Scope

State = Message.State
# Reached, as far as the provider says anything: a complaint has been read before.
REACHED = (State.ACCEPTED, State.DELIVERED, State.COMPLAINED)
DELIVERED = (State.DELIVERED, State.COMPLAINED)


@dataclass(frozen=True)
class Funnel:
    """How many people came how far, each counted once however many mails they got. Rates are in percent."""

    considered: int
    invited: int
    accepted: int
    delivered: int
    viewed: int
    started: int
    completed: int
    reports_delivery: bool

    @property
    def response(self) -> float | None:
        """Completed of those whose mail was delivered; where no provider reports that, of those accepted and not bounced."""
        return _percent(self.completed, self.delivered)

    @property
    def completion(self) -> float | None:
        """Completed of those who began."""
        return _percent(self.completed, self.started)

    @property
    def per_considered(self) -> float | None:
        """Completed of everybody considered, skipped ones too."""
        return _percent(self.completed, self.considered)

    @property
    def partial(self) -> int:
        """Began and did not finish; counted apart (AAPOR RR1, RR2)."""
        return self.started - self.completed

    @property
    def response_with_partial(self) -> float | None:
        """The response rate with those who began (AAPOR RR2)."""
        return _percent(self.started, self.delivered)


@dataclass(frozen=True)
class MixRow:
    """One group, with its share of those invited and of those who answered; percent."""

    label: str
    invited: int
    answered: int
    invited_share: scores.Score | None
    answered_share: scores.Score | None
    is_hidden: bool = False

    @property
    def difference(self) -> scores.Difference | None:
        """How much larger the group is among the answers; both shares come from the same people, so this is cautious."""
        if self.invited_share is None or self.answered_share is None:
            return None
        return scores.difference(now=self.answered_share, before=self.invited_share)


@dataclass(frozen=True)
class Mix:
    """Who was invited and who answered, by one thing."""

    title: str | Promise
    rows: list[MixRow]


def funnel(*, scope: Scope) -> Funnel:
    """Count how far people came, in three questions."""
    invitations = scope.invitations()
    people = invitations.aggregate(
        considered=Count("pk"),
        invited=Count("pk", filter=Q(skip="")),
        viewed=Count("pk", filter=Q(viewed_at__isnull=False)),
        answered=Count("pk", filter=Q(has_answered=True)),
    )
    mails = Message.objects.filter(invitation__in=invitations).aggregate(
        accepted=Count("invitation", filter=Q(state__in=LEFT), distinct=True),
        reached=Count("invitation", filter=Q(state__in=REACHED), distinct=True),
        delivered=Count("invitation", filter=Q(state__in=DELIVERED), distinct=True),
    )
    begun = Response.objects.filter(invitation__in=invitations, is_test=False)
    counted = begun.aggregate(started=Count("pk"), completed=Count("pk", filter=Q(completed_at__isnull=False)))
    # Of an anonymous survey only the invitation knows, and only that somebody has finished.
    completed = counted["completed"] if scope.has_persons else people["answered"]
    return Funnel(
        considered=people["considered"],
        invited=people["invited"],
        accepted=mails["accepted"],
        delivered=mails["delivered"] or mails["reached"],
        viewed=max(people["viewed"], counted["started"]) if people["viewed"] else 0,
        started=counted["started"] if scope.has_persons else completed,
        completed=completed,
        reports_delivery=bool(mails["delivered"]),
    )


def mixes(*, scope: Scope) -> list[Mix]:
    """Return who was invited and who answered, by how long ago they had bought, by tier and by the store last visited."""
    return [_mix(scope, title, column, words) for title, column, words in KINDS]


def waves(*, scope: Scope, question: Question) -> tuple[scores.Score | None, scores.Score | None]:
    """Return the score of those who answered after the first mail, and of those who answered after a reminder.

    Who answers only when reminded is more like those who never do: a clear difference is a sign that silence is not chance.
    """
    groups = {group.key: group.score for group in splits.by(scope=scope, question=question, name="wave").groups}
    return groups.get(splits.FIRST), groups.get(splits.REMINDER)


def weighted(*, scope: Scope, question: Question) -> float | None:
    """Return the score as it would be if those who answered had bought as recently as those who were invited.

    Each group of recency counts by its share of the invited (post-stratification). None where a group that was invited has
    fewer than ten answers: one person would stand for too many.
    """
    invited = dict(_grouped(scope.invitations().filter(skip=""), _recency()))
    total = sum(invited.values())
    answers = scope.answers().filter(
        question__key=question.key, question__kind=question.kind, number__isnull=False, response__invitation__skip=""
    )
    grouped = answers.order_by().annotate(group=_recency("response__invitation__"))
    spreads: dict[Any, dict[int, int]] = {}
    for group, number, times in grouped.values_list("group", "number").annotate(Count("pk")):
        spreads.setdefault(group, {})[number] = times
    value = 0.0
    for group, people in invited.items():
        score = scores.of_question(kind=question.kind, distribution=spreads.get(group, {}))
        if score is None or not score.is_shown:
            return None
        value += score.value * people / total
    return value if total else None


def _mix(scope: Scope, title: str | Promise, column: Callable[[], Any], words: Callable[[Any], dict[Any, str]]) -> Mix:
    invited = dict(_grouped(scope.invitations().filter(skip=""), column()))
    answered = dict(_grouped(scope.invitations().filter(skip="", has_answered=True), column()))
    labels = words(invited)
    everybody, answers = sum(invited.values()), sum(answered.values())
    secret = scope.is_promised
    rows = []
    for key, number in sorted(invited.items(), key=lambda item: (item[0] is None, str(item[0]))):
        given = answered.get(key, 0)
        # Who has answered a promised survey is nobody's business either, where few were asked or all or none have.
        is_hidden = secret and (number < scores.HIDDEN_BELOW or given in (0, number))
        rows.append(
            MixRow(
                label=labels.get(key) or _("unknown"),
                invited=number,
                answered=0 if is_hidden else given,
                invited_share=scores.share(hits=number, n=everybody),
                answered_share=scores.share(hits=given, n=answers) if answers and not is_hidden else None,
                is_hidden=is_hidden,
            )
        )
    return Mix(title, rows)


def _grouped(invitations: Any, column: Any) -> Any:
    return invitations.order_by().annotate(group=column).values_list("group").annotate(Count("pk"))


RECENCY = {
    "1": gettext_lazy("bought within 30 days before"),
    "2": gettext_lazy("31 to 90 days before"),
    "3": gettext_lazy("91 to 365 days before"),
    "4": gettext_lazy("longer ago"),
    "5": gettext_lazy("had never bought"),
}


def _recency(path: str = "") -> Case:
    """Return how long before the invitation somebody had bought."""

    def bought(days: int | None) -> Exists:
        moment = OuterRef(f"{path}created_at")
        rows = Purchase.objects.filter(customer=OuterRef(f"{path}customer"), occurred_at__lte=moment)
        if days is not None:
            since = ExpressionWrapper(moment - dt.timedelta(days=days), output_field=DateTimeField())
            rows = rows.filter(occurred_at__gte=since)
        return Exists(rows)

    return Case(
        When(bought(30), then=Value("1")),
        When(bought(90), then=Value("2")),
        When(bought(365), then=Value("3")),
        When(bought(None), then=Value("4")),
        default=Value("5"),
        output_field=CharField(),
    )


def _tier() -> Subquery:
    moment = OuterRef("created_at")
    rows = TierMembership.objects.filter(customer=OuterRef("customer"), started_at__lte=moment)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gt=moment))
    return Subquery(rows.order_by("-started_at", "-pk").values("tier")[:1])


KINDS: list[tuple[str | Promise, Callable[[], Any], Callable[[Any], dict[Any, str]]]] = [
    (gettext_lazy("By last purchase"), _recency, lambda keys: {key: str(word) for key, word in RECENCY.items()}),
    (gettext_lazy("By tier"), _tier, splits.tier_words),
    (
        gettext_lazy("By store last visited"),
        lambda: splits.last_store(customer="customer", moment="created_at"),
        splits.names_of(Store),
    ),
]


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
