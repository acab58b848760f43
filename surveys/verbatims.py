"""What people wrote: folded once, then searched in the same words on every database, Chinese included."""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from customers.models import User
from surveys.models import Answer, Question, SavedFilter, Survey, Verbatim, VerbatimTag
from surveys.scopes import Scope

AT_ONCE = 2000
MOST_WORDS = 8
# From which rating on, up to which: unhappy, in between, happy.
MOODS: dict[str, dict[str, tuple[int, int]]] = {
    "low": {"nps": (0, 6), "csat": (1, 2), "stars": (1, 2), "ces": (1, 3)},
    "middle": {"nps": (7, 8), "csat": (3, 3), "stars": (3, 3), "ces": (4, 4)},
    "high": {"nps": (9, 10), "csat": (4, 5), "stars": (4, 5), "ces": (5, 7)},
}
_GAPS = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Return a text in which words are compared: no difference of case, width and accents, single blanks around words."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    return f" {_GAPS.sub(' ', unicodedata.normalize('NFC', bare)).strip()} "


def is_chinese(char: str) -> bool:
    """Return whether a character is written without blanks between words."""
    return "\u3400" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff" or "\u3040" <= char <= "\u30ff"


def containing(words: str) -> Q:
    """Return the condition that a folded text holds these words beside each other; the last may go on ("wait", "waiting").

    Words begin where a word begins, Chinese is found anywhere.
    """
    folded = fold(words).strip()
    if not folded:
        return Q(pk__in=[])
    return Q(folded__contains=folded if is_chinese(folded[0]) else f" {folded}")


def search(rows: QuerySet[Verbatim], text: str) -> QuerySet[Verbatim]:
    """Keep the comments that hold every word, in any order; words within "quotes" stand beside each other."""
    terms = [quoted or word for quoted, word in re.findall(r'["“](.+?)["”]|(\S+)', text)]
    for term in terms[:MOST_WORDS]:
        if fold(term).strip():
            rows = rows.filter(containing(term))
    return rows


def within(*, scope: Scope) -> QuerySet[Verbatim]:
    """Return the comments of a scope."""
    return Verbatim.objects.filter(answer__in=scope.answers()).exclude(folded="")


def in_mood(rows: QuerySet[Verbatim], mood: str) -> QuerySet[Verbatim]:
    """Keep the comments of those whose ratings, any of them, were low, in between or high."""
    matches = Q()
    for kind, (least, most) in MOODS[mood].items():
        matches |= Q(question__kind=kind, number__gte=least, number__lte=most)
    return rows.filter(Exists(Answer.objects.filter(matches, response=OuterRef("answer__response"))))


def index_new(*, at_once: int = AT_ONCE) -> int:
    """Fold what was written since the last time and return how many; safe to do twice at once."""
    waiting = Answer.objects.filter(
        question__kind=Question.Kind.TEXT,
        verbatim=None,
        response__completed_at__isnull=False,
        response__is_test=False,
    ).exclude(text="")
    rows = [Verbatim(answer_id=pk, folded=fold(text)) for pk, text in waiting.values_list("pk", "text")[:at_once]]
    Verbatim.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def tag(*, rows: Iterable[Verbatim], name: str) -> VerbatimTag:
    """Put a tag on comments, making it if there is none of that name, and return it. Raises ValueError for no name."""
    name = " ".join(name.split())[:40]
    if not name:
        raise ValueError("A tag needs a name.")
    with transaction.atomic():
        # Two spellings that differ in case alone are one tag.
        row = VerbatimTag.objects.filter(name__iexact=name).first() or VerbatimTag.objects.create(name=name)
        row.verbatims.add(*rows)
    return row


def untag(*, rows: Iterable[Verbatim], row: VerbatimTag) -> None:
    """Take a tag off comments; it goes when nothing carries it any more."""
    with transaction.atomic():
        row.verbatims.remove(*rows)
        if not row.verbatims.exists():
            row.delete()


def keep_filter(*, survey: Survey, name: str, query: str, by: User, now: dt.datetime) -> SavedFilter:
    """Keep a look at the comments under a name; the same name again replaces what it led to."""
    values = {"query": query[:500], "by": by, "created_at": now}
    return SavedFilter.objects.update_or_create(survey=survey, name=name.strip()[:60], defaults=values)[0]


def ratings_of(*, response_ids: Sequence, kinds: Iterable[str] = Question.SCALES) -> dict:
    """Return the first rating of each response, as (kind, number), in one question."""
    rows = Answer.objects.filter(response__in=response_ids, question__kind__in=list(kinds), number__isnull=False)
    found: dict = {}
    for response_id, kind, number in rows.order_by("question__position").values_list(
        "response", "question__kind", "number"
    ):
        found.setdefault(response_id, (kind, number))
    return found
