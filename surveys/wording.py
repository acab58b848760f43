"""Answers in words: for later questions that repeat them, for pages, tables and exports."""

import datetime as dt
from typing import Any

from django.utils.formats import date_format

from surveys.models import Answer, Question

Kind = Question.Kind


def value(answer: Answer) -> Any:
    """Return what was answered as the form gives it: a number, a choice's number, a list of them, a date or a text."""
    kind = answer.question.kind
    if answer.number is not None:
        return answer.number
    if answer.chosen is not None:
        return answer.chosen[0] if kind == Kind.CHOICE and answer.chosen else answer.chosen
    if kind == Kind.DATE:
        try:
            return dt.date.fromisoformat(answer.text)
        except ValueError:
            return answer.text
    return answer.text


def said(question: Question, given: Any) -> str:
    """Return an answer as people would say it, in the active language; empty for none."""
    if given in (None, "", [], ()):
        return ""
    match question.kind:
        case Kind.CHOICE | Kind.MULTIPLE | Kind.RANKING:
            words = dict(question.choices)
            chosen = given if isinstance(given, list | tuple) else [given]
            sign = " > " if question.kind == Kind.RANKING else ", "
            return sign.join(words.get(number, str(number)) for number in chosen)
        case Kind.MATRIX:
            words = dict(question.choices)
            rows = zip(question.rows, given, strict=False)
            return "; ".join(f"{row}: {words.get(one, one)}" for (_number, row), one in rows if one is not None)
    return date_format(given, "DATE_FORMAT") if isinstance(given, dt.date) else str(given)
