"""What tests of the answer page send: the same as the page's own form."""

import datetime as dt
from typing import Any

from django.core import signing

from surveys import links
from surveys.models import Invitation, Question
from surveys.tests.factories import invite
from surveys.views import questionnaire

ORIGIN = "http://localhost:8000"


def now() -> dt.datetime:
    """The pages look at the clock, so these runs are of today."""
    return dt.datetime.now(dt.UTC)


def today(**fields: Any) -> Invitation:
    """Invite somebody by a run of today."""
    return invite(now=now(), hour_from=0, hour_until=24, **fields)


def path(invitation: Invitation) -> str:
    return links.answer_url(invitation.pk).removeprefix(ORIGIN)


def unsubscribe_path(invitation: Invitation) -> str:
    return links.unsubscribe_url(invitation.pk).removeprefix(ORIGIN)


def preferences_path(invitation: Invitation) -> str:
    return links.preferences_url(invitation.pk).removeprefix(ORIGIN)


def answers(invitation: Invitation, *values: Any, seconds: int = 60) -> dict[str, Any]:
    """Answer the questions of a single page in their order, having looked at it for some seconds."""
    questions = invitation.run.version.questions.order_by("position")
    return sent(dict(zip(questions, values, strict=False)), asked=list(questions), seconds=seconds)


def sent(values: dict[Question, Any], *, asked: list[Question], page: int = 0, seconds: int = 60) -> dict[str, Any]:
    """Return what a page's form sends: a dict of a question's values stands for its rows or choices."""
    fields = {"page": str(page), "asked": [str(question.pk) for question in asked], "t": clock(seconds)}
    for question, value in values.items():
        if isinstance(value, dict):
            fields |= {f"q{question.pk}_{number}": one for number, one in value.items()}
        else:
            fields[f"q{question.pk}"] = value
    return fields


def clock(seconds: int) -> str:
    return signing.dumps(int(questionnaire.time.time()) - seconds, **questionnaire._CLOCK)
