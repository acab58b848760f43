"""The answer page's form: the questions of a page, usable without script and by keyboard alone."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from surveys import branching, scales
from surveys.models import Question, SurveyVersion

LONGEST_TEXT = 5000
Kind = Question.Kind


@dataclass(frozen=True)
class Asked:
    """One question as the page shows it."""

    question: Question
    text: str
    parts: list[tuple[str, forms.BoundField]]  # rows of a matrix, choices to rank, else one part without a name
    is_shown: bool
    errors: list[str]
    condition: dict[str, str]  # for the page's script

    @property
    def field(self) -> forms.BoundField:
        """The only part, or the first."""
        return self.parts[0][1]

    @property
    def anchor(self) -> str:
        """Where links to this question lead."""
        return f"{name(self.question)}-question"

    @property
    def ends(self) -> tuple[str | Promise, str | Promise] | None:
        """The words at the ends of its scale."""
        return scales.ends(self.question)

    @property
    def is_group(self) -> bool:
        """Whether it is answered in several places, which a page names together."""
        return self.question.scale is not None or self.question.kind in (*_CHOSEN, *_IN_PARTS)


_CHOSEN = (Kind.CHOICE, Kind.MULTIPLE)
_IN_PARTS = (Kind.MATRIX, Kind.RANKING)


class AnswerForm(forms.Form):
    """Asks some questions of a version; `values` gives the answers by question.

    Whether a question must be answered depends on what else is answered, so `check` decides that, not the fields.
    """

    def __init__(
        self,
        *args: Any,
        version: SurveyVersion | None = None,
        questions: Sequence[Question] | None = None,
        **kwargs: Any,
    ) -> None:
        # No "(required)" mark of the browser's own: it would speak before our sentence does, and in its own language.
        super().__init__(*args, use_required_attribute=False, **kwargs)
        self.questions = list(version.questions.order_by("position") if questions is None else questions)
        for question in self.questions:
            for key, label, field in _fields(question):
                field.required = False
                field.label = label or question.text
                self.fields[key] = field

    def clean(self) -> dict[str, Any]:
        for question in self.questions:
            if question.kind == Kind.RANKING:
                self._clean_ranking(question)
        return self.cleaned_data

    def _clean_ranking(self, question: Question) -> None:
        places = [self.cleaned_data.get(key) for key in names(question)]
        given = [place for place in places if place is not None]
        if given and (len(given) < len(places) or len(set(given)) < len(given)):
            self.add_error(names(question)[0], _("Give every line a place of its own, or none at all."))

    def check(self, shown: Iterable[Question]) -> None:
        """Demand answers of those required among the questions shown, and forget what was wrong with all others."""
        shown = set(shown)
        for question in self.questions:
            if question not in shown:
                for key in names(question):
                    self.errors.pop(key, None)
            elif question.is_required and not self.errors_of(question):
                self._check_required(question)

    def _check_required(self, question: Question) -> None:
        given = self.value(question)
        if question.kind == Kind.MATRIX and given and None in given:
            self.add_error(names(question)[given.index(None)], _("Please answer every row."))
        elif given in (None, "", []):
            self.add_error(names(question)[0], _("Please answer this question."))

    def value(self, question: Question) -> Any:
        """Return the valid answer to a question; None, an empty text or an empty list for none."""
        given = [self.cleaned_data.get(key) for key in names(question)]
        if question.kind == Kind.MATRIX:
            return [] if all(number is None for number in given) else given
        if question.kind == Kind.RANKING:
            order = sorted((place, number) for number, place in enumerate(given) if place is not None)
            return [number for _place, number in order]
        return given[0]

    @property
    def values(self) -> dict[Question, Any]:
        """The valid answers by question, empty ones included."""
        return {question: self.value(question) for question in self.questions if not self.errors_of(question)}

    def errors_of(self, question: Question) -> list[str]:
        """Return what is wrong with the answer to a question."""
        return [sentence for key in names(question) for sentence in self.errors.get(key, [])] if self.is_bound else []

    def asked(self, earlier: Mapping[Question, Any] | None = None) -> list[Asked]:
        """Return the questions for the page, their texts filled from earlier answers."""
        earlier = earlier or {}
        now = self.values if self.is_bound else {q: self.initial.get(name(q)) for q in self.questions}
        everything = [*(question for question in earlier if question not in now), *self.questions]
        shown = set(branching.shown(everything, {**earlier, **now}))
        by_key = {question.key: question for question in self.questions}
        return [
            Asked(
                question=question,
                text=branching.fill(question.text, {**earlier, **now}),
                parts=[
                    (str(self[key].label) if question.kind in _IN_PARTS else "", self[key]) for key in names(question)
                ],
                is_shown=question in shown,
                errors=self.errors_of(question),
                condition=_condition(question, by_key.get(question.show_if_key)),
            )
            for question in self.questions
        ]

    @property
    def has_required(self) -> bool:
        """Whether the page has to explain a mark."""
        return any(question.is_required for question in self.questions)


def name(question: Question) -> str:
    """Return the name of a question's field, or the beginning of its fields' names."""
    return f"q{question.pk}"


def names(question: Question) -> list[str]:
    """Return the names of all fields of a question."""
    if question.kind == Kind.MATRIX:
        return [f"{name(question)}_{number}" for number, _row in question.rows]
    if question.kind == Kind.RANKING:
        return [f"{name(question)}_{number}" for number, _choice in question.choices]
    return [name(question)]


def initial(values: Mapping[Question, Any]) -> dict[str, Any]:
    """Return what a form shows first for these answers, by the names of its fields and of its questions."""
    found: dict[str, Any] = {}
    for question, value in values.items():
        found[name(question)] = value
        if value and question.kind == Kind.MATRIX:
            found |= dict(zip(names(question), value, strict=False))
        elif value and question.kind == Kind.RANKING:
            found |= {f"{name(question)}_{number}": place for place, number in enumerate(value, start=1)}
    return found


def preselected(questions: Sequence[Question], value: str) -> dict[str, int]:
    """Return the initial value that a rating link in a mail asks for: a number on the scale of the first question."""
    first = next(iter(questions), None)
    if first is None or first.scale is None or not value.isascii() or not value.isdecimal() or len(value) > 2:
        return {}
    return {name(first): int(value)} if int(value) in first.scale else {}


def _condition(question: Question, asked: Question | None) -> dict[str, str]:
    """Return the condition in the words of the page's script, if the earlier question is on the same page."""
    if asked is None:
        return {}
    numbers = branching.condition_numbers(question, asked)
    return {"of": name(asked), "test": question.show_if_test, "values": ",".join(map(str, numbers))}


