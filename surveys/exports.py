"""The answers of a survey as a table: a row per response, columns that keep their names from version to version."""

from collections.abc import Iterator, Sequence

from customers.csv_out import Cell
from surveys.models import Answer, Question, Response
from surveys.scopes import Scope

AT_ONCE = 500
# What is known of a response besides its answers. Of a promised survey none of it goes out: together it would name people.
ABOUT = (
    "response", "version", "campaign", "run", "channel", "mode", "language", "started_at", "completed_at", "seconds",
)  # fmt: skip
MEMBER = "member_number"


def columns(*, scope: Scope, with_members: bool = False) -> list[str]:
    """Return the heading: what is known of each response, then each question by its key, a matrix by key and row."""
    about = [] if scope.is_promised else [*ABOUT, *([MEMBER] if with_members else [])]
    return [*about, *(name for question in scope.questions() for name in _names(question))]


def rows(*, scope: Scope, with_members: bool = False) -> Iterator[list[Cell]]:
    """Give a row for each finished response, loaded in pieces.

    Of a promised survey with too few answers there are none. Its rows come in the order of random keys, which says nothing.
    """
    found = scope.responses()
    if scope.is_hidden(answered=found.count() if scope.is_promised else 0):
        return
    questions = scope.questions()
    found = found.select_related("version", "campaign", "run", "customer").prefetch_related("answers")
    # Few questions, many answers: each question is read and taken apart once.
    asked = {row.pk: row for row in Question.objects.filter(version__survey=scope.survey)}
    for response in found.order_by("pk").iterator(chunk_size=AT_ONCE):
        answers = {}
        for answer in response.answers.all():
            answer.question = asked[answer.question_id]
            answers[answer.question.key, answer.question.kind] = answer
        about = [] if scope.is_promised else _about(response)
        if with_members and not scope.is_promised:
            about.append(response.customer.member_number if response.customer else None)
        yield [*about, *(cell for question in questions for cell in _cells(question, answers))]


def _about(response: Response) -> list[Cell]:
    return [
        str(response.pk), response.version.number, response.campaign and response.campaign.name,
        response.run and response.run.period_key, response.channel, response.mode, response.language,
        response.started_at, response.completed_at, response.seconds,
    ]  # fmt: skip


def _names(question: Question) -> list[str]:
    if question.kind == Question.Kind.MATRIX:
        return [f"{question.key}_{row + 1}" for row, _text in question.rows]
    return [question.key]


def _cells(question: Question, answers: dict[tuple[str, str], Answer]) -> list[Cell]:
    """Return the cells of a question; choices in the words of the version that was answered."""
    answer = answers.get((question.key, question.kind))
    if question.kind == Question.Kind.MATRIX:
        chosen: Sequence[int | None] = (answer.chosen or []) if answer else []
        words = dict(answer.question.choices) if answer else {}
        return [_word(words, chosen[row] if row < len(chosen) else None) for row, _text in question.rows]
    if answer is None:
        return [None]
    if answer.chosen is not None:
        words = dict(answer.question.choices)
        glue = " > " if question.kind == Question.Kind.RANKING else "; "
        return [glue.join(_word(words, number) or "" for number in answer.chosen)]
    return [answer.text if answer.number is None else answer.number]


def _word(words: dict[int, str], number: int | None) -> str | None:
    return None if number is None else words.get(number, str(number))
