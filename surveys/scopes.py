"""Which answers a page, a file or a figure is about."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet

from surveys import scores
from surveys.channels import EMAIL, NOTIFIER
from surveys.models import Answer, Campaign, Invitation, Question, Response, Run, Survey


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The finished answers to a survey over all its versions, narrowed by whatever is given. `until` is not included."""

    survey: Survey
    campaign: Campaign | None = None
    run: Run | None = None
    channel: str = ""
    mode: str = ""
    language: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    @property
    def is_promised(self) -> bool:
        """Whether the survey promises that nobody learns who answered what; then small numbers say nothing at all."""
        return self.survey.anonymity != Survey.Anonymity.IDENTIFIED

    @property
    def has_persons(self) -> bool:
        """Whether answers can be told apart by store, tier or segment; of an anonymous survey nothing is known."""
        return self.survey.anonymity != Survey.Anonymity.ANONYMOUS

    @property
    def is_narrowed(self) -> bool:
        """Whether this is less than the whole survey."""
        return bool(self._conditions)

    def responses(self) -> QuerySet[Response]:
        """Return the finished responses."""
        return Response.objects.completed().filter(version__survey=self.survey, **self._conditions)

    def answers(self) -> QuerySet[Answer]:
        """Return the answers of the finished responses."""
        conditions = {f"response__{name}": value for name, value in self._conditions.items()}
        return Answer.objects.filter(
            response__version__survey=self.survey,
            response__completed_at__isnull=False,
            response__is_test=False,
            **conditions,
        )

    def invitations(self) -> QuerySet[Invitation]:
        """Return everybody considered by the runs of the scope; the period is that in which they were considered.

        By mail or by message, where that is asked for; other channels have no invitations, and leave them as they are.
        """
        wanted = {
            "run__campaign": self.campaign,
            "run": self.run,
            "created_at__gte": self.since,
            "created_at__lt": self.until,
            "run__campaign__gateway__isnull": {EMAIL: True, NOTIFIER: False}.get(self.channel),
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        return Invitation.objects.filter(run__version__survey=self.survey, **given)

    def before(self) -> "Scope | None":
        """Return the same over the stretch of time before, of the same length; None without a beginning and an end."""
        if self.since is None or self.until is None:
            return None
        return replace(self, since=self.since - (self.until - self.since), until=self.since)

    def questions(self) -> list[Question]:
        """Return the newest wording of every question that was ever published, in the order of the newest version.

        A key whose kind has changed is two questions: scales are never mixed.
        """
        rows = Question.objects.filter(version__survey=self.survey, version__published_at__isnull=False)
        newest: dict[tuple[str, str], Question] = {}
        for question in rows.order_by("-version__number", "position"):
            newest.setdefault((question.key, question.kind), question)
        return list(newest.values())

    def is_hidden(self, *, answered: int) -> bool:
        """Return whether so many answers would tell who said what.

        Of a promised survey a part is hidden with fewer than ten, and also when fewer than ten are outside of it: the rest
        could be found by taking one from the other.
        """
        if not self.is_promised:
            return False
        if answered < scores.HIDDEN_BELOW:
            return True
        if not self.is_narrowed:
            return False
        whole = Scope(survey=self.survey).responses().count()
        return 0 < whole - answered < scores.HIDDEN_BELOW

    @property
    def _conditions(self) -> dict[str, Any]:
        wanted = {
            "campaign": self.campaign,
            "run": self.run,
            "channel": self.channel or None,
            "mode": self.mode or None,
            "language": self.language or None,
            "completed_at__gte": self.since,
            "completed_at__lt": self.until,
        }
        return {name: value for name, value in wanted.items() if value is not None}
