"""Which questions are asked, on which page, in which words: rules without pages."""

from typing import Any

import pytest

from surveys import branching, wording
from surveys.models import Question


def ask(*questions: dict[str, Any]) -> list[Question]:
    """Make questions that are not saved; the key is the kind unless given."""
    return [
        Question(pk=number, position=number, **{"key": fields["kind"], "text_en": "?"} | fields)
        for number, fields in enumerate(questions, start=1)
    ]


def shown(questions: list[Question], *values: Any) -> list[int]:
    given = dict(zip(questions, values, strict=False))
    return [question.position for question in branching.shown(questions, given)]


def only_if(key: str, test: str, values: str = "") -> dict[str, Any]:
    return {"kind": "text", "show_if_key": key, "show_if_test": test, "show_if_values": values}


DRINKS = {"kind": "choice", "choices_en": "Coffee\nTea\nCake"}


@pytest.mark.parametrize(
    ("first", "condition", "answer", "is_asked"),
    [
        ({"kind": "nps"}, only_if("nps", "at_most", "6"), 6, True),
        ({"kind": "nps"}, only_if("nps", "at_most", "6"), 7, False),
        ({"kind": "nps"}, only_if("nps", "at_least", "9"), 9, True),
        ({"kind": "nps"}, only_if("nps", "at_least", "9"), 8, False),
        ({"kind": "nps"}, only_if("nps", "at_most", "0"), 0, True),
        ({"kind": "nps"}, only_if("nps", "at_most", "6"), None, False),
        ({"kind": "stars"}, only_if("stars", "one_of", "1, 2"), 2, True),
        ({"kind": "stars"}, only_if("stars", "one_of", "1,2"), 3, False),
        ({"kind": "stars"}, only_if("stars", "none_of", "1,2"), 3, True),
        ({"kind": "stars"}, only_if("stars", "none_of", "1,2"), None, False),
        # People count choices from 1; stored they begin at 0.
        (DRINKS, only_if("choice", "one_of", "1"), 0, True),
        (DRINKS, only_if("choice", "one_of", "1"), 1, False),
        ({**DRINKS, "kind": "multiple"}, only_if("multiple", "one_of", "1,3"), [1, 2], True),
        ({**DRINKS, "kind": "multiple"}, only_if("multiple", "none_of", "1,3"), [1], True),
        ({"kind": "number"}, only_if("number", "at_least", "-5"), -5, True),
        ({"kind": "text"}, only_if("text", "answered"), "yes", True),
        ({"kind": "text"}, only_if("text", "answered"), "", False),
    ],
)
def test_a_condition_looks_at_one_earlier_answer(first, condition, answer, is_asked):
    assert shown(ask(first, {**condition, "key": "why"}), answer) == ([1, 2] if is_asked else [1])


def test_what_hangs_on_a_hidden_question_is_hidden_whatever_was_answered_to_it_before():
    questions = ask(
        {"kind": "nps"},
        {**only_if("nps", "at_most", "6"), "key": "why"},
        {**only_if("why", "answered"), "key": "more"},
    )
    assert shown(questions, 3, "cold", "very") == [1, 2, 3]
    assert shown(questions, 9, "cold", "very") == [1]


def test_pages_break_where_said_and_where_a_text_repeats_an_answer_of_the_same_page():
    questions = ask(
        {"kind": "choice"}, {"kind": "nps"},
        {"kind": "text", "text_en": "Why {choice}?"}, {"kind": "date", "text_en": "When {choice}?"},
        {"kind": "stars", "begins_page": True},
    )  # fmt: skip
    assert [[q.position for q in page] for page in branching.pages(questions)] == [[1, 2], [3, 4], [5]]
    assert branching.pages([]) == []


@pytest.mark.django_db
def test_an_answer_is_repeated_in_words_once_and_never_read_as_a_template(settings):
    settings.PROGRAMME_NAME = "Rings"
    drink, why, rows = ask(
        DRINKS, {"kind": "text"}, {"kind": "matrix", "rows_en": "Taste\nPlace", "choices_en": "Bad\nGood"}
    )
    values = {drink: 1, why: "{choice} <b>{programme}", rows: [1, None]}
    assert branching.fill("{choice} at {programme}: {text}", values) == "Tea at Rings: {choice} <b>{programme}"
    assert branching.fill("{matrix} {unknown} {0} {}", values) == "Taste: Good … … {}"
    assert wording.said(drink, 7) == "7"


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (only_if("nothing", "answered"), "There is no earlier question with the key “nothing”."),
        (only_if("why", "answered"), "There is no earlier question with the key “why”."),
        (only_if("choice", "at_least", "1"), "Choices are not more or less: use “is one of”."),
        (only_if("choice", "one_of", "0"), "The earlier question has no such answer."),
        (only_if("choice", "one_of", "4"), "The earlier question has no such answer."),
        (only_if("choice", "one_of", "tea"), "Write numbers, separated by commas, such as 0,1,2."),
        (only_if("choice", "one_of", ""), "Write numbers, separated by commas, such as 0,1,2."),
        ({"kind": "text", "text_en": "Why {colour}?"}, "“{colour}” names no earlier question."),
        (only_if("choice", "one_of", "3"), None),
    ],
)
def test_a_condition_that_cannot_hold_is_found_before_anybody_is_asked(second, sentence):
    problems = branching.problems(ask(DRINKS, {**second, "key": "why"}))
    assert [problem.sentence for problem in problems] == ([sentence] if sentence else [])


def test_of_a_text_one_can_only_ask_whether_it_was_answered():
    [problem] = branching.problems(ask({"kind": "text"}, {**only_if("text", "one_of", "1"), "key": "more"}))
    assert problem.sentence == "Of this kind of question one can only ask whether it was answered."
    [problem] = branching.problems(ask({"kind": "nps"}, {**only_if("nps", "at_most", "1,2"), "key": "more"}))
    assert problem.sentence == "Write one number only."