def _fields(question: Question) -> list[tuple[str, str, forms.Field]]:
    """Return name, label and field of everything a question asks for."""
    if question.kind == Kind.MATRIX:
        return [(f"{name(question)}_{number}", row, _number_choice(question.choices)) for number, row in question.rows]
    if question.kind == Kind.RANKING:
        places = [("", "–"), *((place, str(place)) for place in range(1, len(question.choices) + 1))]
        return [
            (f"{name(question)}_{number}", choice, _number_choice(places, forms.Select(attrs={"class": "form-select"})))
            for number, choice in question.choices
        ]
    return [(name(question), "", _field(question))]


def _field(question: Question) -> forms.Field:
    if question.scale is not None:
        return _number_choice([(number, str(number)) for number in question.scale])
    match question.kind:
        case Kind.CHOICE:
            return _number_choice(question.choices)
        case Kind.MULTIPLE:
            return forms.TypedMultipleChoiceField(
                choices=question.choices,
                coerce=int,
                empty_value=[],
                widget=forms.CheckboxSelectMultiple,
                error_messages={"invalid_choice": gettext_lazy("Choose among the answers shown.")},
            )
        case Kind.NUMBER:
            return forms.IntegerField(
                min_value=-(10**12) if question.least is None else question.least,
                max_value=10**12 if question.most is None else question.most,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "form-control", "autocomplete": "off"}),
                error_messages={
                    "invalid": gettext_lazy("Write a whole number, such as 3."),
                    "min_value": gettext_lazy("At least %(limit_value)s, please."),
                    "max_value": gettext_lazy("At most %(limit_value)s, please."),
                },
            )
        case Kind.DATE:
            return forms.DateField(
                widget=forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d"),
                input_formats=["%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d"],
                error_messages={
                    "invalid": _("Write a date such as %(example)s.") % {"example": dt.date(2026, 11, 22).isoformat()}
                },
            )
    return forms.CharField(
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4, "class": "form-control"}),
        error_messages={
            "max_length": ngettext_lazy(
                "This is too long: at most %(limit_value)d character.",
                "This is too long: at most %(limit_value)d characters.",
                "limit_value",
            )
        },
    )


def _number_choice(choices: list[tuple[Any, str]], widget: forms.Widget | None = None) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        choices=choices,
        coerce=int,
        empty_value=None,
        widget=widget or forms.RadioSelect,
        error_messages={"invalid_choice": gettext_lazy("Choose one of the answers shown.")},
    )
