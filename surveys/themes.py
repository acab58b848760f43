"""What the comments are about: themes by keywords that the shop writes itself, and the phrases that come up most.

Nothing is guessed and nothing leaves the machine: whoever reads a theme can see by which words it was found.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from surveys import scores, verbatims
from surveys.models import Theme

# So many of the newest comments are looked through for a summary.
NEWEST = 5000
MOST_PHRASES, LEAST_TIMES = 20, 3
LONGEST_WORDS, LONGEST_SIGNS = 3, 4
# A phrase within a longer one is left out when the longer one explains nearly all of it.
EXPLAINED = 0.8
_EMPTY = frozenset(
    [
        "a",
        "about",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "get",
        "got",
        "had",
        "has",
        "have",
        "he",
        "her",
        "here",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "like",
        "me",
        "more",
        "much",
        "my",
        "no",
        "not",
        "of",
        "off",
        "on",
        "one",
        "only",
        "or",
        "other",
        "our",
        "out",
        "over",
        "really",
        "s",
        "she",
        "so",
        "some",
        "t",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "they",
        "this",
        "to",
        "too",
        "up",
        "us",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
_EMPTY_SIGNS = frozenset(
    "的了是我你他她它们在有和就不都也很到说要去会着没看好自这那个一吗吧呢啊哦但与及而或又被把给让跟对还更最太非常"
)


@dataclass(frozen=True)
class Mention:
    """A theme, in how many comments it came up, and how those people rated us."""

    theme: Theme
    times: int
    share: float
    score: scores.Score | None


def keywords(theme: Theme) -> list[str]:
    """Return the keywords of a theme in both languages, folded."""
    lines = [*theme.words_en.splitlines(), *theme.words_zh.splitlines()]
    return [folded for line in lines if (folded := verbatims.fold(line).strip())]


def about(theme: Theme) -> Q:
    """Return the condition that a comment is about a theme."""
    condition = Q(pk__in=[])
    for word in keywords(theme):
        condition |= verbatims.containing(word)
    return condition


def pattern(theme: Theme) -> re.Pattern[str]:
    """Return the same condition for texts in hand."""
    words = [re.escape(word) if verbatims.is_chinese(word[0]) else f" {re.escape(word)}" for word in keywords(theme)]
    return re.compile("|".join(words) or r"(?!)")


def mentions(
    *, themes: Sequence[Theme], comments: Sequence[tuple[str, Any]], kind: str, ratings: Mapping[Any, int]
) -> list[Mention]:
    """Return how often each theme came up in comments (folded text, response), the most frequent first."""
    found = []
    for theme in themes:
        shape = pattern(theme)
        about_it = [response for text, response in comments if shape.search(text)]
        if about_it:
            given = Counter(ratings[response] for response in about_it if response in ratings)
            score = scores.of_question(kind=kind, distribution=given)
            found.append(Mention(theme, len(about_it), 100 * len(about_it) / len(comments), score))
    return sorted(found, key=lambda mention: (-mention.times, mention.theme.pk))


def phrases(*, texts: Sequence[str]) -> list[tuple[str, int]]:
    """Return the phrases that come up in most of some folded texts, with in how many; each counts once per text."""
    counted = Counter(phrase for text in texts for phrase in set(_phrases(text)))
    frequent = [(phrase, times) for phrase, times in counted.items() if times >= LEAST_TIMES]
    frequent.sort(key=lambda item: (-item[1], -len(item[0]), item[0]))
    kept: list[tuple[str, int]] = []
    for phrase, times in frequent:
        longer = (other for other, more in frequent if len(other) > len(phrase) and more >= EXPLAINED * times)
        if not any(_holds(other, phrase) for other in longer):
            kept.append((phrase, times))
        if len(kept) == MOST_PHRASES:
            break
    return kept


def _holds(longer: str, phrase: str) -> bool:
    return phrase in longer if verbatims.is_chinese(phrase[0]) else f" {phrase} " in f" {longer} "


def _phrases(text: str) -> Iterator[str]:
    """Give the runs of one to three words, and of two to four Chinese signs, that do not begin or end with empty ones."""
    for run in re.findall(r"[\u3400-\u9fff]+|[^\u3400-\u9fff]+", text):
        if verbatims.is_chinese(run[0]):
            yield from _runs(run, 2, LONGEST_SIGNS, _EMPTY_SIGNS, "")
        else:
            words = run.split()
            yield from _runs(words, 1, LONGEST_WORDS, _EMPTY, " ")


def _runs(parts: Sequence[str], least: int, most: int, empty: frozenset[str], glue: str) -> Iterator[str]:
    for start, first in enumerate(parts):
        if first in empty or (glue and (len(first) < 3 or first.isdigit())):
            continue
        for length in range(least, most + 1):
            run = parts[start : start + length]
            if len(run) < length:
                break
            if run[-1] not in empty:
                yield glue.join(run)
