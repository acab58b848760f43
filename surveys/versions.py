"""A survey's versions: drafts are edited, published ones never change."""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from customers.models import User
from surveys import branching
from surveys.models import Survey, SurveyVersion
from surveys.starters import copy_questions


class NoDraft(Exception):
    """There is nothing to publish."""

    def __init__(self, *, survey: Survey) -> None:
        self.survey = survey
        super().__init__(_("This survey has no draft: begin a new version first."))


class NoQuestions(Exception):
    """A survey without questions cannot be published."""

    def __init__(self, *, survey: Survey) -> None:
        self.survey = survey
        super().__init__(_("Write at least one question before publishing."))


class QuestionsUnclear(Exception):
    """Some questions cannot be asked as they are; the text says what is wrong with each."""

    def __init__(self, *, problems: Sequence[branching.Problem]) -> None:
        self.problems = problems
        super().__init__(" ".join(f"{problem.question.key}: {problem.sentence}" for problem in problems))


def publish(*, survey: Survey, by: User | None, now: dt.datetime) -> SurveyVersion:
    """Freeze the draft, so that campaigns can send it, and return it. Raises NoDraft, NoQuestions and QuestionsUnclear."""
    with transaction.atomic():
        Survey.objects.select_for_update().get(pk=survey.pk)
        version = survey.versions.filter(published_at=None).first()
        if version is None:
            raise NoDraft(survey=survey)
        questions = list(version.questions.order_by("position"))
        if not questions:
            raise NoQuestions(survey=survey)
        if problems := branching.problems(questions):
            raise QuestionsUnclear(problems=problems)
        version.published_at, version.by = now, by
        version.save(update_fields=["published_at", "by"])
    return version


def revise(*, survey: Survey) -> SurveyVersion:
    """Begin a new version with the questions of the latest one and return it; an existing draft is returned as it is."""
    with transaction.atomic():
        Survey.objects.select_for_update().get(pk=survey.pk)
        latest = survey.versions.order_by("-number").first()
        if latest is not None and not latest.is_published:
            return latest
        draft = SurveyVersion.objects.create(survey=survey, number=latest.number + 1 if latest else 1)
        if latest is not None:
            copy_questions(latest, draft)
    return draft


def latest(*, survey: Survey) -> SurveyVersion | None:
    """Return the newest published version, the one that a campaign sends."""
    return survey.versions.published().order_by("-number").first()
