"""One score by store, tier, segment, channel and the like: who is happy, and who is not."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import segments
from customers.models import Purchase, Store
from rewards.models import Tier, TierMembership
from surveys import channels, scores
from surveys.models import Answer, Campaign, Message, Question, Response
from surveys.runs import LEFT
from surveys.scopes import Scope

FIRST, REMINDER, LINK, PHONE = "first", "reminder", "link", "phone"
MOST_GROUPS, MOST_SEGMENTS = 50, 20
PERSON = Coalesce("response__customer", "response__invitation__customer")
WAVES = {
    FIRST: gettext_lazy("after the first mail"),
    REMINDER: gettext_lazy("after a reminder"),
    LINK: gettext_lazy("by a link elsewhere"),
    PHONE: gettext_lazy("by telephone"),
}


@dataclass(frozen=True)
class Group:
    """One line of a split. Hidden ones say neither score nor number."""

    key: Any
    label: str
    n: int
    score: scores.Score | None
    is_hidden: bool = False


@dataclass(frozen=True)
class Split:
    """A score by one thing; `overlaps` where one person may be in several groups."""

    name: str
    title: str | Promise
    groups: list[Group]
    overlaps: bool = False


@dataclass(frozen=True)
class Dimension:
    """One thing to split by: the column, and the words for its values."""

    title: str | Promise
    column: Callable[[], Any]
    words: Callable[[Iterable[Any]], dict[Any, str]]
    needs_persons: bool = False


def splits(*, scope: Scope, question: Question, now: dt.datetime) -> list[Split]:
    """Return the score of a rating by everything that there is to split by; what has one group only is left out."""
    answers = scope.answers().filter(question__key=question.key, question__kind=question.kind, number__isnull=False)
    found = [
        _split(scope, question, answers, name, dimension)
        for name, dimension in DIMENSIONS.items()
        if scope.has_persons or not dimension.needs_persons
    ]
    if scope.has_persons:
        found.append(_by_segment(scope, question, answers, now))
    return [split for split in found if len(split.groups) > 1]


def by(*, scope: Scope, question: Question, name: str) -> Split:
    """Return the score by one thing."""
    answers = scope.answers().filter(question__key=question.key, question__kind=question.kind, number__isnull=False)
    return _split(scope, question, answers, name, DIMENSIONS[name])


def wave_column() -> Case:
    """Return what made somebody answer: the first mail, a reminder, a link elsewhere, or a call."""
    reminded = Message.objects.filter(
        invitation=OuterRef("response__invitation"),
        kind=Message.Kind.REMINDER,
        state__in=LEFT,
        finished_at__lte=OuterRef("response__started_at"),
    )
    return Case(
        When(response__mode=Response.Mode.PHONE, then=Value(PHONE)),
        When(response__run=None, response__is_anonymous=False, then=Value(LINK)),
        When(Exists(reminded), then=Value(REMINDER)),
        default=Value(FIRST),
        output_field=CharField(),
    )


def _split(scope: Scope, question: Question, answers: QuerySet[Answer], name: str, dimension: Dimension) -> Split:
    grouped = answers.order_by().alias(person=PERSON).annotate(group=dimension.column())
    rows = grouped.values_list("group", "number").annotate(Count("pk"))
    spreads: dict[Any, dict[int, int]] = {}
    for group, number, times in rows:
        spreads.setdefault(group, {})[number] = times
    words = dimension.words(spreads)
    groups = [_group(question, key, words.get(key) or _("unknown"), spread) for key, spread in spreads.items()]
    groups.sort(key=lambda group: (group.key is None, -group.n, group.label))
    return Split(name, dimension.title, _kept_secret(scope, groups)[:MOST_GROUPS])


def _by_segment(scope: Scope, question: Question, answers: QuerySet[Answer], now: dt.datetime) -> Split:
    total = sum(dict(answers.order_by().values_list("number").annotate(Count("pk"))).values())
    groups = []
    for key, label in segments.choices()[:MOST_SEGMENTS]:
        members = segments.members(key, now=now).order_by().values("pk")
        rows = answers.order_by().alias(person=PERSON).filter(person__in=members)
        spread = dict(rows.values_list("number").annotate(Count("pk")))
        group = _group(question, key, str(label), spread)
        rest = total - group.n
        if group.n:
            secret = scope.is_promised and (group.n < scores.HIDDEN_BELOW or 0 < rest < scores.HIDDEN_BELOW)
            groups.append(_hidden(group) if secret else group)
    return Split("segment", gettext_lazy("By segment, as it is now"), groups, overlaps=True)


def _group(question: Question, key: Any, label: str, spread: dict[int, int]) -> Group:
    score = scores.of_question(kind=question.kind, distribution=spread)
    return Group(key, label, sum(spread.values()), score)


def _kept_secret(scope: Scope, groups: list[Group]) -> list[Group]:
    """Hide the small groups of a promised survey, and as many more as it takes that the hidden ones cannot be found by
    taking the others from the whole."""
    if not scope.is_promised:
        return groups
    secret = {group.key for group in groups if group.n < scores.HIDDEN_BELOW}
    smallest_first = sorted(groups, key=lambda group: group.n)
    for group in smallest_first:
        hidden = sum(other.n for other in groups if other.key in secret)
        if not secret or hidden >= scores.HIDDEN_BELOW:
            break
        secret.add(group.key)
    return [_hidden(group) if group.key in secret else group for group in groups]


def _hidden(group: Group) -> Group:
    return Group(group.key, group.label, 0, None, is_hidden=True)


def last_store(*, customer: str, moment: str) -> Subquery:
    """Return where somebody had last bought at a moment: after a purchase that is the store the answer is about."""
    rows = Purchase.objects.filter(customer=OuterRef(customer), occurred_at__lte=OuterRef(moment))
    return Subquery(rows.newest_first().values("store")[:1])


def _tier_at_answer() -> Subquery:
    moment = OuterRef("response__started_at")
    rows = TierMembership.objects.filter(customer=OuterRef("person"), started_at__lte=moment)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gt=moment))
    return Subquery(rows.order_by("-started_at", "-pk").values("tier")[:1])


def tier_words(keys: Iterable[Any]) -> dict[Any, str]:
    """Return the names of the tiers; who is in none is where everybody starts."""
    tiers = {tier.pk: tier for tier in Tier.objects.order_by("rank")}
    lowest = next((tier for tier in tiers.values() if tier.rank == 0), None)
    return {pk: tier.name for pk, tier in tiers.items()} | {None: lowest.name if lowest else _("no tier")}


def names_of(model: type) -> Callable[[Iterable[Any]], dict[Any, str]]:
    """Return a function that finds the names of rows by their keys, in one question."""

    def words(keys: Iterable[Any]) -> dict[Any, str]:
        return {row.pk: str(row) for row in model.objects.filter(pk__in=[key for key in keys if key is not None])}

    return words


def _languages(keys: Iterable[Any]) -> dict[Any, str]:
    return {"en": _("English"), "zh-hans": _("Simplified Chinese")}


def _modes(keys: Iterable[Any]) -> dict[Any, str]:
    return {key: str(label) for key, label in Response.Mode.choices}


DIMENSIONS: dict[str, Dimension] = {
    "store": Dimension(
        gettext_lazy("By store last visited"),
        lambda: last_store(customer="person", moment="response__started_at"),
        names_of(Store),
        needs_persons=True,
    ),
    "tier": Dimension(gettext_lazy("By tier, when answering"), _tier_at_answer, tier_words, needs_persons=True),
    "channel": Dimension(gettext_lazy("By channel"), lambda: F("response__channel"), channels.words),
    "mode": Dimension(gettext_lazy("On the web and by telephone"), lambda: F("response__mode"), _modes),
    "language": Dimension(gettext_lazy("By language"), lambda: F("response__language"), _languages),
    "campaign": Dimension(gettext_lazy("By campaign"), lambda: F("response__campaign"), names_of(Campaign)),
    "wave": Dimension(
        gettext_lazy("By what made them answer"), wave_column, lambda keys: {k: str(v) for k, v in WAVES.items()}
    ),
}
