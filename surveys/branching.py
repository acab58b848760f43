"""Which questions somebody is asked, on which page, and in which words, given what was answered so far.

A condition looks at one earlier question. An unanswered question fulfils none, and an answer to a question that is not shown
counts for nothing. Everything here is pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from customers import looks
from surveys import wording
from surveys.models import Question

Kind, Test = Question.Kind, Question.Test
Values = Mapping[Question, Any]
_FIELD = re.compile(r"\{([A-Za-z0-9_-]{1,40})\}")
PROGRAMME = "programme"
_CHOOSING = (Kind.CHOICE, Kind.MULTIPLE)
_COUNTING = (Kind.NPS, Kind.CSAT, Kind.CES, Kind.STARS, Kind.SCALE, Kind.NUMBER)


class Problem(NamedTuple):
    """What is wrong with a question's condition or text."""

    question: Question
    field: str
    sentence: str


def shown(questions: Sequence[Question], values: Values) -> list[Question]:
    """Return the questions to ask, in their order, given the answers so far."""
    visible: list[Question] = []
    answered: dict[str, tuple[Question, Any]] = {}
    for question in questions:
        if _holds(question, answered):
            visible.append(question)
            if (given := values.get(question)) not in (None, "", [], ()):
                answered[question.key] = (question, given)
    return visible


def _holds(question: Question, answered: Mapping[str, tuple[Question, Any]]) -> bool:
    if not question.show_if_key:
        return True
    if question.show_if_key not in answered:
        return False
    asked, given = answered[question.show_if_key]
    wanted = condition_numbers(question, asked)
    numbers = set(given) if isinstance(given, list | tuple) else {given}
    match question.show_if_test:
        case Test.AT_LEAST:
            return bool(wanted) and given >= wanted[0]
        case Test.AT_MOST:
            return bool(wanted) and given <= wanted[0]
        case Test.ONE_OF:
            return bool(numbers & set(wanted))
        case Test.NONE_OF:
            return not numbers & set(wanted)
    return True


def condition_numbers(question: Question, asked: Question) -> list[int]:
    """Return the numbers of a condition as they are stored with answers: choices from 0, which people count from 1."""
    shift = 1 if asked.kind in _CHOOSING else 0
    return [int(number) - shift for number in re.findall(r"-?\d+", question.show_if_values)]


def pages(questions: Sequence[Question]) -> list[list[Question]]:
    """Return the questions page by page: where one begins a page, and where one repeats an answer of the same page."""
    found: list[list[Question]] = []
    for question in questions:
        here = {asked.key for asked in found[-1]} if found else set()
        if not found or question.begins_page or here & set(fields(question)):
            found.append([])
        found[-1].append(question)
    return found


def fields(question: Question) -> Iterator[str]:
    """Yield the keys in braces of a question's texts."""
    for text in (question.text_en, question.text_zh):
        yield from _FIELD.findall(text)


def fill(text: str, values: Values) -> str:
    """Return a text with `{key}` replaced by what was answered; plain text, for the page to escape.

    Goes through the text once, so that an answer that holds braces stays as it is.
    """
    given = {question.key: wording.said(question, value) for question, value in values.items()}
    given[PROGRAMME] = looks.name()
    return _FIELD.sub(lambda match: given.get(match[1]) or "…", text)


def problems(questions: Sequence[Question]) -> list[Problem]:
    """Return what keeps these questions, in their order, from being asked."""
    found: list[Problem] = []
    earlier: dict[str, Question] = {}
    for question in questions:
        if question.show_if_key:
            asked = earlier.get(question.show_if_key)
            if asked is None:
                sentence = _("There is no earlier question with the key “%(key)s”.") % {"key": question.show_if_key}
                found.append(Problem(question, "show_if_key", sentence))
            else:
                found += _misfits(question, asked)
        for key in set(fields(question)) - {PROGRAMME, *earlier}:
            sentence = _("“{%(key)s}” names no earlier question.") % {"key": key}
            found.append(Problem(question, "text_en", sentence))
        earlier[question.key] = question
    return found


def _misfits(question: Question, asked: Question) -> Iterator[Problem]:
    test, numbers = question.show_if_test, condition_numbers(question, asked)
    if test == Test.ANSWERED:
        return
    if asked.kind not in (*_CHOOSING, *_COUNTING):
        sentence = _("Of this kind of question one can only ask whether it was answered.")
        yield Problem(question, "show_if_test", sentence)
    elif test in (Test.AT_LEAST, Test.AT_MOST) and asked.kind in _CHOOSING:
        yield Problem(question, "show_if_test", _("Choices are not more or less: use “is one of”."))
    elif not re.fullmatch(r"\s*-?\d+\s*(,\s*-?\d+\s*)*", question.show_if_values):
        yield Problem(question, "show_if_values", _("Write numbers, separated by commas, such as 0,1,2."))
    elif test in (Test.AT_LEAST, Test.AT_MOST) and len(numbers) > 1:
        yield Problem(question, "show_if_values", _("Write one number only."))
    elif (possible := _possible(asked)) and not set(numbers) <= set(possible):
        yield Problem(question, "show_if_values", _("The earlier question has no such answer."))


def _possible(asked: Question) -> Sequence[int]:
    return asked.scale or range(len(asked.choices))
